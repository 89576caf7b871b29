package plan

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// frozenAt is what an environment says at a time of RFC 3339: when it thaws, or "".
func frozenAt(t *testing.T, at string, freeze ...Freeze) string {
	t.Helper()
	e := Environment{Name: "prod", Freeze: map[string]Freeze{}}
	for i, f := range freeze {
		f.Name, f.Reason = string(rune('a'+i)), "why"
		e.Freeze[f.Name] = f
	}
	now, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	f, err := e.Frozen(now, time.LoadLocation)
	switch {
	case err != nil:
		return err.Error()
	case f == nil:
		return ""
	case f.Until.IsZero():
		return f.Window.Name + " for good"
	}
	return f.Window.Name + " " + f.Until.Format(time.RFC3339)
}

func TestFrozen(t *testing.T) {
	vienna := "Europe/Vienna"
	holidays := Freeze{From: "2026-12-23 18:00", To: "2027-01-06", Zone: vienna}
	friday := Freeze{Days: []string{"fri"}, From: "14:00", To: "24:00", Zone: vienna}
	weekend := Freeze{Days: []string{"sat", "sun"}, From: "00:00", To: "24:00", Zone: vienna}
	night := Freeze{Days: []string{"mon"}, From: "22:00", To: "06:00", Zone: vienna}
	springNight := Freeze{Days: []string{"sun"}, From: "02:30", To: "03:30", Zone: vienna}
	for name, tc := range map[string]struct {
		at     string
		freeze []Freeze
		want   string
	}{
		"before":                         {"2026-12-23T16:59:59Z", []Freeze{holidays}, ""},
		"from on":                        {"2026-12-23T17:00:00Z", []Freeze{holidays}, "a 2027-01-07T00:00:00+01:00"},
		"its last day is part of it":     {"2027-01-06T22:59:59Z", []Freeze{holidays}, "a 2027-01-07T00:00:00+01:00"},
		"its end is not":                 {"2027-01-06T23:00:00Z", []Freeze{holidays}, ""},
		"one day":                        {"2026-12-24T12:00:00Z", []Freeze{{From: "2026-12-24", To: "2026-12-24", Zone: "UTC"}}, "a 2026-12-25T00:00:00Z"},
		"RFC 3339":                       {"2026-12-24T10:00:00Z", []Freeze{{From: "2026-12-24T10:00:00Z", To: "2026-12-24T12:00:00+01:00"}}, "a 2026-12-24T12:00:00+01:00"},
		"RFC 3339 is shown in the zone":  {"2026-12-24T10:00:00Z", []Freeze{{From: "2026-12-24T10:00:00Z", To: "2026-12-24T11:00:00Z", Zone: vienna}}, "a 2026-12-24T12:00:00+01:00"},
		"weekly, of another day":         {"2026-11-26T14:00:00Z", []Freeze{friday}, ""},
		"weekly":                         {"2026-11-27T13:00:00Z", []Freeze{friday}, "a 2026-11-28T00:00:00+01:00"},
		"weekly, a minute before":        {"2026-11-27T12:59:00Z", []Freeze{friday}, ""},
		"weekly, the zone's day":         {"2026-11-27T23:00:00Z", []Freeze{friday}, ""},
		"windows that follow each other": {"2026-11-27T13:00:00Z", []Freeze{friday, weekend}, "a 2026-11-30T00:00:00+01:00"},
		"windows in each other":          {"2026-12-25T15:00:00Z", []Freeze{friday, weekend, holidays}, "a 2027-01-07T00:00:00+01:00"},
		"past midnight":                  {"2026-12-01T04:59:00Z", []Freeze{night}, "a 2026-12-01T06:00:00+01:00"},
		"past midnight, over":            {"2026-12-01T05:00:00Z", []Freeze{night}, ""},
		"past midnight, not begun":       {"2026-11-30T04:00:00Z", []Freeze{night}, ""},
		"a whole day":                    {"2026-12-01T11:00:00Z", []Freeze{{Days: []string{"tue"}, From: "12:00", To: "12:00", Zone: vienna}}, "a 2026-12-02T12:00:00+01:00"},
		"every day":                      {"2026-12-01T11:00:00Z", []Freeze{{Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, From: "00:00", To: "24:00", Zone: vienna}}, "a for good"},
		// In 2026 clocks go forward on 29 March at 1:00 UTC, from 2:00 to 3:00, and back on 25 October at 1:00 UTC, from 3:00 to 2:00.
		"spring, before the skip":       {"2026-03-29T00:59:59Z", []Freeze{springNight}, ""},
		"spring, it begins in the skip": {"2026-03-29T01:00:00Z", []Freeze{springNight}, "a 2026-03-29T03:30:00+02:00"},
		"spring, it ends in the skip":   {"2026-03-29T00:30:00Z", []Freeze{{From: "2026-03-29", To: "2026-03-29 02:30", Zone: vienna}}, "a 2026-03-29T03:00:00+02:00"},
		"autumn, first 2:30":            {"2026-10-25T00:30:00Z", []Freeze{springNight}, "a 2026-10-25T03:30:00+01:00"},
		"autumn, ends at second 2:30":   {"2026-10-25T01:29:00Z", []Freeze{{From: "2026-10-25", To: "2026-10-25 02:30", Zone: vienna}}, "a 2026-10-25T02:30:00+01:00"},
		"autumn, a day of 25 hours":     {"2026-10-25T22:59:00Z", []Freeze{weekend}, "a 2026-10-26T00:00:00+01:00"},
		"across the date line":          {"2026-11-27T00:30:00Z", []Freeze{{Days: []string{"fri"}, From: "14:00", To: "15:00", Zone: "Pacific/Kiritimati"}}, "a 2026-11-27T15:00:00+14:00"},
		"no such zone":                  {"2026-11-27T00:30:00Z", []Freeze{{From: "2026-12-24", To: "2026-12-24", Zone: "Europe/Wien"}}, `freeze a of prod: zone: unknown time zone "Europe/Wien"`},
		"none":                          {"2026-11-27T00:30:00Z", nil, ""},
	} {
		if got := frozenAt(t, tc.at, tc.freeze...); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestFreezeWrong(t *testing.T) {
	for _, tc := range []struct {
		freeze Freeze
		want   string
	}{
		{Freeze{From: "2026-12-23", To: "2026-12-24", Zone: "UTC"}, ""},
		{Freeze{From: "2026-12-23", To: "2026-12-24"}, "from: this freeze window has no zone"},
		{Freeze{From: "2026-12-23T18:00:00Z", To: "2026-12-24"}, "to: this freeze window has no zone"},
		{Freeze{From: "2026-02-29", To: "2026-03-01", Zone: "UTC"}, `from: "2026-02-29" is no day of the calendar`},
		{Freeze{From: "18:00", To: "19:00", Zone: "UTC"}, `from: "18:00" is no day of the calendar; to: "19:00" is no day of the calendar`},
		{Freeze{From: "2026-12-24", To: "2026-12-23", Zone: "UTC"}, "to: this freeze window ends before it begins"},
		{Freeze{From: "2026-12-24 18:00", To: "2026-12-24 18:00", Zone: "UTC"}, "to: this freeze window ends before it begins"},
		{Freeze{Days: []string{"fri"}, From: "14:00", To: "24:00"}, "days: this freeze window has no zone"},
		{Freeze{Days: []string{"fri"}, From: "2026-12-24", To: "25:00", Zone: "UTC"}, `from: "2026-12-24" is no time of day; to: "25:00" is no time of day`},
		{Freeze{Days: []string{"fri"}, From: "24:00", To: "24:00", Zone: "UTC"}, `from: "24:00" is no time of day`},
		{Freeze{Days: []string{"fri"}, From: "14:00", To: "15:00", Zone: "Local"}, `zone: unknown time zone "Local"`},
	} {
		var got []string
		for _, w := range tc.freeze.Wrong(time.LoadLocation) {
			if w.Hint == "" {
				t.Errorf("%+v: no hint", tc.freeze)
			}
			got = append(got, w.Path+": "+w.Message)
		}
		if text := strings.Join(got, "; "); text != tc.want {
			t.Errorf("%+v: %q, want %q", tc.freeze, text, tc.want)
		}
	}
}

// Who is refused is told until when, why and where it is written.
func TestFrozenText(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	f := Frozen{Env: "prod", Window: Freeze{Name: "christmas", Reason: "nobody is there", Pos: Pos{File: "env.cue", Line: 3, Column: 5}}, Until: time.Date(2027, 1, 7, 0, 0, 0, 0, vienna)}
	if got, want := f.String(), "prod is frozen until Thu 7 Jan 2027 00:00 CET: nobody is there (freeze christmas, env.cue:3:5)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
