package plan_test

import (
	"slices"
	"testing"

	"trikk.dev/engine/plan"
)

// tried has 1.0 and then 2.0 proven on all servers, and 1.0 on trial on app01 again.
func tried(t *testing.T, change func(*plan.App)) *fleet {
	t.Helper()
	f := withCanary(t, change)
	if err := f.apply(f.plan(t)); err != nil {
		t.Fatal(err)
	}
	f.tries(t, "1.0")
	return f
}

// tries does the canary of a version, and nothing more.
func (f *fleet) tries(t *testing.T, version string) plan.Plan {
	t.Helper()
	app := f.apps[0]
	app.Version = version
	p := f.with(app).plan(t)
	whole := p.Apps[0].Waves
	p.Apps[0].Waves = whole[:1+slices.IndexFunc(whole, func(w plan.Wave) bool { return w.Name == plan.WaveCanary })]
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// undo takes the turns of a plan back, all but what was only installed.
func (f *fleet) undo(t *testing.T, p plan.Plan) {
	t.Helper()
	for _, w := range slices.Backward(p.Apps[0].Waves) {
		for _, l := range w.Lanes {
			for _, s := range slices.Backward(l.Steps) {
				if err := f.steps(p.Apps[0].Source, s.Undo); err != nil && w.Name != plan.WaveInstall {
					t.Fatal(err)
				}
			}
		}
	}
}

// Going back to a release that is on trial is no verdict on it: neither a canary of another release that was rejected, nor a rollback
// that was undone ends its trial.
func TestBackToATrial(t *testing.T) {
	for name, turn := range map[string]func(f *fleet) plan.Plan{
		"another canary is rejected": func(f *fleet) plan.Plan { return f.tries(t, "3.0") },
		"another deploy is undone": func(f *fleet) plan.Plan {
			app := f.apps[0]
			app.Version, app.Rollout.Rolling = "3.0", &plan.Rolling{MaxUnavailable: 2}
			p := f.with(app).plan(t)
			p.Apps[0].Waves = p.Apps[0].Waves[:2] // without a prune: there is no way back from that
			must(t, f.apply(p))
			return p
		},
		"a rollback is undone": func(f *fleet) plan.Plan {
			p, err := f.back("")
			must(t, err)
			must(t, f.apply(p))
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := tried(t, func(*plan.App) {})
			app, was := f.apps[0], f.facts.Apps["hello"]["app01"]
			f.undo(t, turn(f))
			if at := f.facts.Apps["hello"]["app01"]; at.Current != was.Current || at.Trial != was.Current {
				t.Errorf("app01 has %s, on trial %q; it had %s, on trial", at.Current, at.Trial, was.Current)
			}
			if got := waveHosts(f.with(app).plan(t)); got[0] != "canary app01" || got[1] != "approve app01" {
				t.Errorf("it goes on with %q", got)
			}
		})
	}
}

// What is on trial is nothing to go back to, where another release is on trial too.
func TestRollbackToNoTrial(t *testing.T) {
	f := withCanary(t, func(*plan.App) {})
	must(t, f.apply(f.plan(t)))
	good := f.facts.Apps["hello"]["app04"].Current
	app := f.apps[0]
	app.Version = "3.0"
	must(t, f.apply(f.with(app).plan(t)))
	back, err := f.back("")
	must(t, err)
	must(t, f.apply(back))
	f.tries(t, "1.0")
	f.rotate(app, "app02", plan.RotationOut)
	f.tries(t, "3.0")
	back, err = f.back("")
	if must(t, err); back.Apps[0].To != good {
		t.Errorf("it goes back to %s, not %s", back.Apps[0].To, good)
	}
}

// Who names the release that is on trial as the one to go back to, is told so.
func TestRollbackToItsTrial(t *testing.T) {
	f := tried(t, func(*plan.App) {})
	back, err := f.back("1.0")
	must(t, err)
	if want := "hello: release " + back.Apps[0].To + " is on trial on app01, and was not judged"; !slices.Contains(back.Notes, want) {
		t.Errorf("notes %q, without %q", back.Notes, want)
	}
}

// A standby server that is linked to another release tries nothing any more.
func TestStandbyEndsItsTrial(t *testing.T) {
	f := tried(t, func(*plan.App) {})
	app := f.apps[0]
	app.Servers, app.Standby, app.Version = app.Servers[1:], app.Servers[:1], "3.0"
	must(t, f.apply(f.with(app).plan(t)))
	if at := f.facts.Apps["hello"]["app01"]; at.Current != f.facts.Apps["hello"]["app02"].Current || at.Trial != "" {
		t.Errorf("app01 has %s, on trial %q", at.Current, at.Trial)
	}
}
