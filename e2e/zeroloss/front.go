//go:build linux

package zeroloss

import (
	"fmt"
	"testing"

	"trikk.dev/e2e"
)

// front is one driver, and what stands in front of the servers.
type front struct {
	driver string
	// closes: a change, or only a reload, ends kept connections of clients that are idle.
	closes, reloadCloses bool
	member               string // template of the topology; "": its default
	app                  string // more fields of the app
	unavailable          int    // how many servers may be out at once; 0: one
	long                 bool   // only full runs have time for it
	start                func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy
}

// proxy is a running one.
type proxy struct {
	url    string
	config string // the driver in CUE
	reload func(t *testing.T)
}

// haproxyAndNginx puts HAProxy on one machine and nginx on the other: each server is behind both.
func haproxyAndNginx(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
	if m == f.LB[0] {
		return haproxy("driver: haproxy: {}")(t, f, m)
	}
	return nginx(t, f, m)
}

// port is where the app listens, name what the backends are called.
const (
	port = 8081
	name = "hello"
)

func fronts() []front {
	return []front{
		{driver: "haproxy", start: haproxy("driver: haproxy: {}")},
		{driver: "httpd", reloadCloses: true, long: true, start: httpd},
		{driver: "nginx", closes: true, reloadCloses: true, start: nginx},
		{driver: "caddy", closes: true, reloadCloses: true, member: "{address}:8081", long: true, start: caddy},
		{driver: "marker", app: `marker: "config/disabled"`, start: haproxy(`driver: marker: {file: "config/disabled", watch: haproxy: {}}`)},
		{driver: "command", long: true, start: haproxy(commands)},
		{driver: "haproxy and nginx, two servers at once", closes: true, reloadCloses: true, unavailable: 2, long: true, start: haproxyAndNginx},
	}
}

func haproxy(driver string) func(*testing.T, *e2e.Fleet, *e2e.Machine) proxy {
	return func(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
		h := f.HAProxy(t, m, e2e.Backend{Name: name, Port: 80, Check: "/health", To: f.App[:3], ToPort: port})
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

func httpd(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
	h := f.HTTPD(t, m, e2e.Balancer{Name: name, Port: 80, To: f.App[:3], ToPort: port})
	return proxy{h.URL(), fmt.Sprintf("driver: httpd: url: %q", h.ManagerURL()), func(t *testing.T) {
		m.Run(t, "/usr/sbin/apache2 -f /srv/httpd/httpd.conf -k graceful")
	}}
}

func nginx(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
	n := f.Nginx(t, m, e2e.Balancer{Name: name, Port: 80, To: f.App[:3], ToPort: port})
	return proxy{n.URL(), n.Driver(), func(t *testing.T) {
		m.Run(t, "/usr/sbin/nginx -c /srv/nginx/nginx.conf -s reload")
	}}
}

func caddy(t *testing.T, f *e2e.Fleet, m *e2e.Machine) proxy {
	c := f.Caddy(t, m, e2e.Balancer{Name: name, Port: 80, To: f.App[:3], ToPort: port})
	return proxy{c.URL(), "driver: caddy: {}", c.Reload}
}
