package plan_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// fleet is an environment with facts, which the steps of plans change as real hosts would.
type fleet struct {
	env   plan.Environment
	apps  []plan.App
	facts plan.Facts
	plans int      // made so far
	kept  []string // edits that were copied aside: RELEASE/PATH.RUN
}

// newFleet has servers app01… and proxies lb01…, all driven as driver says, and nothing installed.
func newFleet(servers, proxies int, driver plan.Driver) *fleet {
	f := &fleet{env: plan.Environment{Name: "test", Servers: map[string]plan.Host{}, Proxies: map[string]plan.Proxy{}}}
	for i := range servers {
		n := fmt.Sprintf("app%02d", i+1)
		f.env.Servers[n] = plan.Host{Name: n, Address: n + ".example", User: "deploy"}
	}
	for i := range proxies {
		n := fmt.Sprintf("lb%02d", i+1)
		f.env.Proxies[n] = plan.Proxy{Host: plan.Host{Name: n, Address: n + ".example", User: "deploy"}, Driver: driver, Reload: "sudo -n systemctl reload httpd"}
	}
	f.facts = plan.Facts{Apps: map[string]map[string]plan.Installed{}, Rotation: map[string]map[string][]plan.Rotation{}, Artifacts: map[string]plan.Resolved{}}
	return f
}

var haproxy = plan.Driver{HAProxy: &plan.HAProxy{Socket: "/run/haproxy/admin.sock"}}

func byMarker(file string) plan.Driver {
	return plan.Driver{Marker: &plan.Marking{File: file, Settle: plan.Duration(10 * time.Second)}}
}

// hello is an app with every default filled in: a systemd service with an HTTP probe on the given servers.
func hello(servers ...string) plan.App {
	return plan.App{
		Name: "hello", Env: "test", Version: "1.0", User: "hello",
		Artifact: plan.Artifact{URL: &plan.URLArtifact{URL: "https://repo.example/hello-{version}.tar.gz"}},
		Layout:   plan.Layout{Root: "/opt/hello", Current: "current", Keep: 5},
		Files:    map[string]plan.File{"config/app.properties": {Properties: map[string]any{"jmx.port": 9001, "jvm.xmx": "512m"}, Mode: "0644"}},
		Service:  plan.Service{Systemd: &plan.Systemd{Unit: "hello", Timeout: plan.Duration(time.Minute)}},
		Probes:   map[string]plan.Check{"home": httpProbe(8080)},
		Rollout:  plan.Rollout{OnFailure: "hold", OnDrainTimeout: "abort", DrainDeadline: plan.Duration(time.Minute), AdmitDeadline: plan.Duration(time.Minute)},
		Servers:  servers,
		Pos:      plan.Pos{File: "apps/hello/app.cue", Line: 9, Column: 6},
		Places:   map[string]plan.Pos{"rollout": {File: "apps/hello/app.cue", Line: 20, Column: 3}},
	}
}

func httpProbe(port int) plan.Check {
	return plan.Check{HTTP: &plan.HTTPCheck{Host: "127.0.0.1", Port: port, Path: "/", Timing: plan.Timing{
		Interval: plan.Duration(time.Second), Timeout: plan.Duration(5 * time.Second), Deadline: plan.Duration(time.Minute), Success: 1, Failure: 3}}}
}

func shared(proxies ...string) plan.Topology {
	return plan.Topology{Shared: &plan.Shared{Proxies: proxies, Backend: "{app}", Member: "{server}"}}
}

// with adds an app with its artifact resolved; where nothing is known of a server at a proxy, it is down.
func (f *fleet) with(app plan.App) *fleet {
	f.apps = append(slices.DeleteFunc(f.apps, func(a plan.App) bool { return a.Name == app.Name }), app)
	f.resolve(app, app.Version)
	if f.facts.Apps[app.Name] == nil {
		f.facts.Apps[app.Name] = map[string]plan.Installed{}
		f.facts.Rotation[app.Name] = map[string][]plan.Rotation{}
	}
	for _, s := range app.Servers {
		f.see(app, s, plan.RotationDown)
	}
	return f
}

// see sets what all proxies say of a server that they said nothing of.
func (f *fleet) see(app plan.App, server, state string) {
	if points := plan.Points(app, f.env, server); len(f.facts.Rotation[app.Name][server]) != len(points) {
		f.rotate(app, server, state)
	}
}

// rotate sets what all proxies say of a server.
func (f *fleet) rotate(app plan.App, server, state string) {
	var states []plan.Rotation
	for _, p := range plan.Points(app, f.env, server) {
		states = append(states, plan.Rotation{Proxy: p.Proxy, State: state})
	}
	f.facts.Rotation[app.Name][server] = states
}

// resolve looks an artifact up.
func (f *fleet) resolve(app plan.App, version string) {
	file := app.Name + "-" + version + ".tar.gz"
	r := plan.Resolved{Version: version, File: file, URL: "https://repo.example/" + file, Digest: digest(file), Size: 1_500_000}
	if app.Artifact.File != nil {
		r.Version, r.URL, r.Path = "local-"+digest(file)[7:15], "", "/home/dev/"+file
	}
	f.facts.Artifacts[app.Name] = r
}

func digest(s string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(s))) }

// intent is a new one with an ID that sorts after those before.
func (f *fleet) intent(kind string) plan.Intent {
	f.plans++
	return plan.Intent{Kind: kind, ID: fmt.Sprintf("2026-%04d", f.plans), CreatedAt: "2026-11-23T06:00:00Z", CreatedBy: "ops@desk"}
}

// try compiles a deploy of all apps.
func (f *fleet) try() (plan.Plan, error) {
	return plan.Compile(f.env, f.apps, f.facts, f.intent(plan.Deploy))
}

// plan compiles a deploy that must be possible.
func (f *fleet) plan(t testing.TB) plan.Plan {
	t.Helper()
	p, err := f.try()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// back compiles a rollback, to a version unless it is "".
func (f *fleet) back(to string) (plan.Plan, error) {
	in := f.intent(plan.Rollback)
	if to != "" {
		in.Versions = map[string]string{f.apps[0].Name: to}
	}
	app := f.apps[0]
	was := f.facts.Artifacts[app.Name]
	defer func() { f.facts.Artifacts[app.Name] = was }()
	delete(f.facts.Artifacts, app.Name)
	if v := plan.RollbackNeeds(app, f.facts, in); v != "" {
		f.resolve(app, v)
	}
	return plan.Compile(f.env, f.apps, f.facts, in)
}

// deploy plans and applies a version of the fleet's only app.
func (f *fleet) deploy(t testing.TB, version string) plan.Plan {
	t.Helper()
	app := f.apps[0]
	app.Version = version
	p := f.with(app).plan(t)
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// encoded is the plan's canonical JSON.
func encoded(t testing.TB, p plan.Plan) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := plan.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// brief lists steps in short: kind, and what tells one of a kind from another.
func brief(steps []plan.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, briefOp(s.Op))
	}
	return out
}

func briefOp(op plan.Op) string {
	switch op := op.(type) {
	case plan.ServiceOp:
		return op.Action + " " + op.Release
	case plan.Link:
		if op.Persist != "" {
			return "persist " + op.Persist
		}
		return "link " + op.Release
	case plan.Record:
		return "record " + op.What
	case plan.DrainOp:
		if op.Again {
			return "drain again"
		}
	case plan.AdmitOp:
		if op.Unproven {
			return "set back"
		}
	case plan.MarkerOp:
		if op.Present {
			return "disable"
		}
		return "enable"
	case plan.Run:
		return "run " + op.Command
	}
	return op.Kind()
}

// wave finds a wave by its name.
func wave(t testing.TB, p plan.Plan, name string) plan.Wave {
	t.Helper()
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			if w.Name == name {
				return w
			}
		}
	}
	t.Fatalf("the plan has no wave %q", name)
	return plan.Wave{}
}
