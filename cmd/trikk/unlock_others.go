package main

import (
	"context"
	"slices"
	"strings"

	"trikk.dev/engine/act"
)

// others shows the locks of other apps that go with those that are due, and names these apps: the process that holds the locks of a run
// on a server holds them all, and a run that loses one does nothing more. Where they can't be read a person is told.
func (f *fleet) others(ctx context.Context, ch chosen, due []act.LockState) ([]string, error) {
	alive := slices.DeleteFunc(slices.Clone(due), func(s act.LockState) bool { return !s.Holder.Alive })
	if len(alive) == 0 {
		return nil, nil
	}
	runID := alive[0].Holder.Run
	states, unread := f.readLocks(ctx, otherLocks(ch, alive))
	if exitOf(unread) == exitInterrupted {
		return nil, unread
	}
	if unread != nil {
		f.cli.say("it is not known of all other apps here whether run %s holds their locks too:\n%v", runID, unread)
	}
	states = slices.DeleteFunc(states, func(s act.LockState) bool { return s.Holder == nil || !s.Holder.Alive || s.Holder.Run != runID })
	names, err := f.cli.showByApp(ch.env.Name, states)
	if err == nil && len(names) > 0 {
		f.cli.say("Run %s works on %s too. It is ended as a whole: these locks are freed with it.", runID, strings.Join(names, ", "))
	}
	return names, err
}

// otherLocks are the roots of all other apps on the servers of some locks.
func otherLocks(ch chosen, on []act.LockState) []act.LockTarget {
	var out []act.LockTarget
	for _, app := range ch.config.Apps() {
		if app.Env != ch.env.Name || app.Name == ch.apps[0].Name {
			continue
		}
		for _, t := range act.AppLocks(ch.env, app) {
			if slices.ContainsFunc(on, func(s act.LockState) bool { return s.Host == t.Host }) {
				out = append(out, t)
			}
		}
	}
	return out
}

// showByApp shows locks that are in the order of their apps, and names these.
func (c *cli) showByApp(env string, states []act.LockState) (names []string, err error) {
	for len(states) > 0 {
		app := states[0].App
		n := slices.IndexFunc(states, func(s act.LockState) bool { return s.App != app })
		if n < 0 {
			n = len(states)
		}
		if err := c.showLocks(app, env, states[:n]); err != nil {
			return names, err
		}
		names, states = append(names, app), states[n:]
	}
	return names, nil
}
