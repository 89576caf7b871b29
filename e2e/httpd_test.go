//go:build linux

package e2e_test

import (
	"testing"

	"trikk.dev/e2e"
)

// Apache httpd with active health checks in front of three servers: each leaves by its marker file, and httpd's
// balancer-manager says when it is out, idle, and back.
func TestHTTPDMarker(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken})
	var urls []string
	proxies := e2e.Proxies{}
	for _, m := range f.LB {
		h := f.HTTPD(t, m, e2e.Balancer{Name: "hello", Port: 80, To: f.App[:3], ToPort: port})
		urls = append(urls, h.URL())
		proxies[m.Name] = `driver: marker: {file: "config/disabled", watch: httpd: url: "` + h.ManagerURL() + `"}`
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
	load.Clean("1.0", "2.0")
	for _, m := range f.App[:3] {
		serves(t, m, "2.0")
		if m.Exists(root + "/shared/config/disabled") {
			t.Errorf("the marker is still on %s", m.Name)
		}
	}
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}

// The same fleet, driven through the balancer-managers themselves: the members are found by their routes.
func TestHTTPDManager(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken})
	var urls []string
	proxies := e2e.Proxies{}
	for _, m := range f.LB {
		h := f.HTTPD(t, m, e2e.Balancer{Name: "hello", Port: 80, To: f.App[:3], ToPort: port})
		urls = append(urls, h.URL())
		proxies[m.Name] = `driver: httpd: url: "` + h.ManagerURL() + `"`
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
	load.Clean("1.0", "2.0")
	for _, m := range f.App[:3] {
		serves(t, m, "2.0")
	}
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}
