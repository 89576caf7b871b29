//go:build linux

package zeroloss

import (
	"testing"

	"trikk.dev/e2e"
)

// front is one driver, and what stands in front of the servers.
type front struct {
	driver string
	// closes: a change, or only a reload, ends kept connections of clients that are idle.
	closes, reloadCloses bool
	// unseen: a reload of the proxy forgets what its checks found, and trikk can't see that. So no cell has one.
	unseen      bool
	member      string // template of the topology; "": its default
	app         string // more fields of the app
	unavailable int    // how many servers may be out at once; 0: one
	sticky      bool   // clients keep the cookie of their server; only a rollout is measured
	long        bool   // only full runs have time for it
	brief       bool   // where time is short, two of the servers are deployed to
	start       start
}

// start starts a proxy on a machine.
type start func(*testing.T, *e2e.Fleet, *e2e.Machine) proxy

// proxy is a running one.
type proxy struct {
	url    string
	config string // the driver in CUE
	reload func(t *testing.T)
}

// port is where the app listens, name what the backends are called.
const (
	port = 8081
	name = "hello"
)

const byMarker = `driver: marker: {file: "config/disabled", watch: haproxy: {}}`

// settling waits for a check's interval and timeout, and for the longest websocket.
const settling = `driver: marker: {file: "config/disabled", settle: "6s"}`

func fronts() []front {
	plain, keeping := e2e.Balancer{Name: name, Port: 80, ToPort: port}, e2e.Balancer{Name: name, Port: 80, ToPort: port, Sticky: true}
	checking := e2e.Balancer{Name: name, Port: 80, ToPort: port, Check: "/health"}
	included := plain
	included.Files = true
	return []front{
		{driver: "haproxy", brief: true, start: haproxy("driver: haproxy: {}", plain)},
		{driver: "httpd", reloadCloses: true, brief: true, start: httpd(plain)},
		{driver: "httpd by an include", closes: true, reloadCloses: true, long: true, start: httpd(included)},
		{driver: "nginx", closes: true, reloadCloses: true, start: nginx(plain)},
		{driver: "caddy", closes: true, reloadCloses: true, member: "{address}:8081", start: caddy("driver: caddy: {}", plain)},
		{driver: "caddy by a marker", unseen: true, app: `marker: "config/disabled"`, start: caddyByMarker(checking)},
		{driver: "marker", brief: true, app: `marker: "config/disabled"`, start: haproxy(byMarker, plain)},
		{driver: "command", brief: true, start: haproxy(commands, plain)},
		{driver: "haproxy and nginx, two servers at once", closes: true, reloadCloses: true, unavailable: 2, long: true, start: haproxyAndNginx(plain)},
		{driver: "haproxy, sticky clients", sticky: true, long: true, start: haproxy("driver: haproxy: {}", keeping)},
		{driver: "httpd, sticky clients", sticky: true, reloadCloses: true, long: true, start: httpd(keeping)},
		{driver: "nginx, sticky clients", sticky: true, closes: true, reloadCloses: true, long: true, start: nginx(keeping)},
		{driver: "caddy, sticky clients", sticky: true, closes: true, reloadCloses: true, member: "{address}:8081", long: true, start: caddy("driver: caddy: {}", keeping)},
	}
}

// to is a balancer in front of the three servers.
func to(f *e2e.Fleet, b e2e.Balancer) e2e.Balancer {
	b.To = f.App[:3]
	return b
}

// haproxyAndNginx puts HAProxy on one machine and nginx on the other: each server is behind both.
func haproxyAndNginx(b e2e.Balancer) start {
	return func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
		if m == f.LB[0] {
			return haproxy("driver: haproxy: {}", b)(t, f, m)
		}
		return nginx(b)(t, f, m)
	}
}

func haproxy(driver string, b e2e.Balancer) start {
	return func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
		h := f.HAProxy(t, m, e2e.Backend{Name: b.Name, Port: b.Port, Check: "/health", To: f.App[:3], ToPort: b.ToPort, Sticky: b.Sticky})
		if err := m.WriteFile("/usr/local/bin/lbctl", e2e.LBCtl, 0o755); err != nil {
			t.Fatal(err)
		}
		return proxy{h.URL(name), driver, func(t *testing.T) { h.Reload(t) }}
	}
}

const commands = `driver: command: {
	drain:      #"lbctl drain "$BACKEND" "$MEMBER""#
	isDrained:  #"lbctl drained "$BACKEND" "$MEMBER""#
	admit:      #"lbctl admit "$BACKEND" "$MEMBER""#
	isAdmitted: #"lbctl admitted "$BACKEND" "$MEMBER""#
}`

func httpd(b e2e.Balancer) start {
	return func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
		h := f.HTTPD(t, m, to(f, b))
		return proxy{h.URL(), h.Driver(), func(t *testing.T) {
			m.Run(t, "/usr/sbin/apache2 -f /srv/httpd/httpd.conf -k graceful")
		}}
	}
}

func nginx(b e2e.Balancer) start {
	return func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
		n := f.Nginx(t, m, to(f, b))
		return proxy{n.URL(), n.Driver(), func(t *testing.T) {
			m.Run(t, "/usr/sbin/nginx -c /srv/nginx/nginx.conf -s reload")
		}}
	}
}

func caddy(driver string, b e2e.Balancer) start {
	return func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
		c := f.Caddy(t, m, to(f, b))
		return proxy{c.URL(), driver, c.Reload}
	}
}

// caddyByMarker is Debian's, or in full runs the one that they build for the driver too.
func caddyByMarker(b e2e.Balancer) start {
	if e2e.Everything() {
		return caddy(settling, b)
	}
	return func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
		c := f.DebianCaddy(t, m, to(f, b))
		return proxy{c.URL(), settling, c.Reload}
	}
}
