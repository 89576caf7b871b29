package proxy

import (
	"context"
	"errors"
	"fmt"

	"trikk.dev/engine/plan"
)

// Admit puts a server back into rotation at every point in parallel, and returns when each proxy says that it sends
// traffic. changed tells whether anything was asked of a proxy. The caller has proven before that the app answers: a proxy
// without health checks, and HAProxy after maintenance, send traffic at once. A missed deadline is a *Late; nothing is
// taken back then. With Unproven it is enough that the proxy no longer holds the server out. A retry is safe. report is as in Drain.
func Admit(ctx context.Context, hs Hosts, op plan.AdmitOp, report func(string)) (changed bool, err error) {
	ones, errs := each(hs, op.Points, report, func(o *one) error { return o.admit(ctx, op) })
	return anyChanged(ones), errors.Join(errs...)
}

// admit is Admit at one point.
func (o *one) admit(ctx context.Context, op plan.AdmitOp) error {
	_, err := o.watchState(ctx, "admitted", op.Deadline.D(), func(ctx context.Context, s State) (bool, error) {
		if s.Rotation == plan.RotationOut || s.Rotation == plan.RotationUnknown {
			return op.Unproven && s.Rotation == plan.RotationUnknown && o.changed, o.in(ctx, s)
		}
		o.obeyed = true
		return op.Unproven || s.Rotation == plan.RotationIn && s.Settled, nil
	})
	if err != nil {
		return err
	}
	if _, wait := o.blind(); wait > 0 {
		o.report(fmt.Sprintf("%s: the proxy can't be asked; waiting %s", name(o.point), wait))
		sleep(ctx, wait)
	}
	return ctx.Err()
}

// in asks the proxy to send traffic, when that is due.
func (o *one) in(ctx context.Context, s State) error {
	if s.Rotation == plan.RotationUnknown && !o.asked.IsZero() {
		return nil // on its way, as far as the driver can tell
	}
	if !o.due() {
		return nil
	}
	return o.ask(ctx, o.driver.In)
}
