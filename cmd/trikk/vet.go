package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

func (c *cli) vetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "vet [DIR…]",
		Short: "Validate every app and environment, offline",
		Long: "Validates every app and environment of the config repository and checks them against each other. It needs no\n" +
			"network and prints every mistake, one a line: file:line:col: what (hint)." + exitHelp(exitDone, exitConfig, exitUsage),
		Example: "  trikk vet\n  trikk vet apps/gis",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			w, err := c.load(cmd.Context(), dirs...)
			if err != nil {
				return c.showMistakes(err)
			}
			if err := refusals(w, c.within(dirs)); err != nil {
				return c.showMistakes(err)
			}
			c.showVetted(w)
			return nil
		},
	}
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
			rel, err := filepath.Rel(c.absolute(filepath.Join(c.flags.dir, d)), c.absolute(filepath.Join(c.flags.dir, p.File)))
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
		for _, d := range wrong.List {
			_ = c.event("mistake", map[string]any{"file": d.Pos.File, "line": d.Pos.Line, "column": d.Pos.Column, "path": d.Path, "message": d.Message, "hint": d.Hint})
		}
		return &exitError{code: exitConfig}
	}
	fmt.Fprintln(c.out, wrong.Error())
	fmt.Fprintf(c.world.err, "trikk: %s\n", plural(len(wrong.List), "mistake"))
	return &exitError{code: exitConfig}
}

func (c *cli) showVetted(w config.Workspace) {
	names := map[string]bool{}
	for _, a := range w.Apps() {
		names[a.Name] = true
	}
	if c.flags.json {
		_ = c.event("vet.finished", map[string]any{"apps": len(names), "deployments": len(w.Apps()), "environments": len(w.Environments), "warnings": len(w.Warnings)})
		return
	}
	for _, d := range w.Warnings {
		c.say("warning: %s", d)
	}
	if !c.flags.quiet {
		fmt.Fprintf(c.out, "%s in %s, %s: all right\n", plural(len(names), "app"), plural(len(w.Environments), "environment"), plural(len(w.Apps()), "deployment"))
	}
}
