package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/artifact"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
	"trikk.dev/engine/secret"
)

// mostPast is how many past runs of an app are read: each is a file of some size.
const mostPast = 10

// orVersions completes the version after APP@.
func (c *cli) orVersions(of candidates) candidates {
	return func(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
		app, _, asked := strings.Cut(at.begun, "@")
		if !asked {
			return of(at)
		}
		about := map[string]string{}
		for _, p := range c.past(app) {
			if about[p.version] == "" {
				about[p.version] = fmt.Sprintf("%s %s", day(p.when), p.env)
			}
		}
		all := append(c.published(at.ctx, app), sortedKeys(about)...)
		slices.SortStableFunc(all, func(a, b string) int { return plan.CompareVersions(b, a) })
		var out []cobra.Completion
		for _, v := range slices.Compact(all) {
			out = append(out, described(app+"@"+v, about[v]))
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// pastRelease is what one run of this machine deployed.
type pastRelease struct {
	version, when, env string
	from               []string // releases that were live before
}

// past gives what the last runs of an app deployed in the environment that was named, or in any; the newest first.
func (c *cli) past(app string) (out []pastRelease) {
	all, _ := run.List(c.runs())
	slices.Reverse(all)
	for _, s := range all {
		if len(out) == mostPast {
			break
		}
		if !slices.Contains(s.Meta.Apps, app) || c.flags.env != "" && s.Meta.Env != c.flags.env {
			continue
		}
		saved, err := run.Load(c.runs(), s.Meta.Run)
		if err != nil {
			continue
		}
		for _, a := range saved.Plan.Apps {
			if a.App == app {
				out = append(out, pastRelease{a.Version, s.Meta.Started, s.Meta.Env, a.From})
			}
		}
	}
	return out
}

// pastReleases are the versions that a rollback may go back to, as far as this machine deployed them, and the releases that it found.
func (c *cli) pastReleases(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(at.args) == 0 {
		return nothing(at)
	}
	seen := map[string]bool{"": true}
	var out []cobra.Completion
	add := func(name, about string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, described(name, about))
		}
	}
	for _, p := range c.past(at.args[0]) {
		add(p.version, fmt.Sprintf("%s %s", day(p.when), p.env))
		for _, release := range p.from {
			add(release, fmt.Sprintf("live before %s %s", day(p.when), p.env))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// published are the versions that the app's repository lists. Only this app is evaluated.
func (c *cli) published(ctx context.Context, name string) []string {
	app, ok := c.evaluatedApp(ctx, name)
	if !ok {
		return nil
	}
	secrets := &secret.Reader{}
	resolver := &artifact.Resolver{Secrets: func(ctx context.Context, s plan.Secret) (string, error) {
		if s.Ciphertext() != "" {
			return "", errors.New("opening it may ask somebody")
		}
		return secrets.Read(ctx, s)
	}}
	versions, err := resolver.Versions(ctx, app)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(versions, func(v string) bool { return !validVersion(v) })
}

// evaluatedApp is an app in the environment that was named, or in any.
func (c *cli) evaluatedApp(ctx context.Context, name string) (plan.App, bool) {
	folder := ""
	for _, a := range c.outline(ctx).Apps {
		if a.Name == name {
			folder = a.Folder
		}
	}
	load := func() (config.Workspace, error) { return config.LoadApp(ctx, c.loading(nil), folder) }
	if folder == "" {
		load = func() (config.Workspace, error) { return config.Load(ctx, c.loading(nil)) }
	}
	w, err := load()
	if err != nil {
		return plan.App{}, false
	}
	all := slices.DeleteFunc(w.Apps(), func(a plan.App) bool { return a.Name != name })
	if i := slices.IndexFunc(all, func(a plan.App) bool { return a.Env == c.flags.env }); i >= 0 {
		return all[i], true
	}
	if len(all) == 0 {
		return plan.App{}, false
	}
	return all[0], true
}
