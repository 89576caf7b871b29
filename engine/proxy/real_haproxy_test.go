package proxy

import (
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

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
	only(t, r.url, "", "b2")

	again := r.drain(20*time.Second, "abort")
	again.Again = true
	r.mustDrain(t, again, false)
	r.reload(t)
	drainForgotten(t, r.hosts, again)
	only(t, r.url, "", "b2")

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
// failed request. One request lasts beyond the deadline: the others may all be between two of theirs at a look.
func TestRealStickyClients(t *testing.T) {
	t.Parallel()
	r := startReal(t, sticky)
	long := r.send(t, "/?for=4s", "one")
	stop := make(chan struct{})
	failed := r.stick(t, stop)
	said := &log{}
	begin := time.Now()
	changed, err := draining(t.Context(), r.hosts, r.drain(2*time.Second, "abort"), said.add)
	if !changed || err != nil || time.Since(begin) < 2*time.Second {
		t.Errorf("changed %v, %v after %s", changed, err, time.Since(begin))
	}
	said.has(t, "not empty after 2s")
	said.has(t, "turning sticky clients away too")
	close(stop)
	if a := <-long; a.err != nil || a.body != "b1" {
		t.Errorf("the long request: %+v", a)
	}
	if n := failed.Load(); n != 0 {
		t.Errorf("%d requests failed", n)
	}
	if s := r.state(t); s.Rotation != plan.RotationOut || s.InFlight != 0 || !strings.Contains(s.Detail, "MAINT") {
		t.Errorf("%+v", s)
	}
}

// TestRealStickyClientsPause: clients that stick come back after a moment in which nothing is in flight. None may find the server then:
// it is about to be stopped. When it is admitted, HAProxy waits for its own check.
func TestRealStickyClientsPause(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string]string{"cookie": sticky, "table": "  stick-table type string len 8 size 1k\n  stick on req.cook(S)\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startReal(t, extra)
			for r.hits[0].Load() == 0 { // a table learns
				if _, err := fetch(r.url, "one"); err != nil {
					t.Fatal(err)
				}
			}
			r.mustDrain(t, r.drain(20*time.Second, "abort"), true)
			only(t, r.url, "one", "b2")
			again := r.drain(20*time.Second, "abort")
			again.Again = true
			r.mustDrain(t, again, false)
			op := plan.AdmitOp{Points: []plan.Point{r.point}, Deadline: plan.Duration(10 * time.Second)}
			if changed, err := Admit(t.Context(), r.hosts, op, nil); !changed || err != nil {
				t.Fatalf("admit: changed %v, %v", changed, err)
			}
			both(t, r.url)
		})
	}
}

// TestRealMaintenanceOfADeadApp: what comes out of maintenance gets nothing before its check passes.
func TestRealMaintenanceOfADeadApp(t *testing.T) {
	t.Parallel()
	r := startReal(t, sticky)
	r.mustDrain(t, r.drain(10*time.Second, "abort"), true)
	r.apps[0].Close()
	op := plan.AdmitOp{Points: []plan.Point{r.point}, Deadline: plan.Duration(time.Second)}
	_, err := Admit(t.Context(), r.hosts, op, nil)
	if err := wants(err, "is not admitted after 1s", "last seen: status DOWN"); err != nil {
		t.Error(err)
	}
	only(t, r.url, "one", "b2")
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
			changed, err := draining(t.Context(), r.hosts, r.drain(time.Second, c.onTimeout), func(s string) { t.Log(s) })
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
	if err := wants((haproxy{socket: r.socket}).Out(t.Context(), r.hosts, p), `answers "No such server." to "set server app/b3 state drain"`); err != nil {
		t.Error(err)
	}
	p.Backend = "ap"
	if err := wants(Preflight(t.Context(), r.hosts, p), `no backend "ap" (did you mean "app"?)`); err != nil {
		t.Error(err)
	}
}

// TestRealMaintenanceCuts: where HAProxy is configured to cut what a server answers when it goes down, maintenance does, and it is counted;
// also where the app wants no cut.
func TestRealMaintenanceCuts(t *testing.T) {
	t.Parallel()
	r := startReal(t, "  default-server on-marked-down shutdown-sessions\n")
	for range 2 {
		r.send(t, "/?for=20s", "")
	}
	before := r.state(t).InFlight // round robin: one of the two
	did, err := Drain(t.Context(), r.hosts, r.drain(time.Second, "abort"), func(s string) { t.Log(s) })
	if err != nil || before != 1 || did.Cut != before {
		t.Errorf("%+v, %v, before %d", did, err, before)
	}
	for _, a := range r.apps {
		a.CloseClientConnections()
	}
}
