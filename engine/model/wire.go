package model

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trikk.dev/engine/host"
)

// Call is one use of a host: what is about to be done there.
type Call struct {
	Host string
	N    int    // of this host, from 1
	Kind string // script, step, query, ask, dial, hold, upload
	What string // step ID, question, address
	// Changes: it may change the fleet.
	Changes bool
}

// Strike is what a fault does to a call. The zero value lets it be.
type Strike string

// Strikes.
const (
	Pass       Strike = ""
	CutFirst   Strike = "cut before"  // the connection breaks; nothing was done
	CutLast    Strike = "cut after"   // it was done; then the connection breaks
	HangFirst  Strike = "hang before" // no answer ever comes; nothing was done
	HangLast   Strike = "hang after"  // it was done, and no answer ever comes
	StepFails  Strike = "fails"       // a step ends with status 1; nothing was done
	DiskFull   Strike = "disk full"   // as StepFails, for what writes
	Lies       Strike = "lies"        // a proxy answers that all is well, and does nothing
	Slow       Strike = "slow"        // it takes 8 s longer
	HostAbsent Strike = "absent"      // the host can't be reached for a while
)

// Controller is one life of a trikk: its connections, and what it holds. It implements proxy.Hosts.
type Controller struct {
	fleet  *Fleet
	meet   func(Call) Strike
	dead   chan struct{}
	leases []*lease
}

// Controller makes one that can reach every host. meet is asked before each call, concurrently; nil lets all pass.
func (f *Fleet) Controller(meet func(Call) Strike) *Controller {
	if meet == nil {
		meet = func(Call) Strike { return Pass }
	}
	return &Controller{fleet: f, meet: meet, dead: make(chan struct{})}
}

// Kill ends the controller as kill -9 does: connections close, holders free their locks and leave their mark, scripts end after the
// step at hand.
func (c *Controller) Kill() {
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	if c.gone() {
		return
	}
	close(c.dead)
	for _, l := range c.leases {
		l.end("")
	}
}

func (c *Controller) gone() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// Lose ends the lock holder on a host, as a cut connection does.
func (c *Controller) Lose(name string) {
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	for _, l := range c.leases {
		if l.host == name {
			l.end("")
		}
	}
}

// Host implements proxy.Hosts.
func (c *Controller) Host(_ context.Context, name string) (host.Host, error) {
	f := c.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.hosts[name]
	if m == nil {
		return nil, &host.Error{Host: name, Kind: host.Unreachable, Doing: "connecting", Err: errors.New("no such host")}
	}
	if f.now().Before(m.absent) {
		return nil, &host.Error{Host: name, Kind: host.Unreachable, Doing: "connecting", Err: errors.New("no route to host")}
	}
	return &connection{fleet: f, owner: c, name: name}, nil
}

// connection is one host as a controller reaches it.
type connection struct {
	fleet *Fleet
	owner *Controller
	name  string
}

var _ host.Host = (*connection)(nil)

// errDead is what a killed controller would see, if it saw anything.
var errDead = errors.New("the controller was killed")

const (
	latency   = 20 * time.Millisecond
	keepalive = 45 * time.Second // after this long without an answer a connection counts as broken
	queryTime = 20 * time.Second // the longest that a query waits
)

// strikes asks what happens to a call, and lets the time of its way pass.
func (c *connection) strikes(ctx context.Context, kind, what string, changes bool) (Strike, error) {
	f := c.fleet
	f.mu.Lock()
	m := f.hosts[c.name]
	m.calls++
	call := Call{Host: c.name, N: m.calls, Kind: kind, What: what, Changes: changes}
	f.calls++
	f.mu.Unlock()
	s := c.owner.meet(call)
	wait := latency + time.Duration(call.N*7919%1009)*time.Microsecond
	if s == Slow {
		wait += 8 * time.Second
	}
	if err := c.sleep(ctx, wait); err != nil {
		return s, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s == HostAbsent {
		m.absent = f.now().Add(2 * time.Minute)
	}
	if f.now().Before(m.absent) {
		return CutFirst, nil
	}
	return s, nil
}

// before is strikes for calls that either happen whole or not at all.
func (c *connection) before(ctx context.Context, kind, what string) error {
	s, err := c.strikes(ctx, kind, what, false)
	if err != nil {
		return c.unknown(kind, err)
	}
	switch s {
	case CutFirst, CutLast:
		return c.unknown(kind, errCut)
	case HangFirst, HangLast:
		return c.hang(ctx, kind, queryTime)
	}
	return nil
}

// hang waits for an answer that never comes.
func (c *connection) hang(ctx context.Context, doing string, most time.Duration) error {
	if most <= 0 || most > keepalive {
		most = keepalive
	}
	if err := c.sleep(ctx, most); err != nil {
		return c.unknown(doing, err)
	}
	return c.unknown(doing, fmt.Errorf("no answer within %s", most))
}

// sleep lets time pass, until ctx or the controller ends.
func (c *connection) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.owner.dead:
		return errDead
	}
	if c.owner.gone() {
		return errDead
	}
	return nil
}

func (c *connection) unknown(doing string, cause error) error {
	return &host.Error{Host: c.name, Kind: host.Unknown, Doing: doing, Err: cause}
}

// Close implements host.Host.
func (c *connection) Close() error { return nil }

// Upload implements host.Host.
func (c *connection) Upload(ctx context.Context, file host.File, progress func(sent, total int64)) error {
	s, err := c.strikes(ctx, "upload", file.Name, true)
	if err != nil {
		return c.unknown("uploading", err)
	}
	if s == CutFirst || s == StepFails || s == DiskFull || s == Lies {
		return c.unknown("uploading "+file.Name, errCut)
	}
	if s == HangFirst {
		return c.hang(ctx, "uploading "+file.Name, 0)
	}
	c.fleet.mu.Lock()
	was := c.fleet.hosts[c.name].staged[file.Name]
	c.fleet.hosts[c.name].staged[file.Name] = true
	c.fleet.mu.Unlock()
	switch {
	case s == CutLast:
		return c.unknown("uploading "+file.Name, errCut)
	case s == HangLast:
		return c.hang(ctx, "uploading "+file.Name, 0)
	case !was && progress != nil:
		progress(file.Size, file.Size)
	}
	return nil
}
