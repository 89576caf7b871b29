package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// versioned is a git repository, whose commit is tagged v1, with a config repository in its folder deploy, by way of a link.
func versioned(t *testing.T) (top, deploy string) {
	t.Helper()
	base, err := txtar.ParseFile(filepath.Join(errorsDir, "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	real := t.TempDir()
	lay(t, filepath.Join(real, "deploy"), base.Files)
	gitDo(t, real, "init", "-q", "-b", "main")
	gitDo(t, real, "config", "diff.relative", "true")
	gitDo(t, real, "add", ".")
	gitDo(t, real, "-c", "user.name=anna", "-c", "user.email=anna@example", "commit", "-q", "-m", "all of it")
	gitDo(t, real, "tag", "v1")
	top = filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(real, top); err != nil {
		t.Fatal(err)
	}
	return top, filepath.Join(top, "deploy")
}

func gitDo(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

func addTo(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	was, _ := os.ReadFile(path)
	lay(t, dir, []txtar.File{{Name: name, Data: append(was, text...)}})
}

// TestChangedSince: only what changed is planned, vetted and tested, and nothing is no failure.
func TestChangedSince(t *testing.T) {
	t.Parallel()
	top, deploy := versioned(t)
	trikk := func(args string) (int, string) {
		code, out, errs := here(deploy, nil, strings.Fields(args)...)
		return code, out + errs
	}
	expect := func(args string, code int, texts ...string) {
		t.Helper()
		got, out := trikk(args)
		if got != code {
			t.Errorf("%s: exit code %d, want %d", args, got, code)
		}
		for _, text := range texts {
			if text, not := strings.CutPrefix(text, "!"); strings.Contains(out, text) == not {
				t.Errorf("%s: says (or not) %q:\n%s", args, text, out)
			}
		}
	}
	plans := "plan --offline -e test --changed-since "

	expect(plans+"v1", 0, "Nothing changed since v1.\n", "!deploy")
	expect("vet --changed-since v1", 0, "Nothing changed since v1.")
	expect("vet --format sarif --changed-since v1", 0, `"version": "2.1.0"`)
	expect("test --changed-since v1 --json", 0, `"event":"nothing.changed","since":"v1"`)

	addTo(t, top, "README.md", "not of the config repository\n")
	addTo(t, deploy, "apps/pages/extra.cue", "package pages\n\napp: description: \"new\"\n") // git does not know it yet
	expect(plans+"HEAD", 0, "changed since HEAD:\n  pages: apps/pages/extra.cue\n", "deploy pages in test", "!deploy hello")
	expect(plans+"v1 -l !team", 0, "Nothing changed since v1.")
	expect(plans+"v1 hello", 0, "Nothing changed since v1.")
	expect("vet --changed-since v1", 0, "1 app in 1 environment")
	expect("vet apps/hello --changed-since v1", 0, "Nothing changed since v1.")
	expect("test --changed-since v1", 0, "no test belongs to what changed since v1")

	addTo(t, deploy, "apps/pages/extra.cue", "app: labesl: x: \"y\"\n")
	addTo(t, deploy, "apps/hello/app.cue", "app: prots: x: 1\n")
	expect("vet --changed-since v1", 3, "labesl", "prots")
	gitDo(t, top, "checkout", "-q", "--", "deploy/apps/hello/app.cue")
	expect("vet --changed-since v1", 3, "labesl", "!prots")

	if err := os.Remove(filepath.Join(deploy, "apps/pages/extra.cue")); err != nil {
		t.Fatal(err)
	}
	addTo(t, deploy, "environments/environments.cue", "// a word\n")
	expect(plans+"v1", 0, "hello: environments/environments.cue", "pages: environments/environments.cue")
}

// TestChangedSinceWrong: what is no commit never reaches git as a flag.
func TestChangedSinceWrong(t *testing.T) {
	t.Parallel()
	_, deploy := versioned(t)
	for args, want := range map[string]string{
		"vet --changed-since=--output=x":                `--changed-since "--output=x": it is a commit, a branch or a tag`,
		"vet --changed-since=":                          `--changed-since "": it is empty`,
		"plan --all -e test --changed-since=":           `--changed-since "": it is empty`,
		"plan --all -e test --selector=":                `--selector "": it is empty`,
		"plan --all -e test --failed=":                  `--failed "": it is empty`,
		"plan --all -e test --release=":                 `--release "": it is empty`,
		"vet --changed-since v2":                        "--changed-since v2: there is no such commit here",
		"vet --changed-since v1..HEAD":                  "--changed-since v1..HEAD: there is no such commit here",
		"apply --plan x.plan --changed-since v1":        "--plan FILE says it all",
		"-C " + t.TempDir() + " vet --changed-since v1": "--changed-since needs a git repository, and ",
	} {
		code, out, errs := here(deploy, nil, strings.Fields(args)...)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s%s, want %q", args, code, out, errs, want)
		}
	}
	if _, err := os.Stat(filepath.Join(deploy, "x")); err == nil {
		t.Error("git took a commit for a flag")
	}
}
