package plan_test

import (
	"strings"
	"testing"

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

func TestRollbackNeedsTheReleaseEverywhere(t *testing.T) {
	app := hello("app01", "app02")
	f := newFleet(2, 0, haproxy).with(app)
	f.deploy(t, "1.0")
	f.deploy(t, "2.0")
	at := f.facts.Apps["hello"]["app02"]
	at.Releases = at.Releases[1:]
	f.facts.Apps["hello"]["app02"] = at
	_, err := f.back("")
	if err == nil || !strings.Contains(err.Error(), "is not installed on app02 (deploy it instead: trikk apply hello@1.0 -e test)") {
		t.Fatalf("got %v", err)
	}
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
