package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

func (c *cli) vetCommand() *cobra.Command {
	format, since := formatText, ""
	cmd := &cobra.Command{
		Use:   "vet [DIR…]",
		Short: "Validate every app and environment, offline",
		Long: "Validates every app and environment of the config repository and checks them against each other, and against the\n" +
			"policies. It needs no network and prints every mistake, one a line: file:line:col: what (hint). --format prints them\n" +
			"as CI systems read them. --changed-since checks only what differs from a git commit." + exitHelp(exitDone, exitFailed, exitConfig, exitUsage),
		Example: "  trikk vet\n  trikk vet apps/gis\n  trikk vet --format sarif > vet.sarif\n  trikk vet --changed-since origin/main",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := c.settleFormat(cmd.Flags(), &format); err != nil {
				return err
			}
			write := documents()[format]
			dirs, err := c.narrowed(cmd.Context(), since, dirs)
			switch {
			case errors.Is(err, errUnchanged) && write != nil:
				return c.showReport(findings{}, nil, write)
			case errors.Is(err, errUnchanged):
				return c.nothingChanged(since)
			case err != nil:
				return err
			}
			found, err := c.vetted(cmd.Context(), dirs)
			if write != nil {
				return c.showReport(found, err, write)
			}
			if err != nil {
				return c.showMistakes(err)
			}
			c.showVetted(found)
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "print as `FORMAT`: "+strings.Join(formats(), ", "))
	sinceFlag(cmd, &since)
	return cmd
}

// vetted loads, checks and counts. Beside mistakes there are at least the files and the warnings.
func (c *cli) vetted(ctx context.Context, dirs []string) (findings, error) {
	if err := c.folders(dirs); err != nil {
		return findings{}, err
	}
	within := c.within(dirs)
	w, err := config.Vet(ctx, c.loading(dirs))
	if w.Sound {
		err = config.Join(err, refusals(w, within), c.wrongTemplates(w, within))
	}
	return countWithin(w, within), err
}

// folders refuses files: what vet says is about folders. One that is not there is a mistake that loading tells.
func (c *cli) folders(dirs []string) error {
	for _, d := range dirs {
		if at, err := os.Stat(c.inRepository(d)); err == nil && !at.IsDir() {
			return &exitError{exitConfig, fmt.Errorf("%s is no folder (name a folder of the config repository)", d)}
		}
	}
	return nil
}

// inRepository makes a path of the command line, or of a mistake, absolute.
func (c *cli) inRepository(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return c.absolute(filepath.Join(c.flags.dir, path))
}

// refusals compiles every deployment as if nothing were installed, so that what plan would refuse is known before.
func refusals(w config.Workspace, within func(plan.Pos) bool) error {
	var wrong []config.Diagnostic
	for _, app := range w.Apps() {
		if !within(app.Pos) {
			continue
		}
		env, err := w.Environment(app.Env)
		if err != nil {
			return err
		}
		if _, err := plan.Compile(env, []plan.App{app}, plan.Facts{}, plan.Intent{Kind: plan.Deploy, Offline: true}); err != nil {
			wrong = append(wrong, diagnostics(err)...)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &config.Errors{List: wrong}
}

// diagnostics are the reasons why a plan is refused, as mistakes of the config.
func diagnostics(err error) []config.Diagnostic {
	var all plan.Refusals
	if !errors.As(err, &all) {
		all = plan.Refusals{err}
	}
	var out []config.Diagnostic
	for _, e := range all {
		d := config.Diagnostic{Message: e.Error()}
		var r *plan.Refusal
		if errors.As(e, &r) {
			d = config.Diagnostic{Pos: r.Pos, Message: r.Text, Hint: r.Hint}
		}
		out = append(out, d)
	}
	return out
}

// within tells whether a place is in one of the folders that vet was asked about.
func (c *cli) within(dirs []string) func(plan.Pos) bool {
	return func(p plan.Pos) bool {
		for _, d := range dirs {
			rel, err := filepath.Rel(c.inRepository(d), c.inRepository(filepath.FromSlash(p.File)))
			if err == nil && filepath.IsLocal(rel) {
				return true
			}
		}
		return len(dirs) == 0
	}
}

// showMistakes prints mistakes as results: they are what vet was asked for.
func (c *cli) showMistakes(err error) error {
	var wrong *config.Errors
	if !errors.As(err, &wrong) || wrong.List[0].Pos.File == "" {
		return &exitError{exitConfig, err}
	}
	if c.flags.json {
		c.tell("mistake", wrong.List)
		return &exitError{code: exitConfig}
	}
	fmt.Fprintln(c.out, wrong.Error())
	fmt.Fprintf(c.world.err, "trikk: %s\n", plural(len(wrong.List), "mistake"))
	return &exitError{code: exitConfig}
}

// tell writes one event for each diagnostic: "mistake", or "warning" with the same fields.
func (c *cli) tell(event string, list []config.Diagnostic) {
	for _, d := range list {
		_ = c.event(event, map[string]any{"file": d.Pos.File, "line": d.Pos.Line, "column": d.Pos.Column, "path": d.Path, "message": d.Message, "hint": d.Hint})
	}
}

// findings is what was found right.
type findings struct {
	apps, environments map[string]bool
	deployments        int
	warnings           []config.Diagnostic
	files              []string // that were read
	none               bool     // the config repository has no app at all
}

// countWithin counts what is within: apps, and environments that are there or that these apps are deployed to.
func countWithin(w config.Workspace, within func(plan.Pos) bool) findings {
	v := findings{apps: map[string]bool{}, environments: map[string]bool{}, none: len(w.Apps()) == 0}
	for _, e := range w.Environments {
		if within(e.Pos) {
			v.environments[e.Name] = true
		}
	}
	for _, a := range w.Apps() {
		if within(a.Pos) {
			v.apps[a.Name], v.environments[a.Env] = true, true
			v.deployments++
		}
	}
	for _, d := range w.Warnings {
		if within(d.Pos) {
			v.warnings = append(v.warnings, d)
		}
	}
	for _, f := range w.Files {
		if within(plan.Pos{File: f}) {
			v.files = append(v.files, f)
		}
	}
	return v
}

func (c *cli) showVetted(v findings) {
	if c.flags.json {
		c.tell("warning", v.warnings)
		_ = c.event("vet.finished", map[string]any{"apps": len(v.apps), "deployments": v.deployments, "environments": len(v.environments), "warnings": len(v.warnings)})
		return
	}
	for _, d := range v.warnings {
		c.say("warning: %s", d)
	}
	if v.none {
		c.say("the config repository has no app yet; one is a folder with app: schema.#App & {…}, as trikk init shows")
		return
	}
	if !c.flags.quiet {
		fmt.Fprintln(c.out, v)
	}
}

// String says that all is right, and how much that is.
func (v findings) String() string {
	return fmt.Sprintf("%s in %s, %s: all right", plural(len(v.apps), "app"), plural(len(v.environments), "environment"), plural(v.deployments, "deployment"))
}
