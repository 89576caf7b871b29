package proxy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/plan"
)

func drainOp(points ...plan.Point) plan.DrainOp {
	return plan.DrainOp{Points: points, Deadline: seconds(30), OnTimeout: "abort"}
}

// TestDrainWaitsAtEveryProxy: proxies are drained in parallel, and the last request of all ends the wait. A second drain
// changes nothing.
func TestDrainWaitsAtEveryProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newLB(t, "lb1", "b1", "b2"), newLB(t, "lb2", "b1")
		one.servers["b1"].ends = time.Now().Add(3 * time.Second)
		two.servers["b1"].ends = time.Now().Add(7 * time.Second)
		begin := time.Now()
		changed, err := draining(t.Context(), fleet{"lb1": one, "lb2": two}, drainOp(at("lb1"), at("lb2")), nil)
		if err != nil || !changed {
			t.Fatalf("changed %v, %v", changed, err)
		}
		if took := time.Since(begin); took < 7*time.Second || took > 8*time.Second {
			t.Errorf("took %s", took)
		}
		if one.servers["b1"].admin != 8 || two.servers["b1"].admin != 8 || one.servers["b2"].admin != 0 {
			t.Error("not drained, or more than that")
		}
		changed, err = draining(t.Context(), fleet{"lb1": one, "lb2": two}, drainOp(at("lb1"), at("lb2")), nil)
		if err != nil || changed || len(one.said) != 1 || len(two.said) != 1 {
			t.Errorf("the second time: changed %v, %v, %q", changed, err, one.said)
		}
	})
}

// TestDrainNeedsTwoLooks: a counter that reads 0 once, between two requests, is not drained.
func TestDrainNeedsTwoLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		l.servers["b1"].admin = 8
		go func() {
			time.Sleep(interval / 2)
			l.set("b1", func(s *lbServer) { s.ends = time.Now().Add(2 * time.Second) })
		}()
		begin := time.Now()
		if _, err := draining(t.Context(), fleet{"lb1": l}, drainOp(at("lb1")), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 2*time.Second {
			t.Errorf("took %s: one look was enough", took)
		}
	})
}

// TestDrainAgain: what a reload forgot is drained again, and said.
func TestDrainAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, said := newLB(t, "lb1", "b1"), &log{}
		op := drainOp(at("lb1"))
		if _, err := draining(t.Context(), fleet{"lb1": l}, op, said.add); err != nil {
			t.Fatal(err)
		}
		op.Again = true
		begin := time.Now()
		changed, err := draining(t.Context(), fleet{"lb1": l}, op, said.add)
		if changed || err != nil || time.Since(begin) > time.Second || len(said.lines) != 0 {
			t.Errorf("changed %v, %v after %s: %q", changed, err, time.Since(begin), said.lines)
		}
		l.set("b1", func(s *lbServer) { s.admin, s.ends = 0, time.Now().Add(2*time.Second) })
		changed, err = draining(t.Context(), fleet{"lb1": l}, op, said.add)
		if !changed || err != nil || l.servers["b1"].admin != 8 || l.servers["b1"].inFlight() != 0 {
			t.Errorf("changed %v, %v", changed, err)
		}
		said.has(t, "app1 (app/b1) at lb1: the proxy has forgotten the drain (status UP, 1 in flight)")
	})
}

// TestDrainAgainPutsNothingBack: a server whose turn is under way stays out, though the drain that a reload forgot misses its
// deadline: what is on it may not be proven.
func TestDrainAgainPutsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		l.servers["b1"].endless = true
		op := drainOp(at("lb1"))
		op.Again, op.OnTimeout = true, "abort"
		changed, err := draining(t.Context(), fleet{"lb1": l}, op, nil)
		if !changed || err == nil || l.servers["b1"].admin == 0 {
			t.Errorf("changed %v, %v, admin state %d: %q", changed, err, l.servers["b1"].admin, l.said)
		}
	})
}

// TestDrainSurvivesAReload: a reload in the middle of a drain takes the socket away for a moment and forgets.
func TestDrainSurvivesAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, said := newLB(t, "lb1", "b1"), &log{}
		l.servers["b1"].ends = time.Now().Add(4 * time.Second)
		go func() {
			time.Sleep(time.Second)
			l.set("b1", func(s *lbServer) { l.gone, s.admin = true, 0 })
			time.Sleep(time.Second)
			l.set("b1", func(*lbServer) { l.gone = false })
		}()
		if _, err := draining(t.Context(), fleet{"lb1": l}, drainOp(at("lb1")), said.add); err != nil {
			t.Fatal(err)
		}
		if l.servers["b1"].admin != 8 || len(l.said) != 2 {
			t.Errorf("%q", l.said)
		}
		said.has(t, "forgotten the drain")
	})
}

// TestDrainMissesItsDeadline: sticky clients are turned away, a websocket is cut or the drain is taken back.
func TestDrainMissesItsDeadline(t *testing.T) {
	const drain, maint, cut, ready = "set server app/b1 state drain", "set server app/b1 state maint", "shutdown sessions server app/b1", "set server app/b1 state ready"
	for _, c := range []struct {
		what      string
		begin     func(*lbServer)
		onTimeout string
		commands  []string
		err       string
		admin     int
		cut       int
	}{
		{"sticky, abort", func(s *lbServer) { s.sticky = true }, "abort", []string{drain, maint}, "", 9, 0},
		{"sticky, cut", func(s *lbServer) { s.sticky = true }, "cut", []string{drain, maint}, "", 9, 0},
		{"maint cuts, cut", func(s *lbServer) { s.endless, s.sticky, s.frail = true, true, true }, "cut", []string{drain, maint}, "", 9, 1},
		{"maint cuts, abort", func(s *lbServer) { s.ends, s.frail = time.Now().Add(time.Hour), true }, "abort", []string{drain, maint}, "", 9, 1},
		{"websocket, cut", func(s *lbServer) { s.endless = true }, "cut", []string{drain, maint, cut}, "", 9, 1},
		{"websocket, abort", func(s *lbServer) { s.endless = true }, "abort", []string{drain, maint, ready},
			"app1 (app/b1) at lb1 is not drained after 30s, looked at every 250ms; last seen: status DRAIN, 1 in flight", 0, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, said := newLB(t, "lb1", "b1"), &log{}
				c.begin(l.servers["b1"])
				op := drainOp(at("lb1"))
				op.OnTimeout = c.onTimeout
				begin := time.Now()
				did, err := Drain(t.Context(), fleet{"lb1": l}, op, said.add)
				if did != (Drained{Changed: true, Cut: c.cut}) || !slices.Equal(l.said, c.commands) || l.servers["b1"].admin != c.admin {
					t.Errorf("%+v, %q, admin %d", did, l.said, l.servers["b1"].admin)
				}
				if took := time.Since(begin); took < 30*time.Second || took > 45*time.Second {
					t.Errorf("took %s", took)
				}
				said.has(t, "in flight); turning sticky clients away too")
				if c.err == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				late, ok := errors.AsType[*Late](err)
				if !ok || err.Error() != c.err || late.Deadline != 30*time.Second {
					t.Errorf("%v\nwant %s", err, c.err)
				}
				said.has(t, "put back into rotation")
			})
		})
	}
}

// TestDrainShutsOutWhoSticks: a server that is empty is closed to clients that stick to it, before anybody relies on its being empty.
// Where a proxy says that nobody can stick, or can't say it, a drain is enough.
func TestDrainShutsOutWhoSticks(t *testing.T) {
	for _, c := range []struct {
		what     string
		begin    func(*lb)
		commands int
	}{
		{"nobody sticks", func(*lb) {}, 1},
		{"a cookie", func(l *lb) { l.servers["b1"].cookie = "one" }, 2},
		{"a table", func(l *lb) { l.table = true }, 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, said := newLB(t, "lb1", "b1"), &log{}
				c.begin(l)
				l.servers["b1"].ends = time.Now().Add(2 * time.Second)
				begin := time.Now()
				if changed, err := draining(t.Context(), fleet{"lb1": l}, drainOp(at("lb1")), said.add); !changed || err != nil {
					t.Fatalf("changed %v, %v", changed, err)
				}
				if len(l.said) != c.commands || time.Since(begin) > 4*time.Second {
					t.Errorf("%q, after %s", l.said, time.Since(begin))
				}
				if c.commands > 1 {
					said.has(t, "empty (status DRAIN, 0 in flight, open to clients that stick to it); turning sticky clients away too")
				}
				again := drainOp(at("lb1"))
				again.Again = true
				if changed, err := draining(t.Context(), fleet{"lb1": l}, again, nil); changed || err != nil || len(l.said) != c.commands {
					t.Errorf("again: changed %v, %v, %q", changed, err, l.said)
				}
			})
		})
	}
}

// TestDrainOfALiar: a proxy that accepts and does nothing misses the deadline, even where cutting is allowed.
func TestDrainOfALiar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		l.deaf = true
		op := drainOp(at("lb1"))
		op.OnTimeout = "cut"
		_, err := draining(t.Context(), fleet{"lb1": l}, op, nil)
		if err == nil || !strings.Contains(err.Error(), "nothing is cut, because the proxy still sends new requests") {
			t.Error(err)
		}
		if n := len(l.said); n < 3 || n > 9 {
			t.Errorf("asked %d times", n)
		}
	})
}

// TestDrainTakesBackAllPoints: one proxy that fails takes the drain of the others back.
func TestDrainTakesBackAllPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newLB(t, "lb1", "b1"), newLB(t, "lb2", "b9")
		changed, err := draining(t.Context(), fleet{"lb1": one, "lb2": two}, drainOp(at("lb1"), at("lb2"), at("lb3")), nil)
		if !changed || err == nil || one.servers["b1"].admin != 0 || len(two.said) != 0 {
			t.Errorf("changed %v, %v", changed, err)
		}
		for _, want := range []string{`haproxy on lb2 has no server "b1" in backend "app" (did you mean "b9"?)`, "lb3: connecting"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %s", err, want)
			}
		}
	})
}

// TestDrainInterrupted: what was drained stays so, and the error says it.
func TestDrainInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		l.servers["b1"].endless = true
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := draining(ctx, fleet{"lb1": l}, drainOp(at("lb1")), nil)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "may be left drained") || len(l.said) != 1 {
			t.Errorf("%v, %q", err, l.said)
		}
	})
}

// TestDrainWithoutPermission ends at once: waiting does not mend it.
func TestDrainWithoutPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		l.level = "operator"
		begin := time.Now()
		_, err := draining(t.Context(), fleet{"lb1": l}, drainOp(at("lb1")), nil)
		if err == nil || !strings.Contains(err.Error(), "`stats socket /s level admin`") || time.Since(begin) > time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
	})
}

// TestPutBackInTime: proxies that do not answer, or do not follow, are put back at once and not one after the other; each says what it
// was last seen to do.
func TestPutBackInTime(t *testing.T) {
	for what, stuck := range map[string]func(*lb){
		"they do not follow": func(l *lb) {
			l.set("b1", func(s *lbServer) { s.endless = true })
			l.stays = true
		},
		"they do not answer": func(l *lb) {
			l.set("b1", func(s *lbServer) { s.endless = true })
			l.hangs = true
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hosts, op := fleet{}, drainOp()
				for _, name := range []string{"lb1", "lb2", "lb3", "lb4"} {
					l := newLB(t, name, "b1")
					stuck(l)
					hosts[name], op.Points = l, append(op.Points, at(name))
				}
				begin := time.Now()
				_, err := Drain(t.Context(), hosts, op, nil)
				if took := time.Since(begin); took > 30*time.Second+25*time.Second {
					t.Errorf("took %s", took)
				}
				for name := range hosts {
					want := "app1 (app/b1) at " + name + " is left drained: app1 (app/b1) at " + name + " is not back in rotation after "
					if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "last seen: status ") {
						t.Errorf("%v\nwant %s…", err, want)
					}
				}
			})
		})
	}
}

// TestPutBackTriesAgain: a return into rotation that fails in a way that may pass is asked for again.
func TestPutBackTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		l.servers["b1"].endless = true
		l.fails = 1
		_, err := Drain(t.Context(), fleet{"lb1": l}, drainOp(at("lb1")), nil)
		if err == nil || strings.Contains(err.Error(), "left drained") || l.servers["b1"].admin != 0 {
			t.Errorf("admin %d, %v", l.servers["b1"].admin, err)
		}
	})
}
