package plan_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// batch is five apps of which some can't be planned: late was never deployed and has no version, unread could not be read, next comes after
// late, and last after next.
func batch() *fleet {
	f := newFleet(3, 1, haproxy)
	named := func(name string, after ...string) plan.App {
		app := hello("app01", "app02")
		app.Name, app.After = name, after
		return app
	}
	f.with(named("fine")).with(named("unread")).with(named("next", "fine", "late")).with(named("last", "next"))
	late := named("late")
	late.Version = ""
	f.apps = append(f.apps, late)
	f.facts.Unread = map[string]string{"unread": "app02: no route to host"}
	return f
}

// keepGoing compiles a deploy that goes on without apps that can't be planned.
func (f *fleet) keepGoing() (plan.Plan, error) {
	in := f.intent(plan.Deploy)
	in.KeepGoing = true
	return plan.Compile(f.env, f.apps, f.facts, in)
}

func TestKeepGoingLeavesOutWhatCantBePlanned(t *testing.T) {
	f := batch()
	_, err := f.try()
	var all plan.Refusals
	if !errors.As(err, &all) || len(all) != 2 {
		t.Fatalf("without it: %v, want both refusals and nothing planned", err)
	}
	p, err := f.keepGoing()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Apps) != 1 || p.Apps[0].App != "fine" || !p.KeepGoing {
		t.Fatalf("planned is %v", p.Apps)
	}
	var got []string
	for _, l := range p.LeftOut {
		got = append(got, l.App+": "+l.Reason)
	}
	want := []string{
		"last: it comes after next, which is left out",
		"late: late was never deployed to test and no version is given (name one: late@VERSION, or set version in the config)",
		"next: it comes after late, which is left out",
		"unread: unread can't be planned: app02: no route to host",
	}
	equal(t, "left out", got, want)
	if p.LeftOut[0].Version != "1.0" {
		t.Errorf("last is left out at version %q", p.LeftOut[0].Version)
	}
	for _, n := range p.Notes {
		if strings.Contains(n, "next") || strings.Contains(n, "late") {
			t.Errorf("a note is about what is left out: %s", n)
		}
	}
	var text bytes.Buffer
	if err := plan.Encode(&text, p); err != nil {
		t.Fatal(err)
	}
	if back, err := plan.Decode(&text); err != nil || len(back.LeftOut) != 4 {
		t.Errorf("read again: %v, %v", back.LeftOut, err)
	}
	if changes := plan.Stale(p, f.facts); len(changes) > 0 {
		t.Errorf("it is stale at once: %v", changes)
	}
	f.facts.Unread["fine"] = "its artifact is gone"
	if changes := plan.Stale(p, f.facts); len(changes) != 1 || changes[0].String() != "fine: can't be planned any more: its artifact is gone" {
		t.Errorf("changed is %v", changes)
	}
}

// What is left out is no part of the order: an app that has nothing to do is none that is waited for.
func TestKeepGoingWithNothingToDo(t *testing.T) {
	f := batch()
	p, err := f.keepGoing()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	again, err := f.keepGoing()
	if err != nil || !again.Empty() || len(again.LeftOut) != 4 {
		t.Errorf("then %q is planned, and %v is left out: %v", titles(again), again.LeftOut, err)
	}
}

// An app between them that has nothing to do leaves the order as it is.
func TestKeepGoingPastWhatHasNothingToDo(t *testing.T) {
	f := newFleet(2, 1, haproxy)
	named := func(name, version string, after ...string) plan.App {
		app := hello("app01", "app02")
		app.Name, app.Version, app.After = name, version, after
		return app
	}
	f.with(named("mid", "1.0", "late"))
	if err := f.apply(f.plan(t)); err != nil {
		t.Fatal(err)
	}
	f.with(named("end", "1.0", "mid"))
	f.apps = append(f.apps, named("late", ""))
	p, err := f.keepGoing()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range p.LeftOut {
		got = append(got, l.App+": "+l.Reason)
	}
	equal(t, "left out", got, []string{
		"end: it comes after late, which is left out",
		"late: late was never deployed to test and no version is given (name one: late@VERSION, or set version in the config)",
	})
}

// The outcome of a run says no less than that apps were left out.
func TestOutcomeWithLeftOut(t *testing.T) {
	f := batch()
	p, err := f.keepGoing()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*plan.Plan)
		fails  bool
		want   string
	}{
		"all went well":         {func(*plan.Plan) {}, false, plan.Partly},
		"it failed":             {func(*plan.Plan) {}, true, plan.FailedClean},
		"nothing was left":      {func(p *plan.Plan) { p.Apps = nil }, false, plan.FailedClean},
		"nothing was left out":  {func(p *plan.Plan) { p.LeftOut = nil }, false, plan.Done},
		"nothing was left, but": {func(p *plan.Plan) { p.Apps, p.Skipped = nil, []plan.Skipped{{App: "x", Host: "y"}} }, false, plan.FailedClean},
	} {
		t.Run(name, func(t *testing.T) {
			p := p
			test.change(&p)
			o := outcomeOf(t, p, test.fails)
			if o.Status != test.want || len(o.LeftOut) != len(p.LeftOut) {
				t.Errorf("%s with %v, want %s", o.Status, o.LeftOut, test.want)
			}
		})
	}
}

// outcomeOf runs a plan whose steps all end well, or whose first ones fail.
func outcomeOf(t *testing.T, p plan.Plan, fails bool) plan.Outcome {
	t.Helper()
	m := plan.NewMachine(p)
	apply := func(e plan.Event) {
		if err := m.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	for {
		d := m.Decide()
		if d.Finished != nil {
			return *d.Finished
		}
		for _, r := range d.Start[:1] {
			seg, err := p.Segment(r)
			if err != nil {
				t.Fatal(err)
			}
			apply(plan.Event{Kind: plan.SegmentStarted, Ref: &r})
			for _, s := range seg.Steps {
				status := plan.Changed
				if fails {
					status = plan.Failed
				}
				apply(plan.Event{Kind: plan.StepFinished, Ref: &r, Result: &plan.Result{Step: s.ID, Status: status}})
				if fails {
					break
				}
			}
			apply(plan.Event{Kind: plan.SegmentFinished, Ref: &r})
		}
	}
}
