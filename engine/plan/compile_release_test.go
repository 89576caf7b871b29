package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// TestWhatMakesANewRelease: what shapes the release's directory does, everything else does not.
func TestWhatMakesANewRelease(t *testing.T) {
	tests := map[string]struct {
		change func(a *plan.App)
		fresh  bool
	}{
		"a property":          {func(a *plan.App) { property(a, "jvm.xmx", "1g") }, true},
		"a mode of a file":    {func(a *plan.App) { mode(a, "0600") }, true},
		"a chmod":             {func(a *plan.App) { a.Modes = []plan.Mode{{Glob: "bin/*.sh", Mode: "0755"}} }, true},
		"what persists":       {func(a *plan.App) { a.Layout.Persist = []string{"logs"} }, true},
		"the enable marker":   {func(a *plan.App) { a.Marker = "config/disabled" }, true},
		"a leading path":      {func(a *plan.App) { a.Artifact.URL.Strip = 1 }, true},
		"a probe":             {func(a *plan.App) { a.Probes = map[string]plan.Check{"home": httpProbe(9090)} }, false},
		"the rollout":         {func(a *plan.App) { a.Rollout.Rolling = &plan.Rolling{MaxUnavailable: 2} }, false},
		"how many are kept":   {func(a *plan.App) { a.Layout.Keep = 2 }, false},
		"a hook":              {func(a *plan.App) { a.Hooks.Before = []string{"check"} }, false},
		"a label":             {func(a *plan.App) { a.Labels = map[string]string{"team": "gis"} }, false},
		"how it is started":   {func(a *plan.App) { a.Service = plan.Service{Process: &plan.Process{Command: "bin/run"}} }, true},
		"the service's limit": {func(a *plan.App) { a.Service.Systemd.Timeout = plan.Duration(time.Hour) }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFleet(2, 1, haproxy)
			app, other := hello("app01", "app02"), hello("app01", "app02")
			app.Topology, other.Topology, other.Name = shared("lb01"), shared("lb01"), "other"
			f.with(other).with(app)
			first := f.plan(t)
			if err := f.apply(first); err != nil {
				t.Fatal(err)
			}
			changed := hello("app01", "app02")
			changed.Topology = shared("lb01")
			test.change(&changed)
			p := f.with(changed).plan(t)
			if !test.fresh {
				if !p.Empty() {
					t.Fatalf("the plan has %q", titles(p))
				}
				return
			}
			if len(p.Apps) != 1 || p.Apps[0].App != "hello" || p.Apps[0].To == first.Apps[0].To {
				t.Fatalf("the plan has %q", titles(p))
			}
			if p.Apps[0].Version != "1.0" {
				t.Errorf("version %s", p.Apps[0].Version)
			}
			for _, s := range wave(t, p, plan.WaveInstall).Lanes[0].Steps {
				if k := s.Op.Kind(); k == "fetch" || k == "upload" {
					t.Errorf("the cached archive is not used: %s", s.Title)
				}
			}
		})
	}
}

func property(a *plan.App, key string, value any) {
	f := a.Files["config/app.properties"]
	f.Properties = maps.Clone(f.Properties)
	f.Properties[key] = value
	a.Files = map[string]plan.File{"config/app.properties": f}
}

func mode(a *plan.App, mode string) {
	f := a.Files["config/app.properties"]
	f.Mode = mode
	a.Files = map[string]plan.File{"config/app.properties": f}
}

// pruned are the names that the plan removes on app01.
func pruned(p plan.Plan) (releases, cached []string) {
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			for _, l := range w.Lanes {
				for _, s := range l.Steps {
					if op, ok := s.Op.(plan.Prune); ok && l.Host == "app01" {
						releases, cached = op.Releases, op.Cached
					}
				}
			}
		}
	}
	return releases, cached
}

// versions cuts the digests off release names.
func versions(releases []string) []string {
	out := []string{}
	for _, r := range releases {
		v, _, _ := strings.Cut(r, "-")
		out = append(out, v)
	}
	return out
}

func TestRetention(t *testing.T) {
	tests := map[string]struct {
		keep int
		past []string // deployed one after another; "!" was undone at its probe
		next string
		want []string // pruned
	}{
		"keep counts the new one":              {3, []string{"1", "2", "3", "4"}, "5", []string{"2"}},
		"nothing to do":                        {3, []string{"1", "2"}, "3", []string{}},
		"a failed release is pruned next time": {3, []string{"1", "!2"}, "3", []string{"2"}},
		"keep 1 still keeps the last good one": {1, []string{"1", "2"}, "3", []string{"1"}},
		"keep 1 and a failed one":              {1, []string{"1", "!2"}, "3", []string{"2"}},
		"keep 1, back to an old one":           {5, []string{"1", "2", "3"}, "1", []string{}},
		"the failed one again":                 {2, []string{"1", "2", "!3"}, "3", []string{"1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := hello("app01")
			app.Layout.Keep = test.keep
			f := newFleet(1, 0, haproxy).with(app)
			for _, v := range test.past {
				if failed, ok := strings.CutPrefix(v, "!"); ok {
					f.failAtProbe(t, failed)
				} else {
					f.deploy(t, v)
				}
			}
			app.Version = test.next
			p := f.with(app).plan(t)
			releases, cached := pruned(p)
			equal(t, "pruned", versions(releases), test.want)
			if len(cached) != len(test.want) {
				t.Errorf("cached archives pruned: %q", cached)
			}
			if err := f.apply(p); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// failAtProbe deploys a version to app01, whose probe fails, and takes it back as a run does.
func (f *fleet) failAtProbe(t *testing.T, version string) {
	t.Helper()
	app := f.apps[0]
	app.Version = version
	p := f.with(app).plan(t)
	for _, w := range p.Apps[0].Waves {
		var undo []plan.Step
		for _, s := range w.Lanes[0].Steps {
			undo = append(slices.Clone(s.Undo), undo...)
			if s.Op.Kind() == "probe" {
				if err := f.steps(app, undo); err != nil {
					t.Fatal(err)
				}
				return
			}
			if err := f.step(app, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("no probe")
}

// What a server lists is not trusted: a prune names plain names only, and nothing that lives, runs or was good last.
func TestPruneNamesOnlyWhatItMay(t *testing.T) {
	app := hello("app01")
	app.Layout.Keep = 1
	f := newFleet(1, 0, haproxy).with(app)
	release := func(name, seq string, complete bool) plan.InstalledRelease {
		return plan.InstalledRelease{Name: name, Complete: complete, Good: seq != "", GoodSeq: seq, Manifest: plan.Manifest{Version: name, File: name + ".tar.gz"}}
	}
	f.facts.Apps["hello"]["app01"] = plan.Installed{
		Current: "live", Running: "running", Service: "active",
		Releases: []plan.InstalledRelease{
			release("..", "", false), release("../../etc", "", false), release(".hidden", "", true), release("a/b", "1", true), release("", "", false),
			release("damaged", "7", false), release("good", "5", true), release("live", "3", true), release("old", "2", true), release("partial", "", false), release("running", "1", true),
			{Name: "backup", Foreign: true},
		},
		Cached: []string{"../x", ".part", "good.tar.gz", "live.tar.gz", "old.tar.gz"},
	}
	p := f.plan(t)
	releases, cached := pruned(p)
	// damaged holds the mark of the last good one; its script would refuse to remove it.
	equal(t, "releases", releases, []string{"old", "partial"})
	equal(t, "cached", cached, []string{"old.tar.gz"})
}

func TestStandbyKeepsWhatItHasThoughItProvesNothing(t *testing.T) {
	app := hello("app01")
	app.Standby, app.Layout.Keep = []string{"app02"}, 2
	f := newFleet(2, 0, haproxy).with(app)
	f.deploy(t, "1")
	f.deploy(t, "2")
	app.Version = "3"
	p := f.with(app).plan(t)
	w := wave(t, p, plan.WavePrune)
	if len(w.Lanes) != 2 || w.Lanes[1].Host != "app02" {
		t.Fatalf("pruned on %+v", w.Lanes)
	}
	equal(t, "pruned on the standby", versions(w.Lanes[1].Steps[0].Op.(plan.Prune).Releases), []string{"1"})
}
