package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	udiff "github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// testRun says which tests are run, and what becomes of golden files.
type testRun struct {
	match  string // a pattern of names
	update bool
	since  string
}

func (c *cli) testCommand() *cobra.Command {
	var t testRun
	cmd := &cobra.Command{
		Use:   "test [DIR…]",
		Short: "Run the tests of the apps, offline",
		Long: "Runs the tests that the config repository has in files ending with _test.cue: each makes the plan of an app for servers\n" +
			"as the test says they are, and holds it against the test's conditions and golden file. It needs no network." +
			exitHelp(exitDone, exitFailed, exitConfig, exitUsage),
		Example: "  trikk test\n  trikk test apps/gis --match turns\n  trikk test --update",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := c.folders(dirs); err != nil {
				return err
			}
			chosen, err := regexp.Compile(t.match)
			if err != nil {
				return usage("--match %s: %w", t.match, err)
			}
			dirs, err = c.narrowed(cmd.Context(), t.since, dirs)
			if errors.Is(err, errUnchanged) {
				return c.nothingChanged(t.since)
			}
			if err != nil {
				return err
			}
			cases, err := config.Tests(cmd.Context(), c.loading(dirs))
			if err != nil {
				return c.showMistakes(err)
			}
			cases = matching(cases, chosen)
			if len(cases) == 0 && t.since != "" {
				return c.nothingTested(t.since)
			}
			if len(cases) == 0 {
				return &exitError{exitConfig, noTests(t.match)}
			}
			for i := range cases {
				if err := c.compareGolden(&cases[i], t); err != nil {
					return err
				}
			}
			return c.showCases(cases)
		},
	}
	cmd.Flags().StringVar(&t.match, "match", "", "only tests whose folder and name match `PATTERN`, a regular expression")
	cmd.Flags().BoolVar(&t.update, "update", false, "write the golden files that differ")
	sinceFlag(cmd, &t.since)
	return cmd
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

// compareGolden adds what differs from the golden file to what a test found, or writes the file anew.
func (c *cli) compareGolden(t *config.Case, how testRun) error {
	if t.Golden == "" || t.Document == nil {
		return nil
	}
	p, err := plan.Decode(bytes.NewReader(t.Document))
	if err != nil {
		return fmt.Errorf("reading the plan of %s: %w", caseName(*t), err)
	}
	var text bytes.Buffer
	showPlan(&text, p, planView{full: true})
	path := c.inRepository(t.Golden)
	if linked(filepath.Dir(path)) || linked(path) { // it could show, or overwrite, a file outside of the config repository
		return &exitError{exitConfig, fmt.Errorf("%s is a symbolic link, or in one: a golden file is a file of the config repository", t.Golden)}
	}
	old, err := os.ReadFile(path)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("reading a golden file: %w", err)
	case err == nil && bytes.Equal(old, text.Bytes()):
		return nil
	case how.update:
		return c.writeGolden(t.Golden, path, text.Bytes())
	case err != nil:
		t.Findings = append(t.Findings, config.Finding{Pos: t.Pos, Message: "there is no " + t.Golden + " (trikk test --update writes it)"})
	default:
		diff := udiff.Unified(t.Golden, "the plan now", string(old), text.String())
		t.Findings = append(t.Findings, config.Finding{Pos: t.Pos, Message: "the plan differs from " + t.Golden + " (trikk test --update writes it anew):\n" + diff})
	}
	return nil
}

// linked tells whether there is a symbolic link at a path.
func linked(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode()&os.ModeSymlink != 0
}

func (c *cli) writeGolden(name, path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing a golden file: %w", err)
	}
	if err := saveFile(path, text); err != nil {
		return fmt.Errorf("writing a golden file: %w", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		return fmt.Errorf("writing a golden file: %w", err)
	}
	c.say("wrote %s", name)
	return nil
}
