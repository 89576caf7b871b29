package act_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/proxy"

	"testing/synctest"
)

// TestWaitLock: the second run holds nothing while it waits, and goes on when the first has ended.
func TestWaitLock(t *testing.T) {
	f := newFleet(t, "app01", "app02")
	first, err := f.actor("R1").Lock(t.Context(), roots(2, "app02"))
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan *act.LockedError, 9)
	got := make(chan error, 1)
	var second *act.Lock
	go func() {
		var err error
		second, err = f.actor("R2").WaitLock(t.Context(), roots(2, "app01", "app02"), act.Patience{For: time.Minute, Tell: func(e *act.LockedError, _ time.Duration) { told <- e }})
		got <- err
	}()
	if e := <-told; e.Host != "app02" || e.Run != "R1" || e.Since == "" {
		t.Errorf("told %+v", e)
	}
	between, err := f.actor("R3").Lock(t.Context(), roots(2, "app01"))
	if err != nil {
		t.Fatalf("the waiting run is in the way: %v", err)
	}
	if err := errors.Join(between.Release(), first.Release()); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if err := second.Release(); err != nil {
		t.Error(err)
	}
	if len(told) > 0 {
		t.Errorf("told again: %+v", <-told)
	}
}

// waitingFor is an app01 whose lock is refused, and looks held, as long as info gives a holder.
func waitingFor(t *testing.T, info func() string) *act.Actor {
	app := hosttest.New(t, "app01")
	app.OnHold("flock").Always().Do(func(host.Script) (*hosttest.Lease, error) {
		if by := info(); by != "" {
			return nil, &host.Error{Host: "app01", Kind: host.Refused, Doing: "holding", Err: errors.New("locked " + by)}
		}
		return hosttest.NewLease("held"), nil
	})
	app.OnQuery("lock.info").Always().Do(func(host.Query) (host.Output, error) {
		if by := info(); by != "" {
			return host.Output{Stdout: []byte("held " + by + "\nend\n")}, nil
		}
		return host.Output{Stdout: []byte("end\n")}, nil
	})
	return act.New(act.Options{Hosts: fakes{"app01": app}, Run: "R9", Who: "anna@laptop"})
}

const busy = `{"run":"R1","who":"bo@desk","since":"2026-01-02T03:04:05Z"}`

// TestWaitLockEnds: the deadline passes, or a person has enough; what was waited for is told when it changes, and every 30 s.
func TestWaitLockEnds(t *testing.T) {
	targets := []act.LockTarget{{Host: "app01", Root: "~/web", App: "web"}}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		a := waitingFor(t, func() string {
			if time.Since(began) < 40*time.Second {
				return busy
			}
			return strings.Replace(busy, "R1", "R2", 1)
		})
		var mu sync.Mutex
		var told []string
		_, err := a.WaitLock(t.Context(), targets, act.Patience{For: time.Minute, Tell: func(e *act.LockedError, left time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, e.Run+" "+left.String())
		}})
		const want = "app01: still locked by run R2 of bo@desk since 2026-01-02T03:04:05Z, after waiting 1m0s and looking every 2s (see trikk status)"
		var locked *act.LockedError
		if !errors.As(err, &locked) || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		if got := strings.Join(told, ", "); got != "R1 1m0s, R1 30s, R2 20s" {
			t.Errorf("told %s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errors.New("a person has enough"))
		defer cancel()
		_, err := waitingFor(t, func() string { return busy }).WaitLock(ctx, targets, act.Patience{For: time.Hour})
		if err == nil || !strings.Contains(err.Error(), "a person has enough") {
			t.Errorf("error %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, err := waitingFor(t, func() string { return busy }).WaitLock(t.Context(), targets, act.Patience{})
		var locked *act.LockedError
		if !errors.As(err, &locked) || locked.Waited != 0 {
			t.Errorf("without patience: %v", err)
		}
	})
}

// TestReadLocks tells a lock that is free, held, left behind, and the run that was cut off.
func TestReadLocks(t *testing.T) {
	f := newFleet(t, "app01")
	targets := []act.LockTarget{{Host: "app01", Root: "~/apps/web", App: "web"}}
	read := func() act.LockState {
		t.Helper()
		states, err := act.ReadLocks(t.Context(), proxy.ReadersOf(f.pool), targets)
		if err != nil {
			t.Fatal(err)
		}
		return states[0]
	}
	if s := read(); s.Holder != nil || s.Cut != nil || s.App != "web" {
		t.Errorf("nothing is there: %+v", s)
	}
	lock, err := f.actor("R1").Lock(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	if s := read(); s.Holder == nil || s.Holder.Run != "R1" || !s.Holder.Alive {
		t.Errorf("held: %+v", s)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	f.sh("app01", "echo '"+busy+"' | tee apps/web/.trikk/lock.info >apps/web/.trikk/cut")
	if s := read(); s.Holder == nil || s.Holder.Who != "bo@desk" || s.Holder.Alive || s.Cut == nil || s.Cut.Run != "R1" {
		t.Errorf("left behind: %+v", s)
	}
}
