package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/config"
)

// resting has apps that rest on files in every way.
const resting = idioms + `
-- lib/java/base/base.cue --
package base

memory: "1g"
-- lib/java/more.cue --
package java

import "example.com/conf/lib/java/base"

_memory: base.memory
-- cue.mod/pkg/vendor.example/health/health.cue --
package health

path: "/health"
-- apps/c/c.cue --
package c

import (
	"trikk.dev/schema"
	"vendor.example/health"
)

app: schema.#App & {
	name: "c"
	artifact: url: url: "https://repo.example/c.zip"
	files: "c.env": {env: PASSWORD: "{secret:password}", secrets: password: file: "../../secrets/c", mode: "0600"}
	probes: ready: http: {port: 1, path: health.path}
	environments: prod: servers: ["app03"]
}
-- apps/c/c_test.cue --
package c
-- stages/test.cue --
package stages

import "trikk.dev/schema"

environments: test: schema.#Environment & {servers: test01: address: "test01.example"}
-- secrets/c --
x
`

// Each app is touched by what it is made of, and by nothing else.
func TestTouched(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(resting))
	w, err := config.Load(t.Context(), config.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	packages, err := config.Packages(t.Context(), config.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ file, want, check string }{
		{"apps/a/a.cue", "a", "apps/a"},
		{"apps/all.cue", "a", "apps apps/a"},
		{"apps/b/b.cue", "b", "apps/b"},
		{"apps/b/more/more.cue", "b", "apps/b apps/b/more"},
		{"lib/java/java.cue", "b", "apps/b lib/java"},
		{"lib/java/base/base.cue", "b", "apps/b lib/java lib/java/base"},
		{"cue.mod/pkg/vendor.example/health/health.cue", "c", ". apps/c"},
		{"cue.mod/pkg/vendor.example/health", "c", ". apps/c"},
		{"cue.mod/pkg/trikk.dev/schema/app.cue", "", "."},
		{"cue.mod/module.cue", "a b c root", ". apps apps/a apps/b apps/b/more apps/c inventory lib/java lib/java/base stages"},
		{"inventory/inventory.cue", "a b c root", "inventory"},
		{"stages/test.cue", "", "stages"},
		{"secrets/c", "c", "."},
		{"secrets", "c", "."},
		{"secrets/d", "", "."},
		{"build/root.jar", "root", "."},
		{"README.md", "root", "."}, // root is built, from anything in its folder
		{"apps/c/c_test.cue", "root", "apps/c"},
		{"apps/c/testdata/golden.txt", "root", "apps/c"},
		{"apps/a/gone.cue", "a", "apps/a"},
		{"apps/gone.cue", "a b c", "apps apps/a apps/b apps/b/more apps/c"},
		{"lib/java/gone.cue", "b", "apps/b lib/java lib/java/base"},
		{"lib/lost/gone.cue", "", "."},
		{"apps/_tool.cue", "", ""},
		{"apps/c", "c", "apps/c"},
		{"apps/c/../../../elsewhere.cue", "", ""},
	} {
		file := filepath.Join(dir, tc.file)
		names := map[string]bool{}
		for _, a := range w.Apps() {
			// An app that is built is touched by all in its folder: the one in the top folder by everything, which would hide the rest.
			built := a.Name == "root" && !strings.Contains(tc.want, "root")
			if !built && len(w.Touched(a, []string{filepath.Join(dir, "no", "such"), file})) > 0 {
				names[a.Name] = true
			}
		}
		if got := strings.Join(slices.Sorted(maps.Keys(names)), " "); got != tc.want {
			t.Errorf("%s touches %q, want %q", tc.file, got, tc.want)
		}
		var dirs []string
		for _, id := range config.Concerned(packages, []string{file}) {
			rel, _ := filepath.Rel(dir, packages[id].Dir)
			dirs = append(dirs, filepath.ToSlash(rel))
		}
		slices.Sort(dirs)
		if got := strings.Join(dirs, " "); got != tc.check {
			t.Errorf("%s concerns %q, want %q", tc.file, got, tc.check)
		}
	}
}

// What comes through the pipe is what is found here, also beside mistakes.
func TestPackagesIsolated(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(resting))
	if err := os.WriteFile(filepath.Join(dir, "apps", "b", "wrong.cue"), []byte("package b\n\napp: {{{\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	here, err := config.Packages(t.Context(), config.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	there, err := config.Packages(t.Context(), config.Options{Dir: dir, Isolation: isolation(t)})
	if err != nil || !reflect.DeepEqual(here, there) || len(here) < 9 {
		t.Errorf("%v\nhere  %v\nthere %v", err, here, there)
	}
	if _, err := config.Packages(t.Context(), config.Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "is not in a config repository") {
		t.Errorf("without a config repository: %v", err)
	}
}
