package proxy

import (
	"context"
	"fmt"
	"time"

	"trikk.dev/engine/plan"
)

// doubter is a driver whose count of requests in flight may be too high for ever.
type doubter interface {
	// Empty tells whether it is proven by other means that nothing is in flight, at this moment, at a server that has long been out.
	Empty(ctx context.Context, rs Readers, p plan.Point) (bool, error)
}

// doubtAfter is how long a server must be out before its proxy's count is doubted. A request may be counted before it has a connection,
// so that an earlier look would prove nothing.
const doubtAfter = 20 * time.Second

// miscounted tells whether nothing is in flight at a server that is out, although its proxy counts requests. What was proven once
// holds for the same count later. A drain that is only proven again was proven long enough ago.
func (o *one) miscounted(ctx context.Context, s State, again bool) bool {
	if o.outAt.IsZero() {
		o.outAt = time.Now()
	}
	still := again && o.asked.IsZero()
	if !still && time.Since(o.outAt) < doubtAfter {
		return false
	}
	return o.proven(ctx, s)
}

// provenWrong looks for the proof that the proxy counts too many, for as long as a drain may take after its deadline. Health checks
// have connections too, now and then: one look without any is enough.
func (o *one) provenWrong(ctx context.Context, s State) bool {
	for end := time.Now().Add(grace); time.Now().Before(end) && ctx.Err() == nil; sleep(ctx, interval) {
		if o.proven(ctx, s) {
			return true
		}
		if _, may := o.driver.(doubter); !may {
			return false
		}
	}
	return false
}

// mayBeOld tells whether processes of a proxy that was reloaded in this drain may still answer requests: it counts those of the new ones
// alone. One look without any connection to the server is enough.
func (o *one) mayBeOld(ctx context.Context, s State) bool {
	d, may := o.driver.(doubter)
	if !may || !o.lost || !s.Settled {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	empty, err := d.Empty(ctx, ReadersOf(o.hosts), o.point)
	o.lost = err == nil && !empty
	return o.lost
}

// proven looks once.
func (o *one) proven(ctx context.Context, s State) bool {
	d, may := o.driver.(doubter)
	if !may || s.Rotation != plan.RotationOut || !s.Settled || s.InFlight <= 0 {
		return false
	}
	if s.InFlight <= o.extra {
		return true
	}
	ctx, cancel := lookContext(ctx)
	defer cancel()
	empty, err := d.Empty(ctx, ReadersOf(o.hosts), o.point)
	if err != nil || !empty {
		return false
	}
	o.extra = s.InFlight
	o.report(fmt.Sprintf("%s: the proxy counts wrong (%s): its host has no connection to the server", name(o.point), s.Detail))
	return true
}
