package proxy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

const (
	// interval is between two looks at a proxy.
	interval = 250 * time.Millisecond
	// lookTimeout bounds one look, so that a proxy that accepts and never answers is an observation too.
	lookTimeout = 10 * time.Second
	// repeatAfter is how long a proxy may ignore a request before it is repeated.
	repeatAfter = 5 * time.Second
	// grace is how long a forced drain or a cut may take after the deadline.
	grace = 5 * time.Second
	// backTime is how long a return into rotation may take after a drain that failed.
	backTime = 15 * time.Second
	// defaultDeadline stands in for a deadline of zero.
	defaultDeadline = 30 * time.Second
	// reportEvery is the shortest time between two reports of progress of one wait.
	reportEvery = 2 * time.Second
)

// Late is a wait that missed its deadline.
type Late struct {
	Point    plan.Point
	Want     string // "drained", "admitted"
	Interval time.Duration
	Deadline time.Duration
	Last     string // the last observation
}

// Error names the interval, the deadline and the last observation.
func (e *Late) Error() string {
	return fmt.Sprintf("%s is not %s after %s, looked at every %s; last seen: %s", name(e.Point), e.Want, e.Deadline, e.Interval, e.Last)
}

// final is an error that waiting does not mend.
type final struct{ err error }

func (f final) Error() string { return f.err.Error() }
func (f final) Unwrap() error { return f.err }

// stop marks an error that waiting does not mend.
func stop(err error) error { return final{err} }

// hopeless tells whether another look can't do better.
func hopeless(err error) bool {
	if _, ok := errors.AsType[final](err); ok {
		return true
	}
	e, ok := errors.AsType[*host.Error](err)
	if !ok {
		return false
	}
	switch e.Kind {
	case host.Unreachable, host.Auth, host.HostKey, host.Sudo, host.Refused:
		return true
	}
	return false
}

// look reads the state once, within lookTimeout.
func look(ctx context.Context, d Driver, rs Readers, p plan.Point) (State, error) {
	ctx, cancel := lookContext(ctx)
	defer cancel()
	return d.State(ctx, rs, p)
}

// watchState looks until done accepts a state, a look is hopeless, done fails, or the deadline passes. A look that fails
// otherwise is an observation: proxies are reloaded. It gives the last state that was read.
func (o *one) watchState(ctx context.Context, want string, deadline time.Duration, done func(context.Context, State) (bool, error)) (State, error) {
	if deadline <= 0 {
		deadline = defaultDeadline
	}
	timed, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var state State
	late := &Late{Point: o.point, Want: want, Interval: interval, Deadline: deadline, Last: "nothing"}
	for {
		began := time.Now()
		s, err := look(timed, o.driver, ReadersOf(o.hosts), o.point)
		if err == nil {
			o.looked = began
			state, late.Last = s, o.seen(s)
			o.progress(late.Last)
			ok, derr := done(timed, s)
			if ok {
				return state, nil
			}
			err = derr
		}
		switch {
		case ctx.Err() != nil:
			return state, fmt.Errorf("waiting until %s is %s, last seen %s: %w", name(o.point), want, late.Last, context.Cause(ctx))
		case timed.Err() != nil && late.Last != "nothing":
			return state, late // a look that the deadline cut off says less than the one before
		case err != nil && hopeless(err):
			return state, fmt.Errorf("waiting until %s is %s: %w", name(o.point), want, err)
		case timed.Err() != nil:
			return state, late
		case err != nil:
			late.Last = err.Error()
		}
		sleep(timed, interval)
	}
}

// left is what is left of a time, and enough for a look.
func left(of time.Duration, began time.Time) time.Duration {
	return max(of-time.Since(began), interval)
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
