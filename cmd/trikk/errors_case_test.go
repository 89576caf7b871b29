package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"mvdan.cc/sh/v3/shell"
)

// mistake is one case of testdata/errors: a file that says what somebody did wrong, on which command line, and what trikk says.
type mistake struct {
	name, file     string
	cause, cure    string
	edits          []change
	removed        []string
	fault          string   // of the fleet, by the name of its function
	first          []string // command lines before, which are right
	run            string
	exit           int
	stdout, stderr string
}

// change replaces a text of a file.
type change struct{ file, from, to string }

// errorsDir holds the cases, in a folder for each kind.
const errorsDir = "testdata/errors"

// errorGroups are the kinds of cases, as the docs show them.
func errorGroups() []string { return []string{"config", "flags", "fleet"} }

// mistakes reads all cases, sorted by name in each group; those that change servers are last.
func mistakes(t *testing.T) []mistake {
	t.Helper()
	var out []mistake
	for _, group := range errorGroups() {
		files, err := filepath.Glob(filepath.Join(errorsDir, group, "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			m, err := readMistake(file)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			m.name = group + "/" + strings.TrimSuffix(filepath.Base(file), ".txtar")
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b mistake) int {
		switch {
		case a.deploys() == b.deploys():
			return 0
		case a.deploys():
			return 1
		}
		return -1
	})
	return out
}

var caseLine = regexp.MustCompile(`^(cause|cure|edit|remove|fault|first|run|exit): (.*)$`)

func readMistake(file string) (mistake, error) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		return mistake{}, err
	}
	m := mistake{file: file}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(a.Comment), "\n"), "\n") {
		key := caseLine.FindStringSubmatch(line)
		if key == nil {
			return m, fmt.Errorf("%q says nothing that a case can say", line)
		}
		if err := m.set(key[1], key[2]); err != nil {
			return m, err
		}
	}
	for _, f := range a.Files {
		switch f.Name {
		case "stdout":
			m.stdout = string(f.Data)
		case "stderr":
			m.stderr = string(f.Data)
		default:
			return m, fmt.Errorf("%s is neither stdout nor stderr", f.Name)
		}
	}
	if m.cause == "" || m.cure == "" || m.run == "" {
		return m, fmt.Errorf("it lacks a cause, a cure, or what to run")
	}
	return m, nil
}

// set takes over one line of a case. \n and \t in an edit stand for a line break and a tab.
func (m *mistake) set(key, value string) (err error) {
	switch key {
	case "cause":
		m.cause = value
	case "cure":
		m.cure = value
	case "fault":
		m.fault = value
	case "run":
		m.run = value
	case "remove":
		m.removed = append(m.removed, value)
	case "first":
		m.first = append(m.first, value)
	case "exit":
		m.exit, err = strconv.Atoi(value)
	case "edit":
		file, texts, ok := strings.Cut(value, ": ")
		from, to, too := strings.Cut(texts, " =>")
		if !ok || !too {
			return fmt.Errorf("%q is not FILE: OLD => NEW", value)
		}
		written := strings.NewReplacer(`\n`, "\n", `\t`, "\t")
		m.edits = append(m.edits, change{file, written.Replace(from), written.Replace(strings.TrimPrefix(to, " "))})
	}
	return err
}

// write writes a case with what came out.
func (m mistake) write(t *testing.T) {
	t.Helper()
	a, err := txtar.ParseFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	a.Comment = regexp.MustCompile(`(?m)^exit: .*$`).ReplaceAll(a.Comment, fmt.Appendf(nil, "exit: %d", m.exit))
	a.Files = nil
	for name, text := range map[string]string{"stdout": m.stdout, "stderr": m.stderr} {
		if text != "" {
			a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	if len(a.Files) == 2 && a.Files[0].Name != "stdout" {
		a.Files[0], a.Files[1] = a.Files[1], a.Files[0]
	}
	if err := os.WriteFile(m.file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// words are the arguments of a command line.
func words(t *testing.T, line string) []string {
	t.Helper()
	out, err := shell.Fields(line, func(string) string { return "" })
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return out
}

// spoil makes the mistake in a config repository that is right.
func (m mistake) spoil(t *testing.T, dir string) {
	t.Helper()
	for _, name := range m.removed {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range m.edits {
		path := filepath.Join(dir, e.file)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(was, []byte(e.from)) {
			t.Fatalf("%s does not contain %q", e.file, e.from)
		}
		if err := os.WriteFile(path, bytes.Replace(was, []byte(e.from), []byte(e.to), 1), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// said is what a case came to.
type said struct {
	exit           int
	stdout, stderr string
}

// offline runs a case that needs no fleet, in a config repository of its own.
func (m mistake) offline(t *testing.T, base *txtar.Archive) said {
	t.Helper()
	dir := t.TempDir()
	lay(t, dir, base.Files)
	m.spoil(t, dir)
	env := map[string]string{"TRIKK_STATE": filepath.Join(dir, "state"), "TRIKK_SSH_CONFIG": "none"}
	for _, line := range m.first {
		if code, out, errs := here(dir, env, words(t, line)...); code != exitDone {
			t.Fatalf("%s: exit code %d\n%s%s", line, code, out, errs)
		}
	}
	code, out, errs := here(dir, env, words(t, m.run)...)
	return said{code, scrubbed(out, dir), scrubbed(errs, dir)}
}

// scrubbed replaces what differs from run to run.
func scrubbed(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "DIR")
	for _, s := range scrubs {
		text = s.from.ReplaceAllString(text, s.to)
	}
	return text
}

// check fails when a case has no message, and compares what came out with what the case says, or writes it when TRIKK_UPDATE is 1.
func (m mistake) check(t *testing.T, got said) {
	t.Helper()
	if got.stdout+got.stderr == "" {
		t.Fatalf("%s: nothing is said", m.name)
	}
	if got == (said{m.exit, m.stdout, m.stderr}) {
		return
	}
	if os.Getenv("TRIKK_UPDATE") == "1" {
		m.exit, m.stdout, m.stderr = got.exit, got.stdout, got.stderr
		m.write(t)
		return
	}
	t.Errorf("%s: exit code %d instead of %d (TRIKK_UPDATE=1 writes it anew)\n-- stdout\n%s-- stderr\n%s-- instead of\n%s%s", m.name, got.exit, m.exit, got.stdout, got.stderr, m.stdout, m.stderr)
}

// message is the first line of a case's output: what a person reads first.
func (m mistake) message() string {
	text := m.stderr
	if text == "" || strings.HasPrefix(m.run, "vet") && m.stdout != "" && m.exit != exitDone {
		text = m.stdout
	}
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// TestErrorCases: no case but those in the folders, and each file there is a case.
func TestErrorCases(t *testing.T) {
	count := len(mistakes(t))
	err := fs.WalkDir(os.DirFS(errorsDir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && name != "base.txtar" {
			count--
		}
		return err
	})
	if err != nil || count != 0 {
		t.Errorf("%d cases too many: %v", count, err)
	}
}
