package schema_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"cuelang.org/go/cue"
	"trikk.dev/engine/plan"
)

const smallest = `
	name: "status"
	artifact: url: url: "https://repo.example/status-{version}.tar.gz"
	environments: prod: servers: ["app01"]
`

// strict decodes a value as the engine does: a field that plan does not know is an error.
func strict(t *testing.T, v cue.Value, path string, into any) {
	t.Helper()
	data, err := v.LookupPath(cue.ParsePath(path)).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, data)
	}
}

func sec(n int) plan.Duration { return plan.Duration(time.Duration(n) * time.Second) }

func TestDefaultsOfTheSmallestApp(t *testing.T) {
	v, err := language(t).write("#App", smallest)
	if err != nil {
		t.Fatal(err)
	}
	var got plan.App
	strict(t, v, "environments.prod", &got)
	want := plan.App{
		Name: "status", Env: "prod", Labels: map[string]string{},
		Artifact: plan.Artifact{URL: &plan.URLArtifact{URL: "https://repo.example/status-{version}.tar.gz", ArtifactOptions: plan.ArtifactOptions{Fetch: "server"}}},
		Build:    []string{}, Layout: plan.Layout{Root: "~/status", Current: "current", Keep: 5, Persist: []string{}},
		Files: map[string]plan.File{}, Modes: []plan.Mode{}, Ports: map[string]int{}, Probes: map[string]plan.Check{},
		Hooks:   plan.Hooks{Before: []string{}, After: []string{}, Timeout: sec(300)},
		Rollout: plan.Rollout{OnFailure: "hold", Unreachable: "fail", Deadline: sec(86400), DrainDeadline: sec(60), OnDrainTimeout: "abort", AdmitDeadline: sec(60)},
		Servers: []string{"app01"}, Standby: []string{}, After: []string{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDefaultsInsideOptionalParts(t *testing.T) {
	v, err := language(t).write("#App", `
		name: "a"
		artifact: maven: {repository: "https://repo.example/maven", group: "g", artifact: "a"}
		service: process: command: "run"
		files: "a.properties": properties: {n: 1, s: "x", b: true}
		probes: {web: http: port: 80, socket: tcp: port: 81, own: exec: command: "true"}
		rollout: rolling: {}
		environments: one: {servers: ["s1"], topology: shared: proxies: ["p1"]}
		environments: two: {servers: ["s1"], topology: pairs: {proxies: ["p1"], outer: marker: {file: "out", watch: haproxy: {}}}}
	`)
	if err != nil {
		t.Fatal(err)
	}
	var one, two plan.App
	strict(t, v, "environments.one", &one)
	strict(t, v, "environments.two", &two)
	timing := plan.Timing{Interval: sec(1), Timeout: sec(5), Deadline: sec(60), Success: 1, Failure: 3}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"extension", one.Artifact.Maven.Extension, "jar"},
		{"process", *one.Service.Process, plan.Process{Command: "run", Timeout: sec(30)}},
		{"file mode", one.Files["a.properties"].ModeBits(), "0644"},
		{"http", *one.Probes["web"].HTTP, plan.HTTPCheck{Timing: timing, Host: "127.0.0.1", Port: 80, Path: "/"}},
		{"tcp", *one.Probes["socket"].TCP, plan.TCPCheck{Timing: timing, Host: "127.0.0.1", Port: 81}},
		{"exec", *one.Probes["own"].Exec, plan.ExecCheck{Timing: timing, Command: "true"}},
		{"rolling", *one.Rollout.Rolling, plan.Rolling{MaxUnavailable: 1}},
		{"shared", *one.Topology.Shared, plan.Shared{Proxies: []string{"p1"}, Backend: "{app}", Member: "{server}"}},
		{"pairs backend", two.Topology.Pairs.Backend, "{app}"},
		{"pairs member", two.Topology.Pairs.Member, "{proxy}"},
		{"watch", two.Topology.Pairs.Outer.Marker.Watch.HAProxy.Socket, "/run/haproxy/admin.sock"},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.what, c.got, c.want)
		}
	}
}

func TestServiceTimeouts(t *testing.T) {
	l := language(t)
	for text, want := range map[string]plan.Service{
		`systemd: unit: "a"`:                    {Systemd: &plan.Systemd{Unit: "a", Timeout: sec(60)}},
		`commands: {start: "a", stop: "b"}`:     {Commands: &plan.Commands{Start: "a", Stop: "b", Timeout: sec(60)}},
		`process: {command: "a", log: "a.out"}`: {Process: &plan.Process{Command: "a", Log: "a.out", Timeout: sec(30)}},
	} {
		v, err := l.write("#App", smallest+"service: "+text)
		if err != nil {
			t.Fatal(err)
		}
		var got plan.App
		strict(t, v, "environments.prod", &got)
		if !reflect.DeepEqual(got.Service, want) {
			t.Errorf("%s: got %+v", text, got.Service)
		}
	}
}

func TestEnvironmentDefaults(t *testing.T) {
	v, err := language(t).write("#Environment", `
		servers: app01: address: "10.0.0.1"
		proxies: web01: {address: "web01.example", driver: haproxy: {}, user: "deploy", jump: "me@gate.example:2222", port: 22, labels: site: "north"}`)
	if err != nil {
		t.Fatal(err)
	}
	var got plan.Environment
	strict(t, v, "", &got)
	want := plan.Environment{
		Notify:  map[string]plan.Notifier{},
		Freeze:  map[string]plan.Freeze{},
		Limits:  plan.Limits{Server: 1, Repository: 64},
		Servers: map[string]plan.Host{"app01": {Address: "10.0.0.1", Labels: map[string]string{}}},
		Proxies: map[string]plan.Proxy{"web01": {
			Host:   plan.Host{Address: "web01.example", User: "deploy", Jump: "me@gate.example:2222", Port: 22, Labels: map[string]string{"site": "north"}},
			Driver: plan.Driver{HAProxy: &plan.HAProxy{Socket: "/run/haproxy/admin.sock"}},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// What the app says holds in every environment; an environment adds to it and sets what is open, and can't change it.
func TestAppFlowsIntoEnvironments(t *testing.T) {
	const app = `
		name: "a"
		version: "1"
		artifact: maven: {repository: "https://repo.example/maven", group: "g"}
		labels: team: "gis"
		ports: http: 80
		files: "a.properties": properties: "http.port": 80
		environments: prod: {servers: ["s"], artifact: maven: artifact: "a", labels: tier: "web", files: "a.properties": properties: xmx: "1g", layout: keep: 2`
	l := language(t)
	v, err := l.write("#App", app+"}\nartifact: maven: artifact: \"a\"")
	if err != nil {
		t.Fatal(err)
	}
	var got plan.App
	strict(t, v, "environments.prod", &got)
	if got.Labels["team"] != "gis" || got.Labels["tier"] != "web" || got.Layout.Keep != 2 || got.Version != "1" || len(got.Files["a.properties"].Properties) != 2 {
		t.Errorf("got %+v", got)
	}
	if _, err := l.write("#App", app+", version: \"2\"}\nartifact: maven: artifact: \"a\""); err == nil {
		t.Error("an environment may change what the app has set")
	}
}

func TestValuesByReference(t *testing.T) {
	l := language(t)
	v := l.compile(`app: #App & {
		name: "a"
		artifact: file: path: "a.zip"
		ports: jmx: 2001
		files: "a.properties": properties: "jmx.port": app.ports.jmx
		environments: [_]: E={files: "b.json": json: {env: E.env, name: E.name, jmx: E.ports.jmx}}
		environments: prod: servers: ["s"]
	}`)
	if err := v.Validate(cue.Concrete(true)); err != nil {
		t.Fatal(err)
	}
	var got plan.App
	strict(t, v, "app.environments.prod", &got)
	if n := got.Files["a.properties"].Properties["jmx.port"]; n != 2001.0 {
		t.Errorf("jmx.port is %v", n)
	}
	if want := map[string]any{"env": "prod", "name": "a", "jmx": 2001.0}; !reflect.DeepEqual(got.Files["b.json"].JSON, want) {
		t.Errorf("json is %v", got.Files["b.json"].JSON)
	}
}
