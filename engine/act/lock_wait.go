package act

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"trikk.dev/engine/proxy"
)

const (
	// lockInterval is between two looks at a lock that another run holds.
	lockInterval = 2 * time.Second
	// lockTold is after how long the same holder is told again.
	lockTold = 30 * time.Second
)

// Patience is how a run waits for locks that other runs hold.
type Patience struct {
	For  time.Duration                               // 0: not at all
	Tell func(held *LockedError, left time.Duration) // what is waited for: when it changes, and every 30 s; it may be nil
}

// WaitLock is Lock with patience. While it waits it holds nothing, and looks without taking anything, so that it is in nobody's
// way. A lock that is still held in the end is a *LockedError that says how long was waited. ctx ends the waiting at once.
func (a *Actor) WaitLock(ctx context.Context, targets []LockTarget, p Patience) (*Lock, error) {
	w := lockWait{actor: a, targets: targets, patience: p, began: time.Now()}
	for {
		lock, err := a.Lock(ctx, targets)
		var held *LockedError
		if !errors.As(err, &held) || p.For <= 0 {
			return lock, err
		}
		if err := w.free(ctx, held); err != nil {
			return nil, err
		}
	}
}

// lockWait is one waiting for locks.
type lockWait struct {
	actor    *Actor
	targets  []LockTarget
	patience Patience
	began    time.Time
	run      string // whose lock was told last
	told     time.Time
}

// free waits until the lock that was refused looks free.
func (w *lockWait) free(ctx context.Context, held *LockedError) error {
	at := slices.DeleteFunc(slices.Clone(w.targets), func(t LockTarget) bool { return t.Host != held.Host })
	for {
		left := w.patience.For - time.Since(w.began)
		if left <= 0 {
			late := *held
			late.Waited = w.patience.For
			return &late
		}
		w.tell(held, left)
		if err := waiting(ctx, min(lockInterval, left)); err != nil {
			return fmt.Errorf("waiting for the lock on %s: %w", held.Host, err)
		}
		states, err := ReadLocks(ctx, proxy.ReadersOf(w.actor.o.Hosts), at)
		if err != nil {
			return fmt.Errorf("waiting for the lock on %s: %w", held.Host, err)
		}
		i := slices.IndexFunc(states, func(s LockState) bool { return s.Holder != nil && s.Holder.Alive })
		if i < 0 {
			return nil
		}
		held = &LockedError{Host: held.Host, Holder: *states[i].Holder}
	}
}

// tell says what is waited for, unless it was said a moment ago.
func (w *lockWait) tell(held *LockedError, left time.Duration) {
	if w.patience.Tell == nil || held.Run == w.run && time.Since(w.told) < lockTold {
		return
	}
	w.run, w.told = held.Run, time.Now()
	w.patience.Tell(held, left)
}
