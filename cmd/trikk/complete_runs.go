package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// mostRuns is how many runs are offered, the newest ones: nobody chooses of more.
const mostRuns = 50

// runsThat gives the newest runs of this machine that are meant, with when, where and what.
func (c *cli) runsThat(meant func(run.Summary) bool) ([]cobra.Completion, cobra.ShellCompDirective) {
	all, _ := run.List(c.runs()) // those that can't be read are told by trikk history
	slices.Reverse(all)
	var out []cobra.Completion
	for _, s := range all {
		if len(out) == mostRuns {
			break
		}
		if meant(s) {
			about := fmt.Sprintf("%s %s: %s, %s", day(s.Meta.Started), s.Meta.Env, strings.Join(s.Meta.Apps, " "), c.resultOf(run.Saved{Meta: s.Meta, Outcome: s.Outcome}))
			out = append(out, described(s.Meta.Run, about))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// day is a moment for people, to the minute.
func day(at string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return at
	}
	return t.Format("2006-01-02 15:04")
}

func (c *cli) allRuns(spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	return c.runsThat(func(run.Summary) bool { return true })
}

// cutRuns are the runs that resume may go on with.
func (c *cli) cutRuns(spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	return c.runsThat(unfinished)
}

// failedRuns are the runs in which something may be left to do.
func (c *cli) failedRuns(spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	return c.runsThat(func(s run.Summary) bool { return s.Outcome == nil || s.Outcome.Status != plan.Done })
}

func unfinished(s run.Summary) bool { return s.Outcome == nil || s.Outcome.Status == plan.Broken }

// lockingRuns are the runs of the app that may hold its lock.
func (c *cli) lockingRuns(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	return c.runsThat(func(s run.Summary) bool {
		of := len(at.args) == 0 || slices.Contains(s.Meta.Apps, at.args[0])
		return of && unfinished(s) && (c.flags.env == "" || s.Meta.Env == c.flags.env)
	})
}
