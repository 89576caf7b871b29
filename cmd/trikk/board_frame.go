package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"trikk.dev/engine/plan"
)

// size is that of a terminal, in characters.
type size struct{ width, height int }

// frame draws a board at a moment. Every line is narrower than the terminal, and there are fewer lines than the terminal has: rows
// that do not fit are counted, those that wait or are done first.
func (b *board) frame(now time.Time, at size, p paint) []string {
	width := max(20, at.width-1)
	out := []string{"", p.head(fit(b.heading(now), width))}
	rows, rest := b.chosen(max(1, at.height-len(out)-2))
	names := 0
	for _, s := range rows {
		names = max(names, runewidth.StringWidth(b.name(s)))
	}
	for _, s := range rows {
		out = append(out, b.row(s, now, rowShape{names, width, p}))
	}
	if rest != "" {
		out = append(out, fit("  "+rest, width))
	}
	if most := max(1, at.height-1); len(out) > most { // nothing fits but the heading, and perhaps what is below it
		out = out[1:min(most+1, len(out))]
	}
	return out
}

func (b *board) heading(now time.Time) string {
	done := 0
	for _, s := range b.rows {
		if s.state == seatDone {
			done++
		}
	}
	what := b.plan.Env
	if len(b.plan.Apps) == 1 {
		what = fmt.Sprintf("%s → %s in %s", b.plan.Apps[0].App, b.plan.Apps[0].To, b.plan.Env)
	}
	left := ""
	if b.left != "" {
		left = ", " + b.left
	}
	return fmt.Sprintf("%s: %d of %s, %d of %s done, %s%s", what, b.done, plural(b.total, "step"), done, plural(len(b.rows), "turn"), tookText(now.Sub(b.began)), left)
}

// urgency orders rows by how much they matter while not all of them fit.
func urgency(s *seat) int {
	return slices.Index([]string{seatBad, seatUndo, seatWorks, seatBack, seatRests, seatWaits, seatDone}, s.state)
}

// chosen are the rows that fit, in the plan's order, and how many others there are in which state.
func (b *board) chosen(most int) ([]*seat, string) {
	if len(b.rows) <= most {
		return b.rows, ""
	}
	byUrgency := slices.Clone(b.rows)
	slices.SortStableFunc(byUrgency, func(x, y *seat) int { return cmp.Compare(urgency(x), urgency(y)) })
	kept, left := byUrgency[:max(0, most-1)], byUrgency[max(0, most-1):]
	rows := slices.DeleteFunc(slices.Clone(b.rows), func(s *seat) bool { return !slices.Contains(kept, s) })
	counts := map[string]int{}
	for _, s := range left {
		counts[s.state]++
	}
	var texts []string
	for _, state := range sortedKeys(counts) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[state], stateText(state)))
	}
	return rows, "not shown: " + strings.Join(texts, ", ")
}

func stateText(state string) string {
	switch state {
	case seatWaits:
		return "wait"
	case seatWorks:
		return "work"
	case seatRests:
		return "wait for their next wave"
	}
	return state
}

func (b *board) name(s *seat) string {
	if len(b.plan.Apps) > 1 && s.app != "" {
		return s.app + " " + s.host
	}
	return s.host
}

// rowShape is what all rows of a frame share.
type rowShape struct {
	names, width int
	paint        paint
}

// row is a line: which host, how it stands, since when, and what it is doing. The state is a word, so that colour adds nothing.
func (b *board) row(s *seat, now time.Time, shape rowShape) string {
	word, colour := s.state, func(text string) string { return text }
	switch s.state {
	case seatWorks, seatRests:
		word = s.wave
	case seatUndo:
		word, colour = "undo "+s.wave, shape.paint.wait
	case seatDone:
		colour = shape.paint.good
	case seatBad:
		colour = shape.paint.bad
	}
	took := tookText(now.Sub(s.since))
	if s.state == seatWaits || s.state == seatDone {
		took = ""
	}
	word = runewidth.FillRight(runewidth.Truncate(word, 16, "…"), 16)
	head := fmt.Sprintf("  %s  ", runewidth.FillRight(b.name(s), shape.names))
	left := shape.width - runewidth.StringWidth(head) - 16
	if left <= 0 {
		return fit(head+word, shape.width)
	}
	return head + colour(word) + fit(fmt.Sprintf("  %6s  %s", took, s.doing(now)), left)
}

// doing says what a seat is doing, with what was seen last.
func (s *seat) doing(now time.Time) string {
	switch s.state {
	case seatRests:
		return "done, waits for its next wave"
	case seatWorks, seatUndo, seatBad:
	default:
		return ""
	}
	if s.sent.total > 0 {
		return s.sent.text(now) + "  " + s.title
	}
	if s.said != "" {
		return s.title + ": " + s.said
	}
	return s.title
}

// barWidth is how many characters the bar of an upload has.
const barWidth = 12

// text is an upload as a bar, with how much, how fast, and how long it still takes.
func (t transfer) text(now time.Time) string {
	full := int(t.sent * barWidth / t.total)
	bar := "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
	text := fmt.Sprintf("%s %3d %% of %s", bar, t.sent*100/t.total, plan.BytesText(t.total))
	seconds := now.Sub(t.since).Seconds()
	if seconds < 1 || t.sent == t.first {
		return text
	}
	rate := float64(t.sent-t.first) / seconds
	text += fmt.Sprintf(", %s/s", plan.BytesText(int64(rate)))
	if t.sent < t.total {
		text += fmt.Sprintf(", %s left", tookText(time.Duration(float64(t.total-t.sent)/rate*float64(time.Second))))
	}
	return text
}

// tookText is a duration for people, in whole seconds.
func tookText(d time.Duration) string {
	return max(0, d).Round(time.Second).String()
}

// fit cuts a text to a width. A control character would move the cursor, so none is left.
func fit(text string, width int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '�'
		}
		return r
	}, text)
	return strings.TrimRight(runewidth.Truncate(text, width, "…"), " ")
}
