package act_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

const mine = `{"run":"R1","who":"anna@laptop","since":"2026-01-02T03:04:05Z"}`

// asleep is a run on app01 and lb01 whose lock names another as soon as lost says so.
func asleep(t *testing.T, lost func() bool) (*act.Actor, *hosttest.Fake, *act.Lock) {
	t.Helper()
	app, lb := hosttest.New(t, "app01"), hosttest.New(t, "lb01")
	app.OnHold("flock").Do(func(host.Script) (*hosttest.Lease, error) { return hosttest.NewLease("held"), nil })
	app.OnQuery("lock.info").Always().Do(func(host.Query) (host.Output, error) {
		if lost() {
			return host.Output{Stdout: []byte(busy + "\n")}, nil
		}
		return host.Output{Stdout: []byte(mine + "\n")}, nil
	})
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := act.New(act.Options{Hosts: fakes{"app01": app, "lb01": lb}, Run: "R1", Who: "anna@laptop", Now: func() time.Time { return since }})
	lock, err := a.Lock(t.Context(), []act.LockTarget{{Host: "app01", Root: "~/web", App: "web"}})
	if err != nil {
		t.Fatal(err)
	}
	return a, lb, lock
}

// TestLostInMidDrain: a controller that slept in the middle of a drain does not repeat it, and does not put anything back, because
// another run works by then.
func TestLostInMidDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		a, lb, lock := asleep(t, func() bool { return time.Since(began) > 3*time.Second })
		defer lock.Release()
		lb.OnQuery("is-drained").Always().Reply(host.Output{Exit: 1}) // it ignores the request
		lb.OnQuery("is-admitted").Always()
		lb.OnStep("do-drain")
		drain := plan.DrainOp{Points: []plan.Point{commandPoint()}, Deadline: plan.Duration(20 * time.Second), OnTimeout: "abort"}
		results, err := doStep(t, a, plan.Segment{App: "web", Host: "app01", Transport: plan.Dial}, drain)
		if err != nil || len(results) != 1 || results[0].Status != plan.Failed || !strings.Contains(results[0].Error, "no longer has the lock") || !strings.Contains(results[0].Error, "R1") {
			t.Errorf("results %+v, error %v", results, err)
		}
	})
}

// TestLostBeforeAReload: a proxy's reload belongs to no app and its host has no lock; the run's servers are asked.
func TestLostBeforeAReload(t *testing.T) {
	var lost atomic.Bool
	a, lb, lock := asleep(t, lost.Load)
	defer lock.Release()
	lb.OnStep("reload-it")
	group := plan.Segment{Host: "lb01", Transport: plan.Script}
	results, err := doStep(t, a, group, plan.Reload{Command: "reload-it"})
	if err != nil || len(results) != 1 || results[0].Status != plan.Changed {
		t.Fatalf("with its lock: %+v, %v", results, err)
	}
	lost.Store(true)
	results, err = doStep(t, a, group, plan.Reload{Command: "reload-it"})
	if err != nil || len(results) != 1 || results[0].Status != plan.NotRun || !strings.Contains(results[0].Error, "no longer has the lock of ~/web") {
		t.Errorf("without: %+v, %v", results, err)
	}
}

func doStep(t *testing.T, a *act.Actor, seg plan.Segment, op plan.Op) (results []plan.Result, err error) {
	t.Helper()
	seg.Steps = []plan.Step{{ID: "web/1", Host: seg.Host, Title: op.Title(), Op: op}}
	err = a.Do(t.Context(), seg, func(r plan.Result) { results = append(results, r) })
	return results, err
}

// commandPoint is app01 behind a proxy that is driven by commands.
func commandPoint() plan.Point {
	return plan.Point{Proxy: "lb01", Server: "app01", Target: "app01", Backend: "b", Member: "m",
		Driver: plan.Driver{Command: &plan.Command{Drain: "do-drain", IsDrained: "is-drained", Admit: "do-admit", IsAdmitted: "is-admitted"}}}
}
