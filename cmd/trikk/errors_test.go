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

// TestErrors makes the mistakes of testdata/errors and compares, to the letter, what trikk says. `make errors` makes and prints all,
// other runs a part: the command lines, every third config, and some of each kind of the fleet's.
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
	if os.Getenv("TRIKK_FULL") == "" {
		all = part(all)
	}
	var s *scene
	var lines []string
	failed := 0
	for _, m := range all {
		if m.online() && s == nil {
			s = newScene(t)
		}
		good := t.Run(m.name, func(t *testing.T) {
			switch {
			case m.deploys():
				m.check(t, newScene(t).run(t, m))
			case m.online():
				m.check(t, s.run(t, m))
			default:
				m.check(t, m.offline(t, base))
			}
		})
		if !good {
			failed++
		}
		lines = append(lines, fmt.Sprintf("case: %s: %s", m.name, m.message()))
	}
	if os.Getenv("TRIKK_UPDATE") == "1" {
		writeErrorsPage(t)
	}
	if testing.Verbose() {
		fmt.Println(strings.Join(lines, "\n"))
		fmt.Printf("errors: cases=%d failed=%d\n", len(lines), failed)
	}
}

// part leaves out what takes long.
func part(all []mistake) []mistake {
	quick := []string{"locked", "refused-key", "connection-refused", "unauthorized", "lost-socket", "edited-plan"}
	n := 0
	return slices.DeleteFunc(slices.Clone(all), func(m mistake) bool {
		group, name, _ := strings.Cut(m.name, "/")
		switch group {
		case "config":
			n++
			return n%3 != 0
		case "fleet":
			return !slices.Contains(quick, name)
		}
		return false
	})
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
		fmt.Fprintf(&b, "\n### %s\n\n- Cause: %s%s\n- Cure: %s\n\n```text\n$ trikk %s\n%s%s```\n\nExit code %d.\n", m.name, m.cause, m.written(), m.cure, m.run, m.stdout, m.stderr, m.exit)
	}
	return b.String()
}

// written says what is in the config of a case, as part of its cause.
func (m mistake) written() string {
	var b strings.Builder
	for _, name := range m.removed {
		fmt.Fprintf(&b, " Here `%s` is missing.", name)
	}
	for _, e := range m.edits {
		from, to := inOneLine(e.from), inOneLine(e.to)
		more, after := strings.CutPrefix(to, from)
		if before, ok := strings.CutSuffix(to, " "+from); ok {
			more, after = " "+before, true
		}
		switch {
		case to == "":
			fmt.Fprintf(&b, " Here `%s` lacks `%s`.", e.file, from)
		case after && strings.Trim(more, ", ") != more:
			fmt.Fprintf(&b, " Here `%s` has also `%s`.", e.file, strings.Trim(more, ", "))
		default:
			fmt.Fprintf(&b, " Here `%s` has `%s` instead of `%s`.", e.file, to, from)
		}
	}
	return b.String()
}

// inOneLine is a text of a config, cut where it is long.
func inOneLine(text string) string {
	const most = 140
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

func writeErrorsPage(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(repository, "docs", "errors.md"), []byte(errorsPage(mistakes(t))), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDocsErrors: docs/errors.md shows every case as it is. TRIKK_UPDATE=1 writes it.
func TestDocsErrors(t *testing.T) {
	if os.Getenv("TRIKK_UPDATE") == "1" {
		writeErrorsPage(t)
	}
	want := errorsPage(mistakes(t))
	got, err := os.ReadFile(filepath.Join(repository, "docs", "errors.md"))
	if err != nil || string(got) != want {
		t.Errorf("docs/errors.md is not what the cases make (TRIKK_UPDATE=1 writes it): %v", err)
	}
}
