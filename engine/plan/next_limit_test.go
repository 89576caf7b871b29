package plan

import (
	"slices"
	"strings"
	"testing"
)

// sharing is two apps on two hosts whose rotating lanes take the limit of their host.
func sharing(kept bool) Plan {
	p := Plan{ID: "p"}
	for _, app := range []string{"a", "b"} {
		ap := walkRolling(app, 0, "hold", "h1", "h2")
		for i := range ap.Waves[1].Lanes {
			lane := &ap.Waves[1].Lanes[i]
			lane.Takes = []string{"server " + lane.Host}
		}
		p.Apps = append(p.Apps, ap)
	}
	p.Limits = []Limit{{Name: "server h1", Most: 1, Kept: kept}, {Name: "server h2", Most: 1, Kept: kept}}
	return p
}

func TestLanesWaitForTheirLimits(t *testing.T) {
	w := newWalker(sharing(false))
	if o := w.run(); o.Status != Done {
		t.Fatalf("%+v", o)
	}
	for _, h := range []string{"h1", "h2"} {
		end, begin := slices.Index(w.log, "a/"+h+"/admit"), slices.Index(w.log, "b/"+h+"/drain")
		if end < 0 || begin < end {
			t.Errorf("b begins on %s before a has ended: %q", h, w.log)
		}
	}
}

// A turn that failed gives its place back when it is undone; the other app goes on.
func TestFailureGivesPlacesBack(t *testing.T) {
	w := newWalker(sharing(true))
	w.fate["a/h1/restart"] = Failed
	o := w.run()
	if o.Apps[0].Status != Partly || o.Apps[1].Status != Done {
		t.Fatalf("%+v", o.Apps)
	}
	if back, begin := slices.Index(w.log, "a/h1/drain/undo0"), slices.Index(w.log, "b/h1/drain"); back < 0 || begin < back {
		t.Errorf("b begins before a was undone: %q", w.log)
	}
}

// What is stuck keeps a place for good where that is a matter of capacity, and of others not.
func TestStuckLanesKeepPlaces(t *testing.T) {
	for _, kept := range []bool{false, true} {
		w := newWalker(sharing(kept))
		w.fate["a/h1/restart"], w.fate["a/h1/restart/undo0"] = Failed, Failed
		o := w.run()
		want := Done
		if kept {
			want = FailedClean // it can't be whole, so it is not begun
		}
		if o.Apps[0].Status != Broken || o.Apps[1].Status != want {
			t.Fatalf("kept %t: %+v", kept, o.Apps)
		}
		if kept && !strings.HasPrefix(o.Apps[1].Reason, "h1: not started: what a left out of rotation") {
			t.Errorf("%q", o.Apps[1].Reason)
		}
	}
}

// withinNamedLimits: no more lanes of all units have places of a limit than it has.
func (s *simulation) withinNamedLimits() {
	has := map[string]int{}
	for at, l := range s.lanes {
		_, waves, _ := s.p.unit(at.unit)
		lane := waves[at.wave].Lanes[at.lane]
		for _, limit := range s.p.Limits {
			if slices.Contains(lane.Takes, limit.Name) && (l.stuck && limit.Kept || l.inHand(len(undoOf(lane, l.started)))) {
				has[limit.Name]++
			}
		}
	}
	for _, limit := range s.p.Limits {
		if has[limit.Name] > limit.Most {
			s.Fatalf("%d lanes have places of %s, which has %d", has[limit.Name], limit.Name, limit.Most)
		}
	}
}
