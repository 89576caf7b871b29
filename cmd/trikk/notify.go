package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/notify"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

func (c *cli) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "notify", Short: "Try, and try again, to tell others how runs ended", Args: args(0, 0),
		Long: "An environment's notify says who is told how runs ended: JIRA, Confluence, Slack, Mattermost, Teams, webhooks, mail. Runs\n" +
			"tell by themselves. notify test proves that it works, notify show prints what would be told, and notify retry tells what\n" +
			"could not be told." + exitHelp(exitDone, exitUsage),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.notifyTestCommand(), c.notifyShowCommand(), c.notifyRetryCommand())
	return cmd
}

func (c *cli) notifyTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test [NAME…] -e ENV",
		Short: "Tell a sample, marked as a test",
		Long: "Sends a sample that is marked as a test by every notifier of the environment, or by those that are named, and says how it\n" +
			"went. Confluence's page is only read, JIRA's account only asked who it is; --issue also comments on an issue." +
			exitHelp(exitDone, exitFailed, exitConfig, exitUsage, exitInterrupted),
		Example: "  trikk notify test -e prod\n  trikk notify test team-chat -e prod\n  trikk notify test tickets -e prod --issue GIS-1",
		RunE: func(cmd *cobra.Command, names []string) error {
			return c.eachNotifier(cmd.Context(), names, c.tryNotifier)
		},
	}
	c.envFlag(cmd)
	c.issueFlag(cmd)
	return cmd
}

func (c *cli) notifyShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [NAME…] -e ENV",
		Short: "What would be told, of a sample",
		Long: "Prints what every notifier of the environment, or those that are named, would tell of a sample. Nothing is sent, and no\n" +
			"secret is read." + exitHelp(exitDone, exitFailed, exitConfig, exitUsage),
		Example: "  trikk notify show team-chat -e prod",
		RunE: func(cmd *cobra.Command, names []string) error {
			return c.eachNotifier(cmd.Context(), names, c.showNotifier)
		},
	}
	c.envFlag(cmd)
	c.issueFlag(cmd)
	return cmd
}

// eachNotifier does something with notifiers of the environment. The command fails when one did.
func (c *cli) eachNotifier(ctx context.Context, names []string, do func(ctx context.Context, name string, n plan.Notifier) error) error {
	all, err := c.notifiers(ctx, names)
	if err != nil {
		return err
	}
	ctx, stop := c.interruptible(ctx)
	defer stop()
	failed := false
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := do(ctx, name, all[name]); err != nil {
			failed = true
		}
		if c.caught != nil {
			return interrupted(c.caught)
		}
	}
	if failed {
		return &exitError{code: exitFailed}
	}
	return nil
}

// notifiers are those of the environment that are named; without names, all.
func (c *cli) notifiers(ctx context.Context, names []string) (map[string]plan.Notifier, error) {
	if err := c.needEnv(); err != nil {
		return nil, err
	}
	w, err := c.load(ctx)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	env, err := w.Environment(c.flags.env)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	if len(env.Notify) == 0 {
		return nil, &exitError{exitConfig, fmt.Errorf("environment %s tells nobody: it has no notify", env.Name)}
	}
	if len(names) == 0 {
		return env.Notify, nil
	}
	out := map[string]plan.Notifier{}
	for _, name := range names {
		n, ok := env.Notify[name]
		if !ok {
			return nil, &exitError{exitConfig, fmt.Errorf("environment %s has no notifier %q (there are: %s)", env.Name, name, strings.Join(slices.Sorted(maps.Keys(env.Notify)), ", "))}
		}
		out[name] = n
	}
	return out, nil
}

// sample is a report that is marked as a test.
func (c *cli) sample() notify.Report {
	r := notify.Sample(c.flags.env, who(), c.now().UTC().Format(time.RFC3339))
	r.Issues = c.flags.issues
	return r
}

func (c *cli) tryNotifier(ctx context.Context, name string, n plan.Notifier) error {
	d := notify.Delivery{Name: name, Kind: n.Kind(), State: notify.Sent, Attempts: 1}
	sender := c.sender()
	err := sender.Check(n)
	if err == nil {
		d.Warnings, err = sender.Try(ctx, n, c.sample())
	}
	if err != nil {
		d.State, d.Error = notify.Failed, err.Error()
	}
	if c.flags.json {
		return errors.Join(err, c.event("notify.test", deliveryFields(d)))
	}
	if err != nil {
		fmt.Fprintf(visible{c.out}, "%s (%s): FAILED: %s\n", name, d.Kind, d.Error)
		return err
	}
	fmt.Fprintf(c.out, "%s (%s): ok\n", name, d.Kind)
	for _, w := range d.Warnings {
		fmt.Fprintf(visible{c.out}, "  %s\n", w)
	}
	return nil
}

func (c *cli) showNotifier(_ context.Context, name string, n plan.Notifier) error {
	text, err := c.sender().Show(n, c.sample())
	if err != nil {
		fmt.Fprintf(visible{c.out}, "%s (%s): FAILED: %s\n", name, n.Kind(), err)
		return err
	}
	if c.flags.json {
		return c.event("notify.show", map[string]any{"name": name, "kind": n.Kind(), "text": text})
	}
	fmt.Fprintf(c.out, "%s (%s)\n", name, n.Kind())
	fmt.Fprintln(visible{c.out}, indented(strings.TrimSpace(text)))
	return nil
}

func (c *cli) notifyRetryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "retry [RUN…]",
		Short: "Tell what could not be told",
		Long: "Tells what runs of this machine, or those that are named, could not tell, also what failed for good. Notifiers are taken as\n" +
			"the config repository has them now, where there is one; else as they were. Those that it no longer has are told nothing." + exitHelp(exitDone, exitFailed, exitUsage, exitInterrupted),
		Example: "  trikk notify retry\n  trikk notify retry 20261123T061900-3f2a",
		RunE:    func(cmd *cobra.Command, runs []string) error { return c.retryTelling(cmd.Context(), runs) },
	}
}

func (c *cli) retryTelling(ctx context.Context, runs []string) error {
	left, err := c.outbox().Left()
	if err != nil {
		return err
	}
	for _, id := range runs {
		if !slices.Contains(left, id) {
			return usage("run %s has nothing left to tell%s", id, leftText(left))
		}
	}
	if len(runs) == 0 {
		runs = left
	}
	if len(runs) == 0 {
		c.say("nothing is left to tell")
		return nil
	}
	ctx, stop := c.interruptible(ctx)
	defer stop()
	mended := c.mended(ctx)
	failed := false
	for _, id := range runs {
		told, err := c.tellAgain(ctx, id, tellPatience, func(notify.Item) bool { return true }, mended)
		c.untold(err)
		c.showTold(told)
		c.showOpen(id)
		failed = failed || err != nil || slices.ContainsFunc(told, func(d notify.Delivery) bool { return d.State != notify.Sent })
		if c.caught != nil {
			return interrupted(c.caught)
		}
	}
	if failed {
		return &exitError{code: exitFailed}
	}
	return nil
}

// showOpen says why a run that has not ended tells nothing yet.
func (c *cli) showOpen(id string) {
	saved, err := run.Load(c.runs(), id)
	switch {
	case err != nil || saved.Outcome != nil:
	case run.InUse(c.runs(), id):
		c.say("run %s goes on: it tells when it ends", id)
	default:
		c.say("run %s was cut off: it tells when it is ended (trikk resume %s)", id, id)
	}
}

func leftText(left []string) string {
	if len(left) == 0 {
		return "; no run has"
	}
	return "; these have: " + strings.Join(left, ", ")
}

// mended makes items that failed pending again, with their notifiers as the config repository has them now. Those that it no longer has are
// not kept.
func (c *cli) mended(ctx context.Context) mend {
	w, err := c.load(ctx)
	if err != nil {
		c.say("the config can't be read, so notifiers are taken as they were: %s", firstLine(err.Error()))
	}
	return func(i notify.Item) (notify.Item, bool) {
		if i.State == notify.Failed {
			i.State = notify.Pending
			i.Since = c.now().UTC().Format(time.RFC3339)
		}
		env, err := w.Environment(i.Report.Env)
		n, ok := env.Notify[i.Name]
		ok = ok && n.Kind() == i.Notifier.Kind()
		if err == nil && !ok && beneath(w.Root, i.Notifier.Dir) { // else it may be that of another repository
			c.say("%s (%s) is no longer told of run %s: %s has no such notifier any more", i.Name, i.Notifier.Kind(), i.Report.Run, env.Name)
			return i, false
		}
		if ok {
			i.Notifier = n
		}
		return i, true
	}
}

// beneath tells whether an absolute path is a folder, or in it.
func beneath(folder, path string) bool {
	within, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(within)
}
