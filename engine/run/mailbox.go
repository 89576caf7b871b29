package run

import (
	"sync"

	"trikk.dev/engine/plan"
)

// mailbox takes events from many goroutines without holding them up, while the loop saves or draws.
type mailbox struct {
	more chan struct{} // has a token when there are events
	mu   sync.Mutex
	held []plan.Event
}

func newMailbox() *mailbox { return &mailbox{more: make(chan struct{}, 1)} }

func (b *mailbox) put(e plan.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(e)
}

// add needs the lock.
func (b *mailbox) add(e plan.Event) {
	b.held = append(b.held, e)
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// take gives what came since the last time, in order.
func (b *mailbox) take() []plan.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.held
	b.held = nil
	return events
}

// line is what one segment reports on. What comes after its end is dropped.
type line struct {
	mail   *mailbox
	ref    plan.Ref
	closed bool // guarded by mail.mu
}

func (l *line) result(r plan.Result) {
	l.send(plan.Event{Kind: plan.StepFinished, Ref: &l.ref, Result: &r})
}

func (l *line) finish(err error) {
	e := plan.Event{Kind: plan.SegmentFinished, Ref: &l.ref}
	if err != nil {
		e.Error = err.Error()
	}
	l.send(e)
}

func (l *line) send(e plan.Event) {
	l.mail.mu.Lock()
	defer l.mail.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = e.Kind == plan.SegmentFinished
	l.mail.add(e)
}
