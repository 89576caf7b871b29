package proxy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// marked is a point whose driver is a marker.
func marked(m plan.Marking) plan.Point {
	p := at("lb1")
	p.Driver = plan.Driver{Marker: &m}
	return p
}

// TestMarkerFile: the file is made and removed by real shells, wherever it is written that it lives, and both are
// repeatable.
func TestMarkerFile(t *testing.T) {
	home := t.TempDir()
	l := &local{home: home}
	for _, c := range []struct{ file, root, want string }{
		{"config/disabled", filepath.Join(home, "app's root"), "app's root/shared/config/disabled"},
		{"config/disabled", "~/app", "app/shared/config/disabled"},
		{filepath.Join(home, "a b"), "", "a b"},
		{"~/x;y", "", "x;y"},
		{"~/other/shared/config/disabled", "~/other", "other/shared/config/disabled"},
		{filepath.Join(home, "third/shared/off"), filepath.Join(home, "third"), "third/shared/off"},
	} {
		p := marked(plan.Marking{File: c.file})
		p.Root = c.root
		m, want := marker{*p.Driver.Marker}, filepath.Join(home, c.want)
		if err := m.Preflight(t.Context(), everywhere{l}, p); err != nil {
			t.Errorf("%s: %v", c.file, err)
		}
		for _, step := range []struct {
			do       func() error
			rotation string
			there    bool
		}{
			{func() error { return nil }, plan.RotationIn, false},
			{func() error { return m.Out(t.Context(), everywhere{l}, p) }, plan.RotationOut, true},
			{func() error { return m.Out(t.Context(), everywhere{l}, p) }, plan.RotationOut, true},
			{func() error { return m.In(t.Context(), everywhere{l}, p) }, plan.RotationIn, false},
			{func() error { return m.In(t.Context(), everywhere{l}, p) }, plan.RotationIn, false},
		} {
			if err := step.do(); err != nil {
				t.Errorf("%s: %v", c.file, err)
			}
			s, err := Read(t.Context(), everywhere{l}, p)
			_, statErr := os.Stat(want)
			if err != nil || s.State != step.rotation || (statErr == nil) != step.there {
				t.Errorf("%s: %+v, %v, %v", c.file, s, err, statErr)
			}
		}
	}
}

// TestMarkerErrors: what can't be a marker is said before anything is done.
func TestMarkerErrors(t *testing.T) {
	home := t.TempDir()
	l := &local{home: home}
	if err := os.Mkdir(filepath.Join(home, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, want string }{
		{"", "is empty"},
		{"config/disabled", "app1 has no app root: write an absolute path"},
		{"~/dir", "is a directory"},
		{"~/none/marker", "is not there or can't be entered"},
		{"~/file/marker", "is not there or can't be entered"},
	} {
		p := marked(plan.Marking{File: c.file})
		if err := wants(Preflight(t.Context(), everywhere{l}, p), c.want); err != nil {
			t.Errorf("%q: %v", c.file, err)
		}
	}
	p := marked(plan.Marking{File: "~/dir"})
	if err := wants((marker{*p.Driver.Marker}).Out(t.Context(), everywhere{l}, p), "is a directory"); err != nil {
		t.Error(err)
	}
	p = marked(plan.Marking{File: "~/file/marker"})
	if _, err := Read(t.Context(), everywhere{l}, p); err == nil {
		t.Error("a marker below a file is absent, and not an error")
	}
}

// markedLB is a simulated app server with a marker, whose health check an HAProxy obeys a second later.
type markedLB struct {
	*lb
	server  *hosttest.Fake
	present bool
	blind   bool // the health check does not look at the marker
}

func newMarkedLB(t *testing.T) *markedLB {
	m := &markedLB{lb: newLB(t, "lb1", "b1"), server: hosttest.New(t, "app1")}
	m.server.OnQuery("/srv/app/shared/config/disabled").Always().Do(func(host.Query) (host.Output, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.present {
			return host.Output{Stdout: []byte("present\n")}, nil
		}
		return host.Output{Stdout: []byte("absent\n")}, nil
	})
	m.server.OnStep("marker-create").Always().Do(func(s hosttest.Stepped) (host.Record, error) { return m.mark(t, s, "DOWN") })
	m.server.OnStep("marker-remove").Always().Do(func(s hosttest.Stepped) (host.Record, error) { return m.mark(t, s, "UP") })
	return m
}

func (m *markedLB) mark(t *testing.T, s hosttest.Stepped, check string) (host.Record, error) {
	if s.Script.As != "app" {
		t.Errorf("runs as %q", s.Script.As)
	}
	m.set("b1", func(*lbServer) { m.present = check == "DOWN" })
	if !m.blind {
		time.AfterFunc(time.Second, func() { m.set("b1", func(s *lbServer) { s.check = check }) })
	}
	return host.Record{}, nil
}

func (m *markedLB) fleet() fleet { return fleet{"lb1": m, "app1": m.server} }

func (m *markedLB) point() plan.Point {
	p := marked(plan.Marking{File: "config/disabled", Watch: &plan.Watch{HAProxy: &plan.WatchHAProxy{Socket: "/s"}}})
	p.Root, p.As = "/srv/app", "app"
	return p
}

// TestMarkerWithWatch: the balancer's word ends both waits, and a second time changes nothing.
func TestMarkerWithWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, said := newMarkedLB(t), &log{}
		m.servers["b1"].ends = time.Now().Add(4 * time.Second)
		begin := time.Now()
		changed, err := draining(t.Context(), m.fleet(), drainOp(m.point()), said.add)
		if took := time.Since(begin); !changed || err != nil || took < 4*time.Second || took > 5*time.Second {
			t.Errorf("changed %v, %v after %s", changed, err, took)
		}
		said.has(t, "marker there, balancer: status DOWN, 1 in flight")
		begin = time.Now()
		changed, err = Admit(t.Context(), m.fleet(), admitOp(m.point()), nil)
		if took := time.Since(begin); !changed || err != nil || took < time.Second || took > 2*time.Second {
			t.Errorf("changed %v, %v after %s", changed, err, took)
		}
		if changed, err = Admit(t.Context(), m.fleet(), admitOp(m.point()), nil); changed || err != nil {
			t.Errorf("the second time: changed %v, %v", changed, err)
		}
	})
}

// TestMarkerThatTheBalancerIgnores: the deadline passes, nothing is cut, and the marker is removed again.
func TestMarkerThatTheBalancerIgnores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarkedLB(t)
		m.blind = true
		op := drainOp(m.point())
		op.OnTimeout = "cut"
		_, err := draining(t.Context(), m.fleet(), op, nil)
		if err := wants(err, "marker there, balancer: status UP, 0 in flight", "nothing is cut"); err != nil {
			t.Error(err)
		}
		if m.present {
			t.Error("the marker is still there")
		}
	})
}

// TestMarkerCut: without a way to cut, going on is what cut means.
func TestMarkerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, said := newMarkedLB(t), &log{}
		m.servers["b1"].endless = true
		op := drainOp(m.point())
		op.OnTimeout = "cut"
		if changed, err := draining(t.Context(), m.fleet(), op, said.add); !changed || err != nil || !m.present {
			t.Errorf("changed %v, %v", changed, err)
		}
		said.has(t, "cutting what is in flight after 30s (marker there, balancer: status DOWN, 1 in flight)")
		op.OnTimeout = "abort"
		if _, err := draining(t.Context(), m.fleet(), op, said.add); err == nil || !m.present {
			t.Errorf("%v: what another drain did was taken back", err)
		}
	})
}

// TestMarkerSettles: without a watch each change is followed by the settle time, and the report says so.
func TestMarkerSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, said := newMarkedLB(t), &log{}
		p := m.point()
		p.Driver.Marker.Watch, p.Driver.Marker.Settle = nil, seconds(12)
		timed := func(f func() (bool, error), least time.Duration, wantChange bool) {
			t.Helper()
			begin := time.Now()
			changed, err := f()
			if took := time.Since(begin); changed != wantChange || err != nil || took < least || took > least+time.Second {
				t.Errorf("changed %v, %v after %s", changed, err, took)
			}
		}
		op := drainOp(p)
		timed(func() (bool, error) { return draining(t.Context(), m.fleet(), op, said.add) }, 12*time.Second, true)
		said.has(t, "what is in flight can't be counted; waiting 12s")
		op.Again = true
		timed(func() (bool, error) { return draining(t.Context(), m.fleet(), op, said.add) }, 0, false)
		timed(func() (bool, error) { return Admit(t.Context(), m.fleet(), admitOp(p), said.add) }, 12*time.Second, true)
		said.has(t, "the proxy can't be asked; waiting 12s")
	})
}

// TestMarkerStates joins the file's word with the balancer's.
func TestMarkerStates(t *testing.T) {
	for _, c := range []struct {
		present  bool
		check    string
		rotation string
		settled  bool
	}{
		{false, "UP", plan.RotationIn, true},
		{false, "UP 1/3", plan.RotationIn, false},
		{false, "DOWN", plan.RotationDown, true},
		{false, "MAINT", plan.RotationOut, true},
		{true, "UP", plan.RotationOut, false},
		{true, "UP 1/3", plan.RotationOut, false},
		{true, "no check", plan.RotationOut, false},
		{true, "DOWN", plan.RotationOut, true},
		{true, "NOLB", plan.RotationOut, true},
		{true, "MAINT", plan.RotationOut, true},
	} {
		m := newMarkedLB(t)
		m.present, m.servers["b1"].check = c.present, c.check
		p := m.point()
		s, err := marker{*p.Driver.Marker}.State(t.Context(), m.fleet(), p)
		if err != nil || s.Rotation != c.rotation || s.Settled != c.settled {
			t.Errorf("%+v: %+v, %v", c, s, err)
		}
		if !strings.Contains(s.Detail, c.check) {
			t.Errorf("%q does not say what the balancer said", s.Detail)
		}
	}
}

// What is in the app's root, or in a home, is the app user's; what is elsewhere is the login user's.
func TestMarkerOwner(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"config/disabled", "/opt/app/shared/config/disabled as hello"},
		{"/opt/app/shared/config/disabled", "/opt/app/shared/config/disabled as hello"},
		{"~/disabled", "~/disabled as hello"},
		{"/run/disabled", "/run/disabled as "},
		{"/opt/app/sharedness", "/opt/app/sharedness as "},
	} {
		p := marked(plan.Marking{File: c.file})
		p.Root, p.As = "/opt/app/", "hello"
		file, as, err := marker{*p.Driver.Marker}.file(p)
		if got := file + " as " + as; err != nil || got != c.want {
			t.Errorf("%s is %s, %v, want %s", c.file, got, err, c.want)
		}
	}
}
