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
	"trikk.dev/engine/proxy"
	"trikk.dev/engine/run"
)

func (c *cli) approveCommand() *cobra.Command {
	var reject string
	cmd := &cobra.Command{
		Use:   "approve RUN [-e ENV] [--reject WHY]",
		Short: "Let a run go on that waits after its canary",
		Long: "Says yes to a run that has deployed its canary and waits (rollout.rolling.canary.approve), or no: then the canary's servers go\n" +
			"back to their old release. The answer is left on the servers that wait, so it can be given on any machine; where the\n" +
			"run is not known, -e ENV says in which environment to look for it." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitRefused, exitUsage, exitInterrupted),
		Example: "  trikk approve 20261123T061900-3f2a\n  trikk approve 20261123T061900-3f2a -e prod --reject 'orders fail'",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := checkWhy(cmd.Flags().Changed("reject"), reject); err != nil {
				return err
			}
			env, targets, err := c.waiting(cmd.Context(), ids[0])
			if err != nil {
				return err
			}
			return c.approve(cmd.Context(), env, targets, ids[0], reject)
		},
	}
	cmd.Flags().StringVarP(&c.flags.env, "env", "e", "", "of this `ENV`; a run of this machine is known without")
	cmd.Flags().StringVar(&reject, "reject", "", "say no, and `WHY`")
	return cmd
}

// checkWhy refuses a no that gives no reason: it must not be taken for a yes.
func checkWhy(given bool, why string) error {
	if given && (strings.TrimSpace(why) == "" || shown(why) != why || strings.Contains(why, "\n")) {
		return usage("--reject %q: it is the reason, in words, on one line", why)
	}
	return nil
}

// waiting is where a run may wait: as its plan says where it was started here, else at any app of the environment whose canaries wait.
func (c *cli) waiting(ctx context.Context, id string) (plan.Environment, []act.ApprovalTarget, error) {
	saved, err := run.Load(c.runs(), id)
	switch {
	case err == nil && c.flags.env != "" && c.flags.env != saved.Plan.Env:
		return plan.Environment{}, nil, usage("run %s is in %s, not in %s", id, saved.Plan.Env, c.flags.env)
	case err == nil:
		return saved.Plan.Inventory, act.ApprovalTargets(saved.Plan), nil
	case errors.Is(err, run.ErrNotID):
		return plan.Environment{}, nil, usage("%w", err)
	case !errors.Is(err, fs.ErrNotExist):
		return plan.Environment{}, nil, err
	case c.flags.env == "":
		return plan.Environment{}, nil, usage("there is no run %s on this machine (name the environment in which it waits: -e ENV)", id)
	}
	ch, err := c.choose(ctx, selection{all: true}, nil)
	if err != nil {
		return plan.Environment{}, nil, err
	}
	return ch.env, act.AppApprovals(ch.env, ch.apps), nil
}

// approve answers a run wherever it waits. A server that can't be read is told, and keeps nobody from answering on the others.
func (c *cli) approve(ctx context.Context, env plan.Environment, targets []act.ApprovalTarget, id, reject string) error {
	defer c.capture()()
	f := c.fleet(env, id)
	defer f.close()
	ctx, stop := c.interruptible(ctx)
	defer stop()
	found, unread := act.ReadApprovals(ctx, proxy.ReadersOf(f.pool), targets, id)
	holds, lost := act.HoldsLocks(ctx, proxy.ReadersOf(f.pool), found, id)
	open := 0
	for i, a := range found {
		if a.Answer != "" {
			c.say("%s: it was %s already", a.Host, a.Said())
			continue
		}
		open++
		if err := f.answer(ctx, a.ApprovalTarget, id, reject, holds[i]); err != nil {
			return errors.Join(stopped(ctx, err), unread)
		}
		if !holds[i] && lost == nil {
			c.say("%s: run %s no longer holds the lock there, so nothing goes on by this answer alone (see trikk status %s -e %s; trikk resume %[2]s, where it was started, goes by it)", a.Host, id, a.App, env.Name)
		}
	}
	unread = errors.Join(unread, lost)
	if open == 0 && unread == nil {
		return refused("run %s does not wait for approval in %s", id, env.Name)
	}
	return stopped(ctx, unread)
}

// answer leaves one answer, and tells of it; held says whether the run still has the lock there.
func (f *fleet) answer(ctx context.Context, t act.ApprovalTarget, id, reject string, held bool) error {
	c, word := f.cli, "approved"
	give := func() error { return act.Approve(ctx, f.pool, t, id, who()) }
	if reject != "" {
		word = "rejected"
		give = func() error { return act.Reject(ctx, f.pool, t, id, who(), reject) }
	}
	if err := give(); err != nil {
		return err
	}
	if c.flags.json {
		return writeEvent(c.out, eventLine{stamp(c.now()), id, "approval"}, map[string]any{"app": t.App, "host": t.Host, "answer": word, "lockHeld": held})
	}
	_, err := fmt.Fprintf(c.out, "%s: %s on %s\n", t.App, word, t.Host)
	return err
}
