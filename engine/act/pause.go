package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// Points are looked at every pointInterval; pointFailures looks in a row that see one out of rotation are a failure.
const (
	pointInterval = 2 * time.Second
	pointFailures = 3
)

// pause watches probes and points, all at once, until the time is over. What fails when the time is over gets its last
// chances: it ends by passing, or by failing too often.
func (d *doing) pause(ctx context.Context, s plan.Step, op plan.Pause) (plan.Result, error) {
	h, err := d.o.Hosts.Host(ctx, d.seg.Host)
	if err != nil {
		return plan.Result{}, err
	}
	var watches []watch
	for _, p := range op.Probes {
		watches = append(watches, watch{what: p.Name, timing: timingOf(p.Check), try: d.attempt(p), probe: &p})
	}
	for _, p := range op.Points {
		watches = append(watches, watch{what: p.Server + " at " + p.Proxy, timing: timing{interval: pointInterval, timeout: time.Minute, failure: pointFailures}, try: d.inRotation(p)})
	}
	until := time.Now().Add(time.Duration(op.Seconds) * time.Second)
	if len(watches) == 0 {
		if err := waiting(ctx, time.Until(until)); err != nil {
			return failed(err), nil
		}
		return plan.Result{Status: plan.Unchanged}, nil
	}
	w, err := d.watchAll(ctx, s, watches, until)
	if err == nil {
		return plan.Result{Status: plan.Unchanged}, nil
	}
	r := failed(err)
	if w.probe != nil {
		r.Output = d.logTail(ctx, h, *w.probe)
	}
	return r, nil
}

// watch is one thing that must go on passing.
type watch struct {
	what   string
	timing timing
	try    attempt
	probe  *plan.ProbeOp // nil for a point
}

// watchAll ends with the first watch that failed, or when all are through.
func (d *doing) watchAll(ctx context.Context, s plan.Step, watches []watch, until time.Time) (watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type end struct {
		watch watch
		err   error
	}
	ends := make(chan end)
	for _, w := range watches {
		go func() { ends <- end{w, d.watch(ctx, s, w, until)} }()
	}
	var first end
	for range watches {
		e := <-ends
		if e.err != nil && first.err == nil {
			first = e
			cancel()
		}
	}
	return first.watch, first.err
}

func (d *doing) watch(ctx context.Context, s plan.Step, w watch, until time.Time) error {
	failures := 0
	for {
		_, err := d.once(ctx, w.timing.timeout, w.try)
		if ctx.Err() != nil {
			return ended(ctx)
		}
		if err == nil {
			failures = 0
		} else {
			failures++
			d.o.Progress(s, w.what+": "+err.Error())
		}
		if failures >= w.timing.failure {
			return fmt.Errorf("%s failed %d times in a row while it was watched; last: %w", w.what, failures, err)
		}
		left := time.Until(until)
		if failures == 0 && left <= 0 {
			return nil
		}
		next := w.timing.interval
		if failures == 0 {
			next = min(next, left)
		}
		if err := waiting(ctx, next); err != nil {
			return err
		}
	}
}

// inRotation looks at one point.
func (d *doing) inRotation(p plan.Point) attempt {
	return func(ctx context.Context, _ host.Host) (string, error) {
		r, err := proxy.Read(ctx, proxy.ReadersOf(d.o.Hosts), p)
		if err != nil {
			return "", err
		}
		if r.State != plan.RotationIn && r.State != plan.RotationUnknown {
			return "", errors.New("the proxy says it is " + r.State)
		}
		return r.State, nil
	}
}
