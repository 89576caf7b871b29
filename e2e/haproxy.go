//go:build linux

package e2e

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Backend is one HAProxy backend with a frontend of its own.
type Backend struct {
	Name   string
	Port   int    // where clients come in
	Check  string // path of the health check
	Every  string // between two checks of a server that is up or down; "": 200ms
	To     []*Machine
	ToPort int
	Sticky bool     // clients get a cookie of their server
	Names  []string // of the servers, by index; nil: the machines' names
}

// HAProxy is a running HAProxy.
type HAProxy struct {
	Machine  *Machine
	Socket   string // on the machine, of level admin, usable by the login user
	backends []Backend
}

// HAProxySocket is where HAProxy's runtime API is on every machine.
const HAProxySocket = "/run/haproxy/admin.sock"

// HAProxy starts HAProxy on a machine, and ends it with the test. It retries nothing, so that it hides nothing.
func (f *Fleet) HAProxy(t testing.TB, m *Machine, backends ...Backend) *HAProxy {
	t.Helper()
	h := &HAProxy{Machine: m, Socket: HAProxySocket, backends: backends}
	if err := m.WriteFile("/srv/haproxy/haproxy.cfg", h.config(), 0o644); err != nil {
		t.Fatal(err)
	}
	m.Run(t, `mkdir -p /run/haproxy && haproxy -D -W -p /run/haproxy.pid -f /srv/haproxy/haproxy.cfg`)
	t.Cleanup(func() {
		_, _ = m.Try(`pid=$(cat /run/haproxy.pid) && kill -TERM $pid; n=0; while [ -d /proc/$pid ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n+1)); done; rm -rf /run/haproxy /srv/haproxy`)
	})
	for _, b := range backends {
		m.Listens(t, b.Port)
		h.AllUp(t, b.Name, b.silent()...)
	}
	return h
}

// silent names the members whose health check fails. Until HAProxy has checked them, it says that they are up.
func (b Backend) silent() []string {
	client := http.Client{Timeout: time.Second}
	var out []string
	for i, m := range b.To {
		resp, err := client.Get(fmt.Sprintf("http://%s:%d%s", m.Address, b.ToPort, b.Check))
		if err == nil {
			_ = resp.Body.Close()
		}
		if err != nil || resp.StatusCode >= 400 {
			out = append(out, b.server(i))
		}
	}
	return out
}

func (h *HAProxy) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, `global
  stats socket %s mode 660 group %s level admin
  hard-stop-after 30s
defaults
  mode http
  option idle-close-on-response
  retries 0
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout queue 2s
`, h.Socket, LoginUser)
	for _, back := range h.backends {
		fmt.Fprintf(&b, "frontend %s\n  bind :%d\n  default_backend %s\nbackend %s\n  option httpchk GET %s\n  default-server check inter %s fastinter 200ms fall 2 rise 2\n",
			back.Name, back.Port, back.Name, back.Name, back.Check, cmp.Or(back.Every, "200ms"))
		if back.Sticky {
			fmt.Fprintf(&b, "  cookie %s insert indirect nocache\n", StickyCookie)
		}
		for i, m := range back.To {
			fmt.Fprintf(&b, "  server %s %s:%d", back.server(i), m.Address, back.ToPort)
			if back.Sticky {
				b.WriteString(" cookie " + back.server(i))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func (b Backend) server(i int) string {
	if b.Names != nil {
		return b.Names[i]
	}
	return b.To[i].Name
}

// URL is where clients reach a backend.
func (h *HAProxy) URL(backend string) string {
	for _, b := range h.backends {
		if b.Name == backend {
			return fmt.Sprintf("http://%s:%d", h.Machine.Address, b.Port)
		}
	}
	return ""
}

// Reload starts a new worker; the old one ends when its connections have. All drains are forgotten: no state file is kept.
func (h *HAProxy) Reload(t testing.TB) {
	t.Helper()
	h.Machine.Run(t, "kill -USR2 $(cat /run/haproxy.pid)")
}

// Ask sends one command to the runtime API and gives the answer.
func (h *HAProxy) Ask(t testing.TB, question string) string {
	t.Helper()
	conn, err := net.Dial("unix", h.Machine.Path(h.Socket))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, question+"\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// Status is the status of every server of a backend: UP, DOWN, DRAIN, ….
func (h *HAProxy) Status(t testing.TB, backend string) map[string]string {
	t.Helper()
	text := h.Ask(t, "show stat -1 4 -1") // by name it would show the frontend, which has the same one
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "# "))).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("haproxy on %s answers %q: %v", h.Machine.Name, text, err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	out := map[string]string{}
	for _, row := range rows[1:] {
		if row[at["pxname"]] == backend {
			out[row[at["svname"]]] = row[at["status"]]
		}
	}
	if len(out) == 0 {
		t.Fatalf("haproxy on %s has no servers in %s: %q", h.Machine.Name, backend, text)
	}
	return out
}

// AllUp asserts that every server of the backend is exactly UP, but for those that are named as down.
func (h *HAProxy) AllUp(t testing.TB, backend string, down ...string) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		wrong := ""
		for name, status := range h.Status(t, backend) {
			isDown := strings.Contains(" "+strings.Join(down, " ")+" ", " "+name+" ")
			if isDown == (status == "UP") {
				wrong += fmt.Sprintf(" %s is %s;", name, status)
			}
		}
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("haproxy on %s, %s:%s", h.Machine.Name, backend, wrong)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
