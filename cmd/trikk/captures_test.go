package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// capture is one command on a small fleet, whose output the docs show. They follow each other on the same fleet.
type capture struct {
	name    string // of its marks in the docs; "": nothing is shown
	command string // without trikk
	code    int
	before  func(*bench) // what somebody does before
}

// captures are all that `make captures` plays. To show another command, add a line here, and put "<!-- capture NAME -->" into a page, above a
// block: its text is written anew.
func captures() []capture {
	return []capture{
		{command: "apply hello@1.0 -e demo --yes"},
		{name: "plan", command: "plan hello@2.0 -e demo", before: func(b *bench) { b.edit("hello/app.cue", "APP_PORT", `LOG: "debug", APP_PORT`) }},
		{name: "apply", command: "apply hello@2.0 -e demo --yes"},
		{name: "status", command: "status -e demo"},
		{name: "ps", command: "ps -e demo --app hello --sort rss"},
	}
}

// mark is the comment above a block that is captured, with the block.
var mark = regexp.MustCompile("(?s)<!-- capture ([a-z-]+) -->\n```console\n(.*?)```\n")

// captured plays the scenes and gives what the docs show of them.
func captured(t *testing.T) map[string]string {
	t.Helper()
	b := newBench(t)
	program, err := exec.LookPath("trikk")
	if err != nil {
		t.Fatal(err)
	}
	paths := strings.NewReplacer(program, "/usr/local/bin/trikk", b.fleet.Dir, "/tmp/trikk-demo")
	shown := map[string]string{}
	for _, s := range captures() {
		if s.before != nil {
			s.before(b)
		}
		c := b.begin(&call{args: strings.Fields(s.command), together: true}).wait(s.code)
		shown[s.name] = "$ trikk " + s.command + "\n" + paths.Replace(c.out.String())
	}
	return shown
}

// TestCapturesHold: what the docs show of the scenes is what they print.
func TestCapturesHold(t *testing.T) {
	long(t)
	shown := captured(t)
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			name, is := strings.CutPrefix(b.mark, "capture ")
			if !is {
				continue
			}
			if err := printedAs(shown[name], b.text, strings.HasPrefix(name, "ps")); err != nil {
				t.Errorf("%s:%d: make captures writes it anew: %v", p.name, b.line, err)
			}
		}
	}
}

// TestCaptures plays the scenes and writes what they print into the docs: make captures.
func TestCaptures(t *testing.T) {
	if os.Getenv("TRIKK_CAPTURES") == "" {
		t.Skip("it writes into the docs: make captures runs it")
	}
	shown := captured(t)
	for _, p := range pages(t) {
		path := filepath.Join(repository, filepath.FromSlash(p.name))
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		written := mark.ReplaceAllStringFunc(string(text), func(old string) string {
			name := mark.FindStringSubmatch(old)[1]
			return "<!-- capture " + name + " -->\n```console\n" + shown[name] + "```\n"
		})
		if written == string(text) {
			continue
		}
		if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCaptureMarks: every mark names a capture, and its block shows the command of it; every capture is shown.
func TestCaptureMarks(t *testing.T) {
	commands, shown := map[string]string{}, map[string]bool{}
	for _, s := range captures() {
		commands[s.name] = s.command
	}
	for _, p := range pages(t) {
		text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(p.name)))
		if err != nil {
			t.Fatal(err)
		}
		found := mark.FindAllStringSubmatch(string(text), -1)
		if n := strings.Count(string(text), "\n<!-- capture "); n != len(found) {
			t.Errorf("%s has %d marks, and %d blocks of console below one", p.name, n, len(found))
		}
		for _, m := range found {
			shown[m[1]] = true
			if first, _, _ := strings.Cut(m[2], "\n"); first != "$ trikk "+commands[m[1]] {
				t.Errorf("%s: the block of %s begins with %q; make captures writes it", p.name, m[1], first)
			}
		}
	}
	for name := range commands {
		if name != "" && !shown[name] {
			t.Errorf("no page shows the capture %s", name)
		}
	}
}
