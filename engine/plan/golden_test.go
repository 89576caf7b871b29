package plan_test

import (
	"path/filepath"
	"testing"

	"trikk.dev/engine/plan"
)

// TestPlanDocuments compares the JSON of plans with testdata/plans; TRIKK_UPDATE=1 writes it anew. It is a format that others
// read: a change there that is no addition needs a new plan.FormatVersion.
func TestPlanDocuments(t *testing.T) {
	fixtures := map[string]func() (*fleet, plan.App){
		"first": func() (*fleet, plan.App) {
			app := hello("app01")
			app.Version = "2.0"
			return newFleet(1, 0, haproxy), app
		},
		"shared": func() (*fleet, plan.App) {
			app := hello("app01", "app02")
			app.Topology = shared("lb01")
			app.Rollout.MinReadySeconds = 30
			f := newFleet(2, 1, haproxy).with(app)
			f.deploy(t, "1.0")
			app.Version = "2.0"
			return f, app
		},
		"pairs": func() (*fleet, plan.App) {
			app := jmsadmin("9.0")
			app.Topology = pairs()
			f := newFleet(3, 2, haproxy).with(app)
			f.deploy(t, "9.0")
			app.Version = "10.0"
			return f, app
		},
		"local": func() (*fleet, plan.App) {
			app := hello("app01", "app02")
			app.Artifact = plan.Artifact{File: &plan.FileArtifact{Path: "hello.tar.gz"}}
			app.Topology = shared("lb01")
			app.Service = plan.Service{}
			return newFleet(2, 1, byMarker("/run/out")), app
		},
		"mend": func() (*fleet, plan.App) {
			app := hello("app01", "app02")
			app.Topology = shared("lb01")
			f := newFleet(2, 1, haproxy).with(app)
			f.deploy(t, "1.0")
			f.rotate(app, "app02", plan.RotationOut)
			return f, app
		},
	}
	for name, fixture := range fixtures {
		t.Run(name, func(t *testing.T) {
			f, app := fixture()
			golden(t, filepath.Join("testdata", "plans", name+".json"), string(encoded(t, f.with(app).plan(t))))
		})
	}
	t.Run("rollback", func(t *testing.T) {
		app := hello("app01", "app02")
		f := newFleet(2, 0, haproxy).with(app)
		f.deploy(t, "1.0")
		f.deploy(t, "2.0")
		p, err := f.back("")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "plans", "rollback.json"), string(encoded(t, p)))
	})
}
