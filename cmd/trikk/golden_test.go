package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// TestExamplePlans compares the plan of every app of apps/, offline, with its goldens: as people see it, with the exact
// shell of each step, and as the plan document. TRIKK_UPDATE=1 writes them.
func TestExamplePlans(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	w, err := config.Load(context.Background(), config.Options{Dir: root})
	if err != nil {
		t.Fatal(err)
	}
	apps := onePerApp(w.Apps())
	if len(apps) < 14 {
		t.Fatalf("only %d example apps", len(apps))
	}
	for _, app := range apps {
		t.Run(app.Name, func(t *testing.T) {
			env, err := w.Environment(app.Env)
			if err != nil {
				t.Fatal(err)
			}
			app = elsewhere(app, root)
			in := plan.Intent{Kind: plan.Deploy, ID: "20261123T120000-0001", CreatedAt: "2026-11-23T12:00:00Z", CreatedBy: "anna@controller", Offline: true}
			p, err := plan.Compile(env, []plan.App{app}, plan.Facts{}, in)
			if err != nil {
				t.Fatal(err)
			}
			var text, full, doc bytes.Buffer
			showPlan(&text, p, planView{})
			showPlan(&full, p, planView{scripts: true})
			if wrong := plan.Misleading(p); wrong != "" {
				t.Errorf("a plan as it was made: %s", wrong)
			}
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
	for _, f := range app.Files {
		for name, s := range f.Secrets {
			s.Dir = strings.Replace(s.Dir, root, "/repository", 1)
			f.Secrets[name] = s
		}
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
