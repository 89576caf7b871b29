package main

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cuelang.org/go/cue/parser"

	"golang.org/x/tools/txtar"
	"trikk.dev/engine/config"
)

// page is one Markdown file of the repository.
type page struct {
	name   string // relative to the repository, with slashes
	prose  string // without what is in blocks
	blocks []block
}

// block is one fenced block of a page.
type block struct {
	lang string
	line int // of the page, where the text begins
	text string
	mark string // what the comment above it says; "": there is none
}

const repository = "../.."

// pages reads the README and everything in docs.
func pages(t *testing.T) []page {
	t.Helper()
	var out []page
	add := func(name string) {
		text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parsePage(t, name, string(text)))
	}
	for _, name := range []string{"README.md", "CHANGELOG.md"} {
		add(name)
	}
	err := fs.WalkDir(os.DirFS(repository), "docs", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".md") {
			add(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func parsePage(t *testing.T, name, text string) page {
	t.Helper()
	p := page{name: name}
	var prose strings.Builder
	var open *block
	mark := ""
	for i, line := range strings.Split(text, "\n") {
		lang, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{lang: lang, line: i + 2, mark: mark}
		case fence:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		default:
			prose.WriteString(line + "\n")
		}
		mark, _ = strings.CutPrefix(line, "<!-- ")
		mark, _ = strings.CutSuffix(mark, " -->")
	}
	if open != nil {
		t.Fatalf("%s:%d: a block is not closed", name, open.line)
	}
	p.prose = prose.String()
	return p
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	named   = regexp.MustCompile(`<a id="([^"]+)">`)
)

// TestDocsLinks follows every relative link of the docs, to a heading too.
func TestDocsLinks(t *testing.T) {
	anchors := map[string][]string{}
	all := pages(t)
	for _, p := range all {
		for _, h := range heading.FindAllStringSubmatch(p.prose, -1) {
			anchors[p.name] = append(anchors[p.name], anchor(h[1]))
		}
		for _, a := range named.FindAllStringSubmatch(p.prose, -1) {
			anchors[p.name] = append(anchors[p.name], a[1])
		}
	}
	count := 0
	for _, p := range all {
		for _, m := range link.FindAllStringSubmatch(p.prose, -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", p.name, err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			count++
			target := p.name
			if u.Path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(p.name), u.Path))
			}
			if _, err := os.Stat(filepath.Join(repository, target)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", p.name, m[1])
				continue
			}
			if u.Fragment != "" && !slices.Contains(anchors[target], u.Fragment) {
				t.Errorf("%s: the link %s names no heading of %s", p.name, m[1], target)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d links were found", count)
	}
}

// anchor is how a heading is linked to: lower case, spaces as dashes, no punctuation.
func anchor(text string) string {
	keep := func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
			return r
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(text))
}

// TestDocsConfig vets every app that the docs show in full. A block that starts with its package stands alone, beside the
// environments that trikk init makes; the blocks of a page that start with "// PATH.cue" are one config repository. Other
// blocks are parts of an app. docs/schema.md is made from the schema's comments, which show excerpts.
func TestDocsConfig(t *testing.T) {
	count := 0
	for _, p := range pages(t) {
		together := map[string]string{}
		for _, b := range p.blocks {
			if b.lang != "cue" || p.name == "docs/schema.md" {
				continue
			}
			if _, err := parser.ParseFile(p.name, b.text); err != nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
				continue
			}
			first, rest, _ := strings.Cut(b.text, "\n")
			name, placed := strings.CutPrefix(first, "// ")
			switch {
			case strings.HasPrefix(b.text, "package environments"):
				count++
				vetted(t, p, b.line, map[string]string{"environments/environments.cue": b.text})
			case strings.HasPrefix(b.text, "package "):
				count++
				vetted(t, p, b.line, map[string]string{"apps/hello/app.cue": b.text})
			case strings.HasPrefix(b.text, "release: "):
				released(t, p, b)
			case placed && strings.HasSuffix(name, ".cue") && strings.HasPrefix(rest, "package "):
				together[name] = rest
			default:
				count++
				vetted(t, p, b.line, map[string]string{"apps/hello/app.cue": whole(b.text)})
			}
		}
		if len(together) > 0 {
			count += len(together)
			together["apps/hello/app.cue"] += "" // of the page alone
			vetted(t, p, 1, together)
		}
	}
	if count < 5 {
		t.Errorf("only %d files of CUE were found", count)
	}
}

// whole makes an app of a part, with what it does not say.
func whole(part string) string {
	lines := []string{"package hello", `import "trikk.dev/schema"`, "app: schema.#App & {", `name: "hello"`, part}
	for field, otherwise := range map[string]string{
		"artifact": `url: url: "https://artifacts.example/hello-{version}.tar.gz"`, "environments": `test: servers: ["app01", "app02"]`, "probes": "ready: tcp: port: 8080",
	} {
		if !regexp.MustCompile(`(?m)^` + field + `\b`).MatchString(part) {
			lines = append(lines, field+": "+otherwise)
		}
	}
	return strings.Join(append(lines, "}"), "\n")
}

// released reads a release file that the docs show.
func released(t *testing.T, p page, b block) {
	t.Helper()
	dir := t.TempDir()
	lay(t, dir, []txtar.File{{Name: "cue.mod/module.cue", Data: []byte("module: \"docs.example@v0\"\nlanguage: version: \"v0.17.0\"\n")}, {Name: "release.cue", Data: []byte(b.text)}})
	if _, err := config.ReadRelease(t.Context(), config.Options{Dir: dir}, "release.cue"); err != nil {
		t.Errorf("%s:%d: %v", p.name, b.line, err)
	}
}

// vetted runs trikk vet on a new config repository with some files replaced; an empty text removes one.
func vetted(t *testing.T, p page, line int, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := initialise(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range regexp.MustCompile(`(age|sops): (?:\{)?file: "(\w[^"]*)"`).FindAllStringSubmatch(text, -1) {
			sealed := map[string]string{"age": "age-encryption.org/v1\n", "sops": "a: ENC[AES256_GCM,data:x]\n"}[m[1]]
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), m[2]), []byte(sealed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	w := world{in: strings.NewReader(""), out: &out, err: &out, env: func(string) string { return "" }, now: time.Now, dir: dir}
	if code := Main([]string{"vet", "-C", dir}, w); code != exitDone {
		t.Errorf("%s:%d: trikk vet ends with %d\n%s", p.name, line, code, out.String())
	}
	if strings.Contains(out.String(), "warning:") {
		t.Errorf("%s:%d: %s", p.name, line, out.String())
	}
}
