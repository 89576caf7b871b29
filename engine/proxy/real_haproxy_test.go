package proxy

import (
	"bytes"
	"context"
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
	master *exec.Cmd
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
		r.apps[i] = httptest.NewServer(r.app(i))
		t.Cleanup(r.apps[i].Close)
	}
	port := freePort(t)
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

// app answers at once, except for /slow, which takes as long as ?for= says, and /health.
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

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func (r *real) write(t *testing.T, port int, extra string) {
	t.Helper()
	text := fmt.Sprintf(`global
  stats socket %s mode 600 level admin expose-fd listeners
  hard-stop-after 10s
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
frontend f
  bind 127.0.0.1:%d
  default_backend app
backend app
  option httpchk GET /health
  default-server check inter 100ms fall 2 rise 2
%s  server b1 %s cookie one
  server b2 %s cookie two
`, r.socket, port, extra, r.apps[0].Listener.Addr(), r.apps[1].Listener.Addr())
	if err := os.WriteFile(r.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start runs HAProxy in master-worker mode, so that a reload keeps the sockets.
func (r *real) start(t *testing.T) {
	t.Helper()
	var out bytes.Buffer
	r.master = exec.Command("haproxy", "-W", "-f", r.config)
	r.master.Stdout, r.master.Stderr = &out, &out
	if err := r.master.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.master.Process.Signal(syscall.SIGTERM)
		_ = r.master.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
}

// reload replaces the worker, which forgets every drain.
func (r *real) reload(t *testing.T) {
	t.Helper()
	before := r.info(t, "Pid")
	if err := r.master.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	r.until(t, "another process answers", func() bool { now := r.info(t, "Pid"); return now != "" && now != before })
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
	s, err := look(t.Context(), haproxy{r.socket}, r.hosts, r.point)
	if err != nil {
		return State{Detail: err.Error()}
	}
	return s
}

func (r *real) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("waited until %s: %+v", what, r.state(t))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// answer is what a client got.
type answer struct {
	body string
	err  error
}

// send starts a request and waits until the app has it.
func (r *real) send(t *testing.T, path, cookie string) <-chan answer {
	t.Helper()
	out, before := make(chan answer, 1), r.hits[0].Load()+r.hits[1].Load()
	go func() {
		body, err := fetch(r.url+path, cookie)
		out <- answer{body, err}
	}()
	r.until(t, "the request arrives", func() bool { return r.hits[0].Load()+r.hits[1].Load() > before })
	return out
}

func fetch(url, cookie string) (string, error) {
	q, err := http.NewRequestWithContext(context.Background(), "GET", url, nil)
	if err != nil {
		return "", err
	}
	if cookie != "" {
		q.AddCookie(&http.Cookie{Name: "S", Value: cookie})
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(q)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(b), err
}

// stick sends requests that stick to b1 until stop is closed, so that it is never without one.
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

// TestRealDrainAndAdmit: slow requests end before the drain does, later ones go to the other server, and what a reload
// forgot is drained again.
func TestRealDrainAndAdmit(t *testing.T) {
	t.Parallel()
	r := startReal(t, "")
	if err := Preflight(t.Context(), r.hosts, r.point); err != nil {
		t.Fatal(err)
	}
	slow := []<-chan answer{r.send(t, "/?for=1500ms", ""), r.send(t, "/?for=1500ms", "")}
	r.mustDrain(t, r.drain(20*time.Second, "abort"), true)
	for _, c := range slow {
		select {
		case a := <-c:
			if a.err != nil {
				t.Error(a.err)
			}
		case <-time.After(250 * time.Millisecond):
			// The other server's request may still be on its way; b1's may not.
			if a := <-c; a.body != "b2" {
				t.Errorf("drained before %q ended", a.body)
			}
		}
	}
	r.only(t, "b2")

	again := r.drain(20*time.Second, "abort")
	again.Again = true
	r.mustDrain(t, again, false)
	r.reload(t)
	said := &log{}
	if changed, err := Drain(t.Context(), r.hosts, again, said.add); !changed || err != nil {
		t.Fatalf("after a reload: changed %v, %v", changed, err)
	}
	said.has(t, "the proxy has forgotten the drain")
	r.only(t, "b2")

	op := plan.AdmitOp{Points: []plan.Point{r.point}, Deadline: plan.Duration(10 * time.Second)}
	for _, want := range []bool{true, false} {
		if changed, err := Admit(t.Context(), r.hosts, op, nil); changed != want || err != nil {
			t.Fatalf("admit: changed %v, %v", changed, err)
		}
	}
	before := r.hits[0].Load()
	for range 4 {
		if _, err := fetch(r.url, ""); err != nil {
			t.Error(err)
		}
	}
	if r.hits[0].Load() == before {
		t.Error("b1 was admitted and gets nothing")
	}
}

// TestRealStickyClients: the counter never reaches 0 under drain; maintenance moves them to the other server without a
// failed request.
func TestRealStickyClients(t *testing.T) {
	t.Parallel()
	r := startReal(t, sticky)
	stop := make(chan struct{})
	failed := r.stick(t, stop)
	said := &log{}
	begin := time.Now()
	changed, err := Drain(t.Context(), r.hosts, r.drain(2*time.Second, "abort"), said.add)
	if !changed || err != nil || time.Since(begin) < 2*time.Second {
		t.Errorf("changed %v, %v after %s", changed, err, time.Since(begin))
	}
	said.has(t, "turning sticky clients away too")
	close(stop)
	if n := failed.Load(); n != 0 {
		t.Errorf("%d requests failed", n)
	}
	if s := r.state(t); s.Rotation != plan.RotationOut || s.InFlight != 0 || !strings.Contains(s.Detail, "MAINT") {
		t.Errorf("%+v", s)
	}
}

// TestRealDeadline: a request that does not end is cut, or the drain is taken back, as the app says.
func TestRealDeadline(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		onTimeout, rotation, err string
		inFlight                 int
	}{
		{"abort", plan.RotationIn, "is not drained after 1s, looked at every 250ms; last seen: status DRAIN, 1 in flight", 1},
		{"cut", plan.RotationOut, "", 0},
	} {
		t.Run(c.onTimeout, func(t *testing.T) {
			t.Parallel()
			r := startReal(t, sticky)
			endless := r.send(t, "/?for=20s", "one")
			changed, err := Drain(t.Context(), r.hosts, r.drain(time.Second, c.onTimeout), func(s string) { t.Log(s) })
			if !changed || (err != nil) != (c.err != "") || wants(err, c.err) != nil && c.err != "" {
				t.Errorf("changed %v, %v, want %q", changed, err, c.err)
			}
			if s := r.state(t); s.Rotation != c.rotation || s.InFlight != c.inFlight {
				t.Errorf("%+v", s)
			}
			select {
			case a := <-endless:
				if c.onTimeout == "abort" {
					t.Errorf("an abort cut a request: %+v", a)
				}
			case <-time.After(2 * time.Second * time.Duration(1-c.inFlight)):
				if c.onTimeout == "cut" {
					t.Error("the request was not cut")
				}
			}
			r.apps[0].CloseClientConnections()
		})
	}
}

// TestRealDeadApp: a server that is down is not admitted, and a preflight of it changes nothing.
func TestRealDeadApp(t *testing.T) {
	t.Parallel()
	r := startReal(t, "")
	r.mustDrain(t, r.drain(10*time.Second, "abort"), true)
	r.apps[0].Close()
	r.until(t, "the check fails", func() bool { return strings.Contains(r.state(t).Detail, "DOWN") })
	r.mustDrain(t, r.drain(10*time.Second, "abort"), false)
	op := plan.AdmitOp{Points: []plan.Point{r.point}, Deadline: plan.Duration(time.Second)}
	_, err := Admit(t.Context(), r.hosts, op, nil)
	if err := wants(err, "is not admitted after 1s", "last seen: status DOWN, 0 in flight, check: L4CON"); err != nil {
		t.Error(err)
	}
	op.Unproven = true
	if changed, err := Admit(t.Context(), r.hosts, op, nil); changed || err != nil {
		t.Errorf("unproven: changed %v, %v", changed, err)
	}
}

// TestRealNames: HAProxy's own words for what it doesn't know.
func TestRealNames(t *testing.T) {
	t.Parallel()
	r := startReal(t, "")
	p := r.point
	p.Member = "b3"
	if err := wants(Preflight(t.Context(), r.hosts, p), `no server "b3" in backend "app" (did you mean "b1"?)`); err != nil {
		t.Error(err)
	}
	if err := wants((haproxy{r.socket}).Out(t.Context(), r.hosts, p), `answers "No such server." to "set server app/b3 state drain"`); err != nil {
		t.Error(err)
	}
	p.Backend = "ap"
	if err := wants(Preflight(t.Context(), r.hosts, p), `no backend "ap" (did you mean "app"?)`); err != nil {
		t.Error(err)
	}
}

func (r *real) mustDrain(t *testing.T, op plan.DrainOp, want bool) {
	t.Helper()
	changed, err := Drain(t.Context(), r.hosts, op, func(s string) { t.Log(s) })
	if changed != want || err != nil {
		t.Fatalf("drain: changed %v, want %v; %v", changed, want, err)
	}
	if s := r.state(t); s.Rotation != plan.RotationOut || s.InFlight != 0 {
		t.Fatalf("%+v", s)
	}
}

// only fails unless every request goes to one server.
func (r *real) only(t *testing.T, want string) {
	t.Helper()
	for range 6 {
		if got, err := fetch(r.url, ""); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	}
}
