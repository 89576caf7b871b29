package plan_test

import (
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// TestOrderOfTurns: servers that serve nothing go first, then never more than maxUnavailable at once.
func TestOrderOfTurns(t *testing.T) {
	in, out, down, unknown := plan.RotationIn, plan.RotationOut, plan.RotationDown, plan.RotationUnknown
	tests := map[string]struct {
		states []string // of app01, app02 … before 2.0 is deployed
		most   int      // maxUnavailable
		done   []string // servers that have 2.0 already
		waves  []string // servers, in waves
		cut    bool     // a run was cut off on all of them
		refuse string
		note   string
	}{
		"all in":                 {states: []string{in, in, in}, most: 1, waves: []string{"app01", "app02", "app03"}},
		"two at once":            {states: []string{in, in, in}, most: 2, waves: []string{"app01 app02", "app03"}},
		"out goes first":         {states: []string{in, in, out}, most: 1, waves: []string{"app03", "app01", "app02"}, note: "app03 is not in rotation (out at lb01), so it takes its turn first"},
		"down goes first":        {states: []string{in, down, in}, most: 1, waves: []string{"app02", "app01", "app03"}, note: "app02 is not in rotation (down at lb01)"},
		"two out, one at once":   {states: []string{out, in, out}, most: 1, waves: []string{"app01", "app03", "app02"}},
		"two out, two at once":   {states: []string{out, in, out}, most: 2, waves: []string{"app01 app03", "app02"}},
		"unknown counts as in":   {states: []string{in, unknown, in}, most: 1, waves: []string{"app01", "app02", "app03"}, note: "hello: lb01 can't say whether app02 is in rotation: it counts as in"},
		"perhaps out is first":   {states: []string{in, in, unknown}, most: 1, cut: true, waves: []string{"app03", "app01", "app02"}, note: "hello: lb01 can't say whether app03 is in rotation, where run 2026-0007 was cut off: it counts as out"},
		"perhaps none is in":     {states: []string{unknown, unknown, unknown}, most: 1, cut: true, waves: []string{"app01", "app02", "app03"}, note: "app01 is not in rotation (perhaps drained at lb01 by run 2026-0007), so it takes its turn first"},
		"one at least is out":    {states: []string{unknown, out, down}, most: 1, cut: true, waves: []string{"app01", "app02", "app03"}},
		"none in rotation":       {states: []string{out, down, out}, most: 1, waves: []string{"app01 app02 app03"}, note: "no server of hello is in rotation: all that need it take their turn at once"},
		"some done":              {states: []string{in, in, in}, most: 1, done: []string{"app01"}, waves: []string{"app02", "app03"}},
		"done and out is mended": {states: []string{out, in, in}, most: 1, done: []string{"app01"}, waves: []string{"app01", "app02", "app03"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := hello("app01", "app02", "app03")
			app.Topology = shared("lb01")
			app.Rollout.Rolling = &plan.Rolling{MaxUnavailable: test.most}
			f := newFleet(3, 1, haproxy).with(app)
			f.deploy(t, "1.0")
			f.partly(t, "2.0", test.done...)
			for i, s := range test.states {
				f.rotate(app, app.Servers[i], s)
				if test.cut {
					f.cutOff(app.Servers[i], "2026-0007")
				}
			}
			app.Version = "2.0"
			p := f.with(app).plan(t)
			equal(t, "the waves", turns(p), test.waves)
			if test.note != "" && !strings.Contains(strings.Join(p.Notes, "\n"), test.note) {
				t.Errorf("notes %q, want %q", p.Notes, test.note)
			}
		})
	}
}

// partly deploys a version to some servers.
func (f *fleet) partly(t *testing.T, version string, servers ...string) {
	t.Helper()
	app := f.apps[0]
	app.Version = version
	p := f.with(app).plan(t)
	for _, w := range p.Apps[0].Waves {
		for _, l := range w.Lanes {
			if slices.Contains(servers, l.Host) {
				if err := f.steps(app, l.Steps); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// turns lists who takes a turn, wave by wave.
func turns(p plan.Plan) []string {
	var out []string
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			if w.Name != "recreate" && !strings.HasPrefix(w.Name, plan.WaveRotate) {
				continue
			}
			var hosts []string
			for _, l := range w.Lanes {
				hosts = append(hosts, l.Host)
			}
			out = append(out, strings.Join(hosts, " "))
		}
	}
	return out
}

func TestNoTurnWhereOthersAreOutAndStayOut(t *testing.T) {
	app := hello("app01", "app02", "app03")
	app.Topology = shared("lb01")
	app.Service = plan.Service{}
	f := newFleet(3, 1, haproxy).with(app)
	for _, s := range app.Servers {
		f.rotate(app, s, plan.RotationIn)
	}
	f.partly(t, "2.0", "app01")
	f.rotate(app, "app01", plan.RotationDown)
	app.Version = "2.0"
	_, err := f.with(app).try()
	want := "apps/hello/app.cue:20:3: hello: 1 of 3 active servers are out of rotation and maxUnavailable is 1, so no other may be taken out (mend those first, see trikk status, or raise rollout.rolling.maxUnavailable)"
	if err == nil || err.Error() != want {
		t.Fatalf("got  %v\nwant %s", err, want)
	}
	app.Rollout.Rolling = &plan.Rolling{MaxUnavailable: 2}
	p := f.with(app).plan(t)
	equal(t, "the waves", turns(p), []string{"app02", "app03"})
	if note := "hello: app01 is not in rotation (down at lb01), and this plan leaves it so"; !slices.Contains(p.Notes, note) {
		t.Errorf("notes %q, want %q", p.Notes, note)
	}
}

// A server in rotation whose process is stopped serves nothing, so it goes first; with nothing in front the same holds.
func TestStoppedServersGoFirst(t *testing.T) {
	for name, topology := range map[string]plan.Topology{"behind a proxy": shared("lb01"), "nothing in front": {}} {
		t.Run(name, func(t *testing.T) {
			app := hello("app01", "app02")
			app.Topology = topology
			f := newFleet(2, 1, haproxy).with(app)
			f.deploy(t, "1.0")
			at := f.facts.Apps["hello"]["app02"]
			at.Service, at.Running = "inactive", ""
			f.facts.Apps["hello"]["app02"] = at
			app.Version = "2.0"
			p := f.with(app).plan(t)
			equal(t, "the waves", turns(p), []string{"app02", "app01"})
			if note := "hello: app02 is not in rotation (its service is stopped), so it takes its turn first"; !slices.Contains(p.Notes, note) {
				t.Errorf("notes %q, want %q", p.Notes, note)
			}
		})
	}
}

func TestProxiesTakeTheirTurnsToo(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = plan.Topology{Pairs: &plan.Pairs{Proxies: []string{"lb01", "lb02"}, InstallOnProxies: true,
		Outer: plan.Outer{Marker: &plan.Marking{File: "/run/out"}}}}
	p := newFleet(2, 2, haproxy).with(app).plan(t)
	w := wave(t, p, "proxies")
	if w.MaxParallel != 1 || len(w.Lanes) != 2 || w.Lanes[0].Host != "lb01" {
		t.Errorf("the proxies' wave is %+v", w)
	}
	app.Rollout.Recreate = &plan.Recreate{}
	p = newFleet(2, 2, haproxy).with(app).plan(t)
	equal(t, "the waves", turns(p), []string{"app01 app02 lb01 lb02"})
}

// Proxies that lag behind take their turns although every server is as it should be.
func TestProxiesThatLagTakeTheirTurns(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01")
	f := newFleet(2, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Topology.Shared.InstallOnProxies = true
	p := f.with(app).plan(t)
	if w := wave(t, p, "proxies"); len(w.Lanes) != 1 || w.Lanes[0].Host != "lb01" {
		t.Errorf("the proxies' wave is %+v", w)
	}
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	if again := f.plan(t); !again.Empty() {
		t.Errorf("a second plan has %q", titles(again))
	}
}

// In pairs, proxy i leaves its outer balancer while server i takes its turn.
func TestPairs(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = plan.Topology{Pairs: &plan.Pairs{Proxies: []string{"lb02", "lb01"}, Backend: "{app}-{env}", Member: "{proxy}-{server}",
		Outer: plan.Outer{Marker: &plan.Marking{File: "/run/out"}}}}
	f := newFleet(2, 2, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	p := f.with(app).plan(t)
	equal(t, "the waves", turns(p), []string{"app01", "app02"})
	l := wave(t, p, "rotate 1/2").Lanes[0]
	got := l.Steps[0].Op.(plan.DrainOp).Points
	want := plan.Point{Proxy: "lb02", Server: "app01", Target: "lb02", Address: "lb02.example", Backend: "hello-test", Member: "lb02-app01",
		Driver: plan.Driver{Marker: app.Topology.Pairs.Outer.Marker}}
	if len(got) != 1 || got[0] != want {
		t.Errorf("points %+v, want %+v", got, want)
	}
}

// A pair's proxy returns only when it was asked, on its own host, and passed the request on: after the new release's probe,
// and after the old one's when the turn is undone.
func TestPairsThrough(t *testing.T) {
	app := hello("app01", "app02")
	check := plan.Check{TCP: &plan.TCPCheck{Host: "127.0.0.1", Port: 80}}
	app.Topology = pairs()
	app.Topology.Pairs.Through = &check
	f := newFleet(2, 2, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	l := wave(t, f.with(app).plan(t), "rotate 1/2").Lanes[0]
	proxy := app.Topology.Pairs.Proxies[0]
	before := func(steps []plan.Step, what string) {
		t.Helper()
		for i, s := range steps {
			if _, admits := s.Op.(plan.AdmitOp); !admits {
				continue
			}
			op, ok := steps[i-1].Op.(plan.ProbeOp)
			if !ok || op.Through != proxy || op.Check != check || steps[i-1].Host != proxy {
				t.Errorf("%s: %q comes before the admit, want the probe through %s", what, steps[i-1].Title, proxy)
			}
			return
		}
		t.Errorf("%s admits nothing", what)
	}
	before(l.Steps, "the turn")
	for _, s := range l.Steps {
		if s.Op.Kind() == "drain" && len(s.Undo) > 0 {
			before(s.Undo, "its undo")
		}
	}
}

// A turn that was cut off between its link and its hooks leaves a current release that was never proven good: the next plan runs
// the hooks that follow, not those that came before the link, and only once it is proven.
func TestHooksAfterRunUntilTheReleaseIsProven(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01")
	app.Hooks = plan.Hooks{Before: []string{"backup"}, After: []string{"warm"}}
	f := newFleet(2, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	p := f.with(app).plan(t)
	to := p.Apps[0].To
	for name, test := range map[string]struct {
		until string // the last step that was done
		want  []string
	}{
		"after the link":   {"link " + to, []string{"record used", "drain again", "start " + to, "probe", "run warm", "admit", "record good"}},
		"before the proof": {"admit", []string{"record used", "probe", "run warm", "admit", "record good"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := f.copy()
			for _, w := range p.Apps[0].Waves {
				if w.Name == "rotate 2/2" {
					break
				}
				for _, l := range w.Lanes {
					for _, s := range l.Steps {
						if err := g.step(app, s); err != nil {
							t.Fatal(err)
						}
						if briefOp(s.Op) == test.until {
							break
						}
					}
				}
			}
			again := g.plan(t)
			equal(t, "the turn", brief(wave(t, again, "rotate 1/2").Lanes[0].Steps), test.want)
		})
	}
}

// A weight of 0 is a person's word: the server is neither restarted nor waited for, it counts as unavailable, and its turn leaves
// the weight alone.
func TestHeldByItsWeight(t *testing.T) {
	app := hello("app01", "app02", "app03")
	app.Topology = shared("lb01", "lb02")
	app.Rollout.MinReadySeconds = 10
	app.Rollout.Rolling = &plan.Rolling{MaxUnavailable: 2}
	f := newFleet(3, 2, haproxy).with(app)
	f.deploy(t, "1.0")
	f.rotate(app, "app02", plan.RotationHeld)
	p := f.plan(t)
	if note := "hello: app02 is not in rotation (held out by its weight of 0 at lb01, held out by its weight of 0 at lb02), and this plan leaves it so"; !p.Empty() || !slices.Contains(p.Notes, note) {
		t.Errorf("%q, notes %q", titles(p), p.Notes)
	}
	f.facts.Rotation["hello"]["app02"][0].State = plan.RotationIn // held at lb02 only
	app.Version = "2.0"
	p = f.with(app).plan(t)
	equal(t, "the waves", turns(p), []string{"app02", "app01 app03"})
	l := wave(t, p, "rotate 1/2").Lanes[0]
	to := p.Apps[0].To
	old := p.Apps[0].From[0]
	equal(t, "the turn", brief(l.Steps), []string{"drain", "drain again", "stop " + old, "link " + to, "start " + to, "probe", "admit", "set back", "pause", "record good"})
	equal(t, "its undo", undone(l, "drain"), []string{"probe", "admit", "set back"})
	for _, s := range l.Steps {
		if op, ok := s.Op.(plan.Pause); ok && (len(op.Points) != 1 || op.Points[0].Proxy != "lb01") {
			t.Errorf("it is watched at %+v", op.Points)
		}
	}
}

// A server that was active and is a standby now is drained where the proxies still send it requests, before it is stopped.
func TestStandbyThatIsStillInRotation(t *testing.T) {
	for name, test := range map[string]struct {
		marker  string
		driver  plan.Driver
		states  []string
		stopped bool
		want    []string
	}{
		"in":              {"", haproxy, []string{plan.RotationIn}, false, []string{"record used", "drain", "stop"}},
		"at one of two":   {"config/disabled", haproxy, []string{plan.RotationOut, plan.RotationIn}, false, []string{"record used", "drain", "disable", "stop"}},
		"by its marker":   {"config/disabled", byMarker("config/disabled"), []string{plan.RotationIn}, false, []string{"record used", "drain", "stop"}},
		"not known there": {"", haproxy, nil, false, []string{"record used", "stop"}},
		"out":             {"", haproxy, []string{plan.RotationOut}, false, []string{"record used", "stop"}},
		"stopped":         {"", haproxy, []string{plan.RotationIn}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			app := hello("app01", "app02")
			app.Marker, app.Topology = test.marker, shared(names("lb", 1, max(1, len(test.states)))...)
			f := newFleet(2, 2, test.driver).with(app)
			f.deploy(t, "1.0")
			app.Version, app.Servers, app.Standby = "1.0", []string{"app01"}, []string{"app02"}
			delete(f.facts.Rotation["hello"], "app02")
			for i, s := range test.states {
				f.facts.Rotation["hello"]["app02"] = append(f.facts.Rotation["hello"]["app02"], plan.Rotation{Proxy: app.Topology.Shared.Proxies[i], State: s})
			}
			if test.stopped {
				at := f.facts.Apps["hello"]["app02"]
				at.Service, at.Running = "inactive", ""
				f.facts.Apps["hello"]["app02"] = at
			}
			p := f.with(app).plan(t)
			if test.want == nil {
				if !p.Empty() {
					t.Errorf("the plan has %q", titles(p))
				}
				return
			}
			lane := wave(t, p, plan.WaveStandby).Lanes[0]
			got := brief(lane.Steps)
			for i := range got {
				got[i] = strings.TrimSuffix(got[i], " "+f.facts.Apps["hello"]["app02"].Current)
			}
			equal(t, "the standby", got, test.want)
			for _, s := range lane.Steps {
				if op, ok := s.Op.(plan.DrainOp); ok && (len(op.Points) != 1 || len(s.Undo) == 0) {
					t.Errorf("it is drained at %+v, undo %q", op.Points, brief(s.Undo))
				}
			}
			if err := f.apply(p); err != nil {
				t.Fatal(err)
			}
			if again := f.plan(t); !again.Empty() {
				t.Errorf("then there is %q", titles(again))
			}
		})
	}
}

// A server that becomes a standby server takes nothing down, as long as the active ones stay as they are.
func TestStandbyIsNoDowntime(t *testing.T) {
	for version, want := range map[string]int{"1.0": 0, "2.0": 1} {
		app := hello("app01", "app02")
		app.Topology = shared("lb01")
		f := newFleet(2, 1, haproxy).with(app)
		f.deploy(t, "1.0")
		app.Version, app.Servers, app.Standby = version, []string{"app01"}, []string{"app02"}
		p := f.with(app).plan(t)
		wave(t, p, plan.WaveStandby)
		if got := strings.Count(strings.Join(p.Notes, "\n"), "hello is down while it is replaced"); got != want {
			t.Errorf("with %s the notes are %q", version, p.Notes)
		}
	}
}
