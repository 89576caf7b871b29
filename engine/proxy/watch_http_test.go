package proxy

import (
	"strings"
	"testing"
	"testing/synctest"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// TestMarkerWithStatusPage: a page that contains a text or does not.
func TestMarkerWithStatusPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarkedLB(t)
		outer := hosttest.New(t, "outer")
		outer.OnAsk("127.0.0.1:8404", "GET /status/app HTTP/1.0").Always().Do(func(hosttest.Asked) (host.Answer, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return host.Answer("HTTP/1.1 200 OK\r\n\r\nb1=" + m.servers["b1"].check), nil
		})
		p := m.point()
		p.Driver.Marker.Watch = &plan.Watch{HTTP: &plan.WatchHTTP{On: "outer", URL: "http://127.0.0.1:8404/status/{backend}", Up: "{member}=UP"}}
		hosts := m.fleet()
		hosts["outer"] = outer
		said := &log{}
		if changed, err := draining(t.Context(), hosts, drainOp(p), said.add); !changed || err != nil {
			t.Errorf("changed %v, %v", changed, err)
		}
		said.has(t, "can't be counted")
		if changed, err := Admit(t.Context(), hosts, admitOp(p), nil); !changed || err != nil || m.servers["b1"].check != "UP" {
			t.Errorf("changed %v, %v", changed, err)
		}
	})
}

// TestStatusPages: a page that says neither that the member is in nor that it is out says nothing, whatever its status is.
func TestStatusPages(t *testing.T) {
	for _, c := range []struct {
		up, out, page string
		rotation      string // "": it is an error
	}{
		{"{member}=UP", "", "b1=UP", plan.RotationIn},
		{"{member}=UP", "", "b1=DOWN", plan.RotationDown},
		{"{member}=UP", "{member}", "b1=DOWN", plan.RotationDown},
		{"{member}=UP", "", "", ""},
		{"{member}=UP", "", "<title>Log in</title>", ""},
		{"UP", "", "DOWN", ""},
		{"UP", "DOWN", "DOWN", plan.RotationDown},
		{"UP", "DOWN", "UP", plan.RotationIn},
		{"{member}", "members of {backend}", "members of app: b1 b2", plan.RotationIn},
		{"{member}", "members of {backend}", "members of app: b2", plan.RotationDown},
		{"{member}", "members of {backend}", "members of web: b2", ""},
	} {
		lb1 := hosttest.New(t, "lb1")
		lb1.OnAsk("127.0.0.1:8404", "GET /status HTTP/1.0").Do(func(hosttest.Asked) (host.Answer, error) {
			return host.Answer("HTTP/1.1 200 OK\r\n\r\n" + c.page), nil
		})
		w := watchHTTP{plan.WatchHTTP{URL: "http://127.0.0.1:8404/status", Up: c.up, Out: c.out}}
		s, err := w.look(t.Context(), lb1, "lb1", at("lb1"))
		if s.Rotation != c.rotation || (err == nil) != (c.rotation != "") || s.Settled != (err == nil) {
			t.Errorf("%+v: %+v, %v", c, s, err)
		}
		if c.rotation == "" && !strings.Contains(err.Error(), "so it does not tell whether b1 is out") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestLyingStatusPage: the page of a balancer that wants a login is no proof that the server is out: the drain is taken back.
func TestLyingStatusPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarkedLB(t)
		outer := hosttest.New(t, "outer")
		outer.OnAsk("127.0.0.1:8404", "GET /status HTTP/1.0").Always().Do(func(hosttest.Asked) (host.Answer, error) {
			return host.Answer("HTTP/1.1 200 OK\r\n\r\n<title>Log in</title>"), nil
		})
		p := m.point()
		p.Driver.Marker.Watch = &plan.Watch{HTTP: &plan.WatchHTTP{On: "outer", URL: "http://127.0.0.1:8404/status", Up: "UP"}}
		hosts := m.fleet()
		hosts["outer"] = outer
		_, err := draining(t.Context(), hosts, drainOp(p), nil)
		if err := wants(err, "is not drained after 30s", `contains neither "UP" nor "b1"`, "Log in"); err != nil {
			t.Error(err)
		}
	})
}

// TestStatusPagePreflight: a page that would never be believed is told before anything is drained.
func TestStatusPagePreflight(t *testing.T) {
	for _, c := range []struct{ up, out, page, want string }{
		{"{member}=UP", "", "b1=UP", ""},
		{"UP", "", "UP", "does not name b1, so without \"UP\" it would say nothing: write out of the watch"},
		{"UP", "DOWN", "UP", ""},
		{"UP", "", "", `contains neither "UP" nor "b1"`},
	} {
		m := newMarkedLB(t)
		m.server.OnQuery("/srv/app/shared/config/disabled").Always().Do(func(host.Query) (host.Output, error) { return host.Output{}, nil })
		outer := hosttest.New(t, "outer")
		outer.OnAsk("127.0.0.1:8404", "GET /status HTTP/1.0").Always().Do(func(hosttest.Asked) (host.Answer, error) {
			return host.Answer("HTTP/1.1 200 OK\r\n\r\n" + c.page), nil
		})
		p := m.point()
		p.Driver.Marker.Watch = &plan.Watch{HTTP: &plan.WatchHTTP{On: "outer", URL: "http://127.0.0.1:8404/status", Up: c.up, Out: c.out}}
		hosts := m.fleet()
		hosts["outer"] = outer
		err := Preflight(t.Context(), hosts, p)
		if c.want == "" && err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		if err := wants(err, c.want); c.want != "" && err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
