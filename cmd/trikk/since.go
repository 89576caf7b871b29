package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// sinceFlag adds --changed-since.
func sinceFlag(cmd *cobra.Command, ref *string) {
	cmd.Flags().Var((*choice)(ref), "changed-since", "only apps whose inputs differ from those of the git commit `REF`")
}

// changedSince gives the files that differ between a commit and the working tree, and those that git does not know yet, as absolute paths.
// Files that git ignores are not among them.
func (c *cli) changedSince(ctx context.Context, ref string) ([]string, error) {
	if ref == "" || strings.HasPrefix(ref, "-") {
		return nil, usage("--changed-since %q: it is a commit, a branch or a tag", ref)
	}
	g := git{dir: c.absolute(c.flags.dir)}
	prefix, err := g.run(ctx, "rev-parse", "--show-prefix")
	if err != nil && strings.Contains(err.Error(), "not a git repository") {
		return nil, usage("--changed-since needs a git repository, and %s is in none", g.dir)
	}
	if err != nil {
		return nil, usage("--changed-since: asking git about %s: %w", g.dir, err)
	}
	g.prefix = filepath.FromSlash(strings.TrimSuffix(prefix, "\n"))
	commit, err := g.run(ctx, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	if err != nil {
		return nil, usage("--changed-since %s: there is no such commit here (where the clone is a shallow one, fetch it first: git fetch --depth 1 origin …)", ref)
	}
	differ, err := g.run(ctx, "diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", strings.TrimSpace(commit), "--")
	if err != nil {
		return nil, fmt.Errorf("asking git what changed since %s: %w", ref, err)
	}
	added, err := g.run(ctx, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/")
	if err != nil {
		return nil, fmt.Errorf("asking git for new files: %w", err)
	}
	return g.absolute(differ + added)
}

// git asks about the repository that a folder is in.
type git struct {
	dir    string // absolute
	prefix string // of dir in the repository
}

// run gives the output of a command that changes nothing. What git says becomes the error, on one line.
func (g git) run(ctx context.Context, args ...string) (string, error) {
	settings := []string{"-C", g.dir, "-c", "core.fsmonitor=false", "-c", "diff.relative=false"}
	cmd := exec.CommandContext(ctx, "git", append(settings, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var failed *exec.ExitError
	if text := strings.Join(strings.Fields(said.String()), " "); errors.As(err, &failed) && text != "" {
		err = errors.New(strings.TrimPrefix(text, "fatal: "))
	}
	return out.String(), err
}

// absolute reads paths that end with NUL and start from the top of the repository.
func (g git) absolute(list string) ([]string, error) {
	var out []string
	for name := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		if name == "" {
			continue
		}
		rel, err := filepath.Rel(filepath.Clean(g.prefix), filepath.FromSlash(strings.TrimSuffix(name, "/")))
		if err != nil {
			return nil, fmt.Errorf("asking git what changed: %w", err)
		}
		out = append(out, filepath.Join(g.dir, rel))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// onlyChanged keeps the apps whose inputs changed since s.since, and says which files of theirs did.
func (c *cli) onlyChanged(ctx context.Context, w config.Workspace, s selection, apps []plan.App) ([]plan.App, error) {
	changed, err := c.changedSince(ctx, s.since)
	if err != nil {
		return nil, err
	}
	var out []plan.App
	var said []string
	for _, a := range apps {
		if touched := w.Touched(a, changed); len(touched) > 0 {
			out = append(out, a)
			said = append(said, a.Name+": "+c.filesText(touched))
		}
	}
	if len(out) == 0 {
		return nil, c.nothingChanged(s.since)
	}
	c.say("changed since %s:\n  %s\n", s.since, strings.Join(said, "\n  "))
	return out, nil
}

// filesText names a few files, as people know them.
func (c *cli) filesText(files []string) string {
	const most = 3
	var out []string
	for _, f := range files {
		if rel, err := filepath.Rel(c.absolute(c.flags.dir), f); err == nil {
			f = filepath.ToSlash(rel)
		}
		out = append(out, f)
	}
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more", len(out)-most))
	}
	return strings.Join(out, ", ")
}

// nothingChanged ends a command well that has nothing to look at.
func (c *cli) nothingChanged(ref string) error {
	if c.flags.json {
		if err := c.event("nothing.changed", map[string]string{"since": ref}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(visible{c.out}, "Nothing changed since %s.\n", ref)
	}
	return &exitError{code: exitDone}
}

// errUnchanged says that there is nothing to look at.
var errUnchanged = errors.New("nothing changed")

// narrowed gives the folders of a config repository that a check has to look at: those that are named, and of these only what changed
// since a commit, if one is given. They are all that are named where what changed is a part of everything. Where nothing
// changed the error is errUnchanged; mistakes are none.
func (c *cli) narrowed(ctx context.Context, ref string, dirs []string) ([]string, error) {
	if ref == "" {
		return dirs, nil
	}
	changed, err := c.changedSince(ctx, ref)
	if err != nil {
		return nil, err
	}
	packages, err := config.Packages(ctx, c.loading(nil))
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	within := c.within(dirs)
	var out []string
	for _, id := range config.Concerned(packages, changed) {
		p := packages[id]
		if p.Inventory || p.Policies {
			return dirs, nil
		}
		if within(plan.Pos{File: p.Dir}) {
			out = append(out, p.Dir)
		}
	}
	if len(out) == 0 {
		return nil, errUnchanged
	}
	return out, nil
}

// nothingTested ends trikk test where no test belongs to what changed.
func (c *cli) nothingTested(ref string) error {
	c.say("no test belongs to what changed since %s", ref)
	return nil
}
