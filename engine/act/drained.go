package act

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

const (
	// fresh is how old what was seen of a drain may be when a process is stopped. Two seconds are promised; the way to the host takes some.
	fresh = time.Second
	// slowest is how old it may be where proxies answer so slowly that it never is fresh.
	slowest = 3 * time.Second
	// slowProofs is how often a proof may be slower than that: a moment later the proxies or the controller may have less to do. The server is out
	// of rotation, so that nobody waits for it.
	slowProofs = 10
)

// drains remembers the drains that were proven right before a restart, by app and server.
type drains struct {
	mu     sync.Mutex
	proven map[[2]string]proof
}

// proof is a drain that held at a moment.
type proof struct {
	step plan.Step
	op   plan.DrainOp
	at   time.Time // without a monotonic reading: a machine that slept finds out
}

func (p *drains) keep(app string, s plan.Step, op plan.DrainOp, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proven == nil {
		p.proven = map[[2]string]proof{}
	}
	p.proven[[2]string{app, s.Host}] = proof{s, op, at.Round(0)}
}

func (p *drains) drop(app, server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.proven, [2]string{app, server})
}

// stale gives the proof of a server that is too old at a moment, or lies ahead of it.
func (p *drains) stale(app, server string, now time.Time) (proof, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of, ok := p.proven[[2]string{app, server}]
	age := now.Round(0).Sub(of.at)
	return of, ok && (age > fresh || age < 0)
}

// stillDrained proves a drain again before the segment stops a process, if that was long ago: a slow disk of the controller, or its
// sleep, lies between. It gives how many requests that cut. An error says that nothing was stopped.
func (d *doing) stillDrained(ctx context.Context) (cut int, err error) {
	if !slices.ContainsFunc(d.seg.Steps, stops) {
		return 0, nil
	}
	was, old := d.drains.stale(d.seg.App, d.seg.Host, d.o.Now())
	if !old {
		return 0, nil
	}
	age := d.o.Now().Round(0).Sub(was.at).Round(100 * time.Millisecond)
	d.o.Progress(was.step, fmt.Sprintf("proven %v ago: asking again before the stop", age))
	if t := was.step.Timeout.D(); t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t, fmt.Errorf("it did not end within %v", t))
		defer cancel()
	}
	took := make([]time.Duration, 0, slowProofs)
	for len(took) < slowProofs {
		did, err := proxy.Drain(ctx, d.guarded(), was.op, func(line string) { d.o.Progress(was.step, line) })
		cut += did.Cut
		switch {
		case err != nil:
			return cut, fmt.Errorf("nothing was stopped: the drain was proven %v ago and could not be proven again: %w", age, err)
		case did.Age <= slowest:
			d.drains.keep(d.seg.App, was.step, was.op, d.o.Now().Add(-did.Age))
			return cut, nil
		}
		took = append(took, did.Age.Round(100*time.Millisecond))
		d.o.Progress(was.step, fmt.Sprintf("it took %v to prove it again, and %v is the most: asking once more", took[len(took)-1], slowest))
	}
	return cut, fmt.Errorf("nothing was stopped: %d times it took from %v to %v to prove the drain again, and %v is the most", len(took), slices.Min(took), slices.Max(took), slowest)
}

func stops(s plan.Step) bool {
	op, ok := s.Op.(plan.ServiceOp)
	return ok && op.Action == plan.Stop
}
