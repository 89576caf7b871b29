package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"go.yaml.in/yaml/v3"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
	"trikk.dev/engine/config"
)

// pipeline is what a CI file does: its commands, and the files that it hands on.
type pipeline struct {
	commands []string
	files    map[string]string // by what they are: junit, codequality, sarif
}

// githubFile and gitlabFile are as much of these files as the examples use.
type githubFile struct {
	Name        string
	On          []string
	Permissions map[string]string
	Jobs        map[string]struct {
		RunsOn string `yaml:"runs-on"`
		Steps  []struct {
			Uses, Run, If string
			With          map[string]string
		}
	}
}

type gitlabFile map[string]struct {
	Image     string
	Script    []string
	Artifacts struct {
		When    string
		Reports map[string]string
	}
}

// strictly reads YAML whose every key is known.
func strictly(t *testing.T, text string, into any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

func githubPipeline(t *testing.T, text string) pipeline {
	t.Helper()
	var f githubFile
	strictly(t, text, &f)
	p := pipeline{files: map[string]string{}}
	for _, job := range f.Jobs {
		for _, s := range job.Steps {
			if s.Run != "" {
				p.commands = append(p.commands, s.Run)
			}
			if name := s.With["sarif_file"]; name != "" {
				p.files["sarif"] = name
				if s.If != "always()" || f.Permissions["security-events"] != "write" {
					t.Error("the upload is not done where there are mistakes, or may not be")
				}
			}
		}
	}
	return p
}

func gitlabPipeline(t *testing.T, text string) pipeline {
	t.Helper()
	var f gitlabFile
	strictly(t, text, &f)
	p := pipeline{}
	for _, job := range f {
		p.commands, p.files = append(p.commands, job.Script...), job.Artifacts.Reports
		if job.Artifacts.When != "always" {
			t.Error("reports are not kept where there are mistakes")
		}
	}
	return p
}

// run runs the commands in a folder as CI does, one after the other until one fails. trikk is this process, and nothing is installed.
func (p pipeline) run(t *testing.T, dir string) (code int, out string) {
	t.Helper()
	var said bytes.Buffer
	handler := func(interp.ExecHandlerFunc) interp.ExecHandlerFunc {
		return func(ctx context.Context, args []string) error {
			h := interp.HandlerCtx(ctx)
			if slices.Equal(args, []string{"go", "install", "trikk.dev/cmd/trikk@latest"}) {
				return nil
			}
			if args[0] != "trikk" {
				return fmt.Errorf("%q is no command of the examples", args)
			}
			code, out, said := here(h.Dir, nil, args[1:]...)
			_, _ = io.WriteString(h.Stdout, out)
			_, _ = io.WriteString(h.Stderr, said)
			if code == exitDone {
				return nil
			}
			return interp.ExitStatus(code)
		}
	}
	for _, command := range p.commands {
		f, err := syntax.NewParser().Parse(strings.NewReader(command), "")
		if err != nil {
			t.Fatal(err)
		}
		r, err := interp.New(interp.Dir(dir), interp.StdIO(nil, &said, &said), interp.ExecHandlers(handler))
		if err != nil {
			t.Fatal(err)
		}
		var status interp.ExitStatus
		switch err := r.Run(t.Context(), f); {
		case err == nil:
		case asStatus(err, &status):
			return int(status), said.String()
		default:
			t.Fatalf("%s: %v", command, err)
		}
	}
	return 0, said.String()
}

func asStatus(err error, status *interp.ExitStatus) bool {
	s, ok := err.(interp.ExitStatus)
	*status = s
	return ok
}

// holds fails unless a report that CI takes over is there and is what CI takes it for.
func holds(t *testing.T, kind, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "junit":
		err = xml.Unmarshal(text, &junitSuites{})
	case "codequality":
		err = json.Unmarshal(text, &[]gitlabIssue{})
	case "sarif":
		var r *sarif.Report
		if r, err = sarif.FromBytes(text); err == nil {
			err = r.Validate()
		}
	default:
		err = fmt.Errorf("%s is no report that trikk writes", kind)
	}
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

// TestCIExamples runs the commands of every CI file that trikk init writes or that the docs show, on a right config and on one with a mistake.
func TestCIExamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := initialise(dir); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	examples := map[string]pipeline{"vet.yml": githubPipeline(t, file(".github/workflows/vet.yml")), ".gitlab-ci.yml": gitlabPipeline(t, file(".gitlab-ci.yml"))}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang == "yaml" && strings.Contains(b.text, "runs-on:") {
				examples[fmt.Sprintf("%s:%d", p.name, b.line)] = githubPipeline(t, b.text)
			}
		}
	}
	if len(examples) < 3 {
		t.Errorf("only %d examples were found", len(examples))
	}
	right := file("apps/hello/app.cue")
	for text, want := range map[string]int{right: exitDone, strings.Replace(right, "probes:", "prboes:", 1): exitConfig} {
		if err := os.WriteFile(filepath.Join(dir, "apps", "hello", "app.cue"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for name, p := range examples {
			code, said := p.run(t, dir)
			if code != want || want == exitConfig && !strings.Contains(said, `"prboes" (did you mean "probes"?)`) {
				t.Errorf("%s ended with %d instead of %d\n%s", name, code, want, said)
			}
			for kind, path := range p.files {
				holds(t, kind, filepath.Join(dir, path))
				if err := os.Remove(filepath.Join(dir, path)); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestPreCommitHook: the hook is one that pre-commit takes, and that trikk understands, also with the arguments that the docs show.
func TestPreCommitHook(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(repository, ".pre-commit-hooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct {
		ID, Name, Description, Entry, Language, Files string
		PassFilenames                                 *bool `yaml:"pass_filenames"`
	}
	strictly(t, string(text), &hooks)
	var shown struct {
		Repos []struct {
			Repo, Rev string
			Hooks     []struct {
				ID   string
				Args []string
			}
		}
	}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang == "yaml" && strings.Contains(b.text, "repos:") {
				strictly(t, b.text, &shown)
			}
		}
	}
	h, use := hooks[0], shown.Repos[0].Hooks[0]
	if len(hooks) != 1 || h.ID != use.ID || h.Name == "" || h.Language != "golang" || h.PassFilenames == nil || *h.PassFilenames {
		t.Errorf("the hook is %+v, shown is %+v", h, use)
	}
	if files := regexp.MustCompile(h.Files); !files.MatchString("deploy/apps/hello/app.cue") || files.MatchString("README.md") {
		t.Errorf("it runs for %s", h.Files)
	}
	words := append(strings.Fields(h.Entry), use.Args...)
	if err := understood(words[1:]); words[0] != "trikk" || err != nil {
		t.Errorf("%q: %v", words, err)
	}
}

// TestDocsRules compares the table of rules in docs/ci.md with the rules.
func TestDocsRules(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| rule | a mistake of it | what to do |\n|---|---|---|\n")
	for _, r := range config.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, r.What, strings.ReplaceAll(r.Help, "|", `\|`))
	}
	if !strings.Contains(string(text), b.String()) {
		t.Errorf("docs/ci.md lacks this table:\n%s", b.String())
	}
}
