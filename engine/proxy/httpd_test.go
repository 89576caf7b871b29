package proxy

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// manager is a balancer-manager with the recorded answer of httpd 2.4, whose member b1 can be changed.
type manager struct {
	*hosttest.Fake
	mu     sync.Mutex
	status string   // of b1
	posts  []string // requests that change
	lies   bool     // answers 200 and does nothing, as with an old nonce or another Referer
	answer string   // of a POST
	busy   string   // what b1's counter says
	wire   string   // what ss says of the connections to b1
}

func newManager(t *testing.T) *manager {
	m := &manager{Fake: hosttest.New(t, "lb1"), status: "Init Ok ", answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", busy: "0"}
	page := string(recorded(t, "httpd-2.4.http"))
	m.OnAsk("127.0.0.1:8200", "GET /balancer-manager?xml=1 ").Always().Do(func(hosttest.Asked) (host.Answer, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		quiet := strings.Replace(page, "<httpd:busy>1<", "<httpd:busy>"+m.busy+"<", 1)
		return host.Answer(strings.Replace(quiet, "Init Ok ", m.status, 1)), nil
	})
	m.OnQuery("127.0.0.1:18101").Always().Do(func(host.Query) (host.Output, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return host.Output{Stdout: []byte(m.wire)}, nil
	})
	m.OnDial("tcp", "127.0.0.1:8200").Always().Do(func(host.Socket) (net.Conn, error) {
		near, far := net.Pipe()
		go m.take(far)
		return near, nil
	})
	return m
}

// take serves one POST.
func (m *manager) take(c net.Conn) {
	defer func() { _ = c.Close() }()
	buf := make([]byte, 10_000)
	n, err := c.Read(buf)
	if err != nil {
		return
	}
	request := string(buf[:n])
	m.mu.Lock()
	m.posts = append(m.posts, request)
	if !m.lies {
		m.status = "Init Ok "
		if strings.Contains(request, "w_status_D=1") {
			m.status = "Init Dis "
		}
	}
	m.mu.Unlock()
	_, _ = io.WriteString(c, m.answer)
}

func (m *manager) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *manager) point() plan.Point {
	p := at("lb1")
	p.Driver = plan.Driver{HTTPD: &plan.HTTPD{URL: managerURL}}
	return p
}

// TestHTTPDChanges: what is sent, byte for byte.
func TestHTTPDChanges(t *testing.T) {
	m := newManager(t)
	p := m.point()
	for _, change := range []func() error{
		func() error { return httpd{managerURL}.Out(t.Context(), fleet{"lb1": m}, p) },
		func() error { return httpd{managerURL}.In(t.Context(), fleet{"lb1": m}, p) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
	}
	const head = "POST /balancer-manager HTTP/1.0\r\nHost: 127.0.0.1:8200\r\nUser-Agent: trikk\r\nConnection: close\r\n"
	const form = "Content-Type: application/x-www-form-urlencoded\r\nReferer: " + managerURL + "\r\n\r\n"
	const member = "b=app&nonce=6402b5e2-363e-5d42-6205-bbfd8f54f306&w=http%3A%2F%2F127.0.0.1%3A18101"
	for i, want := range []string{
		head + "Content-Length: 94\r\n" + form + member + "&w_status_D=1",
		head + "Content-Length: 120\r\n" + form + member + "&w_status_D=0&w_status_N=0&w_status_S=0",
	} {
		if m.posts[i] != want {
			t.Errorf("sent %q\nwant %q", m.posts[i], want)
		}
	}
}

// TestHTTPDDrains: out by one POST, in by another, and a repetition sends nothing.
func TestHTTPDDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		hs := fleet{"lb1": m}
		op := plan.AdmitOp{Points: []plan.Point{m.point()}, Deadline: seconds(10)}
		for i, want := range []int{1, 1} {
			if changed, err := draining(t.Context(), hs, drainOp(m.point()), nil); changed != (i == 0) || err != nil || len(m.posts) != want {
				t.Errorf("drain %d: changed %v, %v, %d requests", i, changed, err, len(m.posts))
			}
		}
		for i, want := range []int{2, 2} {
			if changed, err := Admit(t.Context(), hs, op, nil); changed != (i == 0) || err != nil || len(m.posts) != want {
				t.Errorf("admit %d: changed %v, %v, %d requests", i, changed, err, len(m.posts))
			}
		}
	})
}

// Connections as ss prints them: one whose answer came, one whose request has none, and one on which the server spoke right now.
const (
	idleWire    = "0 0 127.0.0.1:40000 127.0.0.1:18101\n\t cubic rto:204 lastsnd:4104 lastrcv:4100 lastack:4100\n"
	waitingWire = "0 0 127.0.0.1:40002 127.0.0.1:18101\n\t cubic rto:204 lastsnd:1200 lastrcv:9000 lastack:1200\n"
	talkingWire = "0 0 127.0.0.1:40004 127.0.0.1:18101\n\t cubic rto:204 lastsnd:180 lastrcv:176 lastack:176\n"
)

// TestHTTPDCountsTooFew: a request or a stream that httpd's counter has lost is seen on its connection, and ends before the drain does.
func TestHTTPDCountsTooFew(t *testing.T) {
	for _, c := range []struct{ wire, say string }{
		{waitingWire, "status Init Dis, 0 busy, but 1 without an answer and 0 not quiet yet"},
		{talkingWire, "status Init Dis, 0 busy, but 0 without an answer and 1 not quiet yet"},
		{waitingWire + talkingWire, "status Init Dis, 0 busy, but 1 without an answer and 1 not quiet yet"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t)
			m.wire = idleWire + c.wire
			time.AfterFunc(3*time.Second, func() { m.set(func() { m.wire = idleWire }) })
			begin, said := time.Now(), &log{}
			if changed, err := draining(t.Context(), fleet{"lb1": m}, drainOp(m.point()), said.add); !changed || err != nil {
				t.Errorf("changed %v, %v", changed, err)
			}
			if took := time.Since(begin); took < 3*time.Second || took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			said.has(t, c.say)
		})
	}
}

// TestHTTPDCountsTooMany: a counter that never comes down is believed for a while; then a host without a connection to the server
// proves it wrong. One with an idle connection, which may be a quiet websocket, proves nothing.
func TestHTTPDCountsTooMany(t *testing.T) {
	const wrong = "the proxy counts wrong (status Init Dis, 1 busy): its host has no connection to the server"
	for _, c := range []struct {
		wire       string
		deadline   int
		say, err   string
		from, upto time.Duration
	}{
		{"", 30, wrong, "", doubtAfter, doubtAfter + 2*time.Second},
		{"", 5, wrong, "", 5 * time.Second, 6 * time.Second},
		{idleWire, 30, "put back into rotation", "is not drained after 30s", 30 * time.Second, 40 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t)
			m.busy, m.wire = "1", c.wire
			op := drainOp(m.point())
			op.Deadline = seconds(c.deadline)
			begin, said := time.Now(), &log{}
			_, err := draining(t.Context(), fleet{"lb1": m}, op, said.add)
			if (err != nil) != (c.err != "") || c.err != "" && wants(err, c.err) != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took < c.from || took > c.upto {
				t.Errorf("took %s", took)
			}
			said.has(t, c.say)
			if c.err != "" {
				return
			}
			op.Again, begin = true, time.Now()
			if changed, err := draining(t.Context(), fleet{"lb1": m}, op, nil); changed || err != nil || time.Since(begin) > time.Second {
				t.Errorf("again: changed %v, %v after %s", changed, err, time.Since(begin))
			}
		})
	}
}

// TestHTTPDIsReloaded: after `apachectl graceful` in mid drain a stream of an old process is in no counter, and looks like an idle connection.
// The drain waits for all connections, but no longer than half of its deadline. What is only proven again waits too.
func TestHTTPDIsReloaded(t *testing.T) {
	for _, c := range []struct {
		what, wire string
		again      bool
		took       time.Duration
	}{
		{"a stream", idleWire, false, 4 * time.Second},
		{"an idle connection", idleWire, false, 15 * time.Second},
		{"a stream", idleWire, true, 4 * time.Second},
		{"nothing", "", true, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t)
			m.wire = c.wire
			op := drainOp(m.point())
			op.Again = c.again
			if !c.again {
				m.busy = "1"
				time.AfterFunc(600*time.Millisecond, func() { m.set(func() { m.status, m.busy = "Init Ok ", "0" }) })
			}
			if c.what == "a stream" {
				time.AfterFunc(4*time.Second, func() { m.set(func() { m.wire = "" }) })
			}
			begin := time.Now()
			if _, err := draining(t.Context(), fleet{"lb1": m}, op, nil); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took < c.took || took > c.took+2*time.Second {
				t.Errorf("%s, again %v: took %s", c.what, c.again, took)
			}
		})
	}
}

// TestHTTPDLeaves: what httpd can't cut is told as left.
func TestHTTPDLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		m.busy, m.wire = "3", waitingWire
		op := drainOp(m.point())
		op.OnTimeout = "cut"
		if did, err := Drain(t.Context(), fleet{"lb1": m}, op, nil); err != nil || did != (Drained{Changed: true, Left: 3}) {
			t.Errorf("%+v, %v", did, err)
		}
	})
}

// TestHTTPDLies: answers of 200 that change nothing end the drain at its deadline, with what was last seen.
func TestHTTPDLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		m.lies = true
		_, err := draining(t.Context(), fleet{"lb1": m}, drainOp(m.point()), nil)
		if err := wants(err, "app1 (app/b1) at lb1 is not drained after 30s", "last seen: status Init Ok, 0 busy"); err != nil {
			t.Error(err)
		}
		if len(m.posts) < 3 {
			t.Errorf("asked %d times only", len(m.posts))
		}
	})
}

// TestHTTPDRefuses: what a change can meet.
func TestHTTPDRefuses(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "answers 403 to a change: does its <Location> allow POST from this host?"},
		{"SSH-2.0-OpenSSH_9.2\r\n", "does not answer in HTTP"},
	} {
		m := newManager(t)
		m.answer = c.answer
		if err := wants((httpd{managerURL}).Out(t.Context(), fleet{"lb1": m}, m.point()), c.want); err != nil {
			t.Error(err)
		}
	}
	m := newManager(t)
	p := m.point()
	p.Member = "b9"
	if err := wants(Preflight(t.Context(), fleet{"lb1": m}, p), `has no member "b9" in balancer "app"`); err != nil {
		t.Error(err)
	}
}

// TestHTTPDWithoutNonce: an httpd that tells no nonce can't be driven, which planning says.
func TestHTTPDWithoutNonce(t *testing.T) {
	page := string(recorded(t, "httpd-2.4.http"))
	f := hosttest.New(t, "lb1")
	f.OnAsk("127.0.0.1:8200", "GET ").Reply(host.Answer(strings.ReplaceAll(page, "httpd:nonce>", "httpd:other>")))
	p := at("lb1")
	p.Driver = plan.Driver{HTTPD: &plan.HTTPD{URL: managerURL}}
	if err := wants(Preflight(t.Context(), fleet{"lb1": f}, p), "tells no nonce"); err != nil {
		t.Error(err)
	}
}
