package run

import (
	"context"
	"slices"
	"time"

	"trikk.dev/engine/plan"
)

// Do runs one segment. It calls results once a step, in the order of the steps, as they end; after a step that ended
// badly it returns. What a step did is data: the error says that the transport failed, and that the step after the last result was
// perhaps started. It must return soon after ctx ended. It is called concurrently for different segments.
type Do func(ctx context.Context, s plan.Segment, results func(plan.Result)) error

// Sink is told of every event, in order, after the event was saved. It is called by one goroutine, and holds up the run.
type Sink func(plan.Event)

// Store keeps events. Append returns when all of them are durable, or an error; after an error it is not called again.
type Store interface {
	Append(events ...plan.Event) error
}

// Option changes how Local runs.
type Option func(*driver)

// Keep saves each event in a store before anything depends on it. Without it the journal is in memory alone.
func Keep(s Store) Option { return func(d *driver) { d.store = s } }

// Parallel limits the segments in flight, over all apps; 0 and less: no limit but the plan's.
func Parallel(n int) Option { return func(d *driver) { d.parallel = n } }

// Stop is closed to stop at once: running segments are cut, scripts too, and nothing is undone. The outcome says what was left.
func Stop(c <-chan struct{}) Option { return func(d *driver) { d.stop = c } }

// Lost gives the inventory names of hosts whose lock was lost. Nothing is started after that, undos neither.
func Lost(c <-chan string) Option { return func(d *driver) { d.lost = c } }

// Proofs are what hosts told of segments that were in flight when an earlier driver died. They are taken in before this driver
// takes the journal over.
func Proofs(events []plan.Event) Option { return func(d *driver) { d.proofs = events } }

// Clock stamps the events; time.Now without it.
func Clock(now func() time.Time) Option { return func(d *driver) { d.now = now } }

// Local walks a plan to its end and returns the journal, how it ended, and an error if the run could not be saved or the
// journal is not one of the plan. A deploy that fails is an Outcome, not an error.
//
// When ctx is cancelled the run is: nothing new starts, waiting segments are interrupted, scripts in hand finish, lanes in hand are
// undone. When its deadline passes the same happens, and the run failed. Segments never see ctx end, only its values.
//
// With a journal of an earlier driver the run goes on, as plan.Resumed says.
func Local(ctx context.Context, p plan.Plan, j plan.Journal, do Do, sink Sink, opts ...Option) (plan.Journal, plan.Outcome, error) {
	d := &driver{
		p: p, j: slices.Clone(j), do: do, sink: sink,
		base: context.WithoutCancel(ctx), flights: map[plan.Ref]context.CancelCauseFunc{}, mail: newMailbox(), now: time.Now,
	}
	for _, o := range opts {
		o(d)
	}
	var err error
	if d.m, err = plan.Replay(p, j); err != nil {
		return j, plan.NewMachine(p).Outcome(), err
	}
	goesOn, err := d.takeOver()
	if err != nil || !goesOn {
		return d.j, d.m.Outcome(), err
	}
	defer d.watch(ctx)()
	err = d.run()
	return d.j, d.m.Outcome(), err
}

// takeOver notes that this driver goes on with a journal. It reports false when there is nothing left to do.
func (d *driver) takeOver() (bool, error) {
	if len(d.j) == 0 {
		return true, nil
	}
	events := append(slices.Clone(d.proofs), plan.Event{Kind: plan.Resumed})
	left, err := Left(d.p, d.m, events...)
	if err != nil || !left {
		return false, err
	}
	for _, e := range events {
		d.mail.put(e)
	}
	return true, nil
}

// Left reports whether a run has something left to do once the events that take it over are applied; a run that ended with
// nothing half done has not. The machine stays as it is.
func Left(p plan.Plan, m *plan.Machine, takeOver ...plan.Event) (bool, error) {
	trial, err := plan.Restore(p, m.State())
	if err != nil {
		return false, err
	}
	for _, e := range takeOver {
		if err := trial.Apply(e); err != nil {
			return false, err
		}
	}
	return m.Decide().Finished == nil || trial.Decide().Finished == nil, nil
}
