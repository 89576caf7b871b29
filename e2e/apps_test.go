//go:build linux

package e2e_test

import (
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// Two apps on the same servers, behind the same proxies: each is deployed while the other goes on, both in one run too, and neither
// loses a request.
func TestTwoAppsOnAServer(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken})
	const otherPort = 8082
	h := f.HAProxy(t, f.LB[0],
		e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:2], ToPort: port},
		e2e.Backend{Name: "other", Port: 81, Check: "/health", To: f.App[:2], ToPort: otherPort})
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	fields := itasApp(repo.URL, ready, rolling, `	topology: shared: proxies: ["lb1"]`, `	environments: test: servers: `+quoted(f.App[:2]...))
	c.App("hello", fields)
	c.App("other", strings.NewReplacer("8081", "8082", "2101", "2102", `"config/disabled"`, `"config/off"`).Replace(fields))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	f.Trikk(t, c, "apply", "other@1.0", "-e", "test", "--yes").Exit(t, 0)
	h.AllUp(t, "hello")
	h.AllUp(t, "other")

	one, two := f.Load(t, h.URL("hello")), f.Load(t, h.URL("other"))
	one.Saw("1.0")
	two.Saw("1.0")
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0)
	one.Saw("2.0")
	f.Trikk(t, c, "apply", "hello@1.0", "other@2.0", "-e", "test", "--yes").Exit(t, 0).Says(t, "hello runs 1.0-", "other runs 2.0-")
	two.Saw("2.0")
	f.Trikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes").Exit(t, 7).Says(t, "rolled back")
	one.Clean("1.0", "2.0")
	two.Clean("1.0", "2.0")
	h.AllUp(t, "hello")
	h.AllUp(t, "other")
}
