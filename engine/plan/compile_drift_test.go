package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

const edited = "config/app.properties"

// edit lets somebody edit the generated file of a release on a host.
func (f *fleet) edit(app plan.App, host, release string) {
	at := f.facts.Apps[app.Name][host]
	at.Releases = slices.Clone(at.Releases)
	r := &at.Releases[index(&at, release)]
	if r.Complete {
		r.Edited, r.Diffs = []string{edited}, map[string]string{edited: "-a=1\n+a=2\n"}
	}
	f.facts.Apps[app.Name][host] = at
}

func noted(p plan.Plan, words ...string) bool {
	return slices.ContainsFunc(p.Notes, func(n string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(n, w) })
	})
}

func drifting(t *testing.T, standby ...string) *fleet {
	app := hello("app01", "app02")
	app.Standby = standby
	app.Topology = shared("lb01")
	f := newFleet(3, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	return f
}

func TestAnEditIsMendedInItsServersTurn(t *testing.T) {
	f := drifting(t)
	app := f.apps[0]
	rel := f.facts.Apps["hello"]["app02"].Current
	f.edit(app, "app02", rel)
	p := f.plan(t)
	if len(p.Apps) != 1 || len(p.Apps[0].Waves) != 1 || len(p.Apps[0].Waves[0].Lanes) != 1 {
		t.Fatalf("the plan does %v", titles(p))
	}
	l := p.Apps[0].Waves[0].Lanes[0]
	want := []string{"record", "drain", "drain again", "stop " + rel, "write", "start " + rel, "probe", "admit"}
	if got := brief(l.Steps); l.Host != "app02" || !slices.Equal(got, append([]string{"record used"}, want[1:]...)) {
		t.Errorf("the turn of %s is %q", l.Host, got)
	}
	w, ok := l.Steps[4].Op.(plan.Write)
	if !ok || w.Keep != p.ID || !strings.Contains(w.Content, "jmx.port=9001") || len(l.Steps[4].Undo) != 1 || !l.Steps[4].Undo[0].Op.(plan.Write).Back {
		t.Errorf("the write is %+v, its undo %+v", w, l.Steps[4].Undo)
	}
	if !noted(p, "hello on app02", edited+" was edited by hand", "kept in /opt/hello/.trikk/kept/"+rel+"/"+edited+"."+p.ID, "\n-a=1\n+a=2") {
		t.Errorf("notes %q", p.Notes)
	}
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	if again := f.plan(t); !again.Empty() || len(f.kept) != 1 {
		t.Errorf("the second plan does %v, kept %q", titles(again), f.kept)
	}
}

func TestModesAreSetAnewWithAMendedFile(t *testing.T) {
	f := drifting(t)
	app := f.apps[0]
	app.Modes = []plan.Mode{{Glob: "config/*", Mode: "0600"}}
	f.with(app)
	f.deploy(t, "1.1")
	app = f.apps[0]
	f.edit(app, "app01", f.facts.Apps["hello"]["app01"].Current)
	p := f.plan(t)
	if got := strings.Join(titles(p), "\n"); !strings.Contains(got, "write "+edited+"\nrotate 1/1: app01: chmod 0600 config/*") {
		t.Errorf("the plan does\n%s", got)
	}
}

func TestAnEditOnAStandbyIsMendedWithoutARestart(t *testing.T) {
	f := drifting(t, "app03")
	rel := f.facts.Apps["hello"]["app03"].Current
	f.edit(f.apps[0], "app03", rel)
	p := f.plan(t)
	if got := brief(wave(t, p, plan.WaveStandby).Lanes[0].Steps); len(p.Apps[0].Waves) != 1 || !slices.Equal(got, []string{"record used", "write"}) {
		t.Errorf("the standby does %q", got)
	}
}

func TestANewReleaseLeavesAnEditBehind(t *testing.T) {
	f := drifting(t)
	rel := f.facts.Apps["hello"]["app01"].Current
	f.edit(f.apps[0], "app01", rel)
	app := f.apps[0]
	app.Version = "2.0"
	p := f.with(app).plan(t)
	if !noted(p, "hello on app01", edited+" was edited by hand; the edit is not in 2.0-", "stays in /opt/hello/releases/"+rel+"/"+edited, "+a=2") {
		t.Errorf("notes %q", p.Notes)
	}
	app.Layout.Keep = 1
	p = f.with(app).plan(t)
	if strings.Contains(strings.Join(titles(p), "\n"), "prune old release "+rel) {
		t.Fatal("what is current is pruned")
	}
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	app.Version = "3.0"
	p = f.with(app).plan(t)
	kept := ".trikk/kept/" + rel + "/" + edited + "." + p.ID
	if !noted(p, edited+" was edited by hand in "+rel+", which is removed; the edit is kept in /opt/hello/"+kept) {
		t.Errorf("titles %q, notes %q", titles(p), p.Notes)
	}
}

func TestARollbackTakesAnEditedReleaseAsItIs(t *testing.T) {
	f := drifting(t)
	rel := f.facts.Apps["hello"]["app01"].Current
	f.deploy(t, "2.0")
	f.edit(f.apps[0], "app01", rel)
	p, err := f.back("")
	if err != nil || !noted(p, "hello on app01", edited+" was edited by hand in "+rel+", which comes back as it is") {
		t.Errorf("notes %q, %v", p.Notes, err)
	}
}

// Also where the release has to be made again on another server.
func TestARollbackThatInstallsLeavesEditsElsewhere(t *testing.T) {
	app := hello("app01", "app02")
	f := newFleet(2, 0, haproxy).with(app)
	rel := f.deploy(t, "1.0").Apps[0].To
	f.deploy(t, "2.0")
	f.lose("app02", false)
	f.edit(f.apps[0], "app01", rel)
	p, err := f.back("")
	if err != nil {
		t.Fatal(err)
	}
	wave(t, p, plan.WaveInstall)
	for _, w := range p.Apps[0].Waves {
		for _, l := range w.Lanes {
			if l.Host == "app01" && slices.Contains(brief(l.Steps), "write") {
				t.Errorf("the edit is written over in %s", w.Name)
			}
		}
	}
}

func TestALinkThatWasSwitchedByHand(t *testing.T) {
	f := drifting(t)
	app := f.apps[0]
	one := f.facts.Apps["hello"]["app01"].Current
	f.deploy(t, "2.0")
	two := f.facts.Apps["hello"]["app01"].Current
	byHand := func(f *fleet, running string) {
		at := f.facts.Apps["hello"]["app01"]
		at.Current, at.Running = one, running
		f.facts.Apps["hello"]["app01"] = at
	}
	g := f.copy()
	byHand(g, two)
	p := g.plan(t)
	if !noted(p, "hello on app01: current was switched by hand to "+one+"; trikk linked "+two) || !slices.Contains(brief(wave(t, p, "rotate 1/1").Lanes[0].Steps), "link "+two) {
		t.Errorf("notes %q, steps %q", p.Notes, titles(p))
	}

	// Where the config wants what was linked by hand, it is recorded, and nothing else happens on that server.
	byHand(f, one)
	app.Version = "1.0"
	p = f.with(app).plan(t)
	if got := wave(t, p, plan.WaveAdopt).Lanes; len(got) != 1 || !slices.Equal(brief(got[0].Steps), []string{"record used", "link " + one}) || got[0].Host != "app01" {
		t.Errorf("adopted are %q", titles(p))
	}
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	if again := f.plan(t); !again.Empty() || f.facts.Apps["hello"]["app01"].Linked != one {
		t.Errorf("the second plan does %v", titles(again))
	}
}

func TestWhatWasHeldOutIsNotedFirst(t *testing.T) {
	f := drifting(t)
	f.facts.Rotation["hello"]["app02"] = []plan.Rotation{{Proxy: "lb01", State: plan.RotationOut, Said: "maint"}}
	p := f.plan(t)
	if len(p.Notes) == 0 || p.Notes[0] != "hello: app02 was held out of rotation at lb01 (maint) before this plan, which admits it" {
		t.Errorf("notes %q", p.Notes)
	}
	g := f.copy()
	g.facts.Rotation["hello"]["app02"] = []plan.Rotation{{Proxy: "lb01", State: plan.RotationOut, Said: "drain"}}
	if q := g.plan(t); q.Facts != p.Facts {
		t.Error("a proxy's own word makes another fingerprint")
	}
}

func TestDriftMakesAPlanStale(t *testing.T) {
	f := drifting(t)
	app := f.apps[0]
	app.Version = "2.0"
	p := f.with(app).plan(t)
	f = f.copy() // the plan holds the facts that it was made for
	rel := f.facts.Apps["hello"]["app01"].Current
	f.edit(app, "app01", rel)
	if got := plan.Stale(p, f.facts); len(got) != 1 || !strings.Contains(got[0].What, "(edited: "+edited+")") {
		t.Errorf("stale: %v", got)
	}
	at := f.facts.Apps["hello"]["app02"]
	at.Linked = "0.9-x"
	f.facts.Apps["hello"]["app02"] = at
	if got := plan.Stale(p, f.facts); len(got) != 2 || !strings.Contains(got[1].What, "what trikk linked is 0.9-x, was "+rel) {
		t.Errorf("stale: %v", got)
	}
}

// TestMendingTouchesOnlyWhatDrifted: on a fleet that is as the config says, edits and links by hand are mended on their own
// servers, within maxUnavailable, and once.
func TestMendingTouchesOnlyWhatDrifted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := drawPlan(t)
		for range 3 { // what was left by a past takes some plans
			if p == nil {
				break
			}
			must(t, f.apply(*p))
			again, err := f.try()
			must(t, err)
			p = &again
		}
		if p == nil || !p.Empty() {
			return
		}
		app := f.apps[0]
		drifted := map[string]bool{}
		for _, h := range app.Hosts() {
			if !rapid.Bool().Draw(t, "drifts") {
				continue
			}
			at := f.facts.Apps[app.Name][h]
			if rapid.Bool().Draw(t, "edited") {
				f.edit(app, h, at.Current)
			} else {
				at.Linked = "0.9-byhand"
				f.facts.Apps[app.Name][h] = at
			}
			drifted[h] = true
		}
		mend, err := f.try()
		must(t, err)
		touched := map[string]bool{}
		for _, a := range mend.Apps {
			for _, w := range a.Waves {
				if w.Name == plan.WavePrune {
					continue // what a plan that has something to do tidies up
				}
				for _, l := range w.Lanes {
					touched[l.Host] = true
				}
			}
		}
		if !maps.Equal(touched, drifted) {
			t.Fatalf("drifted %v, touched %v", drifted, touched)
		}
		must(t, f.apply(mend))
		again, err := f.try()
		must(t, err)
		if !again.Empty() {
			t.Fatalf("the second plan has %v", titles(again))
		}
	})
}

// TestARiskIsNotedOnce: a proxy that may lose requests is noted once, where servers leave it, and makes no plan stale.
func TestARiskIsNotedOnce(t *testing.T) {
	f := drifting(t)
	for _, server := range []string{"app01", "app02"} {
		f.facts.Rotation["hello"][server][0].Risk = "new connections may be reset"
	}
	if p := f.plan(t); len(p.Notes) > 0 {
		t.Errorf("nothing is done, and the notes are %q", p.Notes)
	}
	app := f.apps[0]
	app.Version = "2.0"
	p := f.with(app).plan(t)
	if n := strings.Count(strings.Join(p.Notes, "\n"), "hello: lb01: new connections may be reset"); n != 1 {
		t.Errorf("the risk is noted %d times: %q", n, p.Notes)
	}
	f.facts.Rotation["hello"]["app01"][0].Risk = ""
	if stale := plan.Stale(p, f.facts); len(stale) > 0 {
		t.Errorf("stale: %v", stale)
	}
	if again := f.plan(t); again.Facts != p.Facts {
		t.Error("the fingerprint differs")
	}
}

// A link to a release that is not there can't be made again, and none at all is no reason to leave what ran stopped.
func TestALinkToNothingGoesBackToWhatRan(t *testing.T) {
	for _, linked := range []string{"9.9-deadbeef", ""} {
		f := drifting(t)
		app := f.apps[0]
		at := f.facts.Apps["hello"]["app01"]
		ran := at.Current
		at.Current, at.Running = linked, ran
		f.facts.Apps["hello"]["app01"] = at
		app.Version = "2.0"
		p := f.with(app).plan(t)
		l := wave(t, p, "rotate 1/2").Lanes[0]
		undo := undone(l, "probe")
		if l.Host != "app01" || !slices.Contains(undo, "link "+ran) {
			t.Errorf("current is %q: %s is undone by %q", linked, l.Host, undo)
		}
		for _, step := range undo {
			if strings.HasPrefix(step, "link ") && step != "link "+ran {
				t.Errorf("current is %q: %s is undone by %q", linked, l.Host, undo)
			}
		}
		if noted(p, "first release") {
			t.Errorf("notes %q", p.Notes)
		}
	}
}

// What is installed again gets a new directory: who runs in the old one is restarted.
func TestALiveReleaseThatIsInstalledAgainIsRestarted(t *testing.T) {
	for name, damage := range map[string]func(*plan.Installed){
		"incomplete": func(at *plan.Installed) { at.Releases[0].Complete = false },
		"replaced":   func(at *plan.Installed) { at.Running += plan.Removed },
	} {
		f := drifting(t)
		at := f.facts.Apps["hello"]["app01"]
		at.Releases = slices.Clone(at.Releases)
		damage(&at)
		f.facts.Apps["hello"]["app01"] = at
		p := f.plan(t)
		if got := brief(wave(t, p, "rotate 1/1").Lanes[0].Steps); !slices.Contains(got, "drain") || !slices.Contains(got, "start "+at.Current) {
			t.Errorf("%s: the turn is %q", name, got)
		}
	}
}
