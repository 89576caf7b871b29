package plan

import (
	"fmt"
	"slices"
	"time"
)

// Freeze is a time in which nothing is deployed to an environment: once, or with Days every week.
type Freeze struct {
	Name   string   `json:"-"`
	Reason string   `json:"reason"`
	Days   []string `json:"days,omitempty"` // mon … sun, on which the window begins; none: it is not a weekly one
	// From and To are a date, a date with a time, or RFC 3339; with Days a time of day, HH:MM. The window ends before To, which as a date
	// is the end of that day.
	From string `json:"from"`
	To   string `json:"to"`
	Zone string `json:"zone,omitempty"` // IANA name; "" only where both are RFC 3339
	Pos  Pos    `json:"-"`
}

// Zones finds a time zone by its IANA name; time.LoadLocation does.
type Zones func(name string) (*time.Location, error)

// FreezeMistake is what is wrong with a window, at a field of it.
type FreezeMistake struct{ Path, Message, Hint string }

// Wrong says all that is wrong with a window.
func (f Freeze) Wrong(zones Zones) []FreezeMistake {
	_, wrong := f.window(zones)
	return wrong
}

// Frozen is an environment at a time at which nothing is deployed to it.
type Frozen struct {
	Env    string
	Window Freeze    // that it is in
	Until  time.Time // when no window holds any more, in the window's zone; zero: never, as far as can be seen
}

// String says it in one line.
func (f Frozen) String() string {
	until := "for good"
	if !f.Until.IsZero() {
		until = "until " + f.Until.Format("Mon 2 Jan 2006 15:04 MST")
	}
	at := ""
	if p := f.Window.Pos; p.File != "" {
		at = fmt.Sprintf(", %s:%d:%d", p.File, p.Line, p.Column)
	}
	return fmt.Sprintf("%s is frozen %s: %s (freeze %s%s)", f.Env, until, f.Window.Reason, f.Window.Name, at)
}

// Frozen tells whether the environment is frozen at a time. A window that can't be read is an error: nobody knows then.
func (e Environment) Frozen(at time.Time, zones Zones) (*Frozen, error) {
	var all []window
	for _, name := range sortedKeys(e.Freeze) {
		w, wrong := e.Freeze[name].window(zones)
		if len(wrong) > 0 {
			return nil, fmt.Errorf("freeze %s of %s: %s: %s", name, e.Name, wrong[0].Path, wrong[0].Message)
		}
		all = append(all, w)
	}
	first := slices.IndexFunc(all, func(w window) bool { return !w.end(at).IsZero() })
	if first < 0 {
		return nil, nil
	}
	out := Frozen{Env: e.Name, Window: e.Freeze[sortedKeys(e.Freeze)[first]]}
	if until := endOf(all, at); !until.IsZero() {
		out.Until = until.In(all[first].zone)
	}
	return &out, nil
}

// endOf is when no window holds any more: one may begin as another ends. Zero: not for years, where they are daily.
func endOf(all []window, at time.Time) time.Time {
	const most = 1000
	until := at
	for range most {
		next := until
		for _, w := range all {
			if end := w.end(until); end.After(next) {
				next = end
			}
		}
		if next.Equal(until) {
			return until
		}
		until = next
	}
	return time.Time{}
}

// window is a freeze that was read.
type window struct {
	zone *time.Location
	// Of one that is not weekly.
	from, to time.Time
	// Of a weekly one: its days, and minutes from midnight. A window with to <= from ends on the next day.
	days              []time.Weekday
	fromMin, untilMin int
}

// end is when the window ends that a time is in; zero: it is in none.
func (w window) end(at time.Time) time.Time {
	if len(w.days) == 0 {
		if at.Before(w.from) || !at.Before(w.to) {
			return time.Time{}
		}
		return w.to
	}
	var found time.Time
	year, month, today := at.In(w.zone).Date()
	for _, day := range []int{today - 1, today} {
		noon := time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
		if !slices.Contains(w.days, noon.Weekday()) {
			continue
		}
		last := day
		if w.untilMin <= w.fromMin {
			last++
		}
		from := wallTime(time.Date(year, month, day, 0, w.fromMin, 0, 0, time.UTC), w.zone, earliest)
		to := wallTime(time.Date(year, month, last, 0, w.untilMin, 0, 0, time.UTC), w.zone, latest)
		if !at.Before(from) && at.Before(to) && to.After(found) {
			found = to
		}
	}
	return found
}

// which picks one of two times that a clock on the wall shows alike.
type which int

const (
	earliest which = iota
	latest
)

// wallTime is when clocks in a zone show a time, which is given as one of UTC. Where they show it twice, which one is said; where they
// skip it, it is the moment of the skip.
func wallTime(shown time.Time, zone *time.Location, one which) time.Time {
	var found []time.Time
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := shown.Add(near).In(zone).Zone()
		t := shown.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, own := t.Zone(); own == offset {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		_, skip := shown.Add(-24 * time.Hour).In(zone).ZoneBounds()
		return skip
	}
	slices.SortFunc(found, time.Time.Compare)
	if one == earliest {
		return found[0]
	}
	return found[len(found)-1]
}

// window reads a freeze.
func (f Freeze) window(zones Zones) (w window, wrong []FreezeMistake) {
	w.zone = time.UTC
	if f.Zone != "" {
		zone, err := zones(f.Zone)
		if err != nil || f.Zone == "Local" {
			return w, []FreezeMistake{{"zone", fmt.Sprintf("unknown time zone %q", f.Zone), "zones have the IANA's names, such as \"Europe/Vienna\" or \"UTC\""}}
		}
		w.zone = zone
	}
	if len(f.Days) > 0 {
		return f.weekly(w)
	}
	return f.once(w)
}

// clock reads HH:MM as minutes from midnight; -1: it is none.
func clock(text string) int {
	if text == "24:00" {
		return 24 * 60
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return -1
	}
	return t.Hour()*60 + t.Minute()
}

func (f Freeze) weekly(w window) (window, []FreezeMistake) {
	var wrong []FreezeMistake
	if f.Zone == "" {
		wrong = append(wrong, FreezeMistake{"days", "this freeze window has no zone", "write zone: \"Europe/Vienna\", or \"UTC\": a time of day is one of a zone"})
	}
	for _, d := range f.Days {
		w.days = append(w.days, time.Weekday(slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, d)))
	}
	w.fromMin, w.untilMin = clock(f.From), clock(f.To)
	if w.fromMin < 0 || w.fromMin == 24*60 {
		wrong = append(wrong, FreezeMistake{"from", fmt.Sprintf("%q is no time of day", f.From), "with days it is HH:MM, from 00:00 to 23:59; a window of dates has no days"})
	}
	if w.untilMin < 0 {
		wrong = append(wrong, FreezeMistake{"to", fmt.Sprintf("%q is no time of day", f.To), "with days it is HH:MM, from 00:00 to 24:00; a window of dates has no days"})
	}
	return w, wrong
}

func (f Freeze) once(w window) (window, []FreezeMistake) {
	var wrong []FreezeMistake
	read := func(path, text string, one which) time.Time {
		t, m := f.moment(text, w.zone, one)
		if again := len(wrong) > 0 && wrong[0].Message == m.Message; m.Message != "" && !again {
			m.Path = path
			wrong = append(wrong, m)
		}
		return t
	}
	w.from, w.to = read("from", f.From, earliest), read("to", f.To, latest)
	if f.Zone == "" && len(wrong) == 0 {
		w.zone = w.to.Location()
	}
	if len(wrong) == 0 && !w.from.Before(w.to) {
		wrong = append(wrong, FreezeMistake{"to", "this freeze window ends before it begins", "it begins " + w.from.Format("2006-01-02 15:04 MST") + " and ends " + w.to.Format("2006-01-02 15:04 MST")})
	}
	return w, wrong
}

// moment reads one end of a window that is not weekly. A date is the start of the day where the window begins, and its end where it ends.
func (f Freeze) moment(text string, zone *time.Location, one which) (time.Time, FreezeMistake) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, FreezeMistake{}
	}
	for _, form := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		shown, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		if f.Zone == "" {
			return time.Time{}, FreezeMistake{Message: "this freeze window has no zone", Hint: "write zone: \"Europe/Vienna\", or \"UTC\", or the times as RFC 3339: 2026-12-23T18:00:00+01:00"}
		}
		if form == "2006-01-02" && one == latest {
			shown = shown.AddDate(0, 0, 1)
		}
		return wallTime(shown, zone, one), FreezeMistake{}
	}
	if clock(text) >= 0 {
		return time.Time{}, FreezeMistake{Message: fmt.Sprintf("%q is no day of the calendar", text), Hint: "a window with times of day has days: [\"fri\"]"}
	}
	return time.Time{}, FreezeMistake{Message: fmt.Sprintf("%q is no day of the calendar", text), Hint: "a date is 2026-12-23, with a time 2026-12-23 18:00"}
}
