package act

import (
	"context"
	"errors"
	"strings"
	"sync"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// drain takes the server out of rotation at all points.
func (d *doing) drain(ctx context.Context, s plan.Step, op plan.DrainOp) (plan.Result, error) {
	return d.turn(ctx, s, func(report func(string)) (bool, error) { return proxy.Drain(ctx, d.o.Hosts, op, report) })
}

// admit puts it back.
func (d *doing) admit(ctx context.Context, s plan.Step, op plan.AdmitOp) (plan.Result, error) {
	return d.turn(ctx, s, func(report func(string)) (bool, error) { return proxy.Admit(ctx, d.o.Hosts, op, report) })
}

// turn runs one conversation with proxies. One that was cut off is unknown: a proxy may have been asked already.
func (d *doing) turn(ctx context.Context, s plan.Step, talk func(report func(string)) (bool, error)) (plan.Result, error) {
	if err := d.checkLock(ctx); err != nil {
		return plan.Result{}, err
	}
	var mu sync.Mutex
	var said []string
	changed, err := talk(func(line string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, line)
		d.o.Progress(s, line)
	})
	r := plan.Result{Status: plan.Unchanged, Output: strings.Join(said, "\n")}
	if changed {
		r.Status = plan.Changed
	}
	if err == nil {
		return r, nil
	}
	r.Status, r.Error = plan.Failed, err.Error()
	var e *host.Error
	switch {
	case !changed && notRun(err):
		r.Status = plan.NotRun
	case ctx.Err() != nil || errors.As(err, &e) && e.Kind == host.Unknown:
		r.Status = plan.Unknown
	}
	return r, nil
}

// checkLock proves that the lock still names this run before a proxy is changed.
func (d *doing) checkLock(ctx context.Context) error {
	l := d.held()
	if _, locked := l.target(d.seg); !locked {
		return nil
	}
	h, err := d.o.Hosts.Host(ctx, d.seg.Host)
	if err != nil {
		return err
	}
	err = l.check(ctx, h, d.seg)
	var e *host.Error
	if errors.As(err, &e) && e.Kind == host.Unknown {
		return &host.Error{Host: e.Host, Kind: host.Unreachable, Doing: "checking the lock", Err: err}
	}
	return err
}
