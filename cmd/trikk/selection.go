package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// selection is which apps of which environment a command is about.
type selection struct {
	selector string
	all      bool
	since    string // --changed-since REF
	release  string // -f FILE
	failed   string // --failed RUN
	artifact string // --artifact PATH
	deadline time.Duration
	// keepGoing leaves out apps that can't be planned; offered: the command has a flag for it.
	keepGoing, offered bool
}

func (s *selection) flags(c *cli, cmd *cobra.Command) {
	c.envFlag(cmd)
	cmd.Flags().VarP((*choice)(&s.selector), "selector", "l", "the apps whose labels fit `SELECTOR`: team=gis,tier!=batch")
	cmd.Flags().BoolVar(&s.all, "all", false, "all apps of the environment")
}

// releaseFlag adds -f to a command that deploys.
func (s *selection) releaseFlag(cmd *cobra.Command) {
	cmd.Flags().VarP((*choice)(&s.release), "release", "f", "the apps and versions of the release in `FILE`")
}

// some tells whether apps are chosen in any way but by a release.
func (s selection) some(names []string) bool {
	return len(names) > 0 || s.selector != "" || s.all || s.since != "" || s.artifact != ""
}

// deadlineFlag adds --deadline to a command that makes a plan.
func (s *selection) deadlineFlag(cmd *cobra.Command) {
	cmd.Flags().Var((*positiveTime)(&s.deadline), "deadline", "give the run `DURATION`, instead of the apps' rollout.deadline")
}

// positiveTime is the value of a flag for a duration that is more than nothing, where it is given at all.
type positiveTime time.Duration

func (t *positiveTime) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("it is more than nothing")
	}
	*t = positiveTime(d)
	return err
}

func (t *positiveTime) String() string {
	if *t == 0 {
		return ""
	}
	return time.Duration(*t).String()
}

// Type is the name of the kind of value.
func (t *positiveTime) Type() string { return "duration" }

// chosen is what a selection gave.
type chosen struct {
	deadline time.Duration
	// keepGoing and offered as in selection.
	keepGoing, offered bool
	env                plan.Environment
	apps               []plan.App
	versions           map[string]string // asked for, by app
	release            string            // that the versions are of; ""
	words              []string          // of the command line that chose them
	config             config.Workspace  // that they are of
}

// choose loads the config repository and picks the apps.
func (c *cli) choose(ctx context.Context, s selection, names []string) (chosen, error) {
	if s.failed != "" {
		return c.chooseFailed(ctx, s, names)
	}
	if err := c.needEnv(); err != nil {
		return chosen{}, err
	}
	if s.release != "" && s.some(names) {
		return chosen{}, usage("-f FILE names its apps itself: it goes with -e ENV, and with no other choice of apps")
	}
	if s.release == "" && !s.some(names) {
		return chosen{}, usage("name an app, or select some with -l SELECTOR or --all")
	}
	w, err := c.load(ctx)
	if err != nil {
		return chosen{}, &exitError{exitConfig, err}
	}
	if s.release != "" {
		return c.pickRelease(ctx, w, s)
	}
	return c.pick(ctx, w, s, names)
}

// chooseAny is choose for commands that are about an app whatever its version. One that is asked for is refused: nobody would heed it.
func (c *cli) chooseAny(ctx context.Context, s selection, names []string) (chosen, error) {
	for _, n := range names {
		if app, version, asked := strings.Cut(n, "@"); asked {
			return chosen{}, usage("this is about %s whatever its version: leave @%s out", app, version)
		}
	}
	return c.choose(ctx, s, names)
}

func (c *cli) pick(ctx context.Context, w config.Workspace, s selection, names []string) (chosen, error) {
	out := chosen{config: w, deadline: s.deadline, keepGoing: s.keepGoing, offered: s.offered, versions: map[string]string{}, words: s.words(names)}
	plain := make([]string, len(names))
	for i, n := range names {
		app, version, asked := strings.Cut(n, "@")
		if asked && !validVersion(version) {
			return chosen{}, usage("%q is no version: letters, digits and . _ + -, starting with a letter or digit", version)
		}
		if other, twice := out.versions[app]; asked && twice && other != version {
			return chosen{}, usage("%s is asked for twice: %s and %s", app, other, version)
		}
		plain[i] = app
		if asked {
			out.versions[app] = version
		}
	}
	var err error
	if out.env, err = w.Environment(c.flags.env); err != nil {
		return chosen{}, &exitError{exitConfig, err}
	}
	out.apps, err = w.Select(c.flags.env, config.Selection{Names: plain, Labels: s.selector, All: s.all || s.since != ""})
	if err != nil {
		return chosen{}, &exitError{exitConfig, err}
	}
	if s.since != "" {
		if out.apps, err = c.onlyChanged(ctx, w, s, out.apps); err != nil {
			return chosen{}, err
		}
	}
	if s.artifact == "" {
		return out, nil
	}
	if len(out.apps) != 1 {
		return chosen{}, usage("--artifact goes with one app, %d are selected", len(out.apps))
	}
	out.apps[0] = c.withArtifact(out.apps[0], s.artifact)
	return out, built(out.apps)
}

// pickRelease picks the apps of a release file, with its versions.
func (c *cli) pickRelease(ctx context.Context, w config.Workspace, s selection) (chosen, error) {
	if _, err := w.Environment(c.flags.env); err != nil {
		return chosen{}, &exitError{exitConfig, err}
	}
	r, err := config.ReadRelease(ctx, c.loading(nil), c.absolute(s.release))
	if err == nil {
		err = w.Fits(r, c.flags.env)
	}
	if err != nil {
		return chosen{}, &exitError{exitConfig, err}
	}
	var names []string
	for _, app := range sortedKeys(r.Apps) {
		names = append(names, app+"@"+r.Apps[app].Version)
	}
	out, err := c.pick(ctx, w, s, names)
	out.release, out.words = r.Name, []string{"-f", s.release}
	return out, err
}

// words are the selection as it is typed.
func (s selection) words(names []string) []string {
	out := slices.Clone(names)
	if s.selector != "" {
		out = append(out, "-l", s.selector)
	}
	if s.all {
		out = append(out, "--all")
	}
	if s.since != "" {
		out = append(out, "--changed-since", s.since)
	}
	if s.artifact != "" {
		out = append(out, "--artifact", s.artifact)
	}
	return out
}

// withArtifact makes the app take the local route with a file. How it is unpacked stays as the config says.
func (c *cli) withArtifact(app plan.App, path string) plan.App {
	options := app.Artifact.Options()
	options.Digest, options.Fetch = "", ""
	app.Artifact = plan.Artifact{File: &plan.FileArtifact{ArtifactOptions: options, Path: c.absolute(path)}}
	app.Build = nil
	app.Version = ""
	return app
}

func validVersion(v string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return v != "" && strings.Contains(letters, v[:1]) && strings.Trim(v, letters+"._+-") == ""
}
