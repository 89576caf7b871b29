package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

func (c *cli) resumeCommand() *cobra.Command {
	var con consent
	cmd := &cobra.Command{
		Use:   "resume RUN",
		Short: "Continue an interrupted run",
		Long: "Continues a run of this machine that was cut off, or tries an undo again that failed. It asks the servers which steps\n" +
			"they have done, does none of those again, and refuses when something else has changed since. Every server whose turn\n" +
			"was in hand is proven to be drained again, and a bake that was interrupted is baked again." +
			exitHelp(exitDone, exitFailed, exitAuth, exitRefused, exitPartly, exitReverted, exitBroken, exitUsage, exitInterrupted),
		Example: "  trikk resume 20261123T061900-3f2a",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			log, saved, err := run.Open(c.runs(), ids[0])
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return usage("there is no run %s on this machine (runs are kept in %s; one that was cut off before its first step left none: apply again)%s", ids[0], c.runs(), c.cutOff())
			case errors.Is(err, run.ErrNotID):
				return usage("%w", err)
			case errors.Is(err, run.ErrInUse):
				return refused("run %s goes on in another process: wait for it to end", ids[0])
			case errors.Is(err, run.ErrDamaged):
				return fmt.Errorf("%w (make a new plan with trikk apply: it goes on from what is on the servers)", err)
			case err != nil:
				return err
			}
			defer log.Close()
			return c.resume(cmd.Context(), saved, log, con)
		},
	}
	con.flags(c, cmd)
	c.waitFlag(cmd)
	return cmd
}

// cutOff lists the runs that have no end, for who mistypes one.
func (c *cli) cutOff() string {
	all, err := run.List(c.runs())
	if err != nil {
		return ""
	}
	var ids []string
	for _, r := range all {
		if r.Outcome == nil || r.Outcome.Status == plan.Broken {
			ids = append(ids, r.Meta.Run)
		}
	}
	if len(ids) == 0 {
		return "; none of them was cut off"
	}
	return "; these were cut off: " + strings.Join(ids[max(0, len(ids)-5):], ", ")
}

// resume goes on with a run where it was cut off.
func (c *cli) resume(ctx context.Context, saved run.Saved, log *run.Log, con consent) error {
	m, err := plan.Replay(saved.Plan, saved.Journal)
	if err != nil {
		return fmt.Errorf("run %s: %w", saved.Meta.Run, err)
	}
	left, err := run.Left(saved.Plan, m, plan.Event{Kind: plan.Resumed})
	if err != nil {
		return fmt.Errorf("run %s: %w", saved.Meta.Run, err)
	}
	f := c.fleetOf(saved.Plan.Inventory, saved.Meta)
	defer f.close()
	if !left {
		if err := log.Finish(m.Outcome()); err != nil {
			return err
		}
		f.unmark(ctx, saved.Plan)
		c.tellLeft(ctx, tellPatience, "", asItWas)
		return c.nothingLeft(saved, m.Outcome())
	}
	defer c.capture()()
	c.sayLeft(saved, m)
	if err := c.ask(saved.Plan, con); err != nil {
		return err
	}
	outcome, err := f.goOn(ctx, saved, log, m)
	if err != nil {
		return unrecorded(outcome, err)
	}
	if code := exitOfOutcome(outcome.Status); code != exitDone {
		return &exitError{code: code}
	}
	return nil
}

// unmark takes away the marks of a run that was killed after its last step and before it had given its locks back. Where that can't be
// done they stay, for the next run there.
func (f *fleet) unmark(ctx context.Context, p plan.Plan) {
	lock, err := f.lock(ctx, p)
	if err != nil {
		f.cli.say("servers may go on to say that run %s was cut off, until the next apply there: %v", f.run, err)
		return
	}
	f.giveBack(lock)
}

// nothingLeft is about a run that ended with nothing half done.
func (c *cli) nothingLeft(saved run.Saved, o plan.Outcome) error {
	if o.Status == plan.Done {
		c.say("run %s is done; nothing of it is left", saved.Meta.Run)
		return nil
	}
	return refused("run %s ended (%s), and nothing of it is half done; to deploy, make a new plan: trikk apply %s -e %s",
		saved.Meta.Run, o.Status, strings.Join(askedAll(saved.Plan), " "), saved.Plan.Env)
}

func askedAll(p plan.Plan) []string {
	var out []string
	for _, a := range p.Apps {
		out = append(out, asked(a, a.Version))
	}
	return out
}

// sayLeft says how far a run came.
func (c *cli) sayLeft(saved run.Saved, m *plan.Machine) {
	c.say("run %s of %s, started %s in %s: %s", saved.Meta.Run, saved.Meta.Who, saved.Meta.Started, saved.Plan.Env, strings.Join(askedAll(saved.Plan), " "))
	byState := map[string][]string{}
	for _, l := range m.Outcome().Lanes {
		state := "to do"
		switch {
		case l.State == plan.LaneDone, l.State == plan.LaneUndone:
			state = l.State
		case l.State == plan.LaneStuck && l.UndoError != "":
			state = "to be undone again"
		case l.State != plan.LanePending:
			state = "in hand"
		}
		byState[state] = append(byState[state], laneName(l, len(saved.Plan.Apps)))
	}
	for _, state := range []string{plan.LaneDone, plan.LaneUndone, "in hand", "to be undone again", "to do"} {
		if lanes := byState[state]; len(lanes) > 0 {
			c.say("  %s: %s", state, strings.Join(lanes, ", "))
		}
	}
}

// laneName is a lane in a list: with its app where the run has several.
func laneName(l plan.LaneOutcome, apps int) string {
	name := l.Wave + " " + l.Host
	if apps > 1 && l.App != "" {
		return l.App + " " + name
	}
	return name
}

// goOn takes the locks, asks the hosts what they have, and drives the run to its end.
func (f *fleet) goOn(ctx context.Context, saved run.Saved, log *run.Log, m *plan.Machine) (plan.Outcome, error) {
	if err := f.actor.ReadSecrets(ctx, saved.Plan); err != nil { // what is left to do may need none of them
		f.cli.say("%v\nsteps that are left and need them will fail", err)
	}
	lock, err := f.lock(ctx, saved.Plan)
	if err != nil {
		return plan.Outcome{}, err
	}
	defer lock.Release()
	proofs, err := f.proofs(ctx, saved, lock, m)
	if err != nil {
		return plan.Outcome{}, err
	}
	return f.drive(ctx, saved.Plan, driving{log: log, lock: lock, saved: saved.Journal, proofs: proofs})
}

// proofs are what the hosts tell of the segments that were in flight. It refuses when the rest of the plan no longer fits.
func (f *fleet) proofs(ctx context.Context, saved run.Saved, lock *act.Lock, m *plan.Machine) ([]plan.Event, error) {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	logs, err := lock.Logs(ctx)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	anew := "make a new plan, it goes on from what is there: trikk apply " + strings.Join(askedAll(saved.Plan), " ") + " -e " + saved.Plan.Env
	if later := logs.Later(); len(later) > 0 {
		return nil, refused("run %s can't go on, because others worked there since: %s (%s)", saved.Meta.Run, strings.Join(later, ", "), anew)
	}
	view, err := f.gatherer.LookAgain(ctx, saved.Plan)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	if moved := plan.Moved(saved.Plan, m.State(), view.Facts); len(moved) > 0 {
		return nil, refused("run %s can't go on, because this changed since it was cut off (%s):\n%s", saved.Meta.Run, anew, lines(moved))
	}
	var out []plan.Event
	for _, seg := range m.Open() {
		out = append(out, logs.Prove(seg)...)
	}
	return out, nil
}
