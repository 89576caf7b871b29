package plan

import (
	"fmt"
	"slices"
	"testing"
)

// judged is a canary on h1 and h2, which both wait for a yes, and h3 that follows. A failure holds.
func judged() Plan {
	ap := walkRolling("a", 0, "hold", "h1", "h2", "h3")
	rest := ap.Waves[1]
	canary := Wave{Name: WaveCanary, Revert: true, Lanes: rest.Lanes[:2]}
	approve := Wave{Name: WaveApprove, Revert: true}
	for _, h := range []string{"h1", "h2"} {
		approve.Lanes = append(approve.Lanes, Lane{Host: h, Steps: []Step{
			{ID: "a/" + h + "/approve", Host: h, Title: "ask", Op: ApproveOp{}}, walkStep("a/"+h+"/good", h, Script, 0)}})
	}
	rest.Lanes = rest.Lanes[2:]
	ap.Waves = []Wave{ap.Waves[0], canary, approve, rest}
	return Plan{ID: "p", Apps: []AppPlan{ap}}
}

// A no takes the whole canary back although a failure holds, and whoever else is asked needs to answer no more.
func TestRejectedCanaryIsTakenBack(t *testing.T) {
	w := newWalker(judged())
	w.fate["a/h1/approve"] = Failed
	asked := false
	for range 100 {
		w.startAll()
		d := w.m.Decide()
		if d.Finished != nil {
			break
		}
		for _, r := range d.Interrupt {
			s, err := w.p.Segment(r)
			if err != nil || s.Steps[0].ID != "a/h2/approve" {
				t.Fatalf("interrupted is %+v, %v", s, err)
			}
			asked, w.fate["a/h2/approve"] = true, Failed
		}
		w.end(0)
	}
	o := *w.m.Decide().Finished
	if o.Status != Reverted || !asked {
		t.Errorf("%s, the other question ended: %t; %q", o.Status, asked, w.log)
	}
	for _, h := range []string{"h1", "h2"} {
		if !slices.Contains(w.log, fmt.Sprintf("a/%s/drain/undo0", h)) {
			t.Errorf("%s was not taken back: %q", h, w.log)
		}
	}
	if slices.Contains(w.log, "a/h3/drain") {
		t.Errorf("h3 had its turn: %q", w.log)
	}
}

// After the canary a failure holds as the app says.
func TestFailureAfterTheCanaryHolds(t *testing.T) {
	w := newWalker(judged())
	w.fate["a/h3/restart"] = Failed
	if o := w.run(); o.Status != Partly {
		t.Errorf("%s: %q", o.Status, w.log)
	}
}
