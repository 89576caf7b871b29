package main

import (
	"time"

	"trikk.dev/engine/plan"
)

// board is a run at one moment: a row for each app on each host. It is data; frames are made of it alone.
type board struct {
	run   string
	plan  plan.Plan
	began time.Time
	rows  []*seat           // in the order of the plan
	steps map[string]*place // by step
	left  string            // about how long it still takes; ""
	done  int               // steps that ended well, without undo steps
	total int
}

// What a seat is doing.
const (
	seatWaits = "waits"
	seatWorks = "works" // a step is going on
	seatRests = "rests" // a wave of it is done, another one comes
	seatUndo  = "undo"
	seatBack  = "undone"
	seatDone  = "done"
	seatBad   = "FAILED"
)

// seat is one app on one host.
type seat struct {
	unit  int
	app   string // "" for work that apps share
	host  string
	state string
	wave  string
	left  int // lanes that are not done
	step  string
	title string
	since time.Time // when the step, or the state, began
	said  string    // what the step saw last
	sent  transfer
}

// transfer is an upload that is going on; the zero value is none.
type transfer struct {
	sent, total int64
	first       int64 // sent when it was seen first
	since       time.Time
}

// place is where a step belongs.
type place struct {
	seat *seat
	wave string
	step plan.Step
	last bool // of its lane
	undo bool
}

func newBoard(run string, p plan.Plan, now time.Time) *board {
	b := &board{run: run, plan: p, began: now, steps: map[string]*place{}}
	for unit, a := range p.Apps {
		for _, w := range a.Waves {
			b.addLanes(unit, a.App, w.Name, w.Lanes)
		}
	}
	for i, g := range p.Groups {
		b.addLanes(len(p.Apps)+i, "", g.ID, g.Lanes)
	}
	return b
}

func (b *board) addLanes(unit int, app, wave string, lanes []plan.Lane) {
	for _, l := range lanes {
		s := b.seatOf(unit, app, l.Host)
		s.left++
		for i, step := range l.Steps {
			b.total++
			b.steps[step.ID] = &place{seat: s, wave: wave, step: step, last: i == len(l.Steps)-1}
			for _, u := range step.Undo {
				b.steps[u.ID] = &place{seat: s, wave: wave, step: u, undo: true}
			}
		}
	}
}

func (b *board) seatOf(unit int, app, host string) *seat {
	for _, s := range b.rows {
		if s.unit == unit && s.host == host {
			return s
		}
	}
	s := &seat{unit: unit, app: app, host: host, state: seatWaits, since: b.began}
	b.rows = append(b.rows, s)
	return s
}

// event takes one line of the journal.
func (b *board) event(e plan.Event, now time.Time) {
	switch e.Kind {
	case plan.SegmentStarted:
		seg, err := b.plan.Segment(*e.Ref)
		if err == nil && len(seg.Steps) > 0 {
			b.begin(seg.Steps[0].ID, now)
		}
	case plan.StepFinished:
		b.finished(e, now)
	case plan.SegmentFinished:
		seg, err := b.plan.Segment(*e.Ref)
		if err == nil && e.Error != "" && len(seg.Steps) > 0 {
			b.fails(b.steps[seg.Steps[0].ID], now)
		}
	}
}

func (b *board) begin(step string, now time.Time) {
	p := b.steps[step]
	if p == nil {
		return
	}
	s := p.seat
	s.state, s.wave, s.step, s.title, s.since, s.said, s.sent = seatWorks, p.wave, step, p.step.Title, now, "", transfer{}
	if p.undo {
		s.state = seatUndo
	}
}

func (b *board) finished(e plan.Event, now time.Time) {
	p := b.steps[e.Result.Step]
	switch {
	case p == nil:
	case e.Result.Status != plan.Changed && e.Result.Status != plan.Unchanged:
		b.fails(p, now)
	case p.undo:
		b.undone(e, p.seat, now)
	default:
		b.done++
		b.passed(e, p, now)
	}
}

func (b *board) fails(p *place, now time.Time) {
	if p == nil {
		return
	}
	p.seat.state, p.seat.since, p.seat.sent = seatBad, now, transfer{}
}

// passed goes on with the segment's next step, if there is one.
func (b *board) passed(e plan.Event, p *place, now time.Time) {
	s := p.seat
	if next := b.after(e); next != "" {
		b.begin(next, now)
		return
	}
	if !p.last {
		return // another segment of the lane begins at once
	}
	s.left--
	s.state, s.since, s.title, s.said, s.sent = seatRests, now, "", "", transfer{}
	if s.left <= 0 {
		s.state = seatDone
	}
}

func (b *board) undone(e plan.Event, s *seat, now time.Time) {
	if next := b.after(e); next != "" {
		b.begin(next, now)
		return
	}
	s.state, s.since, s.title, s.said = seatBack, now, "", ""
}

// after is the step of the same segment that follows the one that ended; "": none.
func (b *board) after(e plan.Event) string {
	if e.Ref == nil {
		return ""
	}
	seg, err := b.plan.Segment(*e.Ref)
	if err != nil {
		return ""
	}
	for i, s := range seg.Steps[:max(0, len(seg.Steps)-1)] {
		if s.ID == e.Result.Step {
			return seg.Steps[i+1].ID
		}
	}
	return ""
}

// progress takes what a step saw last.
func (b *board) progress(step, text string) {
	if p := b.steps[step]; p != nil && p.seat.step == step {
		p.seat.said = text
	}
}

// sent takes how much of an upload has arrived.
func (b *board) sent(step string, sent, total int64, now time.Time) {
	p := b.steps[step]
	if p == nil || p.seat.step != step {
		return
	}
	t := &p.seat.sent
	if t.total != total || sent < t.sent {
		*t = transfer{total: total, first: sent, since: now}
	}
	t.sent = sent
}
