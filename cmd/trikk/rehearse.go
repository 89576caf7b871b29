package main

import (
	"context"

	"github.com/spf13/cobra"
	"trikk.dev/engine/model"
	"trikk.dev/engine/plan"
)

func (c *cli) rehearseCommand() *cobra.Command {
	var sel selection
	cmd := &cobra.Command{
		Use:   "rehearse PLAN | APP[@VERSION]… -e ENV",
		Short: "Run a plan in memory, failing each step in turn",
		Long: "Runs exactly that saved plan on a model of the servers and proxies that it was made for: once as it is, then with each step\n" +
			"failing, with the connection lost in it, with its server gone, and with trikk killed in it and the run resumed. It shows how\n" +
			"each server would stand afterwards, what trikk apply would exit with, and what would be left to do. Outcomes that are alike are\n" +
			"shown once. Nothing is reached and nothing is changed. With -e ENV the plan is made first, which reads the servers.\n\n" +
			"It exits with 1 only where the plan itself is wrong: where a fault could take more servers out of rotation than maxUnavailable,\n" +
			"or leave something that no outcome tells of." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitRefused, exitUsage, exitInterrupted),
		Example: "  trikk plan jmsadmin@10.41.0 -e prod -o jmsadmin.plan\n  trikk rehearse jmsadmin.plan\n  trikk rehearse jmsadmin@10.41.0 -e prod",
		RunE: func(cmd *cobra.Command, names []string) error {
			p, err := c.rehearsed(cmd.Context(), sel, names)
			if err != nil {
				return err
			}
			if p.Offline {
				return refused("the plan was made offline: it knows of no servers that it could be rehearsed on")
			}
			return c.rehearse(cmd.Context(), p)
		},
	}
	sel.flags(c, cmd)
	return cmd
}

// rehearsed is the plan that is meant: a saved one, or, with an environment, one that is made now.
func (c *cli) rehearsed(ctx context.Context, sel selection, names []string) (plan.Plan, error) {
	if c.flags.env == "" {
		if len(names) != 1 || sel.all || sel.selector != "" {
			return plan.Plan{}, usage("name one saved plan, or apps with -e ENV")
		}
		saved, err := c.openPlan(names[0])
		return saved.plan, err
	}
	ch, err := c.choose(ctx, sel, names)
	if err != nil {
		return plan.Plan{}, err
	}
	in := c.intent(ch, plan.Deploy)
	f := c.fleet(ch.env, in.ID)
	defer f.close()
	return f.plan(ctx, ch, in)
}

// rehearse runs all trials of a plan and shows them.
func (c *cli) rehearse(ctx context.Context, p plan.Plan) error {
	ctx, stop := c.interruptible(ctx)
	defer stop()
	r := rehearsal{plan: p}
	err := model.Rehearse(ctx, p, func(t model.Trial) {
		r.add(t)
		if c.flags.json {
			_ = c.event("rehearsed", trialFields(t)) // a closed standard output ends the process by signal
		}
	})
	if err != nil {
		return stopped(ctx, err)
	}
	if c.flags.json {
		if err := c.event("rehearsal.finished", r.fields()); err != nil {
			return err
		}
	} else {
		r.show(c.out)
	}
	if r.broken > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}
