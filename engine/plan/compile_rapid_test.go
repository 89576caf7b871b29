package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// drawPlan draws a fleet with a plan that has something to do, or nil where it may not or has not.
func drawPlan(t *rapid.T) (*fleet, *plan.Plan) {
	f := drawFleet(t)
	p, err := f.try()
	var no *plan.Refusal
	if errors.As(err, &no) {
		if !strings.Contains(no.Text, "out of rotation and maxUnavailable is") {
			t.Fatal(err)
		}
		return f, nil
	}
	must(t, err)
	if p.Empty() {
		return f, nil
	}
	return f, &p
}

func TestASecondPlanIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := drawPlan(t)
		if p == nil {
			return
		}
		must(t, f.apply(*p))
		again, err := f.try()
		must(t, err)
		if !again.Empty() {
			t.Fatalf("the second plan has %v", titles(again))
		}
	})
}

func titles(p plan.Plan) []string {
	var out []string
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			for _, l := range w.Lanes {
				for _, s := range l.Steps {
					out = append(out, w.Name+": "+l.Host+": "+s.Title)
				}
			}
		}
	}
	return out
}

// serving tells, from facts alone, whether a server does its work.
func (f *fleet) serving(app plan.App, server string) bool {
	at := f.facts.Apps[app.Name][server]
	states := f.facts.Rotation[app.Name][server]
	if !app.Service.None() && (at.Service == "inactive" || at.Service == "") {
		return false
	}
	if len(states) == 0 {
		return at.Current != "" && !at.Marked
	}
	return !slices.ContainsFunc(states, func(r plan.Rotation) bool { return r.State == plan.RotationOut || r.State == plan.RotationDown })
}

func (f *fleet) servingCount(app plan.App) int {
	n := 0
	for _, s := range app.Servers {
		if f.serving(app, s) {
			n++
		}
	}
	return n
}

// TestCapacity walks each wave with all its lanes at their worst moment at once.
func TestCapacity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := drawPlan(t)
		if p == nil || f.recreates() {
			return
		}
		app := f.apps[0]
		most := 1
		if r := app.Rollout.Rolling; r != nil {
			most = r.MaxUnavailable
		}
		for _, w := range p.Apps[0].Waves {
			before, taken := f.servingCount(app), 0
			for _, l := range w.Lanes {
				if f.servesThroughout(t, app, l) {
					continue
				}
				taken++
			}
			if w.MaxParallel > 0 {
				taken = min(taken, w.MaxParallel)
			}
			if taken > 0 && before-taken < len(app.Servers)-most {
				t.Fatalf("wave %s: %d of %d serve and %d are taken out, maxUnavailable is %d", w.Name, before, len(app.Servers), taken, most)
			}
		}
	})
}

// servesThroughout does a lane, and tells whether its host served all the time, or not at the start.
func (f *fleet) servesThroughout(t *rapid.T, app plan.App, l plan.Lane) bool {
	active := slices.Contains(app.Servers, l.Host)
	did, always := active && f.serving(app, l.Host), true
	for _, s := range l.Steps {
		must(t, f.step(app, s))
		always = always && (!active || f.serving(app, l.Host))
	}
	return always || !did
}

func (f *fleet) recreates() bool {
	app := f.apps[0]
	r := app.Rollout
	return r.Recreate != nil || r.Rolling == nil && (app.Artifact.File != nil || len(app.Servers) == 1)
}

// TestUndoBringsBackWhatWas fails each lane after each number of its steps, the last of them done or not, and takes it back.
func TestUndoBringsBackWhatWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := drawPlan(t)
		if p == nil {
			return
		}
		app := p.Apps[0].Source
		for wi, w := range p.Apps[0].Waves {
			for li, l := range w.Lanes {
				for begun := 1; begun <= len(l.Steps); begun++ {
					for _, done := range []int{begun - 1, begun} {
						g := f.copy()
						must(t, g.steps(app, l.Steps[:done]))
						must(t, g.steps(app, undoSteps(t, *p, wi, li, begun)))
						g.wasBroughtBack(t, f, app, l, begun)
					}
				}
			}
			for _, l := range w.Lanes {
				must(t, f.steps(app, l.Steps))
			}
		}
	})
}

// undoSteps are those that a run does: all segments of the undo.
func undoSteps(t *rapid.T, p plan.Plan, w, l, upto int) []plan.Step {
	var out []plan.Step
	n := 0
	for _, s := range p.Apps[0].Waves[w].Lanes[l].Steps[:upto] {
		n += len(s.Undo)
	}
	for i := 0; len(out) < n; i++ {
		s, err := p.Segment(plan.Ref{Plan: p.ID, Wave: w, Lane: l, Segment: i, Undo: true, Upto: upto})
		must(t, err)
		out = append(out, s.Steps...)
	}
	return out
}

func (f *fleet) wasBroughtBack(t *rapid.T, was *fleet, app plan.App, l plan.Lane, begun int) {
	at, old := f.facts.Apps[app.Name][l.Host], was.facts.Apps[app.Name][l.Host]
	states, before := f.facts.Rotation[app.Name][l.Host], was.facts.Rotation[app.Name][l.Host]
	step := l.Steps[begun-1].Title
	if old.Current == "" {
		if at.Current != "" || at.Service == "active" {
			t.Fatalf("after %q and its undo %q is linked and the service is %s", step, at.Current, at.Service)
		}
		for i, s := range states {
			if s.State == plan.RotationIn && before[i].State != plan.RotationIn {
				t.Fatalf("after %q and its undo a first release is in rotation at %s", step, s.Proxy)
			}
		}
		return
	}
	current := old.Current
	if current != at.Current && at.Current == old.Running {
		current = at.Current // the link was ahead of the process
	}
	stopped := old.Service == "" || old.Service == "inactive"
	if at.Current != current || stopped != (at.Service == "" || at.Service == "inactive") || at.Marked != old.Marked {
		t.Fatalf("after %q and its undo: %+v, was %+v", step, at, old)
	}
	for _, r := range old.Releases {
		i := index(&at, r.Name)
		if i < 0 {
			continue // pruned, and there is no return from that
		}
		if now := at.Releases[i]; !slices.Equal(now.Edited, r.Edited) {
			t.Fatalf("after %q and its undo %s has the edits %q, had %q", step, r.Name, now.Edited, r.Edited)
		}
	}
	if old.Running != "" && at.Running != old.Running {
		t.Fatalf("after %q and its undo %s runs, not %s", step, at.Running, old.Running)
	}
	for i := range states {
		if stopped && !app.Service.None() && states[i].State == plan.RotationDown {
			continue
		}
		if states[i] != before[i] && before[i].State != plan.RotationUnknown && before[i].State != plan.RotationDown {
			t.Fatalf("after %q and its undo %v, was %v", step, states[i], before[i])
		}
	}
}
