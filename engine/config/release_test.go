package config_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/config"
)

// A release file lies in the config repository and belongs to no package of it.
func TestRelease(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(idioms+`
-- releases/2026.11.cue --
release: {
	name: "2026.11"
	apps: {a: "1.4.2", b: "2.0"}
}
-- releases/imports.cue --
import (
	"trikk.dev/schema"
	"example.com/conf/apps/b/more"
)

_major: "2"

release: schema.#Release & {
	name: "of \(more.port)"
	apps: a: "\(_major).1"
}
`))
	w, err := config.Load(t.Context(), config.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"releases/2026.11.cue": "2026.11: a 1.4.2 releases/2026.11.cue:3:9, b 2.0 releases/2026.11.cue:3:21",
		"releases/imports.cue": "of 8081: a 2.1 releases/imports.cue:10:8",
	} {
		r, err := config.ReadRelease(t.Context(), config.Options{Dir: dir, Isolation: isolation(t)}, file)
		if err != nil {
			t.Error(err)
			continue
		}
		var apps []string
		for _, name := range []string{"a", "b"} {
			if v, ok := r.Apps[name]; ok {
				apps = append(apps, fmt.Sprintf("%s %s %s:%d:%d", name, v.Version, v.Pos.File, v.Pos.Line, v.Pos.Column))
			}
		}
		if got := r.Name + ": " + strings.Join(apps, ", "); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
		if err := w.Fits(r, "prod"); err != nil {
			t.Error(err)
		}
	}
	r, err := config.ReadRelease(t.Context(), config.Options{Dir: dir}, filepath.Join(dir, "releases/2026.11.cue"))
	if err != nil || w.Fits(r, "dev") == nil || w.Fits(r, "dev").Error() != `releases/2026.11.cue:3:21: app "b" is not deployed in environment "dev"` {
		t.Errorf("%v, %v", err, w.Fits(r, "dev"))
	}
	r.Apps["rood"] = config.ReleaseVersion{Version: "1", Pos: r.Apps["a"].Pos}
	if err := w.Fits(r, "prod"); err == nil || !strings.Contains(err.Error(), `releases/2026.11.cue:3:9: unknown app "rood" (did you mean "root"?)`) {
		t.Error(err)
	}
}

func TestWrongReleases(t *testing.T) {
	for text, want := range map[string]string{
		`package p

release: {name: "x", apps: a: "1"}`: `r.cue:1:1: has a package clause (remove it: a release is a file by itself)`,
		`relaese: {name: "x", apps: a: "1"}`:         `r.cue:1:1: does not belong here: a release file has the field release, and no other (the form is release: {name: "2026.11", apps: {map: "1.4.2"}})`,
		`_x: 1`:                                      `r.cue:1:1: the file has no release (the form is release: {name: "2026.11", apps: {map: "1.4.2"}})`,
		`release: {name: "x", app: a: "1"}`:          `r.cue:1:22: unknown field "app" (did you mean "apps"?)`,
		`release: {name: "x", apps: {}}`:             `r.cue:1:28: must have at least 1`,
		`release: {name: "x", apps: a: 1.4}`:         `r.cue:1:31: `,
		`release: {name: "x", apps: a: "../x"}`:      `r.cue:1:31: `,
		`release: {name: "x", apps: "A B": "1"}`:     `r.cue:1:28: `,
		`release: {apps: a: "1"}`:                    `name: required field is missing`,
		`release: {name: string, apps: a: "1"}`:      `r.cue:1:11: release.name: has no value yet`,
		`release: {name: "x", apps: a: unknown}`:     `r.cue:1:31: `,
		`release: {name: "x", apps: a: "1"`:          `r.cue:1:35: expected '}'`,
		"@extern(embed)\n\nrelease: {name: \"x\"}\n": `r.cue:1:1: @extern(embed) is not allowed in a config repository`,
	} {
		dir := t.TempDir()
		write(t, dir, parse("-- r.cue --\n"+text+"\n"))
		_, err := config.ReadRelease(t.Context(), config.Options{Dir: dir}, "r.cue")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\n\tsays %v\n\twant %s", text, err, want)
		}
	}
	dir := t.TempDir()
	write(t, dir, parse("-- README.md --\nx\n"))
	for file, want := range map[string]string{
		"r.cue": "r.cue:1:1: there is no such file", "README.md": "README.md:1:1: is no CUE file", "inventory": "inventory:1:1: is not a regular file",
		"/etc/passwd": "is not in the config repository",
	} {
		if _, err := config.ReadRelease(t.Context(), config.Options{Dir: dir}, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}
