//go:build linux

package e2e_test

import (
	"testing"

	"trikk.dev/e2e"
)

// nginx in front of three servers, of which two run while one is restarted: each leaves and comes back by a file that nginx includes.
// A reload closes kept connections, which are counted apart; no request fails.
func TestNginx(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken})
	var urls []string
	proxies := e2e.Proxies{}
	for _, m := range f.LB {
		n := f.Nginx(t, m, e2e.Balancer{Name: "hello", Port: 80, To: f.App[:3], ToPort: port})
		urls = append(urls, n.URL())
		proxies[m.Name] = n.Driver()
	}
	c := f.Config(t, proxies)
	c.App("hello", itasApp(repo.URL, ready, rolling,
		`	topology: shared: proxies: ["lb1", "lb2"]`,
		`	environments: test: servers: `+quoted(f.App[:3]...)))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)

	load := f.Load(t, urls...)
	load.Saw("1.0")
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0).Says(t, "hello runs 2.0-")
	f.Trikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes").Exit(t, 7).Says(t, "rolled back")
	load.Saw("2.0")
	load.CleanButClosed("1.0", "2.0")
	for _, m := range f.App[:3] {
		serves(t, m, "2.0")
	}
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}
