//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/template"
)

// Caddy is a running Caddy whose admin API is open to its machine.
type Caddy struct {
	Machine *Machine
	Port    int
	program string
}

const (
	// caddyBinary is where a machine has Caddy: e2e/caddy, which the package's TestMain must have asked for.
	caddyBinary = "/usr/local/bin/caddy-e2e"
	// debianCaddy is 2.6: changes by its admin API end requests that are in flight.
	debianCaddy = "/usr/bin/caddy"
)

// URL is where clients reach the app.
func (c *Caddy) URL() string { return fmt.Sprintf("http://%s:%d", c.Machine.Address, c.Port) }

// Caddy starts Caddy on a machine, and ends it with the test.
func (f *Fleet) Caddy(t testing.TB, m *Machine, b Balancer) *Caddy {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(f.bin, "caddy"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.WriteFile(caddyBinary, string(program), 0o755); err != nil {
		t.Fatal(err)
	}
	c := &Caddy{Machine: m, Port: b.Port, program: caddyBinary}
	c.start(t, caddyConfig, b)
	return c
}

// DebianCaddy starts the Caddy of the distribution, which asks for /health five times a second.
func (f *Fleet) DebianCaddy(t testing.TB, m *Machine, b Balancer) *Caddy {
	t.Helper()
	c := &Caddy{Machine: m, Port: b.Port, program: debianCaddy}
	c.start(t, debianCaddyConfig, b)
	return c
}

func (c *Caddy) start(t testing.TB, config *template.Template, b Balancer) {
	t.Helper()
	m := c.Machine
	var text bytes.Buffer
	if err := config.Execute(&text, b); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteFile("/srv/caddy/caddy.json", text.String(), 0o644); err != nil {
		t.Fatal(err)
	}
	// At each change Caddy closes its listener and opens another one: without this the kernel resets connections that nobody accepted yet.
	// Those that the old one accepted are lost by Caddys that Go 1.25 or later built: see the toolchain in caddy/go.mod.
	m.Run(t, "echo 1 >/proc/sys/net/ipv4/tcp_migrate_req")
	m.Run(t, "cd /srv/caddy && HOME=/srv/caddy "+c.program+" start --config caddy.json --pidfile pid </dev/null >start.log 2>&1 || { cat start.log; exit 1; }")
	t.Cleanup(func() {
		_, _ = m.Try(`pid=$(cat /srv/caddy/pid) && kill -KILL $pid; rm -rf /srv/caddy ` + caddyBinary)
	})
	m.Listens(t, c.Port)
}

// Reload loads the configuration file again: what the API changed is forgotten.
func (c *Caddy) Reload(t *testing.T) {
	t.Helper()
	c.Machine.Run(t, "cd /srv/caddy && HOME=/srv/caddy "+c.program+" reload --config caddy.json --force")
}

var caddyConfig = template.Must(template.New("caddy").Parse(`{
  "admin": {"listen": "127.0.0.1:2019"},
  "logging": {"logs": {"default": {"level": "WARN"}}},
  "apps": {"http": {"servers": {"{{.Name}}": {
    "listen": [":{{.Port}}"],
    "automatic_https": {"disable": true},
    "protocols": ["h1"],
    "routes": [{"handle": [{
      "@id": "{{.Name}}",
      "handler": "reverse_proxy",
      "stream_close_delay": "30s",
{{if .Sticky}}      "load_balancing": {"selection_policy": {"policy": "cookie", "name": "S", "secret": "salt"}},
{{end}}{{if .Check}}      "health_checks": {"active": {"uri": "{{.Check}}", "interval": "200ms", "timeout": "2s", "expect_status": 200}},
{{end}}      "flush_interval": -1,
      "transport": {"protocol": "http", "keep_alive": {"idle_timeout": "2s"}},
      "upstreams": [{{$port := .ToPort}}{{range $i, $m := .To}}{{if $i}}, {{end}}{"dial": "{{$m.Address}}:{{$port}}"}{{end}}]
    }]}]
  }}}}
}
`))

var debianCaddyConfig = template.Must(template.New("caddy 2.6").Parse(`{
  "logging": {"logs": {"default": {"level": "ERROR"}}},
  "apps": {"http": {"servers": {"{{.Name}}": {
    "listen": [":{{.Port}}"],
    "automatic_https": {"disable": true},
    "protocols": ["h1"],
    "routes": [{"handle": [{
      "handler": "reverse_proxy",
      "flush_interval": -1,
      "health_checks": {"active": {"uri": "/health", "interval": "200ms", "timeout": "2s", "expect_status": 200}},
      "upstreams": [{{$port := .ToPort}}{{range $i, $m := .To}}{{if $i}}, {{end}}{"dial": "{{$m.Address}}:{{$port}}"}{{end}}]
    }]}]
  }}}}
}
`))
