package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/act"
	"trikk.dev/engine/proxy"
)

func (c *cli) unlockCommand() *cobra.Command {
	var con consent
	var runID string
	cmd := &cobra.Command{
		Use:   "unlock APP -e ENV [--run ID]",
		Short: "Show who holds the lock; remove one whose holder is gone",
		Long: "Shows who holds the app's lock on which servers, and removes locks whose holder is gone. A run that is alive keeps its\n" +
			"locks, unless --run names it: then its holders on the servers are ended, and it does nothing more. A run is ended as a\n" +
			"whole: other apps whose locks it holds on these servers are shown before, and freed with it. Which run was cut off where\n" +
			"stays known, so that the next one can mend it." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitRefused, exitUsage, exitInterrupted),
		Example: "  trikk unlock jmsadmin -e prod\n  trikk unlock jmsadmin -e prod --run 20261123T065729-15a7",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, names []string) error {
			ch, err := c.chooseAny(cmd.Context(), selection{}, names)
			if err != nil {
				return err
			}
			return c.unlock(cmd.Context(), ch, runID, con)
		},
	}
	c.envFlag(cmd)
	con.flags(c, cmd)
	cmd.Flags().StringVar(&runID, "run", "", "end the run `ID`, which holds the lock")
	return cmd
}

// unlock shows the locks of one app, asks, and removes those that may go. A server that can't be read is told, and keeps nobody from
// unlocking the others.
func (c *cli) unlock(ctx context.Context, ch chosen, runID string, con consent) error {
	defer c.capture()()
	f := c.fleet(ch.env, "")
	defer f.close()
	states, unread := f.readLocks(ctx, act.AppLocks(ch.env, ch.apps[0]))
	if exitOf(unread) == exitInterrupted {
		return unread
	}
	states = slices.DeleteFunc(states, func(s act.LockState) bool { return s.Host == "" })
	if len(states) == 0 {
		return unread
	}
	return errors.Join(f.unlock(ctx, ch, states, runID, con), unread)
}

func (f *fleet) unlock(ctx context.Context, ch chosen, states []act.LockState, runID string, con consent) error {
	c, app := f.cli, ch.apps[0].Name
	if err := c.showLocks(app, ch.env.Name, states); err != nil {
		return err
	}
	due, err := dueLocks(app, ch.env.Name, states, runID)
	if err != nil || len(due) == 0 {
		return err
	}
	others, err := f.others(ctx, ch, due)
	if err != nil {
		return err
	}
	if err := c.agree(unlockQuestion(ch, runID, others), con); err != nil {
		return err
	}
	if err := f.removeLocks(ctx, due, runID != ""); err != nil {
		return err
	}
	c.say("next: trikk apply %s -e %s settles what it left half done; on its own machine, trikk resume %s goes on with it",
		strings.Join(append([]string{app}, others...), " "), ch.env.Name, due[0].Holder.Run)
	return nil
}

func unlockQuestion(ch chosen, runID string, others []string) question {
	q := question{env: ch.env.Name, protected: ch.env.Protected, ask: "Remove what was left of these locks in", to: "unlock"}
	switch {
	case len(others) > 0:
		q.ask = fmt.Sprintf("End run %s, also of %s, in", runID, strings.Join(others, ", "))
	case runID != "":
		q.ask = "End run " + runID + " in"
	}
	return q
}

func (f *fleet) readLocks(ctx context.Context, targets []act.LockTarget) ([]act.LockState, error) {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	states, err := act.ReadLocks(ctx, proxy.ReadersOf(f.pool), targets)
	return states, stopped(ctx, err)
}

// removeLocks removes one lock after the other; a signal ends it between two of them.
func (f *fleet) removeLocks(ctx context.Context, due []act.LockState, end bool) error {
	waiting, stop := f.cli.interruptible(ctx)
	defer stop()
	for _, s := range due {
		if waiting.Err() != nil {
			return &exitError{exitInterrupted, fmt.Errorf("stopped by %s; the lock on %s was not removed", f.cli.caught, s.Host)}
		}
		if err := act.Unlock(ctx, f.pool, s, end); err != nil {
			return err
		}
		if err := f.cli.unlocked(s); err != nil {
			return err
		}
	}
	return nil
}

// dueLocks are the locks that are to be removed: those that were left behind, and with a run's ID those that it holds. A lock that
// may not be removed refuses all.
func dueLocks(app, env string, states []act.LockState, runID string) ([]act.LockState, error) {
	var due []act.LockState
	for _, s := range states {
		switch {
		case s.Holder == nil:
		case s.Holder.Alive && runID == "":
			return nil, refused("%s: locked by %s, which is alive (wait for it with --wait, or end it: trikk unlock %s -e %s --run %s)", s.Host, s.Holder, app, env, s.Holder.Run)
		case runID != "" && s.Holder.Run != runID:
			return nil, refused("%s: locked by %s, not by run %s", s.Host, s.Holder, runID)
		default:
			due = append(due, s)
		}
	}
	if len(due) == 0 && runID != "" {
		return nil, refused("run %s holds no lock of %s in %s", runID, app, env)
	}
	return due, nil
}

// lockLine is one root's lock.
type lockLine struct {
	App    string      `json:"app"`
	Env    string      `json:"env"`
	Host   string      `json:"host"`
	State  string      `json:"state"` // free, held, left
	Holder *act.Holder `json:"holder,omitempty"`
	Cut    *act.Holder `json:"cut,omitempty"` // the run that was cut off there
}

func (c *cli) showLocks(app, env string, states []act.LockState) error {
	t := table{}
	t.row("  HOST", "LOCK")
	for _, s := range states {
		l := lockLine{App: app, Env: env, Host: s.Host, State: "free", Holder: s.Holder, Cut: s.Cut}
		text := []string{"free"}
		switch {
		case s.Holder != nil && s.Holder.Alive:
			l.State, text[0] = "held", "held by "+s.Holder.String()
		case s.Holder != nil:
			l.State, text[0] = "left", "left behind by "+s.Holder.String()+", whose holder is gone"
		}
		if s.Cut != nil {
			text = append(text, "here was cut off "+s.Cut.String())
		}
		if c.flags.json {
			if err := c.event("lock", l); err != nil {
				return err
			}
		}
		t.row("  "+s.Host, strings.Join(text, "; "))
	}
	if !c.flags.json {
		fmt.Fprintf(c.out, "%s in %s\n", app, env)
		t.flush(c.out)
	}
	return nil
}

// unlocked tells that a lock is gone.
func (c *cli) unlocked(s act.LockState) error {
	if c.flags.json {
		return c.event("unlocked", map[string]any{"app": s.App, "host": s.Host, "holder": s.Holder})
	}
	_, err := fmt.Fprintf(c.out, "%s: unlocked; run %s is known as cut off there\n", s.Host, s.Holder.Run)
	return err
}
