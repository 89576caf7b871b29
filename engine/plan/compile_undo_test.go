package plan_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// turnOf gives the lane of app01's turn in a fleet of one server.
func turnOf(t *testing.T, f *fleet) plan.Lane {
	t.Helper()
	waves := f.plan(t).Apps[0].Waves
	for _, w := range waves {
		if w.Name == "recreate" || strings.HasPrefix(w.Name, plan.WaveRotate) {
			return w.Lanes[0]
		}
	}
	t.Fatal("no turn")
	return plan.Lane{}
}

// undone is what a run does when the named step of a lane fails, in short.
func undone(l plan.Lane, failing string) []string {
	var out []string
	for _, s := range l.Steps {
		out = append(brief(s.Undo), out...)
		if briefOp(s.Op) == failing {
			return out
		}
	}
	return nil
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestTurnThatFailsAtItsProbe(t *testing.T) {
	app := hello("app01")
	app.Topology = shared("lb01")
	f := newFleet(1, 1, haproxy).with(app)
	old := f.deploy(t, "1.0").Apps[0].To
	app.Version = "2.0"
	l := turnOf(t, f.with(app))
	to := "2.0-" + l.Steps[len(l.Steps)-1].Op.(plan.Record).Release[4:]
	equal(t, "the turn", brief(l.Steps), []string{"drain", "drain again", "stop " + old, "link " + to, "start " + to, "probe", "admit", "record good"})
	equal(t, "failing at the probe", undone(l, "probe"), []string{"drain again", "stop " + to, "link " + old, "start " + old, "probe", "admit"})
	equal(t, "failing at the drain", undone(l, "drain"), []string{"probe", "admit"})
	equal(t, "failing at admit", undone(l, "admit"), []string{"drain", "drain again", "stop " + to, "link " + old, "start " + old, "probe", "admit"})
	if v := l.Steps[0].Undo[0].Op.(plan.ProbeOp).Version; v != "1.0" {
		t.Errorf("the undo probes for version %q", v)
	}
}

// Where nothing is in front of a server, nothing but the probes says that the old release works again.
func TestTurnWithoutProxiesProvesTheOldRelease(t *testing.T) {
	f := newFleet(1, 0, haproxy).with(hello("app01"))
	old := f.deploy(t, "1.0").Apps[0].To
	app := hello("app01")
	app.Version = "2.0"
	l := turnOf(t, f.with(app))
	undo := undone(l, "probe")
	equal(t, "failing at the probe", undo[1:], []string{"link " + old, "start " + old, "probe"})
	equal(t, "failing at the stop", undone(l, "stop "+old), []string{"start " + old, "probe"})
}

// An older release is stopped and started by its own commands, whatever the config says now.
func TestOldReleasesKeepTheirCommands(t *testing.T) {
	runBy := func(version, command string) plan.App {
		app := hello("app01")
		app.Version = version
		app.Service = plan.Service{Process: &plan.Process{Command: command, Timeout: plan.Duration(time.Second)}}
		return app
	}
	commands := func(l plan.Lane) []string {
		var out []string
		for _, s := range l.Steps {
			for _, s := range append([]plan.Step{s}, s.Undo...) {
				if op, ok := s.Op.(plan.ServiceOp); ok {
					out = append(out, op.Action+" "+op.Version+" "+op.Service.Process.Command)
				}
			}
		}
		return out
	}
	f := newFleet(1, 0, haproxy)
	for _, app := range []plan.App{runBy("1.0", "old"), runBy("2.0", "new")} {
		if app.Version == "2.0" {
			equal(t, "a deploy", commands(turnOf(t, f.with(app))), []string{"stop 1.0 old", "start 1.0 old", "start 2.0 new", "stop 2.0 new"})
		}
		if err := f.apply(f.with(app).plan(t)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := f.back("")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "a rollback", commands(p.Apps[0].Waves[0].Lanes[0]), []string{"stop 2.0 new", "start 2.0 new", "start 1.0 old", "stop 1.0 old"})

	// What somebody else may write on the server never names a unit.
	at := f.facts.Apps["hello"]["app01"]
	for i := range at.Releases {
		at.Releases[i].Manifest.Service = &plan.Service{Systemd: &plan.Systemd{Unit: "sshd"}}
	}
	if p, err = f.back(""); err != nil {
		t.Fatal(err)
	}
	equal(t, "a rollback over foreign manifests", commands(p.Apps[0].Waves[0].Lanes[0]), []string{"stop 2.0 new", "start 2.0 new", "start 1.0 new", "stop 1.0 new"})
}

func TestFirstReleaseThatFailsAtItsProbe(t *testing.T) {
	app := hello("app01")
	app.Topology = shared("lb01")
	l := turnOf(t, newFleet(1, 1, haproxy).with(app))
	to := l.Steps[len(l.Steps)-1].Op.(plan.Record).Release
	equal(t, "the turn", brief(l.Steps), []string{"drain", "drain again", "link " + to, "start " + to, "probe", "admit", "record good"})
	equal(t, "failing at the probe", undone(l, "probe"), []string{"drain again", "stop " + to, "link "})
}

func TestTurnsSteps(t *testing.T) {
	everything := func() plan.App {
		a := hello("app01")
		a.Topology = shared("lb01")
		a.Marker = "config/disabled"
		a.Hooks = plan.Hooks{Before: []string{"check"}, After: []string{"warm"}}
		a.Rollout.MinReadySeconds = 10
		a.Probes["admin"] = httpProbe(8081)
		return a
	}
	tests := map[string]struct {
		app    func() plan.App
		driver plan.Driver
		facts  func(at *plan.Installed, rotation []plan.Rotation)
		want   []string // OLD and NEW stand for the releases
		undo   []string // of the last step
	}{
		"all of it": {app: everything, facts: func(at *plan.Installed, _ []plan.Rotation) { at.Marked = true },
			want: []string{"drain", "run check", "enable", "drain again", "stop OLD", "link NEW", "start NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo: []string{"drain", "drain again", "stop NEW", "link OLD", "start OLD", "disable", "probe", "probe", "admit"}},
		"admitting enables where both markers are one file": {app: everything, driver: byMarker("config/disabled"),
			facts: func(at *plan.Installed, _ []plan.Rotation) { at.Marked = true },
			want:  []string{"run check", "drain again", "stop OLD", "link NEW", "start NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo:  []string{"drain", "drain again", "stop NEW", "link OLD", "start OLD"}},
		"the same file, written absolutely": {app: everything, driver: byMarker("/opt/hello/shared/config/disabled"),
			facts: func(at *plan.Installed, _ []plan.Rotation) { at.Marked = true },
			want:  []string{"run check", "drain again", "stop OLD", "link NEW", "start NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo:  []string{"drain", "drain again", "stop NEW", "link OLD", "start OLD"}},
		"another file": {app: everything, driver: byMarker("/run/out"),
			facts: func(at *plan.Installed, _ []plan.Rotation) { at.Marked = true },
			want:  []string{"drain", "run check", "enable", "drain again", "stop OLD", "link NEW", "start NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo:  []string{"drain", "drain again", "stop NEW", "link OLD", "start OLD", "disable", "probe", "probe", "admit"}},
		"out already, so no drain and no way back in": {app: everything,
			facts: func(_ *plan.Installed, r []plan.Rotation) { r[0].State = plan.RotationOut },
			want:  []string{"run check", "drain again", "stop OLD", "link NEW", "start NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo:  []string{"drain", "drain again", "stop NEW", "link OLD", "start OLD"}},
		"down: set back without waiting for traffic": {app: everything,
			facts: func(_ *plan.Installed, r []plan.Rotation) { r[0].State = plan.RotationDown },
			want:  []string{"drain", "run check", "drain again", "stop OLD", "link NEW", "start NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo:  []string{"drain", "drain again", "stop NEW", "link OLD", "start OLD", "set back"}},
		"stopped: nothing is started again": {app: everything,
			facts: func(at *plan.Installed, _ []plan.Rotation) { at.Service, at.Running = "inactive", "" },
			want:  []string{"drain", "run check", "drain again", "link NEW", "start NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo:  []string{"drain", "drain again", "stop NEW", "link OLD", "set back"}},
		"nobody knows whether it runs": {app: everything,
			facts: func(at *plan.Installed, _ []plan.Rotation) { at.Service, at.Running = "unknown", "" },
			want:  []string{"drain", "run check", "drain again", "stop OLD", "link NEW", "start NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo:  []string{"drain", "drain again", "stop NEW", "link OLD", "start OLD", "probe", "probe", "admit"}},
		"no process": {app: func() plan.App { a := everything(); a.Service = plan.Service{}; return a },
			want: []string{"drain", "run check", "drain again", "link NEW", "probe", "probe", "run warm", "admit", "pause", "record good"},
			undo: []string{"drain", "link OLD", "probe", "probe", "admit"}},
		"nothing in front": {app: func() plan.App { a := everything(); a.Topology = plan.Topology{}; return a },
			want: []string{"run check", "stop OLD", "link NEW", "start NEW", "probe", "probe", "run warm", "pause", "record good"},
			undo: []string{"stop NEW", "link OLD", "start OLD", "probe", "probe"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			driver := haproxy
			if test.driver != (plan.Driver{}) {
				driver = test.driver
			}
			app := test.app()
			f := newFleet(1, 1, driver).with(app)
			old := f.deploy(t, "1.0").Apps[0].To
			at := f.facts.Apps["hello"]["app01"]
			if test.facts != nil {
				test.facts(&at, f.facts.Rotation["hello"]["app01"])
			}
			f.facts.Apps["hello"]["app01"] = at
			app.Version = "2.0"
			p := f.with(app).plan(t)
			l := turnOf(t, f)
			names := strings.NewReplacer(old, "OLD", p.Apps[0].To, "NEW")
			equal(t, "the turn", strings.Split(names.Replace(strings.Join(brief(l.Steps), "|")), "|"), test.want)
			equal(t, "its undo", strings.Split(names.Replace(strings.Join(undone(l, "record good"), "|")), "|"), test.undo)
		})
	}
}

// A controller that died between the link and the restart leaves the link ahead of the process.
func TestLinkAheadOfTheProcessGoesBackToWhatRuns(t *testing.T) {
	app := hello("app01")
	app.Topology = shared("lb01")
	f := newFleet(1, 1, haproxy).with(app)
	old := f.deploy(t, "1.0").Apps[0].To
	to := f.deploy(t, "2.0").Apps[0].To
	at := f.facts.Apps["hello"]["app01"]
	at.Running = old
	for i := range at.Releases {
		at.Releases[i].Good = at.Releases[i].Name == old
	}
	f.facts.Apps["hello"]["app01"] = at
	l := turnOf(t, f)
	equal(t, "the turn", brief(l.Steps), []string{"record used", "drain", "drain again", "stop " + old, "start " + to, "probe", "admit", "record good"})
	equal(t, "failing at the probe", undone(l, "probe"), []string{"drain again", "stop " + to, "link " + old, "start " + old, "probe", "admit"})
}

// A server that is out at one of two proxies is admitted there only; where it was in rotation it stays.
func TestMendingOneProxyLeavesTheOtherAlone(t *testing.T) {
	app := hello("app01")
	app.Topology = shared("lb01", "lb02")
	f := newFleet(1, 2, haproxy).with(app)
	f.deploy(t, "1.0")
	f.facts.Rotation["hello"]["app01"][1].State = plan.RotationOut
	l := turnOf(t, f)
	equal(t, "the turn", brief(l.Steps), []string{"record used", "probe", "admit"})
	undo := l.Steps[2].Undo
	if len(undo) != 1 || len(undo[0].Op.(plan.DrainOp).Points) != 1 || undo[0].Op.(plan.DrainOp).Points[0].Proxy != "lb02" {
		t.Errorf("the undo of admit is %+v", undo)
	}
}

// Somebody linked an older release and did not restart: a failed turn goes back to what ran, not to what was linked.
func TestUndoStartsWhatRan(t *testing.T) {
	app := hello("app01")
	f := newFleet(1, 1, haproxy).with(app)
	old := f.deploy(t, "1.0").Apps[0].To
	app.Version = "2.0"
	ran := f.with(app).deploy(t, "2.0").Apps[0].To
	at := f.facts.Apps["hello"]["app01"]
	at.Current, at.Running = old, ran
	f.facts.Apps["hello"]["app01"] = at
	for _, s := range turnOf(t, f).Steps {
		if op, ok := s.Op.(plan.ServiceOp); ok && op.Action == plan.Stop {
			equal(t, "the stop and its undo", brief(append([]plan.Step{s}, s.Undo...)), []string{"stop " + ran, "link " + ran, "start " + ran, "probe"})
			return
		}
	}
	t.Error("nothing is stopped")
}

// A turn drains the server where it is in, proves it everywhere, and a failed one puts it back only where it was in.
func TestTurnOfAServerThatIsOutAtOneProxy(t *testing.T) {
	app := hello("app01")
	app.Topology = shared("lb01", "lb02")
	f := newFleet(1, 2, haproxy).with(app)
	f.deploy(t, "1.0")
	f.facts.Rotation["hello"]["app01"][1].State = plan.RotationOut
	app.Version = "2.0"
	l := turnOf(t, f.with(app))
	var got []string
	for _, s := range l.Steps {
		got = append(got, pointsOf(s)...)
		for _, u := range s.Undo {
			for _, p := range pointsOf(u) {
				got = append(got, "undo "+p)
			}
		}
	}
	equal(t, "the points", got, []string{"drain lb01", "undo admit lb01", "drain again lb01", "drain again lb02", "undo drain again lb01", "undo drain again lb02", "admit lb01", "admit lb02", "undo drain lb01", "undo drain lb02"})
}

// pointsOf lists the proxies of a drain or an admit.
func pointsOf(s plan.Step) []string {
	var points []plan.Point
	switch op := s.Op.(type) {
	case plan.DrainOp:
		points = op.Points
	case plan.AdmitOp:
		points = op.Points
	}
	var out []string
	for _, p := range points {
		out = append(out, briefOp(s.Op)+" "+p.Proxy)
	}
	return out
}

// A server that all proxies call down is restarted, though its process runs and its release is the right one; one that only some
// call down is left alone.
func TestServersThatAreDownAreRestarted(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01", "lb02")
	f := newFleet(2, 2, haproxy).with(app)
	live := f.deploy(t, "1.0").Apps[0].To
	f.rotate(app, "app02", plan.RotationDown)
	f.facts.Rotation["hello"]["app01"][0].State = plan.RotationDown
	p := f.plan(t)
	equal(t, "the waves", turns(p), []string{"app02"})
	equal(t, "the turn", brief(p.Apps[0].Waves[0].Lanes[0].Steps), []string{"record used", "drain", "drain again", "stop " + live, "start " + live, "probe", "admit"})
}

func TestStandbyIsDisabledStoppedAndLinked(t *testing.T) {
	app := hello("app01")
	app.Standby, app.Marker = []string{"app02"}, "config/disabled"
	f := newFleet(2, 0, haproxy).with(app)
	old := f.deploy(t, "1.0").Apps[0].To
	at := f.facts.Apps["hello"]["app02"]
	at.Marked, at.Service, at.Running = false, "active", old
	f.facts.Apps["hello"]["app02"] = at
	app.Version = "2.0"
	p := f.with(app).plan(t)
	l := wave(t, p, plan.WaveStandby).Lanes[0]
	equal(t, "the standby", brief(l.Steps), []string{"disable", "stop " + old, "link " + p.Apps[0].To})
	equal(t, "its undo", undone(l, "link "+p.Apps[0].To), []string{"link " + old, "start " + old, "enable"})
}

// A standby that can't say whether it runs is stopped when it has a turn; that alone is no reason for one.
func TestStandbyThatCantSayWhetherItRuns(t *testing.T) {
	app := hello("app01")
	app.Standby = []string{"app02"}
	f := newFleet(2, 0, haproxy).with(app)
	old := f.deploy(t, "1.0").Apps[0].To
	at := f.facts.Apps["hello"]["app02"]
	at.Service = "unknown"
	f.facts.Apps["hello"]["app02"] = at
	if p := f.plan(t); !p.Empty() {
		t.Errorf("the plan has %q", titles(p))
	}
	app.Version = "2.0"
	p := f.with(app).plan(t)
	equal(t, "the standby", brief(wave(t, p, plan.WaveStandby).Lanes[0].Steps), []string{"stop " + old, "link " + p.Apps[0].To})
}
