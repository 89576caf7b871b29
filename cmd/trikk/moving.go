package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

// movingRoot is a root of an app that has nothing to do as it is now, with the run that works there.
type movingRoot struct {
	act.LockTarget
	holder act.Holder
}

// movingOf are the roots of the chosen apps that a plan does nothing with, while another run holds their lock: what was read there
// may be another's work in hand.
func movingOf(ch chosen, p plan.Plan, seen act.View) []movingRoot {
	var out []movingRoot
	for _, app := range ch.apps {
		if slices.Contains(appNames(p), app.Name) || slices.ContainsFunc(p.LeftOut, func(l plan.LeftOut) bool { return l.App == app.Name }) {
			continue
		}
		for _, t := range act.AppLocks(ch.env, app) {
			if holder := seen.Locks[app.Name][t.Host]; holder.Alive {
				out = append(out, movingRoot{t, holder})
			}
		}
	}
	return out
}

// movingNotes say of each app that has nothing to do whose run may change that.
func movingNotes(roots []movingRoot) []string {
	var out []string
	for _, app := range namesOf(roots) {
		of := slices.DeleteFunc(slices.Clone(roots), func(r movingRoot) bool { return r.App != app })
		var hosts []string
		for _, r := range of {
			hosts = append(hosts, r.Host)
		}
		out = append(out, fmt.Sprintf("%s has nothing to do as it is now, but is locked on %s by %s: that may change", app, strings.Join(hosts, ", "), of[0].holder))
	}
	return out
}

// namesOf are the apps of roots, each once.
func namesOf(roots []movingRoot) []string {
	var out []string
	for _, r := range roots {
		if !slices.Contains(out, r.App) {
			out = append(out, r.App)
		}
	}
	return out
}

// planStill is plan for a run. What has nothing to do takes no lock, so nobody would notice that another run is about to change it: such
// a lock is waited for as long as --wait says, or refused, like those of apps that have something to do.
func (f *fleet) planStill(ctx context.Context, ch chosen, in plan.Intent) (plan.Plan, error) {
	var began time.Time
	for {
		p, err := f.plan(ctx, ch, in)
		if err != nil || len(f.moving) == 0 {
			return p, err
		}
		if began.IsZero() {
			began = time.Now()
		}
		if err := f.waitStill(ctx, max(0, f.cli.flags.wait-time.Since(began))); err != nil {
			return p, err
		}
	}
}

// waitStill waits until nobody works where nothing is to do. It keeps no lock.
func (f *fleet) waitStill(ctx context.Context, patience time.Duration) error {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	var targets []act.LockTarget
	for _, r := range f.moving {
		targets = append(targets, r.LockTarget)
	}
	lock, err := f.actor.WaitLock(ctx, targets, act.Patience{For: patience, Tell: f.waits})
	if err != nil {
		return stopped(ctx, err)
	}
	_ = lock.Release() // a host that went away frees its lock by itself
	return nil
}
