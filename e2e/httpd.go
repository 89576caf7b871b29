//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"text/template"
	"time"
)

// HTTPD is a running Apache httpd that balances to app servers and checks their health.
type HTTPD struct {
	Machine  *Machine
	Port     int
	Balancer string
	files    bool
}

// Balancer is what httpd is to balance.
type Balancer struct {
	Name   string
	Port   int // where clients come in
	To     []*Machine
	ToPort int
	Sticky bool   // clients that keep a cookie stay with their server
	Check  string // a path that Caddy asks five times a second; "": it asks nothing
	Files  bool   // httpd's members are in a file that the login user may change, and there is no balancer-manager
	Out    string // a file: while it exists, /proxy-health answers 503, else as the app's /ready does; "": neither
}

// ReloadHTTPD is the command of a graceful reload, as the login user runs it.
const ReloadHTTPD = "sudo -n /usr/sbin/apache2 -f /srv/httpd/httpd.conf -k graceful"

// ManagerURL is httpd's balancer-manager as seen from its machine.
func (h *HTTPD) ManagerURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d/balancer-manager", h.Port)
}

// URL is where clients reach the app.
func (h *HTTPD) URL() string { return fmt.Sprintf("http://%s:%d", h.Machine.Address, h.Port) }

// Driver is what a proxy's driver needs to know of it.
func (h *HTTPD) Driver() string {
	if !h.files {
		return fmt.Sprintf("driver: httpd: url: %q", h.ManagerURL())
	}
	return fmt.Sprintf(`driver: httpd: include: {members: "/srv/httpd/trikk/{backend}.members", generation: "http://127.0.0.1:%d/_trikk/{backend}", pidFile: "/run/httpd.pid", test: "sudo -n /usr/sbin/apache2 -f /srv/httpd/httpd.conf -t", reload: "%s"}`, h.Port, ReloadHTTPD)
}

// HTTPD starts Apache httpd on a machine, and ends it with the test.
func (f *Fleet) HTTPD(t testing.TB, m *Machine, b Balancer) *HTTPD {
	t.Helper()
	var text bytes.Buffer
	if err := httpdConfig.Execute(&text, b); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteFile("/srv/httpd/httpd.conf", text.String(), 0o644); err != nil {
		t.Fatal(err)
	}
	if b.Files {
		m.writeMembers(t, b)
	}
	m.Run(t, "/usr/sbin/apache2 -f /srv/httpd/httpd.conf")
	t.Cleanup(func() {
		_, _ = m.Try(`pid=$(cat /run/httpd.pid) && kill -TERM $pid; n=0; while [ -d /proc/$pid ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n+1)); done; rm -rf /srv/httpd`)
	})
	m.Listens(t, b.Port)
	h := &HTTPD{Machine: m, Port: b.Port, Balancer: b.Name, files: b.Files}
	if !b.Files {
		h.knows(t, b)
	}
	return h
}

// writeMembers writes the two files that the login user may change.
func (m *Machine) writeMembers(t testing.TB, b Balancer) {
	t.Helper()
	var lines strings.Builder
	for _, to := range b.To {
		fmt.Fprintf(&lines, "BalancerMember http://%s:%d route=%s retry=0 upgrade=websocket\n", to.Address, b.ToPort, to.Name)
	}
	at := "/srv/httpd/trikk/" + b.Name + ".members"
	for name, text := range map[string]string{at: lines.String(), at + ".generation": "ErrorDocument 200 \"first\"\n"} {
		if err := m.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m.Run(t, "chown -R "+LoginUser+": /srv/httpd/trikk")
}

// knows waits until httpd has checked its members: before that it says of all that they are fine.
func (h *HTTPD) knows(t testing.TB, b Balancer) {
	t.Helper()
	down := 0
	for _, m := range b.To {
		if !m.answers(b.ToPort) {
			down++
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		page := h.Machine.Run(t, "curl -s -e "+h.ManagerURL()+" '"+h.ManagerURL()+"?xml=1'")
		if strings.Count(page, "HcFl") == down {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("httpd on %s does not know that %d members are down: %s", h.Machine.Name, down, page)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Reloads counts the graceful reloads so far.
func (h *HTTPD) Reloads() int {
	return strings.Count(h.Machine.Read("/srv/httpd/error.log"), "SIGUSR1 received")
}

var httpdConfig = template.Must(template.New("httpd").Parse(`ServerRoot /srv/httpd
DefaultRuntimeDir /run
PidFile /run/httpd.pid
Mutex file:/run
Listen {{.Port}}
ServerName localhost
User www-data
Group www-data
ErrorLog /srv/httpd/error.log
LogLevel notice
{{range $m, $f := .Modules}}LoadModule {{$m}}_module /usr/lib/apache2/modules/{{$f}}.so
{{end}}
StartServers 1
ServerLimit {{if .Files}}32{{else}}4{{end}}
ThreadsPerChild 64
ThreadLimit 64
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 30
ProxyHCExpr up {%{REQUEST_STATUS} =~ /^[23]/}
<Proxy balancer://{{.Name}}>
{{$port := .ToPort}}{{if .Files}}  Include /srv/httpd/trikk/{{.Name}}.members
{{else}}{{range .To}}  BalancerMember http://{{.Address}}:{{$port}} route={{.Name}} hcmethod=GET hcuri=/health hcexpr=up hcinterval=200ms hcfails=2 hcpasses=2 upgrade=websocket
{{end}}{{end}}{{if .Sticky}}  ProxySet stickysession=S
{{end}}</Proxy>
{{if .Sticky}}Header add Set-Cookie "S=.%{BALANCER_WORKER_ROUTE}e; path=/" env=BALANCER_ROUTE_CHANGED
{{end}}{{if .Files}}<Location /_trikk/{{.Name}}>
  Redirect 200 /_trikk/{{.Name}}
  Include /srv/httpd/trikk/{{.Name}}.members.generation
</Location>
{{else}}<Location /balancer-manager>
  SetHandler balancer-manager
  Require local
</Location>
{{end}}{{if .Out}}RewriteEngine On
RewriteCond {{.Out}} -f
RewriteRule ^/proxy-health$ - [R=503,L]
RewriteRule ^/proxy-health$ balancer://{{.Name}}/ready [P]
{{end}}{{if not .Files}}ProxyPass /balancer-manager !
{{end}}ProxyPass / balancer://{{.Name}}/
`))

// Modules are httpd's modules that the configuration needs, by name, with their files.
func (Balancer) Modules() map[string]string {
	out := map[string]string{}
	for _, name := range strings.Fields("mpm_event authz_core authz_host slotmem_shm proxy proxy_http proxy_balancer proxy_hcheck lbmethod_byrequests rewrite headers alias") {
		out[name] = "mod_" + name
	}
	return out
}
