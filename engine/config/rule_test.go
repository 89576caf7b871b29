package config_test

import (
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"golang.org/x/tools/txtar"
	"trikk.dev/engine/config"
)

var (
	messagePlace = regexp.MustCompile(`(?m)^[^ :]+:\d+:\d+: (?:[a-zA-Z0-9_#*./"-]+: )?(.*)$`)
	ruleID       = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
)

// Every kind of mistake has words of its own, and nearly no mistake is of the kind that has none.
func TestRules(t *testing.T) {
	met := map[string]int{}
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name != "want" {
				continue
			}
			for _, m := range messagePlace.FindAllSubmatch(f.Data, -1) {
				id := config.Diagnostic{Message: string(m[1])}.Rule()
				if met[id]++; id == "config" {
					t.Logf("%s: no kind knows %s", file, m[1])
				}
			}
		}
	}
	if met["config"]*20 > len(files) {
		t.Errorf("%d mistakes are of no kind", met["config"])
	}
	for _, text := range []string{
		"app x has a service but no probe: nothing proves it", "the URL of app x has no {version}: every version is the same file",
		"environment x requires digests, and that of app y would come over plain HTTP with the artifact", "this package takes more than 10s to be evaluated",
		"file x of app y holds secrets, and every user of the server may use it (mode 0644)",
		"as of app x has no effect: x.zip is unpacked",
	} {
		met[config.Diagnostic{Message: text}.Rule()]++
	}
	ids := map[string]bool{}
	for _, r := range config.Rules() {
		if ids[r.ID] || !ruleID.MatchString(r.ID) || r.What == "" || r.Help == "" {
			t.Errorf("%+v is no kind of mistake, or is there twice", r)
		}
		if ids[r.ID] = true; met[r.ID] == 0 && r.ID != "config" {
			t.Errorf("no mistake is of kind %s", r.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(met)) {
		if !ids[id] {
			t.Errorf("kind %s is not listed", id)
		}
	}
}

// What files there are is known also where there are mistakes.
func TestFiles(t *testing.T) {
	w, err := load(t, "-- apps/a/app.cue --\npackage a\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {name: 1}\n")
	var wrong *config.Errors
	if !errors.As(err, &wrong) {
		t.Fatalf("error is %v", err)
	}
	if want := []string{"apps/a/app.cue", "inventory/inventory.cue"}; !slices.Equal(w.Files, want) {
		t.Errorf("files are %q, want %q", w.Files, want)
	}
}
