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
	var did proxy.Drained
	r, err := d.turn(ctx, s, func(report func(string)) (changed bool, err error) {
		did, err = proxy.Drain(ctx, d.guarded(), op, report)
		return did.Changed, err
	})
	r.Cut, r.Left = did.Cut, did.Left
	if op.Again && (r.Status == plan.Changed || r.Status == plan.Unchanged) {
		d.drains.keep(d.seg.App, s, op, d.o.Now().Add(-did.Age))
	}
	return r, err
}

// admit puts it back.
func (d *doing) admit(ctx context.Context, s plan.Step, op plan.AdmitOp) (plan.Result, error) {
	d.drains.drop(d.seg.App, s.Host)
	return d.turn(ctx, s, func(report func(string)) (bool, error) { return proxy.Admit(ctx, d.guarded(), op, report) })
}

// guarded are the hosts for a conversation with proxies.
func (d *doing) guarded() proxy.Hosts { return guardedHosts{d.o.Hosts, d.checkLock} }

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
