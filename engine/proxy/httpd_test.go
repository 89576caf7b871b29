package proxy

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

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
}

func newManager(t *testing.T) *manager {
	m := &manager{Fake: hosttest.New(t, "lb1"), status: "Init Ok ", answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}
	page := string(recorded(t, "httpd-2.4.http"))
	m.OnAsk("127.0.0.1:8200", "GET /balancer-manager?xml=1 ").Always().Do(func(hosttest.Asked) (host.Answer, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		quiet := strings.Replace(page, "<httpd:busy>1<", "<httpd:busy>0<", 1)
		return host.Answer(strings.Replace(quiet, "Init Ok ", m.status, 1)), nil
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
			if changed, err := Drain(t.Context(), hs, drainOp(m.point()), nil); changed != (i == 0) || err != nil || len(m.posts) != want {
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

// TestHTTPDLies: answers of 200 that change nothing end the drain at its deadline, with what was last seen.
func TestHTTPDLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		m.lies = true
		_, err := Drain(t.Context(), fleet{"lb1": m}, drainOp(m.point()), nil)
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
