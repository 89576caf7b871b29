package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// real is an HAProxy on loopback in front of two app servers.
type real struct {
	hosts  everywhere
	point  plan.Point
	url    string
	socket string
	apps   [2]*httptest.Server
	hits   [2]atomic.Int64
	config string
	dir    string
	master *os.Process
}

// startReal starts HAProxy with its socket in a temporary directory. extra are lines of the backend.
func startReal(t *testing.T, extra string) *real {
	t.Helper()
	if _, err := exec.LookPath("haproxy"); err != nil {
		t.Fatalf("this test needs haproxy (apt-get install haproxy): %v", err)
	}
	dir, err := os.MkdirTemp("", "px") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	r := &real{dir: dir, socket: dir + "/s", config: dir + "/haproxy.cfg"}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for i := range r.apps {
		r.apps[i] = serve(t, r.app(i))
	}
	port := hosttest.FreePort(t)
	r.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	r.write(t, port, extra)
	r.start(t)
	r.hosts = everywhere{&local{home: dir}}
	r.point = plan.Point{
		Proxy: "lb1", Server: "app1", Target: "app1", Backend: "app", Member: "b1",
		Driver: plan.Driver{HAProxy: &plan.HAProxy{Socket: r.socket}},
	}
	r.until(t, "b1 is UP", func() bool { return r.state(t).Settled })
	return r
}

// app answers with its name, at once or after as long as ?for= says. It does not count requests for /health.
func (r *real) app(i int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/health" {
			return
		}
		r.hits[i].Add(1)
		if d, err := time.ParseDuration(q.URL.Query().Get("for")); err == nil {
			select {
			case <-time.After(d):
			case <-q.Context().Done():
			}
		}
		_, _ = fmt.Fprintf(w, "b%d", i+1)
	})
}

func (r *real) write(t *testing.T, port int, extra string) {
	t.Helper()
	one, two := "", ""
	if extra == sticky {
		one, two = " cookie one", " cookie two"
	}
	text := fmt.Sprintf(`global
  stats socket %s mode 600 level admin expose-fd listeners
  hard-stop-after 10s
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout check 2s
frontend f
  bind 127.0.0.1:%d
  default_backend app
backend app
  option httpchk GET /health
  default-server check inter 100ms fall 2 rise 2
%s  server b1 %s%s
  server b2 %s%s
`, r.socket, port, extra, r.apps[0].Listener.Addr(), one, r.apps[1].Listener.Addr(), two)
	if err := os.WriteFile(r.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start runs HAProxy in master-worker mode, so that a reload keeps the sockets.
func (r *real) start(t *testing.T) {
	t.Helper()
	r.master = startProgram(t, exec.Command("haproxy", "-W", "-f", r.config))
}

// reload replaces the worker, which forgets every drain.
func (r *real) reload(t *testing.T) {
	t.Helper()
	before, asked := r.info(t, "Pid"), time.Time{}
	r.until(t, "another process answers", func() bool {
		if time.Since(asked) > 2*time.Second { // a master that is still starting loses the signal
			asked = time.Now()
			if err := r.master.Signal(syscall.SIGUSR2); err != nil {
				t.Fatal(err)
			}
		}
		now := r.info(t, "Pid")
		return now != "" && now != before
	})
}

func (r *real) info(t *testing.T, key string) string {
	t.Helper()
	conn, err := net.Dial("unix", r.socket)
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "show info\n")
	b, _ := io.ReadAll(conn)
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, key+": "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (r *real) state(t *testing.T) State {
	t.Helper()
	s, err := look(t.Context(), haproxy{socket: r.socket}, r.hosts, r.point)
	if err != nil {
		return State{Detail: err.Error()}
	}
	return s
}

func (r *real) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	if !within(15*time.Second, holds) {
		t.Fatalf("waited until %s: %+v", what, r.state(t))
	}
}

// send starts a request and waits until the app has it.
func (r *real) send(t *testing.T, path, cookie string) <-chan answer {
	t.Helper()
	before := r.hits[0].Load() + r.hits[1].Load()
	out := fetching(r.url+path, cookie)
	r.until(t, "the request arrives", func() bool { return r.hits[0].Load()+r.hits[1].Load() > before })
	return out
}

// stick sends requests that stick to b1 until stop is closed. Now and then all are between two.
func (r *real) stick(t *testing.T, stop <-chan struct{}) (failed *atomic.Int64) {
	t.Helper()
	failed = &atomic.Int64{}
	for range 4 {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := fetch(r.url+"/?for=150ms", "one"); err != nil {
					failed.Add(1)
				}
			}
		}()
	}
	r.until(t, "b1 is busy", func() bool { return r.state(t).InFlight > 1 })
	return failed
}

const sticky = "  cookie S insert indirect nocache\n"

func (r *real) drain(deadline time.Duration, onTimeout string) plan.DrainOp {
	return plan.DrainOp{Points: []plan.Point{r.point}, Deadline: plan.Duration(deadline), OnTimeout: onTimeout}
}

func (r *real) mustDrain(t *testing.T, op plan.DrainOp, want bool) {
	t.Helper()
	changed, err := draining(t.Context(), r.hosts, op, func(s string) { t.Log(s) })
	if changed != want || err != nil {
		t.Fatalf("drain: changed %v, want %v; %v", changed, want, err)
	}
	if s := r.state(t); s.Rotation != plan.RotationOut || s.InFlight != 0 {
		t.Fatalf("%+v", s)
	}
}
