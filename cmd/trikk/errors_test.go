package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestErrors makes every mistake of testdata/errors and compares, to the letter, what trikk says. Those that need a release on the
// servers are made in full runs. `make errors` prints them all.
func TestErrors(t *testing.T) {
	t.Parallel()
	base, err := txtar.ParseFile(filepath.Join(errorsDir, "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	all := mistakes(t)
	if len(all) < 60 {
		t.Errorf("only %d cases were found", len(all))
	}
	var s *scene
	var lines []string
	failed := 0
	for _, m := range all {
		if m.deploys() && os.Getenv("TRIKK_FULL") == "" {
			continue
		}
		if m.online() && s == nil {
			s = newScene(t)
		}
		good := t.Run(m.name, func(t *testing.T) {
			if m.online() {
				m.check(t, s.run(t, m))
				return
			}
			m.check(t, m.offline(t, base))
		})
		if !good {
			failed++
		}
		lines = append(lines, fmt.Sprintf("case: %s: %s", m.name, m.message()))
	}
	if testing.Verbose() {
		fmt.Println(strings.Join(lines, "\n"))
		fmt.Printf("errors: cases=%d failed=%d\n", len(lines), failed)
	}
}

// online tells whether a case needs a fleet.
func (m mistake) online() bool { return strings.HasPrefix(m.name, "fleet/") }

// deploys tells whether a case changes servers, which takes seconds.
func (m mistake) deploys() bool {
	return slices.ContainsFunc(m.first, func(line string) bool { return strings.HasPrefix(line, "apply") })
}

// errorsPage is docs/errors.md as the cases make it.
func errorsPage(all []mistake) string {
	var b strings.Builder
	b.WriteString(`# Errors

Typical mistakes, and what trikk says about them, to the letter. This page is made of the cases in ` + "`cmd/trikk/testdata/errors`" + `, which a test runs:
` + "`make errors`" + ` runs them all. ` + "`DIR`" + ` stands for the config repository, ` + "`FLEET`" + ` for a folder with servers of the tests, ` + "`RUN`" + ` and ` + "`TIME`" + ` for what differs from run to run.
How to look into what goes wrong on servers is in [troubleshooting.md](troubleshooting.md), the rules of ` + "`trikk vet`" + ` are in [ci.md](ci.md#rules).
`)
	titles := map[string]string{"config": "The config", "flags": "The command line, and files that it names", "fleet": "Servers, proxies, artifacts, plans"}
	group := ""
	for _, m := range all {
		if g, _, _ := strings.Cut(m.name, "/"); g != group {
			group = g
			fmt.Fprintf(&b, "\n## %s\n", titles[g])
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n%s\n\n```text\n$ trikk %s\n%s%s```\n\nExit code %d.\n", m.name, m.cause, m.cure, m.run, m.stdout, m.stderr, m.exit)
	}
	return b.String()
}

// TestDocsErrors: docs/errors.md shows every case as it is. TRIKK_UPDATE=1 writes it.
func TestDocsErrors(t *testing.T) {
	path := filepath.Join(repository, "docs", "errors.md")
	want := errorsPage(mistakes(t))
	if os.Getenv("TRIKK_UPDATE") == "1" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/errors.md is not what the cases make (TRIKK_UPDATE=1 writes it): %v", err)
	}
}
