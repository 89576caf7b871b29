package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

// driver is the event loop of one run. Only the loop's goroutine touches it, but for the mailbox.
type driver struct {
	p        plan.Plan
	m        *plan.Machine
	j        plan.Journal
	do       Do
	sink     Sink
	store    Store
	parallel int
	stop     <-chan struct{}
	lost     <-chan string
	now      func() time.Time
	proofs   []plan.Event

	base    context.Context // of segments: it has the values of the caller's, and does not end
	mail    *mailbox
	flights map[plan.Ref]context.CancelCauseFunc
	group   sync.WaitGroup
	unsaved error // a save failed: nothing is started any more
	late    bool  // the deadline passed
}

// stamp is RFC 3339 with milliseconds.
const stamp = "2006-01-02T15:04:05.000Z07:00"

// watch turns what comes from outside into events, until the returned function is called.
func (d *driver) watch(ctx context.Context) (stop func()) {
	ended := func() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			d.mail.put(plan.Event{Kind: plan.DeadlinePassed})
			return
		}
		d.mail.put(plan.Event{Kind: plan.CancelAsked})
	}
	forget := func() bool { return true }
	if ctx.Err() != nil {
		ended() // before anything starts
	} else {
		forget = context.AfterFunc(ctx, ended)
	}
	quit := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { d.watchChannels(quit) })
	return func() {
		forget()
		close(quit)
		watcher.Wait()
	}
}

func (d *driver) watchChannels(quit <-chan struct{}) {
	stop, lost := d.stop, d.lost
	for {
		select {
		case <-quit:
			return
		case <-stop:
			stop = nil
			d.mail.put(plan.Event{Kind: plan.StopAsked})
		case host, open := <-lost:
			if !open {
				lost = nil
				continue
			}
			d.mail.put(plan.Event{Kind: plan.LockLost, Host: host})
		}
	}
}

// run turns until the machine says that the run finished, or nothing runs after a save failed.
func (d *driver) run() error {
	for {
		finished := d.turn(d.mail.take())
		if finished && len(d.flights) == 0 {
			d.group.Wait()
			return d.unsaved
		}
		<-d.mail.more
	}
}

// turn takes in the events that came, saves them together with what starts now, and starts it. It reports whether
// nothing is left to start.
func (d *driver) turn(came []plan.Event) (finished bool) {
	var batch []plan.Event
	for _, e := range came {
		if d.takeIn(&e, len(batch)) {
			batch = append(batch, e)
		}
	}
	decision := d.m.Decide()
	for _, r := range decision.Interrupt {
		d.interrupt(r)
	}
	taken := len(batch)
	for _, r := range d.affordable(decision.Start) {
		batch = append(batch, d.number(plan.Event{Kind: plan.SegmentStarted, Ref: &r}, len(batch)))
	}
	if !d.save(batch) {
		batch = batch[:taken]
	}
	for _, e := range batch {
		d.j = append(d.j, e)
		if d.sink != nil {
			d.sink(e)
		}
	}
	for _, e := range batch[taken:] {
		d.start(e)
	}
	return d.unsaved != nil || decision.Finished != nil
}

// takeIn applies an event that came. A result that does not fit is dropped: its step ends unknown with its segment.
func (d *driver) takeIn(e *plan.Event, ahead int) bool {
	*e = d.number(*e, ahead)
	d.late = d.late || e.Kind == plan.DeadlinePassed
	if e.Kind == plan.SegmentFinished {
		delete(d.flights, *e.Ref)
	}
	return d.m.Apply(*e) == nil
}

func (d *driver) number(e plan.Event, ahead int) plan.Event {
	e.Seq = 1 + ahead
	if n := len(d.j); n > 0 {
		e.Seq += d.j[n-1].Seq
	}
	e.Time = d.now().UTC().Format(stamp)
	return e
}

// affordable gives as many of the offered segments as may still be in flight.
func (d *driver) affordable(offered []plan.Ref) []plan.Ref {
	if d.unsaved != nil {
		return nil
	}
	if d.parallel <= 0 {
		return offered
	}
	return offered[:min(len(offered), max(0, d.parallel-len(d.flights)))]
}

// save makes events durable. After a failure waiting segments are interrupted; scripts in hand finish.
func (d *driver) save(batch []plan.Event) bool {
	if d.unsaved != nil {
		return false
	}
	if d.store == nil || len(batch) == 0 {
		return true
	}
	err := d.store.Append(batch...)
	if err == nil {
		return true
	}
	d.unsaved = fmt.Errorf("saving the journal: %w", err)
	for _, r := range d.m.InFlight() {
		if s, err := d.p.Segment(r); err == nil && s.Transport != plan.Script {
			d.interrupt(r)
		}
	}
	return false
}

func (d *driver) interrupt(r plan.Ref) {
	if cancel, ok := d.flights[r]; ok {
		cancel(cut{late: d.late})
	}
}

// cut is why a segment's context ended before its time: the deadline, a person, a lost lock or a journal that can't be saved.
type cut struct{ late bool }

func (c cut) Error() string {
	if c.late {
		return "the run's deadline passed"
	}
	return "the run was interrupted"
}

// Is makes it a cancellation for those who ask.
func (cut) Is(target error) bool { return target == context.Canceled }

// start runs a segment that was journaled as started. What it reports after its end does not fit any more, and is dropped.
func (d *driver) start(e plan.Event) {
	r := *e.Ref
	ctx, cancel := context.WithCancelCause(d.base)
	d.flights[r] = cancel
	err := d.m.Apply(e)
	s, unknown := d.p.Segment(r)
	if err = errors.Join(err, unknown); err != nil {
		cancel(nil)
		d.finish(r, err)
		return
	}
	d.group.Go(func() {
		defer cancel(nil)
		d.finish(r, d.do(ctx, s, func(result plan.Result) {
			d.mail.put(plan.Event{Kind: plan.StepFinished, Ref: &r, Result: &result})
		}))
	})
}

func (d *driver) finish(r plan.Ref, err error) {
	e := plan.Event{Kind: plan.SegmentFinished, Ref: &r}
	if err != nil {
		e.Error = err.Error()
	}
	d.mail.put(e)
}
