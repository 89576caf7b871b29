package model_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/model"
	"trikk.dev/engine/plan"
)

// inventory has servers app01… and HAProxies lb01….
func inventory(servers, proxies int) plan.Environment {
	env := plan.Environment{Name: "test", Servers: map[string]plan.Host{}, Proxies: map[string]plan.Proxy{}}
	for _, n := range names("app", servers) {
		env.Servers[n] = plan.Host{Name: n, Address: n + ".example", User: "deploy"}
	}
	for _, n := range names("lb", proxies) {
		env.Proxies[n] = plan.Proxy{Host: plan.Host{Name: n, Address: n + ".example", User: "deploy"},
			Driver: plan.Driver{HAProxy: &plan.HAProxy{Socket: "/run/haproxy/admin.sock"}}, Reload: "reload"}
	}
	return env
}

func names(prefix string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s%02d", prefix, i+1))
	}
	return out
}

// hello is an app with a process, behind all proxies.
func hello(servers, proxies int) plan.App {
	second := plan.Duration(time.Second)
	timing := plan.Timing{Interval: second, Timeout: 2 * second, Deadline: 20 * second, Success: 1, Failure: 3}
	return plan.App{
		Name: "hello", Env: "test", Version: "1.0", User: "hello",
		Artifact: plan.Artifact{URL: &plan.URLArtifact{URL: "https://repo.example/hello-{version}.tar.gz"}},
		Layout:   plan.Layout{Root: "/opt/hello", Current: "current", Keep: 3},
		Service:  plan.Service{Process: &plan.Process{Command: "exec bin/hello", Timeout: 10 * second}},
		Probes:   map[string]plan.Check{"home": {HTTP: &plan.HTTPCheck{Timing: timing, Host: "127.0.0.1", Port: 8080, Path: "/"}}},
		Rollout: plan.Rollout{OnFailure: "hold", OnDrainTimeout: "abort", DrainDeadline: 30 * second, AdmitDeadline: 30 * second,
			MinReadySeconds: 10, Rolling: &plan.Rolling{MaxUnavailable: 1}},
		Servers:  names("app", servers),
		Topology: plan.Topology{Shared: &plan.Shared{Proxies: names("lb", proxies), Backend: "{app}", Member: "{server}"}},
	}
}

func resolved(app plan.App, version string) plan.Resolved {
	file := app.Name + "-" + version + ".tar.gz"
	return plan.Resolved{Version: version, File: file, URL: "https://repo.example/" + file, Digest: "sha256:" + strings.Repeat(fmt.Sprintf("%02x", version[0]), 32), Size: 1000}
}

func compiled(t testing.TB, env plan.Environment, app plan.App, facts plan.Facts, kind, id string) plan.Plan {
	t.Helper()
	facts.Artifacts = map[string]plan.Resolved{app.Name: resolved(app, app.Version)}
	p, err := plan.Compile(env, []plan.App{app}, facts, plan.Intent{Kind: kind, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// second is the plan that takes a fleet from 1.0 to 2.0.
func second(t testing.TB, env plan.Environment, app plan.App) plan.Plan {
	t.Helper()
	app.Version = "1.0"
	first := compiled(t, env, app, plan.Facts{}, plan.Deploy, "20260101T000000-0001")
	f, err := model.Of(first, time.Now, model.Pace{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := f.Walk(t.Context(), first)
	if err != nil || o.Status != plan.Done {
		t.Fatalf("%+v, %v", o, err)
	}
	app.Version = "2.0"
	return compiled(t, env, app, f.Facts(), plan.Deploy, "20260101T000000-0002")
}
