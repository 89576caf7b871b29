package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// chooseFailed picks the apps that an earlier run did not do, in its versions and its environment. What there is to do about them is planned
// anew.
func (c *cli) chooseFailed(ctx context.Context, s selection, names []string) (chosen, error) {
	if s.release != "" || s.some(names) {
		return chosen{}, usage("--failed RUN says which apps: it goes with no other choice of apps")
	}
	saved, err := c.endedRun(s.failed)
	if err != nil {
		return chosen{}, err
	}
	if c.flags.env != "" && c.flags.env != saved.Plan.Env {
		return chosen{}, usage("run %s was in %s, not in %s", s.failed, saved.Plan.Env, c.flags.env)
	}
	o, err := outcomeOf(saved)
	if err != nil {
		return chosen{}, fmt.Errorf("run %s: %w", s.failed, err)
	}
	open := notDone(saved.Plan, o)
	if len(open) == 0 {
		return chosen{}, c.nothingFailed(s.failed)
	}
	if goesBack(saved.Plan) {
		return chosen{}, refused("run %s is a rollback; to try it again: %s", s.failed, once(saved.Plan, open[0]))
	}
	w, err := c.load(ctx)
	if err != nil {
		return chosen{}, &exitError{exitConfig, err}
	}
	return c.pickFailed(ctx, w, s, saved.Plan, open)
}

// endedRun reads a run of this machine that does not go on any more.
func (c *cli) endedRun(id string) (run.Saved, error) {
	saved, err := run.Load(c.runs(), id)
	switch {
	case err != nil:
		return saved, c.noSuchRun(id, err)
	case run.InUse(c.runs(), id):
		return saved, refused("run %s goes on in another process: wait for it to end (trikk show %s --watch)", id, id)
	}
	return saved, nil
}

// noSuchRun is the error of a run that can't be read: in most cases there is none of that ID.
func (c *cli) noSuchRun(id string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, run.ErrNotID) {
		return usage("there is no run %s on this machine%s; runs are kept in %s, and trikk history lists them", id, c.nearRun(id), c.runs())
	}
	return err
}

// nearRun is the hint for an ID that is none of a run.
func (c *cli) nearRun(id string) string {
	var known []string
	entries, _ := os.ReadDir(c.runs()) // without it there is no hint
	for _, e := range entries {
		known = append(known, e.Name())
	}
	return config.Suggestion(id, known)
}

// pickFailed picks apps of an earlier plan, as the config writes them now.
func (c *cli) pickFailed(ctx context.Context, w config.Workspace, s selection, p plan.Plan, open []string) (chosen, error) {
	c.flags.env = p.Env
	var names []string
	for _, app := range open {
		names = append(names, askedAgain(p, app))
	}
	out, err := c.pick(ctx, w, s, names)
	if err != nil { // the config has changed since
		return out, fmt.Errorf("%w\nrun %s did not do %s; without what is gone, name those that are left: trikk apply APP@VERSION… -e %s", err, s.failed, shortList(names), p.Env)
	}
	out.release, out.words = p.Release, []string{"--failed", s.failed}
	for i, app := range out.apps {
		if file := givenFile(p, app); file != "" {
			out.apps[i] = c.withArtifact(app, file)
		}
	}
	return out, nil
}

// askedAgain is an app of a plan, with its version there.
func askedAgain(p plan.Plan, app string) string {
	for _, a := range p.Apps {
		if a.App == app {
			return asked(a, a.Version)
		}
	}
	for _, l := range p.LeftOut {
		if l.App == app && l.Version != "" {
			return app + "@" + l.Version
		}
	}
	return app
}

// givenFile is the local file that an earlier command line gave an app, with --artifact; "": none.
func givenFile(p plan.Plan, app plan.App) string {
	for _, a := range p.Apps {
		file := a.Source.Artifact.File
		if a.App == app.Name && file != nil && len(a.Source.Build) == 0 && (app.Artifact.File == nil || app.Artifact.File.Path != file.Path) {
			return file.Path
		}
	}
	return ""
}

// notDone are the apps of a run that were not done, or not everywhere, sorted.
func notDone(p plan.Plan, o plan.Outcome) []string {
	var out []string
	for _, a := range o.Apps {
		if a.Status != plan.Done {
			out = append(out, a.App)
		}
	}
	for _, l := range p.LeftOut {
		out = append(out, l.App)
	}
	for _, s := range p.Skipped { // of an app that had nothing to do elsewhere
		out = append(out, s.App)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// nothingFailed ends a command well that has nothing to try again.
func (c *cli) nothingFailed(id string) error {
	if c.flags.json {
		if err := writeEvent(c.out, eventLine{stamp(c.now()), id, "nothing.failed"}, struct{}{}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(visible{c.out}, "nothing failed in %s\n", id)
	}
	return &exitError{code: exitDone}
}

// showAgain says how the apps are tried again that a run of several did not do. Where something is half done, that comes first.
func showAgain(w io.Writer, p plan.Plan, o plan.Outcome, runID string) {
	open := notDone(p, o)
	if len(p.Apps)+len(p.LeftOut) < 2 || len(open) == 0 || o.Status == plan.Broken || goesBack(p) {
		return
	}
	fmt.Fprintf(w, "next: trikk apply --failed %s tries %s again\n", runID, shortList(open))
}

// shortList names the first of a list, and counts the rest.
func shortList(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
