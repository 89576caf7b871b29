package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
)

func (c *cli) applyCommand() *cobra.Command {
	var sel selection
	var con consent
	var v planView
	var file string
	cmd := &cobra.Command{
		Use:   "apply APP[@VERSION]… -e ENV | -f RELEASE -e ENV | --failed RUN | --plan FILE",
		Short: "Plan, show, confirm, run",
		Long: "Compiles the plan, shows it, asks, and runs it. With --plan it runs exactly that saved plan, once, if nothing has\n" +
			"changed since. With --failed it tries the apps again that an earlier run did not do." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitRefused, exitPartly, exitReverted, exitBroken, exitUsage, exitInterrupted),
		Example: "  trikk apply jmsadmin@10.41.0 -e prod\n  trikk apply --plan jmsadmin.plan\n  trikk apply -f releases/2026.11.cue -e prod\n  trikk apply hello -e test --artifact build/hello.tar.gz\n  trikk apply --all -e test --keep-going\n  trikk apply --failed 20261123T061900-3f2a",
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := con.checkOverrides(); err != nil {
				return err
			}
			if file != "" {
				if sel.some(names) || sel.release != "" || sel.failed != "" {
					return usage("--plan FILE says it all: name no apps beside it")
				}
				return c.applySaved(cmd.Context(), file, sel.deadline, con, v)
			}
			if err := c.apart(names); err != nil {
				return err
			}
			ch, err := c.choose(cmd.Context(), sel, names)
			if err != nil {
				return err
			}
			return c.applyChosen(cmd.Context(), ch, plan.Deploy, con, v)
		},
	}
	sel.flags(c, cmd)
	sel.deadlineFlag(cmd)
	sinceFlag(cmd, &sel.since)
	sel.releaseFlag(cmd)
	sel.batchFlags(cmd)
	con.flags(c, cmd)
	con.overrideFlags(cmd)
	c.waitFlag(cmd)
	c.issueFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&sel.artifact, "artifact", "", "deploy this local `FILE` (one app, local route)")
	f.StringVar(&file, "plan", "", "run exactly the plan in `FILE`")
	f.BoolVar(&v.full, "full", false, "show every step of every host")
	return cmd
}

// applyChosen builds what is built locally, plans, shows, asks and runs.
func (c *cli) applyChosen(ctx context.Context, ch chosen, kind string, con consent, v planView) error {
	defer c.capture()()
	if err := c.unsaved(ch, kind); err != nil {
		return err
	}
	in := c.intent(ch, kind)
	f := c.fleet(ch.env, in.ID)
	defer f.close()
	f.notify = ch.env.Notify
	f.guard = guard{env: ch.env, config: ch.config, back: kind == plan.Rollback, con: con}
	if err := f.guarded(&v); err != nil {
		return err
	}
	if kind == plan.Deploy {
		if err := f.build(ctx, ch.apps, ch.keepGoing); err != nil {
			return err
		}
	}
	f.judge = func(ctx context.Context, p plan.Plan) error {
		if err := c.judged(ctx, ch.config, p); err != nil {
			return err
		}
		return f.promoted(ctx, p, &v)
	}
	p, err := f.planStill(ctx, ch, in)
	if err != nil {
		return err
	}
	if err := f.judge(ctx, p); err != nil {
		return err
	}
	return f.confirmAndRun(ctx, p, con, v, func(ctx context.Context, p plan.Plan) (plan.Plan, error) {
		if err := f.guarded(&v); err != nil {
			return p, err
		}
		return f.renewed(ctx, p, con, v)
	})
}

// applySaved runs a saved plan, once, if nothing has changed since it was made.
func (c *cli) applySaved(ctx context.Context, file string, deadline time.Duration, con consent, v planView) error {
	defer c.capture()()
	s, err := c.openPlan(file)
	if err != nil {
		return err
	}
	p := s.plan
	if p.Offline {
		return refused("%s was made offline: it is for reading, not for applying", file)
	}
	if c.flags.env != "" && c.flags.env != p.Env {
		return usage("the plan is for %s, not for %s", p.Env, c.flags.env)
	}
	w, env, err := c.trusted(ctx, s)
	if err != nil {
		return err
	}
	if deadline > 0 {
		p.Deadline, p.DeadlineBy = plan.Duration(deadline), plan.ByFlag
	}
	f := c.fleet(p.Inventory, p.ID)
	defer f.close()
	f.notify = env.Notify
	f.guard = guard{env: env, config: w, back: goesBack(p), con: con}
	if err := f.guarded(&v); err != nil {
		return err
	}
	if err := f.fresh(ctx, p); err != nil {
		return err
	}
	if err := f.promoted(ctx, p, &v); err != nil {
		return err
	}
	return f.confirmAndRun(ctx, p, con, v, func(ctx context.Context, p plan.Plan) (plan.Plan, error) {
		if err := f.guarded(&v); err != nil {
			return p, err
		}
		return p, f.fresh(ctx, p)
	})
}

// confirmAndRun shows the plan, asks where that is due, and runs it.
func (f *fleet) confirmAndRun(ctx context.Context, p plan.Plan, con consent, v planView, check recheck) error {
	c := f.cli
	if err := f.showPlanned(ctx, p, v); err != nil {
		return err
	}
	if p.Empty() {
		return ended(nothingDone(p))
	}
	if err := c.ask(p, con); err != nil {
		return err
	}
	outcome, err := f.execute(ctx, p, check)
	if err != nil {
		return unrecorded(outcome, err)
	}
	return ended(outcome)
}

// ended gives the exit code of a run whose outcome was shown.
func ended(o plan.Outcome) error {
	if code := exitOfOutcome(o.Status); code != exitDone {
		return &exitError{code: code}
	}
	return nil
}

// showPlanned shows a plan that is about to be asked about; an empty one ends the command.
func (f *fleet) showPlanned(ctx context.Context, p plan.Plan, v planView) error {
	c := f.cli
	if !c.flags.json {
		v, err := f.withFiles(ctx, p, v)
		if err == nil && (!c.flags.quiet || p.Empty()) {
			showPlan(c.out, p, v)
		}
		return err
	}
	events := &jsonView{w: c.out, run: p.ID, now: c.now}
	events.planned(v.noted(p))
	if p.Empty() {
		events.finish(nothingDone(p))
	}
	return nil
}
