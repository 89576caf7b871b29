package plan_test

import (
	"testing"

	"trikk.dev/engine/plan"
)

// A release that a turn or a rollback goes back to is proven by its own probes: those of today may ask for what it never had.
func TestOldReleasesAreProvenByTheirOwnProbes(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01")
	f := newFleet(2, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	app.Probes = map[string]plan.Check{"home": httpProbe(8080), "new": httpProbe(9090)}
	p := f.with(app).plan(t)
	lane := wave(t, p, "rotate 1/2").Lanes[0]
	equal(t, "deploy", probed(lane.Steps), []string{"home", "new"})
	for _, s := range lane.Steps {
		if got := probed(s.Undo); len(got) > 0 {
			equal(t, "undo of "+s.Title, got, []string{"home"})
		}
	}
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	back, err := f.back("1.0")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rollback", probed(wave(t, back, "rotate 1/2").Lanes[0].Steps), []string{"home"})

	// An app that had no probe has none to go back to; of one whose manifest says nothing, today's are known.
	for _, at := range f.facts.Apps["hello"] {
		for i := range at.Releases {
			at.Releases[i].Manifest.Probes = nil
		}
	}
	back, err = f.back("1.0")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rollback without a record", probed(wave(t, back, "rotate 1/2").Lanes[0].Steps), []string{"home", "new"})
}

// probed are the names of the probes among steps.
func probed(steps []plan.Step) []string {
	var out []string
	for _, s := range steps {
		if op, ok := s.Op.(plan.ProbeOp); ok {
			out = append(out, op.Name)
		}
	}
	return out
}
