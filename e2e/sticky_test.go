//go:build linux

package e2e_test

import (
	"testing"

	"trikk.dev/e2e"
)

// TestSticky: clients that stick to a server by a cookie lose nothing when it is restarted, move to another one then, and stay with it.
func TestSticky(t *testing.T) {
	e2e.Long(t)
	for name, start := range map[string]func(*testing.T, *e2e.Fleet, e2e.Balancer) (url, driver string){
		"haproxy": func(t *testing.T, f *e2e.Fleet, b e2e.Balancer) (string, string) {
			h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: b.Name, Port: b.Port, Check: "/health", To: b.To, ToPort: b.ToPort, Sticky: true})
			return h.URL(b.Name), "driver: haproxy: {}"
		},
		"httpd": func(t *testing.T, f *e2e.Fleet, b e2e.Balancer) (string, string) {
			h := f.HTTPD(t, f.LB[0], b)
			return h.URL(), `driver: httpd: url: "` + h.ManagerURL() + `"`
		},
		"nginx": func(t *testing.T, f *e2e.Fleet, b e2e.Balancer) (string, string) {
			n := f.Nginx(t, f.LB[0], b)
			return n.URL(), n.Driver()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := e2e.Start(t)
			repo := f.Repository(t)
			publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy})
			url, driver := start(t, f, e2e.Balancer{Name: "hello", Port: 80, To: f.App[:3], ToPort: port, Sticky: true})
			c := f.Config(t, e2e.Proxies{"lb1": driver})
			c.App("hello", itasApp(repo.URL, ready, rolling,
				`	topology: shared: proxies: ["lb1"]`,
				`	environments: test: servers: `+quoted(f.App[:3]...)))
			f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
			load := f.StickyClients(t, url)
			load.Saw("1.0")
			r := f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0)
			load.Saw("2.0")
			count := load.Stop()
			t.Logf("%d of %d requests moved, %d connections closed", count.Moved, count.Sticky, count.Closed)
			if count.Failed > 0 || count.Moved == 0 || count.Moved > 30 || count.Sticky < 100 {
				t.Errorf("%+v\n%s", count, r.Stderr)
			}
		})
	}
}
