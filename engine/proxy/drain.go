package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

// Values of plan.DrainOp.OnTimeout.
const onTimeoutCut = "cut" // anything else is abort

// Drained is what a drain did, at all of its points together.
type Drained struct {
	// Changed: something was asked of a proxy.
	Changed bool
	// Cut counts the requests that proxies ended because the deadline had passed.
	Cut int
	// Left counts those that go on after the deadline, where a proxy can't end them: they end with the process.
	Left int
	// Age is how long ago the oldest of the last looks at the points was begun, by the wall clock: what they saw may have changed since.
	Age time.Duration
}

// Drain takes a server out of rotation at every point in parallel, and returns when nothing is in flight at any. When a point
// fails, those that this call changed are put back into rotation, unless ctx ended: then the error says what is left drained.
// With Again nothing is put back: the server's turn is under way, and what is on it may not be proven. A missed deadline is a *Late.
//
// A drain takes at most its deadline and, where the deadline is missed, 25 s: 5 s each for forcing and cutting, 15 s for putting back,
// at all points at once. A retry is safe. report gets short lines for people; it is not called concurrently and may be nil.
func Drain(ctx context.Context, hs Hosts, op plan.DrainOp, report func(string)) (Drained, error) {
	ones, errs := each(hs, op.Points, report, func(o *one) error { return o.drain(ctx, op) })
	err := errors.Join(errs...)
	if err == nil {
		err = renew(ctx, ones, op)
	}
	if err == nil {
		return sum(ones), nil
	}
	if !op.Again {
		err = errors.Join(err, putBack(ctx, ones))
	}
	return sum(ones), err
}

const (
	// recent is how old the last look at a point may be when a drain ends.
	recent = time.Second
	// renewals is how often points are looked at again until all looks are recent: proxies may be slow to answer.
	renewals = 3
)

// renew looks again at points that were proven long before another one was: a proxy may have forgotten its drain meanwhile.
func renew(ctx context.Context, ones []*one, op plan.DrainOp) error {
	for range renewals {
		errs := make([]error, len(ones))
		var all sync.WaitGroup
		for i, o := range ones {
			if o.age() > recent {
				all.Go(func() { errs[i] = o.renew(ctx, op) })
			}
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// age is how long ago the last look was begun that had an answer, by the wall clock: a machine that slept finds out.
func (o *one) age() time.Duration { return time.Now().Round(0).Sub(o.looked.Round(0)) }

// renew looks once, and drains again where that does not prove what was proven.
func (o *one) renew(ctx context.Context, op plan.DrainOp) error {
	began := time.Now()
	s, err := look(ctx, o.driver, ReadersOf(o.hosts), o.point)
	if err == nil && s.Rotation == plan.RotationOut && s.Settled && s.InFlight <= max(o.left, o.extra, 0) {
		o.looked = began
		return nil
	}
	return o.drain(ctx, op)
}

// sum adds up what was done at each point.
func sum(ones []*one) Drained {
	d := Drained{Changed: anyChanged(ones)}
	for _, o := range ones {
		d.Cut += o.cut
		d.Left += o.left
		d.Age = max(d.Age, o.age())
	}
	return d
}

// putBack takes back what a failed drain changed, at all points at once: one that does not answer costs the others no time.
func putBack(ctx context.Context, ones []*one) error {
	errs := make([]error, len(ones))
	var all sync.WaitGroup
	for i, o := range ones {
		switch {
		case !o.changed:
		case ctx.Err() != nil:
			errs[i] = fmt.Errorf("%s may be left drained: the drain was interrupted", name(o.point))
		default:
			all.Go(func() { errs[i] = o.putBack(ctx) })
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

// drain is Drain at one point.
func (o *one) drain(ctx context.Context, op plan.DrainOp) error {
	state, err := o.watchState(ctx, "drained", op.Deadline.D(), o.drained(op))
	if _, late := errors.AsType[*Late](err); late && o.provenWrong(ctx, state) {
		return nil
	}
	if _, late := errors.AsType[*Late](err); late {
		state, err = o.escalate(ctx, op, state, err)
	}
	if err != nil {
		return err
	}
	if !o.changed && op.Again {
		return nil
	}
	o.settle(ctx, state)
	return ctx.Err()
}

// drained accepts the second consecutive look that sees the server out and empty. While the server is not out, it asks. Requests that
// can't be seen are waited for until the proxy was changed half of the deadline ago, or is looked at for so long.
func (o *one) drained(op plan.DrainOp) func(context.Context, State) (bool, error) {
	empty, since := 0, time.Time{}
	unseen := cmp.Or(op.Deadline.D(), defaultDeadline) / 2
	return func(ctx context.Context, s State) (bool, error) {
		wasOut := !since.IsZero() || op.Again && o.asked.IsZero()
		o.lost = o.lost || wasOut && (s.Rotation == plan.RotationIn || !s.Settled)
		if s.Rotation != plan.RotationOut {
			empty, since, o.outAt, o.extra = 0, time.Time{}, time.Time{}, 0
			return false, o.out(ctx, s, op.Again)
		}
		o.obeyed = true
		if since.IsZero() && s.Settled {
			since = time.Now()
		}
		hidden := (s.Hidden > 0 && s.Hidden < unseen || s.InFlight == 0 && o.mayBeOld(ctx, s)) && time.Since(since) < unseen
		if !s.Settled || hidden || s.InFlight > 0 && !o.miscounted(ctx, s, op.Again) {
			empty = 0
			return false, o.shut(ctx, s)
		}
		empty++
		return empty >= 2, nil
	}
}

// shut turns sticky clients away from a server that is out and empty: they could come back at any moment. It waits for the empty look,
// so that they stay with their server as long as its other requests last.
func (o *one) shut(ctx context.Context, s State) error {
	f, can := o.driver.(forcer)
	if !can || s.Settled || s.InFlight > 0 || !o.forced.IsZero() && time.Since(o.forced) < repeatAfter {
		return nil
	}
	o.report(fmt.Sprintf("%s: empty (%s); turning sticky clients away too", name(o.point), s.Detail))
	return o.force(ctx, f)
}

// force asks the proxy to turn sticky clients away.
func (o *one) force(ctx context.Context, f forcer) error {
	o.forced = time.Now()
	return o.askWithin(ctx, grace, f.Force)
}

// out asks the proxy to take the server out, when that is due.
func (o *one) out(ctx context.Context, s State, again bool) error {
	if s.Rotation == plan.RotationUnknown && !o.asked.IsZero() {
		return nil // on its way, as far as the driver can tell
	}
	if !o.due() {
		return nil
	}
	switch {
	case o.obeyed || again && o.asked.IsZero():
		o.report(fmt.Sprintf("%s: the proxy has forgotten the drain (%s); draining again", name(o.point), s.Detail))
	case !o.asked.IsZero():
		o.report(fmt.Sprintf("%s: the proxy has not followed the drain for %s (%s); draining again", name(o.point), repeatAfter, s.Detail))
	}
	return o.ask(ctx, o.driver.Out)
}

// escalate is what happens when the deadline passed: force, then cut or give up, as the config says.
func (o *one) escalate(ctx context.Context, op plan.DrainOp, s State, late error) (State, error) {
	f, can := o.driver.(forcer)
	if can && s.Rotation == plan.RotationOut {
		o.report(fmt.Sprintf("%s: not empty after %s (%s); turning sticky clients away too", name(o.point), op.Deadline, s.Detail))
		began, before := time.Now(), o.now(ctx, s)
		if err := o.force(ctx, f); err != nil {
			return s, errors.Join(late, err)
		}
		next, err := o.watchState(ctx, "drained", left(grace, began), o.counting(before, o.drained(plan.DrainOp{Deadline: op.Deadline})))
		if err == nil {
			return next, nil
		}
		s = next
	}
	if op.OnTimeout != onTimeoutCut || s.Rotation == "" {
		return s, late // "": it never answered
	}
	if s.Rotation != plan.RotationOut || !s.Settled {
		return s, fmt.Errorf("%w; nothing is cut, because the proxy still sends new requests", late)
	}
	o.report(fmt.Sprintf("%s: cutting what is in flight after %s (%s)", name(o.point), op.Deadline, s.Detail))
	if !can {
		o.left = max(s.InFlight, 0)
		return s, nil
	}
	began := time.Now()
	if err := o.askWithin(ctx, grace, f.Cut); err != nil {
		return s, errors.Join(late, err)
	}
	o.cut += max(s.InFlight, 0)
	return o.watchState(ctx, "empty after the cut", left(grace, began), o.drained(plan.DrainOp{Deadline: op.Deadline}))
}

// now is what the proxy says at this moment, else what it said last.
func (o *one) now(ctx context.Context, last State) State {
	if s, err := look(ctx, o.driver, ReadersOf(o.hosts), o.point); err == nil {
		return s
	}
	return last
}

// counting is done, which first counts what the proxy ended when it was told to turn sticky clients away, as HAProxy does with
// `on-marked-down shutdown-sessions`: requests that were in flight right before, and are gone right afterwards without an answer.
func (o *one) counting(before State, done func(context.Context, State) (bool, error)) func(context.Context, State) (bool, error) {
	first := true
	return func(ctx context.Context, s State) (bool, error) {
		if answers := s.Answered - before.Answered; first && s.InFlight == 0 && answers >= 0 && before.InFlight > answers {
			o.cut = before.InFlight - answers
			o.report(fmt.Sprintf("%s: the proxy has cut %d in flight (%s)", name(o.point), o.cut, s.Detail))
		}
		first = false
		return done(ctx, s)
	}
}

// settle waits where the driver can't see whether the proxy sends and whether anything is in flight.
func (o *one) settle(ctx context.Context, s State) {
	wait, _ := o.blind()
	switch {
	case wait > 0:
		o.report(fmt.Sprintf("%s: what is in flight can't be counted; waiting %s", name(o.point), wait))
		sleep(ctx, wait)
	case s.InFlight < 0:
		o.report(name(o.point) + ": what is in flight can't be counted; going on")
	}
}

// putBack undoes what a failed drain asked for, and confirms it. What fails in a way that may pass is tried again.
func (o *one) putBack(ctx context.Context) error {
	began := time.Now()
	err := o.askWithin(ctx, backTime-grace, o.driver.In)
	if err == nil || !hopeless(err) {
		_, err = o.watchState(ctx, "back in rotation", left(backTime, began), func(ctx context.Context, s State) (bool, error) {
			if s.Rotation == plan.RotationOut || s.Rotation == plan.RotationUnknown {
				return false, o.in(ctx, s)
			}
			return o.failure == nil, nil
		})
	}
	if err != nil {
		return fmt.Errorf("%s is left drained: %w", name(o.point), err)
	}
	o.report(name(o.point) + ": put back into rotation")
	return nil
}
