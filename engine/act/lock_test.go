package act_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// roots are lock targets on one host, more than a shell has descriptors for.
func roots(n int, hosts ...string) []act.LockTarget {
	var out []act.LockTarget
	for _, h := range hosts {
		for i := range n {
			out = append(out, act.LockTarget{Host: h, Root: fmt.Sprintf("~/apps/it's %d", i), App: fmt.Sprint("app", i)})
		}
	}
	return out
}

func TestSecondRunIsRefused(t *testing.T) {
	f := newFleet(t, "app01", "app02")
	first, err := f.actor("R1").Lock(t.Context(), roots(12, "app02", "app01"))
	if err != nil {
		t.Fatal(err)
	}
	other := append(roots(1, "app01"), act.LockTarget{Host: "app02", Root: "~/apps/it's 11", App: "app11"})
	other[0].Root = "~/apps/another"
	_, err = f.actor("R2").Lock(t.Context(), other)
	var locked *act.LockedError
	if !errors.As(err, &locked) || locked.Host != "app02" || locked.Run != "R1" || locked.Who != "anna@laptop" || locked.Since == "" {
		t.Fatalf("error %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if left := f.sh("app01", "find apps -name lock.info"); left != "" {
		t.Errorf("lock.info is left behind: %s", left)
	}
	again, err := f.actor("R2").Lock(t.Context(), other) // proves too that the refusal released app01
	if err != nil {
		t.Fatal(err)
	}
	select {
	case h := <-first.Lost():
		t.Errorf("a released lock was lost on %s", h)
	default:
	}
	if err := errors.Join(again.Release(), again.Release()); err != nil {
		t.Error(err)
	}
}

// TestHolderWithoutAName: a run that holds a lock for a moment, and is refused itself because of another one, never says who it is. Whom it
// keeps out is refused as by any other.
func TestHolderWithoutAName(t *testing.T) {
	f := newFleet(t, "app01")
	first, err := f.actor("R1").Lock(t.Context(), roots(1, "app01"))
	if err != nil {
		t.Fatal(err)
	}
	f.sh("app01", "rm apps/*/.trikk/lock.info")
	_, err = f.actor("R2").Lock(t.Context(), roots(1, "app01"))
	var locked *act.LockedError
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), "app01: locked by a run that did not say its name (wait for it with --wait") {
		t.Fatalf("error %v", err)
	}
	_ = first.Release()
}

func TestLookTellsTheHolder(t *testing.T) {
	f := newFleet(t, "app01")
	lock, err := f.actor("R1").Lock(t.Context(), []act.LockTarget{{Host: "app01", Root: f.app.Layout.Root, App: "web"}})
	if err != nil {
		t.Fatal(err)
	}
	holder := func() act.Holder {
		v, err := f.gatherer().Look(t.Context(), f.env, []plan.App{f.app})
		if err != nil {
			t.Fatal(err)
		}
		return v.Locks["web"]["app01"]
	}
	if h := holder(); h.Run != "R1" || h.Who != "anna@laptop" || !h.Alive {
		t.Errorf("holder %+v", h)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if h := holder(); h.Run != "" {
		t.Errorf("holder after the release: %+v", h)
	}
}

// TestLockIsLost: the server forgets the connection; the run learns it, and nothing more is done on that host.
func TestLockIsLost(t *testing.T) {
	f := newFleet(t, "app01")
	lock, err := f.actor("R1").Lock(t.Context(), []act.LockTarget{{Host: "app01", Root: f.app.Layout.Root, App: "web"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.pool.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case h := <-lock.Lost():
		if h != "app01" {
			t.Errorf("lost on %q", h)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was lost")
	}
	waitFor(t, func() bool {
		return f.sh("app01", "flock -n apps/web/.trikk/lock echo free || echo held") == "free"
	})
	_ = lock.Release()
}

// TestForeignLockStopsSteps: a controller that was frozen finds that another run works now.
func TestForeignLockStopsSteps(t *testing.T) {
	f := newFleet(t, "app01")
	a := f.actor("R1")
	lock, err := a.Lock(t.Context(), []act.LockTarget{{Host: "app01", Root: f.app.Layout.Root, App: "web"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Release() }()
	record := []plan.Step{{ID: "web/1", Host: "app01", Op: plan.Record{What: "used", Root: f.app.Layout.Root, Plan: "P1"}}}
	results, err := f.do(a, "web", record)
	if err != nil || results[0].Status != plan.Changed {
		t.Fatalf("with its lock: %+v, %v", results, err)
	}
	f.sh("app01", `echo '{"run":"R2","who":"bo@desk","since":"x"}' >apps/web/.trikk/lock.info`)
	record[0].Op = plan.Record{What: "used", Root: f.app.Layout.Root, Plan: "P2"}
	drain := []plan.Step{{ID: "web/2", Host: "app01", Op: plan.DrainOp{}}}
	for _, steps := range [][]plan.Step{record, drain} {
		results, err := f.do(a, "web", steps)
		if err != nil || len(results) != 1 || results[0].Status != plan.NotRun || !strings.Contains(results[0].Error, "R2") {
			t.Errorf("%s with a foreign lock: %+v, %v", steps[0].ID, results, err)
		}
	}
	if got := f.sh("app01", "ls apps/web/.trikk/plans"); got != "P1" {
		t.Errorf("plans that were recorded: %s", got)
	}
}

func TestLockNeedsAWritableRoot(t *testing.T) {
	f := newFleet(t, "app01")
	f.sh("app01", "touch file")
	_, err := f.actor("R1").Lock(t.Context(), []act.LockTarget{{Host: "app01", Root: "~/file/web", App: "web"}})
	var e *host.Error
	if !errors.As(err, &e) || e.Host != "app01" || !strings.Contains(err.Error(), "can not create") {
		t.Fatalf("error %v", err)
	}
}

// waitFor polls a condition that only another process can bring about.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come true")
		}
	}
}
