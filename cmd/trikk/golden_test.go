package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// loadedExamples is the config of apps/, which is dear to load: the tests load it once.
var loadedExamples = sync.OnceValues(func() (config.Workspace, error) {
	return config.Load(context.Background(), config.Options{Dir: repository})
})

// examples are the apps of apps/. Nobody may change them.
func examples(t *testing.T) config.Workspace {
	t.Helper()
	w, err := loadedExamples()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// inFull are the apps whose whole plans are goldens: one at least of each shape. The others are in the listing.
func inFull() []string {
	return []string{"archive", "basemap", "booking", "elevation", "forms", "geocode", "jmsadmin", "ledger", "mailgate", "metrics", "nightly", "parking",
		"portal", "roads", "search", "status", // and, of the shapes that came with the larger city:
		"broker", "grades", "taxes", "tiles", "timesheet", "warehouse", "water"}
}

// exampleIntent asks for an offline plan, the same each time.
func exampleIntent() plan.Intent {
	return plan.Intent{Kind: plan.Deploy, ID: "20261123T120000-0001", CreatedAt: "2026-11-23T12:00:00Z", CreatedBy: "anna@controller", Offline: true}
}

// TestExamplePlans compares the offline plans of apps of apps/ with their goldens: as people see it, with the exact
// shell of each step, and as the plan document. TRIKK_UPDATE=1 writes them.
func TestExamplePlans(t *testing.T) {
	w := examples(t)
	seen := 0
	for _, app := range onePerApp(w.Apps()) {
		if !slices.Contains(inFull(), app.Name) {
			continue
		}
		seen++
		t.Run(app.Name, func(t *testing.T) {
			app = elsewhere(app, w.Root)
			p := examplePlan(t, w, app)
			var text, full, doc bytes.Buffer
			showPlan(&text, p, planView{})
			showPlan(&full, p, planView{scripts: true})
			if err := plan.Encode(&doc, p); err != nil {
				t.Fatal(err)
			}
			golden(t, "plans/"+app.Name+".txt", text.Bytes())
			golden(t, "plans/"+app.Name+".json", doc.Bytes())
			for _, s := range stepsOf(p) {
				if script := s.Op.Script(); script != "" && !strings.Contains(full.String(), firstLine(script)) {
					t.Errorf("the shell of %s is not shown", s.ID)
				}
			}
		})
	}
	if seen != len(inFull()) {
		t.Errorf("of %d apps only %d are there", len(inFull()), seen)
	}
}

// TestExampleListing: every app compiles in each of its environments, and a golden lists what it is: its route, its waves with their
// servers, and its steps by kind.
func TestExampleListing(t *testing.T) {
	w := examples(t)
	var out bytes.Buffer
	for _, app := range w.Apps() {
		p := examplePlan(t, w, app)
		fmt.Fprintf(&out, "%s in %s, by %s: %s\n", app.Name, app.Env, p.Apps[0].Route, wavesOf(p.Apps[0]))
	}
	golden(t, "plans/all.list", out.Bytes())
}

// examplePlan is the offline plan of an app.
func examplePlan(t *testing.T, w config.Workspace, app plan.App) plan.Plan {
	t.Helper()
	env, err := w.Environment(app.Env)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(env, []plan.App{app}, plan.Facts{}, exampleIntent())
	if err != nil {
		t.Fatalf("%s in %s: %v", app.Name, app.Env, err)
	}
	if wrong := plan.Misleading(p); wrong != "" {
		t.Errorf("%s in %s: a plan as it was made: %s", app.Name, app.Env, wrong)
	}
	return p
}

// wavesOf lists waves with their servers and steps: "install app01 app02 (10 steps), rotate 1/2 app01 (14 steps)".
func wavesOf(a plan.AppPlan) string {
	var out []string
	for _, wave := range a.Waves {
		steps, text := 0, wave.Name
		for _, l := range wave.Lanes {
			steps, text = steps+len(l.Steps), text+" "+l.Host
		}
		out = append(out, fmt.Sprintf("%s (%s)", text, plural(steps, "step")))
	}
	return strings.Join(out, ", ")
}

// onePerApp keeps prod where an app has it, else its last environment.
func onePerApp(all []plan.App) []plan.App {
	var out []plan.App
	for _, a := range all {
		n := len(out)
		switch {
		case n == 0 || out[n-1].Name != a.Name:
			out = append(out, a)
		case out[n-1].Env != "prod":
			out[n-1] = a
		}
	}
	return out
}

// elsewhere makes an app independent of where the repository is checked out.
func elsewhere(app plan.App, root string) plan.App {
	app.Dir = strings.Replace(app.Dir, root, "/repository", 1)
	app.Files = maps.Clone(app.Files)
	for path, f := range app.Files {
		f.Secrets = maps.Clone(f.Secrets)
		for name, s := range f.Secrets {
			s.Dir = strings.Replace(s.Dir, root, "/repository", 1)
			f.Secrets[name] = s
		}
		app.Files[path] = f
	}
	if f := app.Artifact.File; f != nil {
		moved := *f
		moved.Path = strings.Replace(f.Path, root, "/repository", 1)
		app.Artifact.File = &moved
	}
	return app
}

func stepsOf(p plan.Plan) []plan.Step {
	var out []plan.Step
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			for _, l := range w.Lanes {
				out = append(out, l.Steps...)
			}
		}
	}
	return out
}

// golden compares with testdata/NAME, or writes it when TRIKK_UPDATE is 1.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if os.Getenv("TRIKK_UPDATE") == "1" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (TRIKK_UPDATE=1 writes it anew); got\n%s", name, got)
	}
}
