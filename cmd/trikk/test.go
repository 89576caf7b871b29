package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
)

// testRun says which tests are run, and what becomes of golden files.
type testRun struct {
	match  string // a pattern of names
	golden string // the folder with the plans of all apps; "": they are not compared
	update bool
	since  string
}

func (c *cli) testCommand() *cobra.Command {
	var t testRun
	cmd := &cobra.Command{
		Use:   "test [DIR…]",
		Short: "Run the tests of the apps, offline",
		Long: "Runs the tests that the config repository has in files ending with _test.cue: each makes the plan of an app for servers\n" +
			"as the test says they are, and holds it against the test's conditions and golden file. It needs no network.\n\n" +
			"With --golden DIR there is one more test for each app in each environment: its plan, as if nothing were installed, must be\n" +
			"what DIR/APP.ENV.txt says; and none of these files may be of an app or environment that is no longer there. --update writes\n" +
			"the golden files that differ, and removes those." +
			exitHelp(exitDone, exitFailed, exitConfig, exitUsage),
		Example: "  trikk test\n  trikk test apps/gis --match turns\n  trikk test --update\n  trikk test --golden plans --update",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if cmd.Flags().Changed("golden") && t.golden == "" { // a variable that is not set must not leave all of them out
				return usage("--golden \"\": it is the folder of the golden files")
			}
			return c.test(cmd.Context(), t, dirs)
		},
	}
	cmd.Flags().StringVar(&t.match, "match", "", "only tests whose folder and name match `PATTERN`, a regular expression")
	cmd.Flags().StringVar(&t.golden, "golden", "", "also compare the plan of each app in each environment with its golden file in `DIR`")
	cmd.Flags().BoolVar(&t.update, "update", false, "write the golden files that differ, and remove those in the folder of --golden that are of nothing")
	sinceFlag(cmd, &t.since)
	return cmd
}

// test runs the tests in folders, or in all of them.
func (c *cli) test(ctx context.Context, t testRun, dirs []string) error {
	if err := c.folders(append(slices.Clone(dirs), t.folder()...)); err != nil {
		return err
	}
	chosen, err := regexp.Compile(t.match)
	if err != nil {
		return usage("--match %s: %w", t.match, err)
	}
	dirs, err = c.narrowed(ctx, t.since, dirs)
	if errors.Is(err, errUnchanged) {
		return c.nothingChanged(t.since)
	}
	if err != nil {
		return err
	}
	o := c.loading(dirs)
	o.Golden = filepath.ToSlash(t.golden)
	found, err := config.Tests(ctx, o)
	if err != nil {
		return c.showMistakes(err)
	}
	stale, err := c.staleGoldens(t, found.Goldens)
	if err != nil {
		return err
	}
	cases := matching(found.Cases, chosen)
	stale = matching(stale, chosen)
	switch {
	case len(cases)+len(stale) > 0:
	case t.since != "":
		return c.nothingTested(t.since)
	default:
		return &exitError{exitConfig, noTests(t.match)}
	}
	for i := range cases {
		if err := c.compareGolden(&cases[i], t); err != nil {
			return err
		}
	}
	for i := range stale {
		if err := c.clearStale(&stale[i], t); err != nil {
			return err
		}
	}
	return c.showCases(append(cases, stale...))
}

// caseName is what a test is called and selected by.
func caseName(t config.Case) string { return t.Dir + ": " + t.Name }

func matching(all []config.Case, pattern *regexp.Regexp) (out []config.Case) {
	for _, t := range all {
		if pattern.MatchString(caseName(t)) {
			out = append(out, t)
		}
	}
	return out
}

func noTests(pattern string) error {
	if pattern != "" {
		return fmt.Errorf("no test matches %q", pattern)
	}
	return errors.New("there are no tests (they are in files such as apps/hello/hello_test.cue: see trikk help test)")
}
