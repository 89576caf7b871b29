package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"trikk.dev/engine/config"
	"trikk.dev/engine/config/configtest"
	"trikk.dev/engine/plan"
)

// TestLargeRepositories: what configtest makes is right, without a warning, and every app can be planned. Full runs take the sizes of the benchmarks.
func TestLargeRepositories(t *testing.T) {
	sizes := []int{1, 11, 16}
	if os.Getenv("TRIKK_FULL") != "" {
		sizes = append(sizes, 120, 1000)
	}
	for _, apps := range sizes {
		dir := t.TempDir()
		if err := configtest.Write(dir, apps); err != nil {
			t.Fatal(err)
		}
		w, err := config.Load(t.Context(), config.Options{Dir: dir})
		if err != nil || len(w.Warnings) > 0 || len(w.Apps()) != 3*apps || len(w.Environments) != 3 {
			t.Fatalf("%d apps: %d deployments in %d environments, warnings %q, %v", apps, len(w.Apps()), len(w.Environments), told(w.Warnings), err)
		}
		for _, app := range w.Apps() {
			env, err := w.Environment(app.Env)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := plan.Compile(env, []plan.App{app}, plan.Facts{}, plan.Intent{Kind: plan.Deploy, Offline: true}); err != nil {
				t.Errorf("%s in %s: %v", app.Name, app.Env, err)
			}
		}
	}
}

// An app states what is its own: the parents carry the rest.
func TestLargeRepositoriesRepeatNothing(t *testing.T) {
	files := configtest.Repository(120)
	if len(files) != 5+3+12+120 {
		t.Errorf("%d files", len(files))
	}
	for name, text := range files {
		if filepath.Base(name) == "app.cue" && len(text) > 1000 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
}
