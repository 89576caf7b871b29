package plan_test

import (
	"testing"

	"trikk.dev/engine/plan"
)

// cutOff leaves the mark of a run that died on a host.
func (f *fleet) cutOff(host, run string) {
	at := f.facts.Apps[f.apps[0].Name][host]
	at.Cut = &plan.CutOff{Run: run}
	f.facts.Apps[f.apps[0].Name][host] = at
}

// A drain that was asked for by a run that was cut off is taken back, also where the proxy can't say whether it happened.
func TestADrainThatNobodyKnowsOfIsTakenBack(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01")
	f := newFleet(2, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	f.rotate(app, "app02", plan.RotationUnknown)
	if p := f.plan(t); !p.Empty() {
		t.Fatalf("without a run that was cut off: %q", titles(p))
	}
	f.cutOff("app02", "2026-0007")
	p := f.plan(t)
	equal(t, "the turn", brief(wave(t, p, "rotate 1/1").Lanes[0].Steps), []string{"record used", "probe", "admit"})
}

// A run that was cut off may have died while it waited for what is in flight: what it drained is drained once more, with the whole wait.
func TestADrainOfARunThatWasCutOffIsWaitedFor(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01")
	f := newFleet(2, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	f.rotate(app, "app01", plan.RotationOut)
	app.Version = "2.0"
	first := func() []plan.Step { return wave(t, f.with(app).plan(t), "rotate 1/2").Lanes[0].Steps }
	drains := func() (out []plan.DrainOp) {
		for _, s := range first() {
			if op, ok := s.Op.(plan.DrainOp); ok {
				out = append(out, op)
			}
		}
		return out
	}
	if got := drains(); len(got) != 1 || !got[0].Again {
		t.Errorf("held out by somebody else: %+v", got)
	}
	f.cutOff("app01", "2026-0007")
	if got := drains(); len(got) != 2 || got[0].Again || len(got[0].Points) != 1 || !got[1].Again {
		t.Errorf("after a run that was cut off: %+v", got)
	}
}
