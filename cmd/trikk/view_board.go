package main

import (
	"bytes"
	"cmp"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

// How a run is shown.
const (
	progressAuto  = "auto"
	progressPlain = "plain"
	progressBoard = "board"
)

// redrawn is how often the board is drawn.
const redrawn = 200 * time.Millisecond

// boardView shows a run on a terminal: a board that is drawn over in place, and above it, as lines that stay, what a person must not
// miss. It reads nothing from the terminal, and signals are none of its business.
type boardView struct {
	mu     sync.Mutex
	screen *screen
	size   func() (size, bool)
	now    func() time.Time
	paint  paint
	board  *board
	left   *eta
	plain  *plainView
	lines  *bytes.Buffer // what plain writes
	stop   chan struct{}
	ended  chan struct{}
}

func newBoardView(c *cli, left *eta) *boardView {
	v := &boardView{left: left, screen: c.screen, size: c.world.size, now: c.now, paint: c.paint(c.screen), plain: newPlainView(c), lines: &bytes.Buffer{}, stop: make(chan struct{}), ended: make(chan struct{})}
	v.plain.w = v.lines
	return v
}

func (v *boardView) start(runID string, p plan.Plan) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.plain.start(runID, p)
	v.tell()
	v.board = newBoard(runID, p, cmp.Or(v.plain.past, v.now()))
	go v.redraw()
}

// redraw draws the board until the run has ended.
func (v *boardView) redraw() {
	defer close(v.ended)
	tick := time.NewTicker(redrawn)
	defer tick.Stop()
	for {
		v.draw()
		select {
		case <-tick.C:
		case <-v.stop:
			return
		}
	}
}

func (v *boardView) draw() {
	at, ok := v.size()
	if !ok {
		return
	}
	v.mu.Lock()
	v.board.left = v.left.about(v.now())
	frame := v.board.frame(v.now(), at, v.paint)
	v.mu.Unlock()
	v.screen.show(frame)
}

func (v *boardView) event(e plan.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.board.event(e, timeOf(e, v.now()))
	v.left.event(e)
	v.plain.event(e)
	if stays(e) {
		v.tell()
	}
	v.lines.Reset()
}

// timeOf is when an event was; now, where it does not say so.
func timeOf(e plan.Event, now time.Time) time.Time {
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil {
		return now
	}
	return at
}

// stays tells whether an event is told by a line that stays: what went wrong, and what is done about it.
func stays(e plan.Event) bool {
	switch e.Kind {
	case plan.SegmentStarted:
		return e.Ref.Undo
	case plan.StepFinished:
		return e.Result.Status != plan.Changed && e.Result.Status != plan.Unchanged
	case plan.SegmentFinished:
		return e.Error != ""
	}
	return e.Kind == plan.CancelAsked || e.Kind == plan.LockLost || e.Kind == plan.DeadlinePassed
}

// tell writes above the board what plain wrote.
func (v *boardView) tell() {
	_, _ = v.screen.Write(v.lines.Bytes())
	v.lines.Reset()
}

func (v *boardView) progress(host, step, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.plain.progress(host, step, text) // it is told again where the deadline passes
	v.lines.Reset()
	v.board.progress(step, text)
}

func (v *boardView) upload(_, step string, sent, total int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.board.sent(step, sent, total, v.now())
}

// leave takes the board away. Nothing is shown after it but the end.
func (v *boardView) leave() {
	close(v.stop)
	<-v.ended
	v.screen.show(nil)
}

// finish takes the board away: the summary says what it said.
func (v *boardView) finish(o plan.Outcome) {
	v.leave()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.plain.finish(o)
	v.tell()
}
