package plan_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// drawFleet draws an environment, an app of any shape, and a past: deploys that ended or were cut off, rollbacks, and hands
// that meddled.
func drawFleet(t *rapid.T) *fleet {
	servers := rapid.IntRange(1, 4).Draw(t, "servers")
	standby := rapid.IntRange(0, 1).Draw(t, "standby")
	driver := rapid.SampledFrom([]plan.Driver{haproxy, byMarker("config/disabled"), byMarker("/run/out"), {Command: &plan.Command{Drain: "d"}}}).Draw(t, "driver")
	f := newFleet(servers+standby, servers, driver)
	f.with(drawApp(t, servers, standby))
	for range rapid.IntRange(0, 5).Draw(t, "past") {
		f.drawPast(t)
	}
	app := f.apps[0]
	app.Version = rapid.SampledFrom([]string{"1.0", "2.0", "3.0"}).Draw(t, "version")
	return f.with(app)
}

func names(prefix string, from, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s%02d", prefix, from+i))
	}
	return out
}

func drawApp(t *rapid.T, servers, standby int) plan.App {
	a := hello(names("app", 1, servers)...)
	a.Standby = names("app", servers+1, standby)
	a.User = rapid.SampledFrom([]string{"", "deploy", "hello"}).Draw(t, "user")
	a.Marker = rapid.SampledFrom([]string{"", "config/disabled"}).Draw(t, "marker")
	a.Layout.Keep = rapid.IntRange(1, 3).Draw(t, "keep")
	a.Service = rapid.SampledFrom([]plan.Service{a.Service, {}, {Process: &plan.Process{Command: "./hello"}}, {Commands: &plan.Commands{Start: "s", Stop: "e"}}}).Draw(t, "service")
	a.Topology = drawTopology(t, servers)
	a.Artifact = rapid.SampledFrom([]plan.Artifact{a.Artifact, {File: &plan.FileArtifact{Path: "hello.tar.gz"}},
		{URL: &plan.URLArtifact{URL: "https://repo.example/x", ArtifactOptions: plan.ArtifactOptions{Fetch: "controller"}}}}).Draw(t, "artifact")
	if rapid.Bool().Draw(t, "hooks") {
		a.Hooks = plan.Hooks{Before: []string{"check"}, After: []string{"warm"}, Timeout: plan.Duration(time.Minute)}
	}
	a.Rollout.MinReadySeconds = rapid.SampledFrom([]int{0, 10}).Draw(t, "ready")
	switch rapid.IntRange(0, 3).Draw(t, "rollout") {
	case 0:
		a.Rollout.Recreate = &plan.Recreate{}
	case 1, 2:
		a.Rollout.Rolling = &plan.Rolling{MaxUnavailable: rapid.IntRange(1, 3).Draw(t, "maxUnavailable")}
		if rapid.Bool().Draw(t, "canary") {
			a.Rollout.Rolling.Canary = &plan.Canary{Servers: rapid.IntRange(1, 3).Draw(t, "canaries"), BakeSeconds: 20, Approve: rapid.Bool().Draw(t, "approve"), ApproveWithin: plan.Duration(time.Hour)}
		}
	}
	return a
}

func drawTopology(t *rapid.T, servers int) plan.Topology {
	install := rapid.Bool().Draw(t, "installOnProxies")
	switch rapid.IntRange(0, 2).Draw(t, "topology") {
	case 0:
		top := shared(names("lb", 1, rapid.IntRange(1, servers).Draw(t, "proxies"))...)
		top.Shared.InstallOnProxies = install
		return top
	case 1:
		outer := plan.Outer{Marker: &plan.Marking{File: "/run/out"}}
		return plan.Topology{Pairs: &plan.Pairs{Proxies: names("lb", 1, servers), Outer: outer, Backend: "{app}", Member: "{proxy}", InstallOnProxies: install}}
	}
	return plan.Topology{}
}

// drawPast lets one thing happen; what can't be planned does not happen.
func (f *fleet) drawPast(t *rapid.T) {
	app := f.apps[0]
	switch rapid.IntRange(0, 4).Draw(t, "event") {
	case 0, 1:
		app.Version = rapid.SampledFrom([]string{"1.0", "2.0", "3.0"}).Draw(t, "deploy")
		if p, err := f.with(app).try(); err == nil {
			must(t, f.apply(p))
		}
	case 2:
		if p, err := f.back(""); err == nil {
			must(t, f.apply(p))
		}
	case 3:
		app.Version = rapid.SampledFrom([]string{"1.0", "2.0", "3.0"}).Draw(t, "cut deploy")
		if p, err := f.with(app).try(); err == nil {
			f.drawCut(t, p)
		}
	case 4:
		f.drawMeddling(t)
	}
}

// drawCut does a part of each lane up to some wave, and nothing after.
func (f *fleet) drawCut(t *rapid.T, p plan.Plan) {
	for _, a := range p.Apps {
		last := rapid.IntRange(0, len(a.Waves)-1).Draw(t, "wave")
		for i, w := range a.Waves[:last+1] {
			for _, l := range w.Lanes {
				n := len(l.Steps)
				if i == last {
					n = rapid.IntRange(0, n).Draw(t, "steps")
				}
				must(t, f.steps(a.Source, l.Steps[:n]))
			}
		}
	}
}

func (f *fleet) drawMeddling(t *rapid.T) {
	app := f.apps[0]
	host := rapid.SampledFrom(app.Servers).Draw(t, "host")
	at := f.facts.Apps[app.Name][host]
	switch rapid.IntRange(0, 5).Draw(t, "meddling") {
	case 0:
		state := rapid.SampledFrom([]string{plan.RotationIn, plan.RotationOut, plan.RotationDown, plan.RotationUnknown}).Draw(t, "rotation")
		for i, p := range plan.Points(app, f.env, host) {
			if i > 0 && !enables(app, p) && rapid.Bool().Draw(t, "spared") {
				continue
			}
			f.point(app, p).State = state
			f.marks(app, &at, p, state == plan.RotationOut)
		}
	case 1:
		if !app.Service.None() && at.Current != "" {
			at.Service, at.Running = "inactive", ""
		}
	case 2:
		at.Marked = app.Marker != ""
		for _, p := range plan.Points(app, f.env, host) {
			f.markedOut(app, p)
		}
	case 4:
		if at.Current != "" {
			f.edit(app, host, at.Current)
			return
		}
	case 5:
		if r := drawRelease(t, at); r != "" {
			at.Current = r
		}
	case 3:
		if at.Service != "" {
			at.Service, at.Running = "unknown", ""
		}
	}
	f.facts.Apps[app.Name][host] = at
}

func drawRelease(t *rapid.T, at plan.Installed) string {
	var complete []string
	for _, r := range at.Releases {
		if r.Complete {
			complete = append(complete, r.Name)
		}
	}
	if len(complete) == 0 {
		return ""
	}
	return rapid.SampledFrom(complete).Draw(t, "linked by hand")
}

func must(t rapid.TB, err error) {
	if err != nil {
		t.Fatal(err)
	}
}
