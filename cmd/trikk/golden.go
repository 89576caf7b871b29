package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	udiff "github.com/aymanbagabas/go-udiff"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// goldenHead begins a golden file of --golden, so that no other file of its folder is taken for one.
const goldenHead = "# trikk test --golden: plan of "

// goldenName is that of a golden file of --golden.
var goldenName = regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+\.txt$`)

// folder is that of --golden, if there is one.
func (t testRun) folder() []string {
	if t.golden == "" {
		return nil
	}
	return []string{t.golden}
}

// mends is the command that makes the golden file of a test right.
func (t testRun) mends(of config.Case) string {
	if of.Deployment {
		return "trikk test --golden " + shellescape.Quote(t.golden) + " --update"
	}
	return "trikk test --update"
}

// staleGoldens gives a case for each golden file of --golden that is of no app and environment of the config repository. Other files in
// the folder are none of ours.
func (c *cli) staleGoldens(how testRun, known []string) ([]config.Case, error) {
	if how.golden == "" {
		return nil, nil
	}
	dir := path.Clean(filepath.ToSlash(how.golden))
	files, err := os.ReadDir(c.inRepository(how.golden))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for golden files: %w", err)
	}
	var out []config.Case
	for _, f := range files {
		name := path.Join(dir, f.Name())
		if !f.Type().IsRegular() || !goldenName.MatchString(f.Name()) || slices.Contains(known, name) {
			continue
		}
		ours, err := isGolden(c.inRepository(name))
		if err != nil {
			return nil, fmt.Errorf("reading a golden file: %w", err)
		}
		if ours {
			app, env, _ := strings.Cut(strings.TrimSuffix(f.Name(), ".txt"), ".")
			out = append(out, config.Case{Name: f.Name(), Dir: dir, App: app, Env: env, Pos: plan.Pos{File: name, Line: 1, Column: 1}, Golden: name, Deployment: true})
		}
	}
	return out, nil
}

// isGolden tells whether a file begins as golden files of --golden do.
func isGolden(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, len(goldenHead))
	_, err = io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	return string(head) == goldenHead, err
}

// clearStale removes the golden file of a stale case, or tells of it.
func (c *cli) clearStale(t *config.Case, how testRun) error {
	if !how.update {
		message := fmt.Sprintf("there is no app %s in %s any more (%s removes this file)", t.App, t.Env, how.mends(*t))
		t.Findings = append(t.Findings, config.Finding{Pos: t.Pos, Message: message})
		return nil
	}
	if err := os.Remove(c.inRepository(t.Golden)); err != nil {
		return fmt.Errorf("removing a golden file: %w", err)
	}
	c.say("removed %s", t.Golden)
	return nil
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
	if t.Deployment {
		fmt.Fprintf(&text, "%s%s in %s\n\n", goldenHead, t.App, t.Env)
	}
	showPlan(&text, p, planView{full: true})
	at := c.inRepository(t.Golden)
	if linked(filepath.Dir(at)) || linked(at) { // it could show, or overwrite, a file outside of the config repository
		return &exitError{exitConfig, fmt.Errorf("%s is a symbolic link, or in one: a golden file is a file of the config repository", t.Golden)}
	}
	old, err := os.ReadFile(at)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("reading a golden file: %w", err)
	case err == nil && bytes.Equal(old, text.Bytes()):
		return nil
	case how.update:
		return c.writeGolden(t.Golden, at, text.Bytes())
	case err != nil:
		t.Findings = append(t.Findings, config.Finding{Pos: t.Pos, Message: fmt.Sprintf("there is no %s (%s writes it)", t.Golden, how.mends(*t))})
	default:
		diff := udiff.Unified(t.Golden, "the plan now", string(old), text.String())
		t.Findings = append(t.Findings, config.Finding{Pos: t.Pos, Message: fmt.Sprintf("the plan differs from %s (%s writes it anew):\n%s", t.Golden, how.mends(*t), diff)})
	}
	return nil
}

// linked tells whether there is a symbolic link at a path.
func linked(name string) bool {
	fi, err := os.Lstat(name)
	return err == nil && fi.Mode()&os.ModeSymlink != 0
}

func (c *cli) writeGolden(name, at string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return fmt.Errorf("writing a golden file: %w", err)
	}
	if err := saveFile(at, text); err != nil {
		return fmt.Errorf("writing a golden file: %w", err)
	}
	if err := os.Chmod(at, 0o644); err != nil {
		return fmt.Errorf("writing a golden file: %w", err)
	}
	c.say("wrote %s", name)
	return nil
}
