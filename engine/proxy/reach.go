package proxy

import (
	"cmp"
	"context"
	"fmt"

	"trikk.dev/engine/plan"
)

// Reach opens the connections that a look at the point needs, which is part of each look. How long that may take is the hosts' own setting, and no part of a
// look: among many hosts, or behind a slow line, it takes longer.
func Reach(ctx context.Context, rs Readers, p plan.Point) error {
	for _, name := range lookedAt(p) {
		if _, err := rs.Reader(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// lookedAt are the hosts that a driver reads.
func lookedAt(p plan.Point) []string {
	m := p.Driver.Marker
	if m == nil {
		return []string{p.Proxy}
	}
	w := watchOf(m.Watch)
	if w == nil {
		return []string{p.Target}
	}
	return []string{p.Target, cmp.Or(w.on(), p.Proxy)}
}

// lookContext bounds one look.
func lookContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, lookTimeout, fmt.Errorf("no answer within %s", lookTimeout))
}
