package act_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// faulty hosts fail one call of all their calls, counted over all hosts.
type faulty struct {
	hosts fakes
	kind  host.Kind
	mu    sync.Mutex
	at    int // index of the call that fails; -1: none
	calls int
	what  string // the call that failed
}

func (f *faulty) Host(ctx context.Context, name string) (host.Host, error) {
	h, err := f.hosts.Host(ctx, name)
	if err != nil {
		return nil, err
	}
	return &faultyHost{Fake: h.(*hosttest.Fake), f: f, name: name}, nil
}

func (f *faulty) call(name, method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.calls-1 != f.at {
		return nil
	}
	f.what = name + " " + method
	return &host.Error{Host: name, Kind: f.kind, Doing: method, Err: errors.New("injected")}
}

type faultyHost struct {
	*hosttest.Fake
	f    *faulty
	name string
}

func (h *faultyHost) Query(ctx context.Context, q host.Query) (host.Output, error) {
	if err := h.f.call(h.name, "query"); err != nil {
		return host.Output{}, err
	}
	return h.Fake.Query(ctx, q)
}

func (h *faultyHost) Run(ctx context.Context, s host.Script, sink func(host.Record)) ([]host.Record, error) {
	if err := h.f.call(h.name, "run"); err != nil {
		return nil, err
	}
	return h.Fake.Run(ctx, s, sink)
}

func (h *faultyHost) Hold(ctx context.Context, s host.Script) (host.Lease, error) {
	if err := h.f.call(h.name, "hold"); err != nil {
		return nil, err
	}
	return h.Fake.Hold(ctx, s)
}

func (h *faultyHost) Upload(ctx context.Context, file host.File, progress func(sent, total int64)) error {
	if err := h.f.call(h.name, "upload"); err != nil {
		return err
	}
	return h.Fake.Upload(ctx, file, progress)
}

func (h *faultyHost) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := h.f.call(h.name, "dial"); err != nil {
		return nil, err
	}
	return h.Fake.Dial(ctx, network, addr)
}

// rotation is a proxy that obeys, by four commands.
type rotation struct {
	mu  sync.Mutex
	out bool
}

func (r *rotation) rules(lb *hosttest.Fake) {
	answer := func(yes func() bool) func(host.Query) (host.Output, error) {
		return func(host.Query) (host.Output, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if yes() {
				return host.Output{}, nil
			}
			return host.Output{Exit: 1}, nil
		}
	}
	lb.OnQuery("is-drained").Always().Do(answer(func() bool { return r.out }))
	lb.OnQuery("is-admitted").Always().Do(answer(func() bool { return !r.out }))
	set := func(out bool) func(hosttest.Stepped) (host.Record, error) {
		return func(hosttest.Stepped) (host.Record, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.out = out
			return host.Record{}, nil
		}
	}
	lb.OnStep("do-drain").Always().Do(set(true))
	lb.OnStep("do-admit").Always().Do(set(false))
}

// outcome of a lane whose one call failed.
type outcome struct {
	results []plan.Result
	err     error
	calls   int
	what    string
	leases  []*hosttest.Lease
}

// lane locks, does one server's turn and releases, while one call fails.
func lane(t *testing.T, kind host.Kind, at int) outcome {
	app, lb := hosttest.New(t, "app01"), hosttest.New(t, "lb01")
	var out outcome
	app.OnHold("flock").Always().Do(func(host.Script) (*hosttest.Lease, error) {
		l := hosttest.NewLease("held")
		out.leases = append(out.leases, l)
		return l, nil
	})
	var info string
	app.OnStep("").Always().Do(func(s hosttest.Stepped) (host.Record, error) {
		if !strings.Contains(s.Script.Guard, "lock.info") {
			t.Errorf("step %s has no guard", s.Step.ID)
		}
		return host.Record{}, nil
	})
	app.OnQuery("lock.info").Always().Do(func(host.Query) (host.Output, error) { return host.Output{Stdout: []byte(info)}, nil })
	app.OnQuery("").Always()
	app.OnDial("tcp", "127.0.0.1:8080").Always().Do(serve(t, answers("200 v2.0")).dial)
	app.OnUpload("x.zip").Always()
	(&rotation{}).rules(lb)

	f := &faulty{hosts: fakes{"app01": app, "lb01": lb}, kind: kind, at: at}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	info = `{"run":"R1","who":"anna@laptop","since":"2026-01-02T03:04:05Z"}`
	a := act.New(act.Options{Hosts: f, Run: "R1", Who: "anna@laptop", Now: func() time.Time { return since }})
	lock, err := a.Lock(t.Context(), []act.LockTarget{{Host: "app01", As: "itas", Root: "~/web", App: "web"}})
	if err != nil {
		return outcome{err: err, what: f.what, leases: out.leases}
	}
	point := plan.Point{Proxy: "lb01", Server: "app01", Target: "app01", Backend: "b", Member: "m",
		Driver: plan.Driver{Command: &plan.Command{Drain: "do-drain", IsDrained: "is-drained", Admit: "do-admit", IsAdmitted: "is-admitted"}}}
	deadline := plan.Duration(5 * time.Second)
	segments := [][]plan.Step{
		steps(plan.Upload{Path: "/dev/null", File: "x.zip"}),
		steps(plan.Record{What: "used", Plan: "P"}, plan.Unpack{Format: "none"}),
		steps(plan.DrainOp{Points: []plan.Point{point}, Deadline: deadline, OnTimeout: "abort"}),
		steps(plan.Link{Name: "current", Release: "1"}),
		steps(httpProbe(2, 2), plan.AdmitOp{Points: []plan.Point{point}, Deadline: deadline}, plan.Pause{Seconds: 3, Probes: []plan.ProbeOp{httpProbe(1, 2)}, Points: []plan.Point{point}}),
	}
	for _, s := range segments {
		seg := plan.Segment{App: "web", Host: "app01", As: "itas", Transport: s[0].Op.Transport(), Steps: s}
		n := 0
		out.err = a.Do(t.Context(), seg, func(r plan.Result) {
			n++
			out.results = append(out.results, r)
		})
		if out.err != nil || n < len(s) || bad(out.results[len(out.results)-1]) {
			break
		}
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	out.calls, out.what = f.calls, f.what
	return out
}

// TestEveryCallFailsOnce: whichever call fails, the lane ends: done all the same where trying again is right, else with one
// clear error or one failed result, which names the host. The lock is always released, and nothing hangs.
func TestEveryCallFailsOnce(t *testing.T) {
	var calls int
	synctest.Test(t, func(t *testing.T) {
		out := lane(t, host.Unknown, -1)
		if out.err != nil || len(out.results) != 8 {
			t.Fatalf("without a failure: %+v, %v", out.results, out.err)
		}
		calls = out.calls
	})
	for _, kind := range []host.Kind{host.Unknown, host.Unreachable} {
		for i := range calls {
			t.Run(fmt.Sprintf("%s/%d", kind, i), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { checkOutcome(t, kind, lane(t, kind, i)) })
			})
		}
	}
}

func checkOutcome(t *testing.T, kind host.Kind, out outcome) {
	if out.what == "" {
		t.Fatal("the call was never made")
	}
	for _, l := range out.leases {
		if !l.Released() {
			t.Error("the lock is still held")
		}
	}
	if out.err != nil {
		if !strings.Contains(out.err.Error(), "injected") || !strings.Contains(out.err.Error(), strings.Fields(out.what)[0]) {
			t.Errorf("%s: error %v", out.what, out.err)
		}
		return
	}
	if len(out.results) == 0 {
		t.Fatalf("%s: neither an error nor a result", out.what)
	}
	last := out.results[len(out.results)-1]
	switch {
	case !bad(last):
		if len(out.results) != 8 {
			t.Errorf("%s: it ended after %d good results", out.what, len(out.results))
		}
	case strings.Contains(last.Error, "lb01 is not "): // the change was asked for and cut off; the proxy's own word decides
	case !strings.Contains(last.Error, "injected"):
		t.Errorf("%s: %s without the reason: %q", out.what, last.Status, last.Error)
	case last.Status == plan.NotRun && kind == host.Unknown && !strings.Contains(last.Error, "checking the lock"):
		t.Errorf("%s: a cut call is reported as never run: %+v", out.what, last)
	}
}
