package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

func (c *cli) showCommand() *cobra.Command {
	var every time.Duration
	var line bool
	cmd := &cobra.Command{
		Use:   "show RUN|PLAN",
		Short: "One run of this machine, or one saved plan, in full",
		Long: "Shows a run of this machine: each step with its time, which ones were slowest, how the run ended and what to do next.\n" +
			"Or it shows a saved plan, with the steps of every host. -v also shows what steps printed, -vv also their exact shell.\n" +
			"With --json a run is the events that it had, and a plan is its document.\n\n" +
			"--watch follows a run from another terminal until it ends; how it ended, with its exit code, is in the text. --line prints one\n" +
			"line, how far the run is or how it ended, for a status bar." +
			exitHelp(exitDone, exitFailed, exitRefused, exitUsage, exitInterrupted),
		Example: "  trikk show 20261123T061900-3f2a\n  trikk show jmsadmin.plan -vv\n  trikk show 20261123T061900-3f2a --watch\n  trikk show 20261123T061900-3f2a --line",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, names []string) error {
			switch {
			case every != 0 && line:
				return usage("--watch goes on and --line prints one line: choose one of them")
			case cmd.Flags().Changed("watch") && every < shortestFollow:
				return usage("--watch=%s: it is %s at least", every, shortestFollow)
			case every != 0:
				return c.watchRun(cmd.Context(), names[0], every)
			case line:
				return c.lineOfRun(names[0])
			}
			saved, err := run.Load(c.runs(), names[0])
			switch {
			case err == nil:
				return c.showRun(saved)
			case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, run.ErrNotID):
				return err
			}
			s, err := c.openPlan(names[0])
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return usage("there is neither a run %s on this machine (runs are kept in %s; trikk history lists them) nor a file of that name", names[0], c.runs())
			case err != nil:
				return err
			}
			return c.showSaved(s)
		},
	}
	cmd.Flags().DurationVar(&every, "watch", 0, "follow a run until it ends, and look for news every `INTERVAL` (--watch alone: 250ms)")
	cmd.Flags().Lookup("watch").NoOptDefVal = "250ms"
	cmd.Flags().BoolVar(&line, "line", false, "one line about a run, for a status bar")
	return cmd
}

// showSaved shows a saved plan and whose signatures it has.
func (c *cli) showSaved(s savedPlan) error {
	if c.flags.json {
		_, err := c.out.Write(s.text)
		return err
	}
	p := s.plan
	fmt.Fprintf(visible{c.out}, "plan %s%s of %s, made %s for %s\n", p.ID, ofRelease(p), p.CreatedBy, p.CreatedAt, p.Env)
	for _, by := range s.signs {
		fmt.Fprintf(c.out, "signed by %s\n", by.Fingerprint())
	}
	fmt.Fprintln(c.out)
	showPlan(c.out, p, planView{full: true, scripts: c.flags.verbose > 1})
	return nil
}

// showRun shows a run by its journal, as it was shown while it ran.
func (c *cli) showRun(s run.Saved) error {
	outcome, err := outcomeOf(s)
	if err != nil {
		return fmt.Errorf("run %s: %w", s.Meta.Run, err)
	}
	if c.flags.json {
		return c.jsonRun(s)
	}
	result := c.resultOf(s)
	fmt.Fprintf(visible{c.out}, "run %s%s of %s in %s, started %s, took %s: %s\n", s.Meta.Run, ofRelease(s.Plan), s.Meta.Who, s.Plan.Env, s.Meta.Started, shortTook(c.lasted(s, result)), result)
	for _, line := range overridesText(s.Meta.Overrides) {
		fmt.Fprintln(visible{c.out}, line)
	}
	for _, a := range s.Plan.Apps {
		fmt.Fprintln(c.out, headline(s.Plan, a))
	}
	v := newPlainView(c)
	v.w, v.quiet, v.paint = c.out, false, c.paint(c.out)
	v.past, _ = time.Parse(time.RFC3339, s.Meta.Started) // trikk wrote it
	v.begin(s.Meta.Run, s.Plan)
	for _, e := range s.Journal {
		v.event(e)
	}
	c.showSlowest(s, v)
	if result == runGoesOn {
		return nil
	}
	if result == runCutOff {
		fmt.Fprintf(c.out, "\nit was cut off; to go on with it: trikk resume %s\n", s.Meta.Run)
		return nil
	}
	v.finish(outcome)
	return nil
}

// outcomeOf is how the run ended, or how it stands.
func outcomeOf(s run.Saved) (plan.Outcome, error) {
	if s.Outcome != nil {
		return *s.Outcome, nil
	}
	m, err := plan.Replay(s.Plan, s.Journal)
	if err != nil {
		return plan.Outcome{}, err
	}
	return m.Outcome(), nil
}

// showSlowest lists the steps that took longest, of those that took a second at least.
func (c *cli) showSlowest(s run.Saved, v *plainView) {
	var slow []plan.Result
	for _, e := range s.Journal {
		if e.Kind == plan.StepFinished && e.Result != nil && e.Result.Millis >= 1000 {
			slow = append(slow, *e.Result)
		}
	}
	if len(slow) == 0 {
		return
	}
	slices.SortStableFunc(slow, func(a, b plan.Result) int { return cmp.Compare(b.Millis, a.Millis) })
	fmt.Fprintln(c.out, "\nslowest steps")
	t := table{}
	for _, r := range slow[:min(len(slow), 5)] {
		took := time.Duration(r.Millis) * time.Millisecond
		t.row("  "+v.steps[r.Step].Host, took.Round(100*time.Millisecond).String(), v.steps[r.Step].Title)
	}
	t.flush(c.out)
}

// jsonRun writes the events that the run had, with their times.
func (c *cli) jsonRun(s run.Saved) error {
	at, err := time.Parse(time.RFC3339, s.Meta.Started)
	if err != nil {
		return fmt.Errorf("run %s: when it was started: %w", s.Meta.Run, err)
	}
	v := newPastJSON(c, at)
	v.run = s.Meta.Run
	v.overridden(s.Meta.Overrides)
	v.start(s.Meta.Run, s.Plan)
	for _, e := range s.Journal {
		v.event(e)
	}
	if s.Outcome != nil {
		v.finish(*s.Outcome)
	}
	return nil
}
