package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// fleet is hosts by inventory name; a name that it lacks is unreachable.
type fleet map[string]host.Host

func (f fleet) Host(_ context.Context, name string) (host.Host, error) {
	if h, ok := f[name]; ok {
		return h, nil
	}
	return nil, &host.Error{Host: name, Kind: host.Unreachable, Doing: "connecting", Err: io.EOF}
}

func (f fleet) Reader(ctx context.Context, name string) (host.Reader, error) {
	return f.Host(ctx, name)
}

// lb is a simulated HAProxy with one backend, app, behind a runtime socket of a fake host. It behaves as measured: see
// the real one in real_haproxy_test.go.
type lb struct {
	*hosttest.Fake
	mu      sync.Mutex
	servers map[string]*lbServer
	level   string
	said    []string // commands that change
	table   bool     // the backend has a stick table
	info    string   // what it says of its process
	deaf    bool     // accepts and does nothing, as a proxy that lies
	gone    bool     // the socket is not there, as in a reload
	stays   bool     // it drains, and does not follow `ready`
	hangs   bool     // it drains, and never answers to `ready`
	fails   int      // so often it answers to `ready` with an error, as when it is short of memory
}

// lbServer is one server of it. Times are of the bubble's clock.
type lbServer struct {
	admin   int
	check   string    // status while nothing holds it out
	upAt    time.Time // until then the status after `ready` is UP 1/2
	ends    time.Time // of the last request in flight
	sticky  bool      // a client that sticks keeps a request in flight until maint
	cookie  string    // clients with it stick
	endless bool      // a websocket that only a cut ends
	frail   bool      // maint cuts, as with on-marked-down shutdown-sessions
	begun   int       // answers
}

func newLB(t *testing.T, name string, members ...string) *lb {
	l := &lb{Fake: hosttest.New(t, name), servers: map[string]*lbServer{}, level: "admin"}
	for _, m := range members {
		l.servers[m] = &lbServer{check: "UP"}
	}
	l.OnAsk("/s", "").Always().Do(func(a hosttest.Asked) (host.Answer, error) {
		out, err := l.talk(a.Question.Text())
		return host.Answer(out), err
	})
	l.OnDial("unix", "/s").Always().Do(func(host.Socket) (net.Conn, error) { return l.accept(), nil })
	return l
}

// accept serves one connection.
func (l *lb) accept() net.Conn {
	near, far := net.Pipe()
	go func() {
		defer func() { _ = far.Close() }()
		buf := make([]byte, 1000)
		n, err := far.Read(buf)
		if err != nil {
			return
		}
		if l.hangs && strings.Contains(string(buf[:n]), "ready") {
			_, _ = io.Copy(io.Discard, far) // until the other side gives up
			return
		}
		out, _ := l.talk(string(buf[:n]))
		_, _ = io.WriteString(far, out)
	}()
	return near
}

// talk answers one line of commands.
func (l *lb) talk(line string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return "", &host.Error{Host: "lb", Kind: host.Protocol, Doing: "asking", Err: io.ErrUnexpectedEOF}
	}
	var out strings.Builder
	for c := range strings.SplitSeq(strings.TrimSpace(line), ";") {
		out.WriteString(l.command(strings.Fields(c)) + "\n")
	}
	return out.String(), nil
}

func (l *lb) command(w []string) string {
	switch strings.Join(w[:2], " ") {
	case "show table":
		if l.table {
			return "# table: app, type: ip, size:1024, used:0\n"
		}
		return ""
	case "show cli":
		return l.level + "\n"
	case "show info":
		return l.info
	case "show stat":
		if w[2] == "-1" {
			return statHead + "app,BACKEND,0,0,UP,,,\nweb,BACKEND,0,0,UP,,,\n"
		}
		if w[2] != "app" {
			return "No such proxy.\n"
		}
		return l.stat()
	case "show servers":
		if w[3] != "app" {
			return "Can't find backend.\n"
		}
		return l.admins()
	}
	return l.change(w)
}

func (l *lb) stat() string {
	out := strings.TrimSpace(statHead) + ",cookie,hrsp_2xx\n"
	for name, s := range l.servers {
		out += fmt.Sprintf("app,%s,0,%d,%s,,,,%s,%d\n", name, s.inFlight(), s.status(), s.cookie, s.begun)
	}
	return out
}

func (l *lb) admins() string {
	out := strings.TrimSpace(adminHead) + " srv_port\n"
	for name, s := range l.servers {
		out += fmt.Sprintf("3 app 1 %s 10.0.0.1 2 %d 1 8080\n", name, s.admin)
	}
	return out
}

// change does `set server app/X state Y` and `shutdown sessions server app/X`.
func (l *lb) change(w []string) string {
	l.said = append(l.said, strings.Join(w, " "))
	if l.level != "admin" {
		return "Permission denied\n"
	}
	_, member, _ := strings.Cut(strings.Join(w, " "), "app/")
	member, state, _ := strings.Cut(member, " state ")
	s := l.servers[member]
	if s == nil {
		return "No such server.\n"
	}
	if l.deaf {
		return ""
	}
	switch state {
	case "drain":
		s.admin |= 8
	case "maint":
		s.admin |= 1
		if s.sticky {
			s.sticky, s.begun = false, s.begun+1
		}
		if s.frail {
			s.ends, s.endless = time.Time{}, false
		}
	case "ready":
		if l.stays {
			return ""
		}
		if l.fails > 0 {
			l.fails--
			return "Out of memory.\n"
		}
		s.admin &^= 9
		s.upAt = time.Now().Add(time.Second)
	default: // shutdown sessions
		s.ends, s.sticky, s.endless = time.Time{}, false, false
	}
	return ""
}

func (s *lbServer) status() string {
	switch {
	case s.admin&1 != 0:
		return "MAINT"
	case s.admin&8 != 0 && s.check == "UP":
		return "DRAIN"
	case s.check == "UP" && time.Now().Before(s.upAt):
		return "UP 1/2"
	}
	return s.check
}

func (s *lbServer) inFlight() int {
	n := 0
	for _, one := range []bool{time.Now().Before(s.ends), s.sticky, s.endless} {
		if one {
			n++
		}
	}
	return n
}

// set changes a server under the lock.
func (l *lb) set(member string, f func(*lbServer)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l.servers[member])
}

// draining is Drain, told as Admit tells it.
func draining(ctx context.Context, hs Hosts, op plan.DrainOp, report func(string)) (changed bool, err error) {
	d, err := Drain(ctx, hs, op, report)
	return d.Changed, err
}

// at is the point of b1 at the named proxy.
func at(proxy string) plan.Point {
	return plan.Point{
		Proxy: proxy, Server: "app1", Target: "app1", Backend: "app", Member: "b1", Address: "10.0.0.1",
		Driver: plan.Driver{HAProxy: &plan.HAProxy{Socket: "/s"}},
	}
}

func seconds(n int) plan.Duration { return plan.Duration(time.Duration(n) * time.Second) }

// log collects reports.
type log struct{ lines []string }

func (l *log) add(s string) { l.lines = append(l.lines, s) }

func (l *log) has(t *testing.T, want string) {
	t.Helper()
	if !strings.Contains(strings.Join(l.lines, "\n"), want) {
		t.Errorf("no report says %q: %q", want, l.lines)
	}
}
