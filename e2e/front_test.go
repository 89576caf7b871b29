//go:build linux

package e2e_test

import (
	"testing"

	"trikk.dev/e2e"
)

// front is a kind of proxy that TestFronts puts in front of servers. It gives where clients reach it, and the CUE of its driver.
type front struct {
	name  string
	start func(*testing.T, *e2e.Fleet, *e2e.Machine) (url, driver string)
	clean func(*e2e.Load, ...string)
}

func fronts() []front {
	balancer := func(f *e2e.Fleet) e2e.Balancer {
		return e2e.Balancer{Name: "hello", Port: 80, To: f.App[:3], ToPort: port}
	}
	return []front{
		{"httpd, by a marker", func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) (string, string) {
			h := f.HTTPD(t, m, balancer(f))
			return h.URL(), `driver: marker: {file: "config/disabled", watch: httpd: url: "` + h.ManagerURL() + `"}`
		}, (*e2e.Load).Clean},
		{"httpd, by its manager", func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) (string, string) {
			h := f.HTTPD(t, m, balancer(f))
			return h.URL(), `driver: httpd: url: "` + h.ManagerURL() + `"`
		}, (*e2e.Load).Clean},
		{"caddy 2.6, by a marker", func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) (string, string) {
			// 200 ms between checks and 2 s for each, then the longest request, a second
			return f.DebianCaddy(t, m, balancer(f)).URL(), `driver: marker: {file: "config/disabled", settle: "4s"}`
		}, (*e2e.Load).Clean},
		{"nginx", func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) (string, string) {
			n := f.Nginx(t, m, balancer(f))
			return n.URL(), n.Driver()
		}, (*e2e.Load).CleanButClosed}, // a reload closes kept connections, which are counted apart
	}
}

// TestFronts: two proxies of each kind in front of three servers lose no request, neither in a rollout nor in one that is undone.
func TestFronts(t *testing.T) {
	e2e.Long(t)
	for _, k := range fronts() {
		t.Run(k.name, k.rollouts)
	}
}

func (k front) rollouts(t *testing.T) {
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken})
	var urls []string
	proxies := e2e.Proxies{}
	for _, m := range f.LB {
		url, driver := k.start(t, f, m)
		urls, proxies[m.Name] = append(urls, url), driver
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
	k.clean(load, "1.0", "2.0")
	for _, m := range f.App[:3] {
		serves(t, m, "2.0")
		if m.Exists(root + "/shared/config/disabled") {
			t.Errorf("the marker is still on %s", m.Name)
		}
	}
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}
