package act

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// A run may sleep, with its laptop, and wake when its locks are long freed and another run works. So every script of a segment
// begins with guard; what is no script, and a script on a host where the run has no lock, asks by checkLock before it changes
// anything.

// guard is the check that a script of a segment makes first; "" where nothing is locked for it.
func (l *Lock) guard(seg plan.Segment) string {
	t, ok := l.target(seg)
	if !ok {
		return ""
	}
	owner := t.As
	if owner == seg.As {
		owner = ""
	}
	return guardScript(l.info, t.Root, owner)
}

func (l *Lock) target(seg plan.Segment) (LockTarget, bool) {
	if l == nil {
		return LockTarget{}, false
	}
	for _, t := range l.targets {
		if t.Host == seg.Host && t.App == seg.App {
			return t, true
		}
	}
	return LockTarget{}, false
}

// checkLock proves that the lock still names this run before something is changed that no guard protects.
func (d *doing) checkLock(ctx context.Context) error {
	l := d.held()
	if l == nil {
		return nil
	}
	if t, ok := l.target(d.seg); ok {
		return l.check(ctx, proxy.ReadersOf(d.o.Hosts), t)
	}
	return l.checkAll(ctx, proxy.ReadersOf(d.o.Hosts))
}

// checkAll is for what is done on a host that has no lock of the run, such as the reload of a proxy: none of the run's locks may
// name another. A host that can't be asked says nothing, unless none can.
func (l *Lock) checkAll(ctx context.Context, rs proxy.Readers) error {
	errs := make([]error, len(l.targets))
	var all sync.WaitGroup
	for i, t := range l.targets {
		all.Go(func() { errs[i] = l.check(ctx, rs, t) })
	}
	all.Wait()
	silent := 0
	for _, err := range errs {
		var e *host.Error
		switch {
		case errors.As(err, &e) && e.Kind == host.Refused:
			return err
		case err != nil:
			silent++
		}
	}
	if silent > 0 && silent == len(errs) {
		return errs[0]
	}
	return nil
}

// check asks a host whether its lock still names this run. Its errors prove that nothing was done.
func (l *Lock) check(ctx context.Context, rs proxy.Readers, t LockTarget) error {
	const doing = "checking the lock"
	r, err := rs.Reader(ctx, t.Host)
	if err != nil {
		return err
	}
	out, err := r.Query(ctx, host.NewQuery(t.As, ownsScript, t.Root))
	var e *host.Error
	if errors.As(err, &e) && e.Kind == host.Unknown {
		return &host.Error{Host: t.Host, Kind: host.Unreachable, Doing: doing, Err: err}
	}
	if err != nil {
		return err
	}
	if info := strings.TrimSpace(string(out.Stdout)); info != l.info {
		return &host.Error{Host: t.Host, Kind: host.Refused, Doing: doing, Output: info, Err: fmt.Errorf("this run no longer has the lock of %s: %s", t.Root, cmp.Or(info, "nobody holds it"))}
	}
	return nil
}
