package proxy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

func admitOp(points ...plan.Point) plan.AdmitOp {
	return plan.AdmitOp{Points: points, Deadline: seconds(20)}
}

// TestAdmitWaitsForUP: UP 1/2 and DOWN are not in rotation yet; a second admit changes nothing.
func TestAdmitWaitsForUP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newLB(t, "lb1", "b1"), newLB(t, "lb2", "b1")
		one.servers["b1"].admin = 8
		*two.servers["b1"] = lbServer{admin: 5, check: "DOWN"} // disabled in the configuration
		go func() {
			time.Sleep(5 * time.Second)
			two.set("b1", func(s *lbServer) { s.check = "UP" })
		}()
		begin := time.Now()
		changed, err := Admit(t.Context(), fleet{"lb1": one, "lb2": two}, admitOp(at("lb1"), at("lb2")), nil)
		if !changed || err != nil || one.servers["b1"].admin != 0 || two.servers["b1"].admin != 4 {
			t.Errorf("changed %v, %v", changed, err)
		}
		if took := time.Since(begin); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("took %s", took)
		}
		changed, err = Admit(t.Context(), fleet{"lb1": one, "lb2": two}, admitOp(at("lb1"), at("lb2")), nil)
		if changed || err != nil || len(one.said) != 1 || len(two.said) != 1 {
			t.Errorf("the second time: changed %v, %v, %q", changed, err, one.said)
		}
	})
}

// TestAdmitStates: which states end the wait, and which commands they need.
func TestAdmitStates(t *testing.T) {
	ready := []string{"set server app/b1 state ready"}
	for _, c := range []struct {
		what     string
		server   lbServer
		unproven bool
		commands []string
		ok       bool
	}{
		{"up", lbServer{check: "UP"}, false, nil, true},
		{"no check", lbServer{check: "no check", admin: 8}, false, ready, true},
		{"down", lbServer{check: "DOWN"}, false, nil, false},
		{"down, unproven", lbServer{check: "DOWN"}, true, nil, true},
		{"drained and down, unproven", lbServer{check: "DOWN", admin: 8}, true, ready, true},
		{"failing", lbServer{check: "UP 2/3"}, false, nil, false},
		{"self-disabled", lbServer{check: "NOLB"}, false, nil, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLB(t, "lb1", "b1")
				*l.servers["b1"] = c.server
				op := admitOp(at("lb1"))
				op.Unproven = c.unproven
				changed, err := Admit(t.Context(), fleet{"lb1": l}, op, nil)
				if changed != (c.commands != nil) || !slices.Equal(l.said, c.commands) {
					t.Errorf("changed %v, %q", changed, l.said)
				}
				if late, missed := errors.AsType[*Late](err); missed == c.ok || err != nil && late == nil {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestAdmitForgotten: a stale state file makes a reload bring the server back drained.
func TestAdmitForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		*l.servers["b1"] = lbServer{check: "DOWN", admin: 8}
		go func() {
			time.Sleep(3 * time.Second)
			l.set("b1", func(s *lbServer) { s.admin, s.check = 8, "UP" })
		}()
		if _, err := Admit(t.Context(), fleet{"lb1": l}, admitOp(at("lb1")), nil); err != nil || len(l.said) != 2 {
			t.Errorf("%v, %q", err, l.said)
		}
	})
}

// TestAdmitMissesItsDeadline names the interval, the deadline and the last observation.
func TestAdmitMissesItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		*l.servers["b1"] = lbServer{check: "DOWN", admin: 8}
		changed, err := Admit(t.Context(), fleet{"lb1": l}, admitOp(at("lb1")), nil)
		const want = "app1 (app/b1) at lb1 is not admitted after 20s, looked at every 250ms; last seen: status DOWN, 0 in flight"
		if !changed || err == nil || err.Error() != want {
			t.Errorf("changed %v, %v\nwant %s", changed, err, want)
		}
	})
}

// hurried is a fleet whose hosts can't be dialled after the time is up.
type hurried struct{ fleet }

func (f hurried) Host(ctx context.Context, name string) (host.Host, error) {
	if ctx.Err() != nil {
		return nil, &host.Error{Host: name, Kind: host.Unreachable, Doing: "connecting", Err: ctx.Err()}
	}
	return f.fleet.Host(ctx, name)
}

// TestAdmitWithoutProxy: a proxy that is gone for all of the wait misses the deadline, and what was seen of it is told, not that
// the last look was cut off.
func TestAdmitWithoutProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		l.gone = true
		_, err := Admit(t.Context(), hurried{fleet{"lb1": l}}, admitOp(at("lb1")), nil)
		late, missed := errors.AsType[*Late](err)
		if !missed || !strings.Contains(late.Last, "unexpected EOF") {
			t.Errorf("%v", err)
		}
	})
}

// TestDrainWithoutProxy: nothing is said of what a proxy does that never answered.
func TestDrainWithoutProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLB(t, "lb1", "b1")
		l.gone = true
		_, err := draining(t.Context(), hurried{fleet{"lb1": l}}, plan.DrainOp{Points: []plan.Point{at("lb1")}, Deadline: seconds(20), OnTimeout: "cut"}, nil)
		if _, missed := errors.AsType[*Late](err); !missed || strings.Contains(err.Error(), "sends") {
			t.Errorf("%v", err)
		}
	})
}
