//go:build linux

package e2e_test

import (
	"testing"

	"trikk.dev/e2e"
)

// Without a topology nothing is drained: servers that a proxy still sends traffic to are restarted. The load must count the
// failures, or its zeros elsewhere mean nothing.
func TestNaiveLosesRequests(t *testing.T) {
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy})
	h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:3], ToPort: port})
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	c.App("hello", itasApp(repo.URL, ready, rolling, `	environments: test: servers: `+quoted(f.App[:3]...)))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	h.AllUp(t, "hello")

	load := f.Load(t, h.URL("hello"))
	load.Saw("1.0")
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0)
	load.Saw("2.0")
	count := load.Stop()
	t.Logf("%d of %d requests failed, such as %v", count.Failed, count.Requests, count.Errors)
	if count.Failed == 0 {
		t.Error("servers were restarted without a drain, and the load counted no failure")
	}
}
