//go:build linux

package e2e_test

import (
	"testing"

	"trikk.dev/e2e"
)

// Pairs: each proxy is in front of one server, and leaves the outer balancer, which looks at a marker on the proxy, while its
// server takes its turn.
func TestPairsBehindOuterBalancer(t *testing.T) {
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken})
	const out = "/srv/edge/hello.out"
	for i, m := range f.LB {
		m.Run(t, "install -d -o "+e2e.LoginUser+" /srv/edge")
		f.HTTPD(t, m, e2e.Balancer{Name: "hello", Port: 80, To: f.App[i : i+1], ToPort: port, Out: out})
	}
	outer := f.HAProxy(t, f.Edge, e2e.Backend{Name: "city", Port: 80, Check: "/proxy-health", To: f.LB[:], ToPort: 80})
	c := f.Config(t, e2e.Proxies{
		"lb1": "driver: command: {drain: \"false\", isDrained: \"false\", admit: \"false\", isAdmitted: \"false\"}",
		"lb2": "driver: command: {drain: \"false\", isDrained: \"false\", admit: \"false\", isAdmitted: \"false\"}",
	})
	c.App("hello", itasApp(repo.URL, ready, rolling,
		`	topology: pairs: {
		proxies: ["lb1", "lb2"]
		backend: "city"
		outer: marker: {file: "`+out+`", watch: haproxy: {on: "edge", socket: "`+e2e.HAProxySocket+`"}}
		through: http: {port: 80, path: "/", interval: "100ms"}
	}`,
		`	environments: test: servers: `+quoted(f.App[:2]...)))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	outer.AllUp(t, "city")

	load := f.Load(t, outer.URL("city"))
	load.Saw("1.0")
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0).Says(t, "hello runs 2.0-")
	f.Trikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes").Exit(t, 7).Says(t, "rolled back")
	load.Saw("2.0")
	load.Clean("1.0", "2.0")
	outer.AllUp(t, "city")
	for i, m := range f.LB {
		serves(t, f.App[i], "2.0")
		if m.Exists(out) {
			t.Errorf("the marker is still on %s", m.Name)
		}
	}
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}
