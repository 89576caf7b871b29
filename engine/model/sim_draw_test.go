package model

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// scenario is one drawn plan of a simulation: a fleet, an app, and what is done with it, and to it.
type scenario struct {
	Env    plan.Environment
	App    plan.App
	Pace   Pace
	Disk   time.Duration // of each write of the journal
	Past   []past
	Rounds []round
}

// past is what happened before, without faults, up to a step of each lane.
type past struct {
	Version string
	Cut     int // steps of each lane of the last wave; negative: all
	Waves   int // of the plan; negative: all
}

// round is one operation with its faults.
type round struct {
	Version  string // "": a rollback
	Skew     time.Duration
	Strikes  []strike
	Events   []event
	Follow   string // after a crash or a stop: "resume", "apply", "resume elsewhere"
	KillSave int    // the controller dies at this write of the journal; 0: it doesn't
	Lost     bool   // that write is lost
	Forgets  bool   // all proxies forget their drains while a hook runs
	Gone     []absence
	Edits    []edit
}

// absence is a server that can't be reached when a round begins.
type absence struct {
	Host string
	For  time.Duration
}

// edit is somebody who changes the generated files of a server's live release, or removes them.
type edit struct {
	Host    string        // "": of all of them
	At      time.Duration // 0: before the round begins
	Removes bool
}

// strike is a fault of one call.
type strike struct {
	Host string
	N    int // call of the host, from the beginning of the round
	What Strike
}

// event is something that happens at a time.
type event struct {
	At   time.Duration
	What string
	Host string
}

func drawScenario(t *rapid.T) scenario {
	var s scenario
	servers := rapid.IntRange(1, 4).Draw(t, "servers")
	standby := rapid.IntRange(0, 1).Draw(t, "standby")
	driver := rapid.SampledFrom([]string{"haproxy", "haproxy", "haproxy", "marker", "marker-watched", "enable", "command"}).Draw(t, "driver")
	s.App = drawApp(t, servers, standby, driver)
	s.Env = simInventory(servers+standby, 4, driver)
	s.Pace = Pace{
		Start: time.Duration(rapid.IntRange(100, 4000).Draw(t, "start")) * time.Millisecond,
		See:   time.Duration(rapid.IntRange(100, 2000).Draw(t, "see")) * time.Millisecond,
		End:   time.Duration(rapid.SampledFrom([]int{0, 500, 3000, 9000, 60000}).Draw(t, "end")) * time.Millisecond,
	}
	s.Disk = rapid.SampledFrom([]time.Duration{0, time.Millisecond, 300 * time.Millisecond, 3 * time.Second}).Draw(t, "disk")
	for range rapid.IntRange(0, 2).Draw(t, "past") {
		p := past{Version: version(t, "past version"), Cut: -1, Waves: -1}
		if rapid.IntRange(0, 3).Draw(t, "cut past") == 0 {
			p.Cut, p.Waves = rapid.IntRange(0, 12).Draw(t, "cut"), rapid.IntRange(1, 4).Draw(t, "waves")
		}
		s.Past = append(s.Past, p)
	}
	for range rapid.IntRange(1, 3).Draw(t, "rounds") {
		s.Rounds = append(s.Rounds, drawRound(t, s))
	}
	s.drawAbsences(t)
	s.drawEdits(t)
	s.drawTrial(t)
	return s
}

// drawTrial lets the canary of a release that was proven everywhere before be cut off, and another run come after it.
func (s *scenario) drawTrial(t *rapid.T) {
	if r := s.App.Rollout.Rolling; r == nil || r.Canary == nil || rapid.Bool().Draw(t, "no trial") {
		return
	}
	whole := func(version string) past { return past{Version: version, Cut: -1, Waves: -1} }
	s.Past = []past{whole("1.0"), whole("2.0"), whole("1.0")}
	end := event{At: time.Duration(rapid.IntRange(1000, 60000).Draw(t, "ends at")) * time.Millisecond,
		What: rapid.SampledFrom([]string{"cancel", "stop", "kill"}).Draw(t, "ends by")}
	s.Rounds = slices.Insert(s.Rounds[1:], 0, round{Version: "2.0", Events: []event{end}, Follow: "apply"}, round{Version: "2.0"})
}

// drawAbsences lets servers be gone when rounds begin: some come back before the run has its locks, some before it ends. What is drawn
// last changes nothing of the scenarios that seeds had before.
func (s *scenario) drawAbsences(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "skip") == 0 {
		s.App.Rollout.Unreachable = plan.Skip
	}
	host := rapid.SampledFrom(slices.Concat(s.App.Servers, s.App.Standby))
	for i := range s.Rounds {
		if rapid.IntRange(0, 2).Draw(t, "gone") != 0 {
			continue
		}
		for range rapid.IntRange(1, 2).Draw(t, "how many") {
			s.Rounds[i].Gone = append(s.Rounds[i].Gone, absence{Host: host.Draw(t, "gone host"), For: rapid.SampledFrom([]time.Duration{
				300 * time.Millisecond, time.Second, 20 * time.Second, 5 * time.Minute}).Draw(t, "gone for")})
		}
	}
}

// drawEdits lets people edit generated files between rounds, and while a run works.
func (s *scenario) drawEdits(t *rapid.T) {
	host := rapid.SampledFrom(append(s.App.Hosts(), ""))
	for i := range s.Rounds {
		if len(s.App.Files) == 0 {
			return
		}
		for range rapid.IntRange(0, 2).Draw(t, "edits") {
			e := edit{Host: host.Draw(t, "edited host"), Removes: rapid.IntRange(0, 4).Draw(t, "removes") == 0}
			if rapid.IntRange(0, 3).Draw(t, "edit in the run") == 0 {
				e.At = time.Duration(rapid.IntRange(1, 60000).Draw(t, "edited at")) * time.Millisecond
			}
			s.Rounds[i].Edits = append(s.Rounds[i].Edits, e)
		}
		if len(s.Rounds[i].Edits) > 0 && rapid.IntRange(0, 3).Draw(t, "another version") != 0 {
			s.Rounds[i].Version = s.versionBefore(i)
		}
	}
}

// versionBefore is the version before a round, if there is one.
func (s *scenario) versionBefore(i int) string {
	switch {
	case i > 0:
		return s.Rounds[i-1].Version
	case len(s.Past) > 0:
		return s.Past[len(s.Past)-1].Version
	}
	return s.Rounds[i].Version
}

func version(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"1.0", "2.0", "3.0"}).Draw(t, label)
}

func drawRound(t *rapid.T, s scenario) round {
	r := round{Version: version(t, "version")}
	if rapid.IntRange(0, 6).Draw(t, "rollback") == 0 {
		r.Version = ""
	}
	r.Skew = rapid.SampledFrom([]time.Duration{0, 0, time.Hour, -time.Hour}).Draw(t, "skew")
	hosts := append([]string{}, s.App.Hosts()...)
	if top := s.App.Topology; top.Shared != nil {
		hosts = append(hosts, top.Shared.Proxies...)
	} else if top.Pairs != nil {
		hosts = append(hosts, top.Pairs.Proxies...)
	}
	host := rapid.SampledFrom(hosts)
	for range rapid.IntRange(0, 3).Draw(t, "strikes") {
		r.Strikes = append(r.Strikes, strike{Host: host.Draw(t, "host"), N: rapid.IntRange(1, 120).Draw(t, "call"),
			What: rapid.SampledFrom([]Strike{CutFirst, CutLast, HangFirst, HangLast, StepFails, DiskFull, Lies, Slow, HostAbsent}).Draw(t, "strike")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "events") {
		r.Events = append(r.Events, event{At: time.Duration(rapid.IntRange(0, 90000).Draw(t, "at")) * time.Millisecond, Host: host.Draw(t, "event host"),
			What: rapid.SampledFrom([]string{"forget", "forget", "crash", "crash next", "sicken", "lose lock", "cancel", "stop", "kill", "kill", "isolate"}).Draw(t, "event")})
	}
	if rapid.IntRange(0, 2).Draw(t, "kill") == 0 {
		r.KillSave, r.Lost = rapid.IntRange(1, 60).Draw(t, "write"), rapid.Bool().Draw(t, "lost")
	}
	r.Forgets = rapid.IntRange(0, 3).Draw(t, "forgets") == 0
	r.Follow = rapid.SampledFrom([]string{"resume", "resume", "apply"}).Draw(t, "follow")
	return r
}

func seconds(n int) plan.Duration { return plan.Duration(time.Duration(n) * time.Second) }

func drawApp(t *rapid.T, servers, standby int, driver string) plan.App {
	timing := plan.Timing{Interval: seconds(1), Timeout: seconds(2), Deadline: seconds(20), Success: 1, Failure: 3}
	a := plan.App{
		Name: "web", Env: "sim", Layout: plan.Layout{Root: "/opt/web", Current: "current", Keep: rapid.IntRange(1, 3).Draw(t, "keep")},
		Artifact: plan.Artifact{URL: &plan.URLArtifact{URL: "http://repo.example/web-{version}.tar.gz"}},
		Servers:  simNames("app", 1, servers), Standby: simNames("app", servers+1, standby),
		Probes: map[string]plan.Check{"ready": {TCP: &plan.TCPCheck{Timing: timing, Host: "127.0.0.1", Port: 8080}}},
		Rollout: plan.Rollout{OnFailure: rapid.SampledFrom([]string{"hold", "revert"}).Draw(t, "onFailure"), DrainDeadline: seconds(20), AdmitDeadline: seconds(20),
			OnDrainTimeout:  rapid.SampledFrom([]string{"cut", "abort"}).Draw(t, "onDrainTimeout"),
			MinReadySeconds: rapid.SampledFrom([]int{0, 5, 10}).Draw(t, "ready")},
		User: rapid.SampledFrom([]string{"", "web"}).Draw(t, "user"),
	}
	if rapid.Bool().Draw(t, "files") {
		a.Files = map[string]plan.File{"config/app.properties": {Properties: map[string]any{"port": 8080}, Mode: "0644"}}
	}
	if rapid.IntRange(0, 3).Draw(t, "http") == 0 {
		a.Probes["home"] = plan.Check{HTTP: &plan.HTTPCheck{Timing: timing, Host: "127.0.0.1", Port: 8080, Path: "/"}}
	}
	a.Service = rapid.SampledFrom([]plan.Service{
		{Process: &plan.Process{Command: "exec bin/web", Timeout: seconds(10)}},
		{Systemd: &plan.Systemd{Unit: "web", Timeout: seconds(10)}},
		{Commands: &plan.Commands{Start: "start", Stop: "stop", Status: "status", Timeout: seconds(10)}},
		{Commands: &plan.Commands{Start: "start", Stop: "stop", Timeout: seconds(10)}},
	}).Draw(t, "service")
	if driver == "enable" || rapid.Bool().Draw(t, "marker") {
		a.Marker = "config/disabled"
	}
	if rapid.IntRange(0, 2).Draw(t, "hooks") == 0 {
		a.Hooks = plan.Hooks{Before: []string{"migrate"}, After: []string{"warm"}, Timeout: seconds(60)}
	}
	if rapid.Bool().Draw(t, "rolling") {
		a.Rollout.Rolling = &plan.Rolling{MaxUnavailable: rapid.IntRange(1, 2).Draw(t, "maxUnavailable")}
		if rapid.Bool().Draw(t, "canary") {
			a.Rollout.Rolling.Canary = &plan.Canary{Servers: 1, BakeSeconds: 20}
		}
	}
	switch rapid.IntRange(0, 5).Draw(t, "topology") {
	case 0:
	case 1:
		outer := plan.Outer{Marker: &plan.Marking{File: "/run/out", Settle: seconds(3)}}
		if driver == "command" {
			outer = plan.Outer{Command: simCommand()}
		}
		a.Topology.Pairs = &plan.Pairs{Proxies: simNames("lb", 1, servers), Outer: outer, Backend: "{app}", Member: "{proxy}"}
	default:
		a.Topology.Shared = &plan.Shared{Proxies: simNames("lb", 1, rapid.IntRange(1, 2).Draw(t, "proxies")), Backend: "{app}", Member: "{server}"}
	}
	return a
}

func simCommand() *plan.Command {
	return &plan.Command{Drain: "drain it", IsDrained: "is it drained", Admit: "admit it", IsAdmitted: "is it admitted"}
}

func simNames(prefix string, from, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s%02d", prefix, from+i))
	}
	return out
}

func simInventory(servers, proxies int, driver string) plan.Environment {
	env := plan.Environment{Name: "sim", Servers: map[string]plan.Host{}, Proxies: map[string]plan.Proxy{}}
	for _, n := range simNames("app", 1, servers) {
		env.Servers[n] = plan.Host{Name: n, Address: n + ".example", User: "deploy"}
	}
	var d plan.Driver
	switch driver {
	case "haproxy":
		d.HAProxy = &plan.HAProxy{Socket: "/run/haproxy.sock"}
	case "marker":
		d.Marker = &plan.Marking{File: "/run/web-out", Settle: seconds(4)}
	case "marker-watched":
		d.Marker = &plan.Marking{File: "run/out", Watch: &plan.Watch{HAProxy: &plan.WatchHAProxy{Socket: "/run/haproxy.sock"}}}
	case "enable":
		d.Marker = &plan.Marking{File: "config/disabled", Watch: &plan.Watch{HAProxy: &plan.WatchHAProxy{Socket: "/run/haproxy.sock"}}}
	case "command":
		d.Command = simCommand()
	}
	for _, n := range simNames("lb", 1, proxies) {
		env.Proxies[n] = plan.Proxy{Host: plan.Host{Name: n, Address: n + ".example", User: "deploy"}, Driver: d, Reload: "reload"}
	}
	return env
}
