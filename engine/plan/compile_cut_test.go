package plan_test

import (
	"slices"
	"strings"
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

// A change that a proxy did not take leaves a server in or out, whether or not a mark tells of the run that made it: it is made again.
func TestAChangeThatTheProxyDidNotTakeIsMadeAgain(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01")
	f := newFleet(2, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	f.rotate(app, "app02", plan.RotationUnsettled)
	p := f.plan(t)
	equal(t, "the turn", brief(wave(t, p, "rotate 1/1").Lanes[0].Steps), []string{"record used", "probe", "admit"})
	if len(p.Notes) == 0 || !strings.Contains(p.Notes[0], "a change of app02 at lb01 was cut off before the proxy took it") {
		t.Errorf("notes: %q", p.Notes)
	}
	app.Version = "2.0"
	first := wave(t, f.with(app).plan(t), "rotate 1/2").Lanes[0]
	drain, ok := first.Steps[0].Op.(plan.DrainOp)
	if first.Host != "app02" || !ok || drain.Again || len(drain.Points) != 1 {
		t.Errorf("the first turn is of %s: %q", first.Host, brief(first.Steps))
	}
	if undo := brief(first.Steps[0].Undo); !slices.Equal(undo, []string{"probe", "admit"}) {
		t.Errorf("its drain is taken back by %q", undo)
	}
	app.Servers, app.Standby = []string{"app01"}, []string{"app02"}
	app.Version, app.Rollout.Recreate = "1.0", &plan.Recreate{}
	standby := wave(t, f.with(app).plan(t), plan.WaveStandby).Lanes[0]
	if got := brief(standby.Steps); !slices.Contains(got, "drain") {
		t.Errorf("a standby that may be in rotation: %q", got)
	}
}
