package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// TestRollbackTarget: which release a rollback goes back to.
func TestRollbackTarget(t *testing.T) {
	tests := map[string]struct {
		past []string // deployed one after another; "!" was undone at its probe; "<" is a rollback; "x:app01" reached app01 only
		to   string
		want string // version; or part of the refusal, after "refused: "
	}{
		"to the one before":              {past: []string{"1", "2", "3"}, want: "2"},
		"twice":                          {past: []string{"1", "2", "3", "<"}, want: "1"},
		"to the end":                     {past: []string{"1", "2", "<"}, want: "refused: hello has no earlier good release in test (installed and good: 2, 1; name one with --to VERSION)"},
		"over one that failed":           {past: []string{"1", "!2", "3"}, want: "1"},
		"live is 1 and 2 failed":         {past: []string{"1", "!2"}, want: "refused: hello has no earlier good release"},
		"to a version":                   {past: []string{"1", "2", "3"}, to: "1", want: "1"},
		"forward to a version":           {past: []string{"1", "2", "<"}, to: "2", want: "2"},
		"to a version that was not good": {past: []string{"1", "!2"}, to: "2", want: "refused: hello 2 is not a good release that is still installed in test (installed and good: 1; to fetch it again: trikk apply hello@2 -e test)"},
		"never deployed":                 {want: "refused: hello has no earlier good release in test (installed and good: none is; name one with --to VERSION)"},
		"stopped halfway":                {past: []string{"1", "2", "3:app01"}, want: "2"},
		"halfway, over an old install":   {past: []string{"1", "!3", "2", "3:app01"}, want: "2"},
		"to what the other one runs":     {past: []string{"1", "2", "<", "3:app01"}, want: "1"},
		"live everywhere, never proven":  {past: []string{"1", "2", "3:app01", "3:app02"}, want: "2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFleet(2, 1, haproxy)
			app := hello("app01", "app02")
			app.Topology = shared("lb01")
			f.with(app)
			for _, v := range test.past {
				f.happened(t, v)
			}
			p, err := f.back(test.to)
			if want, ok := strings.CutPrefix(test.want, "refused: "); ok {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("got %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Apps[0].Version != test.want {
				t.Errorf("goes to %s, want %s", p.Apps[0].Version, test.want)
			}
			for _, s := range titles(p) {
				if strings.Contains(s, "fetch") || strings.Contains(s, "unpack") || strings.Contains(s, "prune") {
					t.Errorf("a rollback has the step %q", s)
				}
			}
			if err := f.apply(p); err != nil {
				t.Fatal(err)
			}
			again, err := f.back(test.want)
			if err != nil || !again.Empty() {
				t.Errorf("a second rollback to %s has %q, %v", test.want, titles(again), err)
			}
		})
	}
}

func (f *fleet) happened(t *testing.T, what string) {
	t.Helper()
	version, server, partly := strings.Cut(what, ":")
	switch {
	case what == "<":
		p, err := f.back("")
		if err != nil {
			t.Fatal(err)
		}
		if err := f.apply(p); err != nil {
			t.Fatal(err)
		}
	case partly:
		f.halfway(t, version, server)
	case what[0] == '!':
		f.failAtProbe(t, what[1:])
		f.installed(t, what[1:])
	default:
		f.deploy(t, version)
	}
}

// halfway installs a version on all servers and switches one of them, without proving it.
func (f *fleet) halfway(t *testing.T, version, server string) {
	t.Helper()
	f.installed(t, version)
	app := f.apps[0]
	app.Version = version
	for _, w := range f.with(app).plan(t).Apps[0].Waves {
		for _, l := range w.Lanes {
			if l.Host != server || !strings.HasPrefix(w.Name, plan.WaveRotate) {
				continue
			}
			if err := f.steps(app, l.Steps[:len(l.Steps)-1]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// installed does the install wave of a version where it is not done yet.
func (f *fleet) installed(t *testing.T, version string) {
	t.Helper()
	app := f.apps[0]
	app.Version = version
	w := f.with(app).plan(t).Apps[0].Waves[0]
	if w.Name != plan.WaveInstall {
		return
	}
	for _, l := range w.Lanes {
		if err := f.steps(app, l.Steps); err != nil {
			t.Fatal(err)
		}
	}
}

// lose takes a host's directory of the oldest release, and its archive unless it is kept.
func (f *fleet) lose(host string, archive bool) {
	at := f.facts.Apps["hello"][host]
	at.Releases = slices.Clone(at.Releases[1:])
	if archive {
		at.Cached = nil
	}
	f.facts.Apps["hello"][host] = at
}

// A rollback installs the release where it is missing, and nowhere else: from the archive cache, or fetched anew.
func TestRollbackInstallsWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		archive bool
		want    []string
	}{
		"from the cache": {false, []string{"record used", "unpack", "write", "record complete"}},
		"fetched":        {true, []string{"record used", "fetch", "unpack", "write", "record complete"}},
	} {
		t.Run(name, func(t *testing.T) {
			app := hello("app01", "app02")
			app.Rollout.MinReadySeconds = 30
			f := newFleet(2, 0, haproxy).with(app)
			old := f.deploy(t, "1.0").Apps[0].To
			f.deploy(t, "2.0")
			f.lose("app02", test.archive)
			p, err := f.back("")
			if err != nil {
				t.Fatal(err)
			}
			w := wave(t, p, plan.WaveInstall)
			if len(w.Lanes) != 1 || w.Lanes[0].Host != "app02" {
				t.Fatalf("installed on %+v", w.Lanes)
			}
			equal(t, "the install", brief(w.Lanes[0].Steps), test.want)
			for _, s := range titles(p) {
				if strings.Contains(s, "watch for") {
					t.Errorf("a good release is watched again: %s", s)
				}
			}
			if note := "hello: release " + old + " is missing on app02: it is installed there first"; !slices.Contains(p.Notes, note) {
				t.Errorf("notes %q", p.Notes)
			}
			if err := f.apply(p); err != nil {
				t.Fatal(err)
			}
			for _, s := range app.Servers {
				if at := f.facts.Apps["hello"][s]; at.Current != old {
					t.Errorf("%s is on %s", s, at.Current)
				}
			}
		})
	}
}

// A rollback watches nothing, so it proves nothing where the release was never good: the next deploy of it does.
func TestRollbackLeavesTheProofToTheNextDeploy(t *testing.T) {
	app := hello("app01", "app02")
	app.Rollout.MinReadySeconds = 30
	f := newFleet(2, 0, haproxy).with(app)
	f.deploy(t, "1.0")
	f.partly(t, "2.0", "app01")
	p, err := f.back("2.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range titles(p) {
		if strings.Contains(s, "watch for") || strings.Contains(s, "as good") {
			t.Errorf("step %q", s)
		}
	}
	to := p.Apps[0].To
	if note := "hello: a rollback does not watch release " + to + ": trikk apply records it as good on app02"; !slices.Contains(p.Notes, note) {
		t.Errorf("notes %q", p.Notes)
	}
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	next := f.deploy(t, "2.0")
	equal(t, "what the next deploy does", titles(next), []string{
		"rotate 1/1: app02: record that plan " + next.ID + " is applied here", "rotate 1/1: app02: probe http 127.0.0.1:8080/",
		"rotate 1/1: app02: watch for 30s", "rotate 1/1: app02: record release " + to + " as good"})
}

// What the config of today does not make again is refused, with what differs and the command that helps.
func TestRollbackRefusesWhatItCantMakeAgain(t *testing.T) {
	for name, test := range map[string]struct {
		change func(a *plan.App)
		want   string
	}{
		"a file": {func(a *plan.App) {
			a.Files = map[string]plan.File{"config/app.properties": {Properties: map[string]any{"jvm.xmx": "1g"}, Mode: "0644"}}
		}, "config/app.properties is another one (to deploy the version as it is configured now: trikk apply hello@1.0 -e test; to go back to that very release, take the config back first)"},
		"a new file":   {func(a *plan.App) { a.Files["x.env"] = plan.File{Env: map[string]any{"A": 1}, Mode: "0600"} }, "x.env is new ("},
		"a gone file":  {func(a *plan.App) { a.Files = nil }, "config/app.properties is gone ("},
		"the artifact": {func(a *plan.App) { a.Artifact.URL.URL += "?x"; a.Name = "hello" }, ""},
		"the rest":     {func(a *plan.App) { a.Modes = []plan.Mode{{Glob: "bin/*", Mode: "0755"}} }, "modes, persisted paths, the marker"},
	} {
		t.Run(name, func(t *testing.T) {
			app := hello("app01", "app02")
			f := newFleet(2, 0, haproxy).with(app)
			f.deploy(t, "1.0")
			f.deploy(t, "2.0")
			f.lose("app02", true)
			app.Version = "2.0"
			app.Files = map[string]plan.File{"config/app.properties": app.Files["config/app.properties"]}
			test.change(&app)
			_, err := f.with(app).back("")
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), "is not installed on app02, and the config makes 1.0-") || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// A local build of an app that is published is in no repository.
func TestRollbackToALostLocalBuild(t *testing.T) {
	app := hello("app01", "app02")
	built := app
	built.Artifact, built.Version = plan.Artifact{File: &plan.FileArtifact{Path: "hello.tar.gz"}}, ""
	f := newFleet(2, 0, haproxy).with(built)
	if err := f.apply(f.plan(t)); err != nil {
		t.Fatal(err)
	}
	f.with(app).deploy(t, "2.0")
	for _, h := range app.Servers[1:] {
		at := f.facts.Apps["hello"][h]
		at.Releases = slices.DeleteFunc(slices.Clone(at.Releases), func(r plan.InstalledRelease) bool { return r.Name != at.Current })
		at.Cached = nil
		f.facts.Apps["hello"][h] = at
	}
	_, err := f.back("")
	if err == nil || !strings.Contains(err.Error(), "it is a local build that no repository has (deploy that build again with --artifact FILE)") {
		t.Errorf("got %v", err)
	}
}

// TestRollbacks draws fleets with any past, loses what may be lost, and goes back: nothing is fetched where the release is
// complete, every active server ends on it, hosts that run it take no turn, and enough serve at every moment.
func TestRollbacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFleet(t)
		app := f.apps[0]
		for _, h := range app.Hosts() {
			f.drawLoss(t, h)
		}
		p, err := f.back(rapid.SampledFrom([]string{"", "1.0", "2.0"}).Draw(t, "to"))
		var no *plan.Refusal
		if errors.As(err, &no) {
			return
		}
		must(t, err)
		if p.Empty() {
			return
		}
		to := p.Apps[0].To
		for _, w := range p.Apps[0].Waves {
			before, taken := f.servingCount(app), 0
			for _, l := range w.Lanes {
				at := f.facts.Apps[app.Name][l.Host]
				complete := slices.ContainsFunc(at.Releases, func(r plan.InstalledRelease) bool { return r.Name == to && r.Complete })
				for _, s := range l.Steps {
					if k := s.Op.Kind(); complete && (k == "fetch" || k == "upload" || k == "unpack") {
						t.Fatalf("%s has %s and %s", l.Host, to, s.Title)
					}
				}
				if !f.servesThroughout(t, app, l) {
					taken++
				}
			}
			if w.MaxParallel > 0 {
				taken = min(taken, w.MaxParallel)
			}
			most := 1
			if r := app.Rollout.Rolling; r != nil {
				most = r.MaxUnavailable
			}
			if taken > 0 && before-taken < len(app.Servers)-most && !f.recreates() {
				t.Fatalf("wave %s: %d of %d serve and %d are taken out", w.Name, before, len(app.Servers), taken)
			}
		}
		for _, s := range app.Servers {
			if at := f.facts.Apps[app.Name][s]; at.Current != to || at.Running != "" && at.Running != to {
				t.Fatalf("%s is on %s and runs %s, not %s", s, at.Current, at.Running, to)
			}
		}
	})
}

// drawLoss breaks what a host has of a release that is not live: it is gone, or incomplete, with its archive or without.
func (f *fleet) drawLoss(t *rapid.T, host string) {
	app := f.apps[0]
	at := f.facts.Apps[app.Name][host]
	at.Releases, at.Cached = slices.Clone(at.Releases), slices.Clone(at.Cached)
	for i := len(at.Releases) - 1; i >= 0; i-- {
		r := at.Releases[i]
		if r.Name == at.Current || r.Name == at.Running {
			continue
		}
		switch rapid.IntRange(0, 4).Draw(t, "loss of "+r.Name+" on "+host) {
		case 0:
			at.Releases = slices.Delete(at.Releases, i, i+1)
		case 1:
			at.Releases[i] = plan.InstalledRelease{Name: r.Name}
			at.Cached = slices.DeleteFunc(at.Cached, func(c string) bool { return c == r.Manifest.File })
		}
	}
	if at.Current != "" && rapid.IntRange(0, 5).Draw(t, "no link on "+host) == 0 {
		at.Current, at.Service, at.Running = "", "inactive", ""
		replace(f.facts.Rotation[app.Name][host], plan.RotationIn, plan.RotationDown)
	}
	f.facts.Apps[app.Name][host] = at
}

// A release that was proven on some servers only, and pruned on the others, is no default target.
func TestRollbackPassesOverWhatIsNotEverywhere(t *testing.T) {
	app := hello("app01", "app02")
	f := newFleet(2, 0, haproxy).with(app)
	f.deploy(t, "1.0")
	f.partly(t, "2.0", "app01")
	f.deploy(t, "3.0")
	p, err := f.back("")
	if err != nil {
		t.Fatal(err)
	}
	if p.Apps[0].Version != "1.0" {
		t.Errorf("goes to %s, want 1.0, which both servers have", p.Apps[0].Version)
	}
}

// Failed releases on a standby server do not push out the one that a rollback needs there.
func TestStandbyKeepsWhatTheActiveServersKeep(t *testing.T) {
	app := hello("app01")
	app.Standby, app.Layout.Keep = []string{"app02"}, 3
	f := newFleet(2, 0, haproxy).with(app)
	for _, v := range []string{"1.0", "2.0", "!2.1", "!2.2", "!2.3", "3.0", "<"} {
		f.happened(t, v)
	}
	p, err := f.back("")
	if err != nil || p.Apps[0].Version != "1.0" {
		t.Errorf("the second rollback: %v, %v", p.Apps, err)
	}
}

func TestRollbackMovesTheStandbyToo(t *testing.T) {
	app := hello("app01")
	app.Standby = []string{"app02"}
	f := newFleet(2, 0, haproxy).with(app)
	old := f.deploy(t, "1.0").Apps[0].To
	f.deploy(t, "2.0")
	p, err := f.back("")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the standby", brief(wave(t, p, plan.WaveStandby).Lanes[0].Steps), []string{"record used", "link " + old})
}
