package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// withCanary is hello on four servers that run an older release, with a canary.
func withCanary(t *testing.T, change func(*plan.App)) *fleet {
	t.Helper()
	app := hello("app01", "app02", "app03", "app04")
	app.Topology = shared("lb01")
	app.Rollout.MinReadySeconds = 5
	app.Rollout.Rolling = &plan.Rolling{MaxUnavailable: 2, Canary: &plan.Canary{Servers: 1, BakeSeconds: 60, Approve: true, ApproveWithin: plan.Duration(time.Hour)}}
	change(&app)
	f := newFleet(4, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	return f.with(app)
}

// waveHosts lists the waves between install and prune as "NAME HOST…".
func waveHosts(p plan.Plan) []string {
	var out []string
	for _, w := range p.Apps[0].Waves {
		if w.Name == plan.WaveInstall || w.Name == plan.WavePrune {
			continue
		}
		line := w.Name
		for _, l := range w.Lanes {
			line += " " + l.Host
		}
		out = append(out, line)
	}
	return out
}

// tailOf gives the titles of a lane's steps from its admit on.
func tailOf(l plan.Lane) []string {
	var out []string
	for i, s := range l.Steps {
		if _, ok := s.Op.(plan.AdmitOp); ok {
			out = titlesOf(l.Steps[i+1:])
		}
	}
	return out
}

func titlesOf(steps []plan.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Title)
	}
	return out
}

func TestCanaryGoesFirst(t *testing.T) {
	p := withCanary(t, func(*plan.App) {}).plan(t)
	if got := waveHosts(p); !slices.Equal(got, []string{"canary app01", "approve app01", "rotate 1/2 app02 app03", "rotate 2/2 app04"}) {
		t.Fatalf("waves %q", got)
	}
	good := "record release " + p.Apps[0].To + " as good"
	if got := tailOf(p.Apps[0].Waves[1].Lanes[0]); !slices.Equal(got, []string{"watch for 1m"}) {
		t.Errorf("the canary ends with %q", got)
	}
	over := "record that the trial of release " + p.Apps[0].To + " is over"
	if got := titlesOf(p.Apps[0].Waves[2].Lanes[0].Steps); !slices.Equal(got, []string{"wait for approval, for 1h at most", good, over}) {
		t.Errorf("the approval is %q", got)
	}
	if !p.Apps[0].Waves[1].Revert || !p.Apps[0].Waves[2].Revert || p.Apps[0].Waves[3].Revert {
		t.Errorf("a failure of the canary, and of nothing else, must take it back: %+v", p.Apps[0].Waves)
	}
	if got := tailOf(p.Apps[0].Waves[3].Lanes[0]); !slices.Equal(got, []string{"watch for 5s", good}) {
		t.Errorf("the others end with %q", got)
	}
	if id := p.Apps[0].Waves[1].Lanes[0].Steps[0].ID; !strings.HasPrefix(id, "hello/canary/app01/") {
		t.Errorf("a step's ID is %s", id)
	}
}

func TestCanarySizes(t *testing.T) {
	for n, want := range map[int]string{
		2: "canary app01 app02|approve app01 app02|rotate 1/1 app03 app04",
		3: "canary 1/2 app01 app02|canary 2/2 app03|approve app01 app02 app03|rotate 1/1 app04",
		9: "canary 1/2 app01 app02|canary 2/2 app03 app04|approve app01 app02 app03 app04",
	} {
		p := withCanary(t, func(a *plan.App) { a.Rollout.Rolling.Canary.Servers = n }).plan(t)
		if got := strings.Join(waveHosts(p), "|"); got != want {
			t.Errorf("%d servers: %s, want %s", n, got, want)
		}
	}
}

// What is out of rotation goes first, and is the canary then: nobody misses it.
func TestCanaryIsWhatIsOut(t *testing.T) {
	f := withCanary(t, func(*plan.App) {})
	f.rotate(f.apps[0], "app03", plan.RotationOut)
	p := f.plan(t)
	if got := waveHosts(p); !slices.Equal(got, []string{"canary app03", "approve app03", "rotate 1/2 app01 app02", "rotate 2/2 app04"}) {
		t.Errorf("waves %q", got)
	}
}

// A run that goes on where another ended after its canary needs none; nor does a rollback, nor what brings nothing new.
func TestNoCanary(t *testing.T) {
	f := withCanary(t, func(*plan.App) {})
	p := f.plan(t)
	whole := p.Apps[0].Waves
	p.Apps[0].Waves = whole[:3] // install, canary, approve
	f.apply(p)
	if got := waveHosts(f.plan(t)); !slices.Equal(got, []string{"rotate 1/2 app02 app03", "rotate 2/2 app04"}) {
		t.Errorf("after the canary: %q", got)
	}
	back, err := plan.Compile(f.env, f.apps, f.facts, f.intent(plan.Rollback))
	if err != nil {
		t.Fatal(err)
	}
	if got := waveHosts(back); !slices.Equal(got, []string{"rotate 1/1 app01"}) {
		t.Errorf("back: %q", got)
	}
	f = withCanary(t, func(*plan.App) {})
	f.apply(f.plan(t))
	f.rotate(f.apps[0], "app02", plan.RotationOut)
	if got := waveHosts(f.plan(t)); !slices.Equal(got, []string{"rotate 1/1 app02"}) {
		t.Errorf("only an admit: %q", got)
	}
}

// TestTrialOutlivesItsRun: where a run ends with its canary on the new release and without a verdict, the next plan has the canary again, on
// the same servers, whether the release was proven there before or not.
func TestTrialOutlivesItsRun(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "canary")
		approve := rapid.Bool().Draw(rt, "approve")
		f := withCanary(t, func(a *plan.App) { a.Rollout.Rolling.Canary.Servers, a.Rollout.Rolling.Canary.Approve = n, approve })
		f.maybeProven(rt, t)
		if s := rapid.SampledFrom(append([]string{""}, f.apps[0].Servers...)).Draw(rt, "out"); s != "" {
			f.rotate(f.apps[0], s, plan.RotationOut)
		}
		p := f.plan(t)
		f.cutCanary(rt, p)
		tries, judged := f.trials(p.Apps[0].To)

		next := f.plan(t)
		if next.Empty() {
			return // it was not cut
		}
		var canary []string
		for _, w := range next.Apps[0].Waves {
			if strings.HasPrefix(w.Name, plan.WaveCanary) {
				for _, l := range w.Lanes {
					canary = append(canary, l.Host)
				}
			}
		}
		if len(tries) > 0 && len(canary) != n-judged {
			rt.Fatalf("%v try the release, %d have judged it, and the next plan has the waves %q", tries, judged, waveHosts(next))
		}
		for _, s := range tries {
			if !slices.Contains(canary, s) {
				rt.Fatalf("%s tries the release, and the next plan has the waves %q", s, waveHosts(next))
			}
		}
		must(rt, f.apply(next))
		if again := f.plan(t); !again.Empty() {
			rt.Fatalf("it was judged, and there is more to do: %q", titles(again))
		}
		for s, at := range f.facts.Apps["hello"] {
			if at.Trial != "" {
				rt.Fatalf("%s still tries %s", s, at.Trial)
			}
		}
	})
}

// maybeProven draws whether all servers have proven 2.0 before, and gone back.
func (f *fleet) maybeProven(rt *rapid.T, t *testing.T) {
	if !rapid.Bool().Draw(rt, "proven before") {
		return
	}
	must(rt, f.apply(f.plan(t)))
	back, err := f.back("")
	must(rt, err)
	must(rt, f.apply(back))
}

// cutCanary does a plan up to some steps of its canary, or of the approval.
func (f *fleet) cutCanary(t *rapid.T, p plan.Plan) {
	app := p.Apps[0]
	for _, w := range app.Waves {
		var ends bool
		if w.Name == plan.WaveApprove || strings.HasPrefix(w.Name, plan.WaveCanary) {
			ends = rapid.Bool().Draw(t, "ends in "+w.Name)
		}
		for _, l := range w.Lanes {
			n := len(l.Steps)
			if ends || w.Name == plan.WaveApprove {
				n = rapid.IntRange(0, n).Draw(t, "steps of "+l.Host)
			}
			must(t, f.steps(app.Source, l.Steps[:n]))
		}
		if ends || w.Name == plan.WaveApprove {
			return
		}
	}
}

// trials are the servers on which a release is live and not judged, and how many have judged it good.
func (f *fleet) trials(release string) (tries []string, judged int) {
	for _, s := range f.apps[0].Servers {
		at := f.facts.Apps["hello"][s]
		i := index(&at, release)
		switch {
		case at.Current != release:
		case at.Trial == release:
			tries = append(tries, s)
		case at.Releases[i].Good:
			judged++
		}
	}
	return tries, judged
}

// A rollback leaves what is on trial, also where the release was proven before the live one; and ends the trial.
func TestRollbackLeavesTheTrial(t *testing.T) {
	f := withCanary(t, func(*plan.App) {})
	must2 := func(p plan.Plan, err error) plan.Plan {
		t.Helper()
		if err == nil {
			err = f.apply(p)
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	now := must2(f.try()).Apps[0].To // 2.0
	app := f.apps[0]
	app.Version = "1.0"
	p := f.with(app).plan(t)
	p.Apps[0].Waves = p.Apps[0].Waves[:1] // only the canary: the release is still installed
	must2(p, nil)
	if at := f.facts.Apps["hello"]["app01"]; at.Trial != at.Current || at.Current == now {
		t.Fatalf("app01 has %s, on trial %s", at.Current, at.Trial)
	}
	back := must2(f.back(""))
	if got := waveHosts(back); back.Apps[0].To != now || !slices.Equal(got, []string{"rotate 1/1 app01"}) {
		t.Errorf("it goes back to %s: %q", back.Apps[0].To, got)
	}
	if at := f.facts.Apps["hello"]["app01"]; at.Trial != "" || at.Current != now {
		t.Errorf("app01 has %s, on trial %q", at.Current, at.Trial)
	}
}
