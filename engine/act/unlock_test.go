package act_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/proxy"
)

// states reads the locks of targets.
func (f *fleet) states(targets []act.LockTarget) []act.LockState {
	f.t.Helper()
	states, err := act.ReadLocks(f.t.Context(), proxy.ReadersOf(f.pool), targets)
	if err != nil {
		f.t.Fatal(err)
	}
	return states
}

// TestUnlockEndsTheHolder: only when it is told to, and only the holder of that lock; the run finds out, and another can lock.
func TestUnlockEndsTheHolder(t *testing.T) {
	f := newFleet(t, "app01", "app02")
	targets := roots(3, "app01", "app02")
	a := f.actor("R1")
	lock, err := a.Lock(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := f.actor("R2").Lock(t.Context(), []act.LockTarget{{Host: "app01", Root: "~/beside", App: "beside"}})
	if err != nil {
		t.Fatal(err)
	}
	held := f.states(targets[1:2])[0]
	var locked *act.LockedError
	if err := act.Unlock(t.Context(), f.pool, held, false); !errors.As(err, &locked) || locked.Run != "R1" || locked.Host != "app01" {
		t.Fatalf("a holder that is alive: %v", err)
	}
	began := time.Now()
	if err := act.Unlock(t.Context(), f.pool, held, true); err != nil {
		t.Fatal(err)
	}
	t.Logf("the holder ended in %v", time.Since(began))
	select {
	case h := <-lock.Lost():
		if h != "app01" {
			t.Errorf("lost on %s", h)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the run did not find out")
	}
	for i, s := range f.states(targets) {
		if here := i < 3; here && (s.Holder != nil || s.Cut == nil || s.Cut.Run != "R1") || !here && (s.Holder == nil || !s.Holder.Alive) {
			t.Errorf("%s on %s: %+v %+v", s.Root, s.Host, s.Holder, s.Cut)
		}
	}
	if err := act.Unlock(t.Context(), f.pool, held, true); err != nil {
		t.Errorf("a second time: %v", err)
	}
	next, err := f.actor("R3").Lock(t.Context(), targets[:3])
	if err != nil {
		t.Fatal(err)
	}
	if err := act.Unlock(t.Context(), f.pool, held, true); err == nil || !strings.Contains(err.Error(), `the lock has changed hands: {"run":"R3"`) {
		t.Errorf("the lock of another run: %v", err)
	}
	select {
	case <-next.Lost():
		t.Error("the lock of another run was lost")
	case <-beside.Lost():
		t.Error("the lock of another root was lost")
	default:
	}
	_ = lock.Release()
	if err := errors.Join(next.Release(), beside.Release()); err != nil {
		t.Error(err)
	}
}

// TestUnlockAStoppedHolder: a holder that doesn't react is killed, and its mark is moved all the same.
func TestUnlockAStoppedHolder(t *testing.T) {
	f := newFleet(t, "app01")
	targets := roots(1, "app01")
	lock, err := f.actor("R1").Lock(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	holders := func(signal string) {
		f.sh("app01", `for file in $(grep -laF "$HOME/apps/it's 0" /proc/[0-9]*/cmdline); do kill -`+signal+` "$(basename "${file%/cmdline}")" 2>/dev/null; done; true`)
	}
	holders("STOP")
	defer holders("CONT")
	if err := act.Unlock(t.Context(), f.pool, f.states(targets)[0], true); err != nil {
		t.Fatal(err)
	}
	if s := f.states(targets)[0]; s.Holder != nil || s.Cut == nil || s.Cut.Run != "R1" {
		t.Errorf("afterwards: %+v %+v", s.Holder, s.Cut)
	}
	_ = lock.Release()
}

// TestUnlockWhatWasLeft: a lock whose holder is gone, as after a reboot, is removed without ending anything.
func TestUnlockWhatWasLeft(t *testing.T) {
	f := newFleet(t, "app01")
	targets := roots(1, "app01")
	f.sh("app01", `mkdir -p "apps/it's 0/.trikk" && echo '`+busy+`' >"apps/it's 0/.trikk/lock.info"`)
	left := f.states(targets)[0]
	if left.Holder == nil || left.Holder.Alive {
		t.Fatalf("state %+v", left.Holder)
	}
	if err := act.Unlock(t.Context(), f.pool, left, false); err != nil {
		t.Fatal(err)
	}
	if s := f.states(targets)[0]; s.Holder != nil || s.Cut == nil || s.Cut.Run != "R1" {
		t.Errorf("afterwards: %+v %+v", s.Holder, s.Cut)
	}
	lock, err := f.actor("R2").Lock(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

// TestUnlockAHolderWithoutAName: a lock that a process holds is not called removed because nothing says whose it is.
func TestUnlockAHolderWithoutAName(t *testing.T) {
	f := newFleet(t, "app01")
	targets := roots(1, "app01")
	f.sh("app01", `mkdir -p "apps/it's 0/.trikk" && cd "apps/it's 0/.trikk" && { setsid flock -o lock sleep 60 >/dev/null 2>&1 & echo $! >holder; }
n=0; while flock -n lock true && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.05; done`)
	defer f.sh("app01", `kill -- "-$(cat "apps/it's 0/.trikk/holder")"`)
	held := f.states(targets)[0]
	if held.Holder == nil || !held.Holder.Alive || held.Holder.Run != "unknown" {
		t.Fatalf("state %+v", held.Holder)
	}
	if err := act.Unlock(t.Context(), f.pool, held, true); err == nil || !strings.Contains(err.Error(), "the lock is held by a process, but") {
		t.Errorf("unlocked: %v", err)
	}
}
