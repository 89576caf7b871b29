package plan_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// gone makes a server one that can't be reached, as Gather tells it.
func (f *fleet) gone(server string) {
	f.facts.Unreachable = map[string]string{server: "connecting to " + server + ".example:22 as deploy: no answer within 15s"}
	for _, app := range f.apps {
		delete(f.facts.Apps[app.Name], server)
		delete(f.facts.Rotation[app.Name], server)
	}
}

// skipping is a fleet of three servers and a standby that run 1.0, of an app that may leave servers out.
func skipping(t testing.TB, maxUnavailable int) (*fleet, plan.App) {
	t.Helper()
	app := hello("app01", "app02", "app03")
	app.Standby = []string{"app04"}
	app.Topology = shared("lb01")
	app.Rollout.Unreachable = plan.Skip
	app.Rollout.Rolling = &plan.Rolling{MaxUnavailable: maxUnavailable}
	f := newFleet(4, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	return f.with(app), app
}

func TestSkippedServersAreLeftOut(t *testing.T) {
	for _, server := range []string{"app03", "app04"} {
		t.Run(server, func(t *testing.T) {
			f, _ := skipping(t, 2)
			was := f.copy()
			f.gone(server)
			p := f.plan(t)
			for _, s := range titles(p) {
				if strings.Contains(s, server) {
					t.Errorf("the plan has %q", s)
				}
			}
			note := server + " can't be reached: connecting to " + server + ".example:22 as deploy: no answer within 15s; skipped, the next apply picks it up"
			if len(p.Notes) == 0 || p.Notes[0] != note {
				t.Errorf("notes %q, first should be %q", p.Notes, note)
			}
			if !p.Skips("hello", server) || p.Skips("hello", "app01") {
				t.Errorf("skipped %+v", p.Skipped)
			}
			if err := f.apply(p); err != nil {
				t.Fatal(err)
			}
			again := f.plan(t)
			if !again.Empty() || len(again.Skipped) != 1 {
				t.Errorf("with the server still gone: %q, skipped %v", titles(again), again.Skipped)
			}
			// It is back as it was: the next plan is about it alone.
			f.facts.Unreachable = nil
			f.facts.Apps["hello"][server] = was.facts.Apps["hello"][server]
			f.facts.Rotation["hello"][server] = was.facts.Rotation["hello"][server]
			back := f.plan(t)
			for _, w := range back.Apps[0].Waves {
				for _, l := range w.Lanes {
					if l.Host != server {
						t.Errorf("%s has a turn in %s", l.Host, w.Name)
					}
				}
			}
			if err := f.apply(back); err != nil {
				t.Fatal(err)
			}
			if last := f.plan(t); !last.Empty() || len(last.Skipped) > 0 {
				t.Errorf("then there is %q", titles(last))
			}
		})
	}
}

func TestSkippedServersCountAsUnavailable(t *testing.T) {
	f, _ := skipping(t, 1)
	f.gone("app03")
	_, err := f.try()
	want := "1 of 3 active servers are out of rotation and maxUnavailable is 1, so no other may be taken out; what can't be reached counts as out: app03 (mend"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	f, _ = skipping(t, 2)
	f.gone("app03")
	equal(t, "the waves", turns(f.plan(t)), []string{"app01", "app02"})
}

func TestWhatMayNotBeSkipped(t *testing.T) {
	app := hello("app01", "app02")
	app.Standby = []string{"app03"}
	app.Rollout.Unreachable = plan.Skip
	app.Topology = plan.Topology{Shared: &plan.Shared{Proxies: []string{"lb01"}, InstallOnProxies: true}}
	strict := hello("app02", "app04")
	strict.Name, strict.Rollout.Unreachable = "strict", "fail"
	for name, test := range map[string]struct {
		gone []string
		want []string
	}{
		"one":                 {[]string{"app01"}, []string{"app01"}},
		"a standby":           {[]string{"app03"}, []string{"app03"}},
		"all active ones":     {[]string{"app01", "app02"}, nil},
		"a proxy":             {[]string{"lb01"}, nil},
		"of an app that asks": {[]string{"app02"}, nil},
		"of it alone":         {[]string{"app04"}, nil},
	} {
		if got := plan.Skippable([]plan.App{app, strict}, test.gone); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v may be skipped, want %v", name, got, test.want)
		}
	}
	f := newFleet(3, 1, haproxy).with(app)
	app.Rollout.Unreachable = "fail"
	f.with(app).gone("app02")
	if _, err := f.try(); err == nil || !strings.Contains(err.Error(), "hello: app02 can't be reached") {
		t.Errorf("got %v", err)
	}
}

// A plan holds as long as the same hosts are gone, whatever is said of why.
func TestStaleTellsWhoCameBack(t *testing.T) {
	f, _ := skipping(t, 2)
	whole := f.copy()
	f.gone("app03")
	p := f.plan(t)
	f.facts.Unreachable["app03"] = "connection refused"
	if changes := plan.Stale(p, f.facts); len(changes) > 0 {
		t.Errorf("it is stale: %v", changes)
	}
	if q := f.plan(t); q.Facts != p.Facts {
		t.Error("the fingerprint covers why a host is gone")
	}
	if got := plan.Stale(p, whole.facts); len(got) != 1 || got[0].String() != "hello on app03: can be reached again" {
		t.Errorf("the host is back: %v", got)
	}
	q := whole.plan(t)
	if got := plan.Stale(q, f.facts); len(got) != 1 || got[0].String() != "hello on app03: can't be reached: connection refused" {
		t.Errorf("the host is gone: %v", got)
	}
}

func TestOutcomeWithSkippedServersIsPartly(t *testing.T) {
	f, _ := skipping(t, 2)
	f.gone("app03")
	p := f.plan(t)
	o := finished(t, p, "")
	if o.Status != plan.Partly || o.Apps[0].Status != plan.Partly || o.Apps[0].Reason != "skipped, because it can't be reached: app03" {
		t.Errorf("outcome %+v", o)
	}
	if len(o.Skipped) != 1 || o.Skipped[0].Host != "app03" {
		t.Errorf("skipped %+v", o.Skipped)
	}
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	if o := plan.NewMachine(f.plan(t)).Outcome(); o.Status != plan.Partly {
		t.Errorf("with nothing to do: %+v", o)
	}
}

// finished walks a plan to its end; the step with that ID fails.
func finished(t testing.TB, p plan.Plan, failing string) plan.Outcome {
	t.Helper()
	return finishedOf(t, p, map[string]bool{failing: true})
}

// finishedOf walks a plan to its end; the steps with these IDs fail.
func finishedOf(t testing.TB, p plan.Plan, failing map[string]bool) plan.Outcome {
	t.Helper()
	return walkPlan(t, p, failing, func(plan.Step) {})
}

// walkPlan drives a machine to the end of a plan. did gets every step that ended well; those with the IDs of failing fail.
func walkPlan(t testing.TB, p plan.Plan, failing map[string]bool, did func(plan.Step)) plan.Outcome {
	t.Helper()
	m := plan.NewMachine(p)
	apply := func(e plan.Event) {
		if err := m.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	for range 10_000 {
		d := m.Decide()
		if d.Finished != nil {
			return *d.Finished
		}
		for _, r := range d.Start {
			apply(plan.Event{Kind: plan.SegmentStarted, Ref: &r})
		}
		for _, r := range d.Start {
			seg, err := p.Segment(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range seg.Steps {
				status := plan.Changed
				if failing[s.ID] {
					status = plan.Failed
				} else {
					did(s)
				}
				apply(plan.Event{Kind: plan.StepFinished, Ref: &r, Result: &plan.Result{Step: s.ID, Status: status}})
				if status == plan.Failed {
					break
				}
			}
			apply(plan.Event{Kind: plan.SegmentFinished, Ref: &r})
		}
	}
	t.Fatal("it does not end")
	return plan.Outcome{}
}

// TestSkipping draws fleets, lets a server vanish, and asks that the plan leaves it alone and keeps its promise without it.
func TestSkipping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFleet(t)
		app := f.apps[0]
		app.Rollout.Unreachable = plan.Skip
		f.with(app)
		server := rapid.SampledFrom(append(slices.Clone(app.Servers), app.Standby...)).Draw(t, "gone")
		if len(plan.Skippable(f.apps, []string{server})) == 0 {
			return
		}
		f.gone(server)
		p, err := f.try()
		if err != nil {
			return // other tests say which refusals are right
		}
		for _, a := range p.Apps {
			for _, w := range a.Waves {
				for _, l := range w.Lanes {
					if l.Host == server {
						t.Fatalf("%s has a turn in %s", server, w.Name)
					}
				}
			}
		}
		if p.Empty() || f.recreates() {
			return
		}
		most := 1
		if r := app.Rollout.Rolling; r != nil {
			most = r.MaxUnavailable
		}
		for _, w := range p.Apps[0].Waves {
			before, taken := f.servingCount(app), 0
			for _, l := range w.Lanes {
				if !f.servesThroughout(t, app, l) {
					taken++
				}
			}
			if w.MaxParallel > 0 {
				taken = min(taken, w.MaxParallel)
			}
			if taken > 0 && before-taken < len(app.Servers)-most {
				t.Fatalf("wave %s: %d serve and %d are taken out, with %s gone", w.Name, before, taken, server)
			}
		}
	})
}
