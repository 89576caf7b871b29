package plan_test

import (
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// A lane that is stuck says exactly what it left: where the server is drained, what is current, what runs, what is not known.
func TestWhatAStuckLaneLeaves(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01", "lb02")
	f := newFleet(2, 2, haproxy).with(app)
	old := f.deploy(t, "1.0").Apps[0].To
	app.Version = "2.0"
	p := f.with(app).plan(t)
	to := p.Apps[0].To
	for name, test := range map[string]struct {
		step, undo string // those that fail
		want       string
	}{
		"the stop of the new one": {"probe", "stop " + to, "drained at lb01, lb02; current is " + to + "; runs " + to + "; not known: what was done by probe http 127.0.0.1:8080/, stop hello " + to},
		"the link back":           {"probe", "link " + old, "drained at lb01, lb02; current is " + to + "; runs none; not known: what was done by probe http 127.0.0.1:8080/, link current → " + old},
		"the start of the old":    {"start " + to, "start " + old, "drained at lb01, lb02; current is " + old + "; runs none; not known: what was done by start hello " + to + ", start hello " + old},
		"the admit of the old":    {"drain", "admit", "drained at lb01, lb02; current is " + old + "; runs " + old + "; not known: what was done by drain app01 at lb01, lb02, admit app01 at lb01, lb02"},
	} {
		t.Run(name, func(t *testing.T) {
			fail := map[string]bool{}
			l := wave(t, p, "rotate 1/2").Lanes[0]
			for _, s := range l.Steps {
				if briefOp(s.Op) == test.step {
					fail[s.ID] = true
				}
				for _, u := range s.Undo {
					if briefOp(u.Op) == test.undo {
						fail[u.ID] = true
					}
				}
			}
			o := finishedOf(t, p, fail)
			if o.Status != plan.Broken {
				t.Fatalf("outcome %+v", o)
			}
			for _, l := range o.Lanes {
				if l.State != plan.LaneStuck {
					continue
				}
				if got := l.Left.String(); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
			}
		})
	}
}

// TestRevertAfterLateFailures: with onFailure revert, a failure in any wave takes every finished turn back, in reverse order, and
// one in the bake too; a prune that failed does not, for there is no way back then.
func TestRevertAfterLateFailures(t *testing.T) {
	app := hello("app01", "app02", "app03")
	app.Standby = []string{"app04"}
	app.Topology = shared("lb01")
	app.Topology.Shared.InstallOnProxies = true
	app.Rollout.OnFailure, app.Rollout.MinReadySeconds, app.Layout.Keep = "revert", 5, 1
	app.Rollout.Rolling = &plan.Rolling{MaxUnavailable: 2}
	f := newFleet(4, 1, haproxy).with(app)
	f.deploy(t, "0.9") // to be pruned
	old := f.deploy(t, "1.0").Apps[0].To
	app.Version = "2.0"
	p := f.with(app).plan(t)
	to := p.Apps[0].To
	for failing, want := range map[string]string{
		"app03 pause": plan.Reverted, "app02 pause": plan.Reverted, "app01 admit": plan.Reverted, "lb01 link " + to: plan.Reverted,
		"app04 link " + to: plan.Reverted, "app01 prune": plan.Partly,
	} {
		t.Run(failing, func(t *testing.T) {
			host, what, _ := strings.Cut(failing, " ")
			g := f.copy()
			fail := map[string]bool{}
			for _, w := range p.Apps[0].Waves {
				for _, l := range w.Lanes {
					for _, s := range l.Steps {
						if l.Host == host && briefOp(s.Op) == what {
							fail[s.ID] = true
						}
					}
				}
			}
			if len(fail) == 0 {
				t.Fatal("the plan has no such step")
			}
			o := walkPlan(t, p, fail, func(s plan.Step) {
				if err := g.step(app, s); err != nil {
					t.Fatal(err)
				}
				if n := g.servingCount(app); n < 1 {
					t.Fatalf("after %s on %s %d servers serve", s.Title, s.Host, n)
				}
			})
			if o.Status != want {
				t.Fatalf("status %s, want %s", o.Status, want)
			}
			for _, s := range app.Servers {
				current := map[string]string{plan.Reverted: old, plan.Partly: to}[want]
				if at := g.facts.Apps["hello"][s]; at.Current != current || at.Running != current || !g.serving(app, s) {
					t.Errorf("%s: %+v", s, at)
				}
			}
		})
	}
}
