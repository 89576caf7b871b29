package plan

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestApplyRefusesWhatDoesNotFit(t *testing.T) {
	p := Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 1, "", "a", "b")}}
	first := Ref{Plan: "p"}
	tests := map[string]Event{
		"unknown kind":         {Kind: "?"},
		"no segment":           {Kind: SegmentStarted},
		"another plan":         {Kind: SegmentStarted, Ref: &Ref{Plan: "q"}},
		"no such lane":         {Kind: SegmentStarted, Ref: &Ref{Plan: "p", Lane: 2}},
		"no such wave":         {Kind: SegmentStarted, Ref: &Ref{Plan: "p", Wave: -1}},
		"no such unit":         {Kind: SegmentStarted, Ref: &Ref{Plan: "p", Unit: 1}},
		"a wave too early":     {Kind: SegmentStarted, Ref: &Ref{Plan: "p", Wave: 1}},
		"twice":                {Kind: SegmentStarted, Ref: &first},
		"does not run":         {Kind: SegmentFinished, Ref: &Ref{Plan: "p", Lane: 1}},
		"result of no step":    {Kind: StepFinished, Ref: &first},
		"result of another":    {Kind: StepFinished, Ref: &first, Result: &Result{Step: "web/b/unpack", Status: Changed}},
		"result of no meaning": {Kind: StepFinished, Ref: &first, Result: &Result{Step: "web/a/unpack", Status: "?"}},
	}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			m := NewMachine(p)
			if err := m.Apply(Event{Kind: SegmentStarted, Ref: &first}); err != nil {
				t.Fatal(err)
			}
			before := m.State()
			if err := m.Apply(e); err == nil {
				t.Error("it was taken")
			}
			if !reflect.DeepEqual(m.State(), before) {
				t.Error("the state changed")
			}
		})
	}
}

func TestSegments(t *testing.T) {
	step := func(host, as string, via Transport) Step { return Step{Host: host, As: as, Op: walkOp{via: via}} }
	l := Lane{Host: "a", Steps: []Step{
		step("a", "", Script), step("a", "", Script), step("a", "app", Script), step("a", "app", Dial), step("b", "app", Dial), step("b", "app", Dial),
	}}
	var sizes []int
	for _, s := range Segments(l) {
		sizes = append(sizes, len(s))
	}
	if !slices.Equal(sizes, []int{2, 1, 1, 2}) {
		t.Errorf("segments of %v steps", sizes)
	}
	if Segments(Lane{}) != nil {
		t.Error("an empty lane has segments")
	}
}

func TestSegmentRefusesWhatIsNotInThePlan(t *testing.T) {
	p := Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 1, "", "a")},
		Groups: []Group{{ID: "g", Lanes: []Lane{{Host: "lb", Steps: []Step{walkStep("reload", "lb", Script, 0)}}}}}}
	good := map[string]Ref{
		"reload":            {Plan: "p", Unit: 1},
		"web/a/restart":     {Plan: "p", Wave: 1, Segment: 1},
		"web/a/drain/undo0": {Plan: "p", Wave: 1, Segment: 1, Undo: true, Upto: 2},
		"web/a/admit/undo0": {Plan: "p", Wave: 1, Segment: 0, Undo: true, Upto: 3},
	}
	for want, r := range good {
		s, err := p.Segment(r)
		if err != nil || s.Steps[0].ID != want || s.Ref != r || s.Host != s.Steps[0].Host || s.Transport == "" {
			t.Errorf("%+v: %+v, %v; want %s", r, s, err, want)
		}
	}
	for _, r := range []Ref{{}, {Plan: "p", Unit: 2}, {Plan: "p", Unit: -1}, {Plan: "p", Wave: 2}, {Plan: "p", Lane: 1}, {Plan: "p", Segment: 1},
		{Plan: "p", Segment: -1}, {Plan: "p", Upto: 1}, {Plan: "p", Undo: true}, {Plan: "p", Undo: true, Upto: 2}, {Plan: "p", Undo: true, Upto: -1}} {
		if s, err := p.Segment(r); err == nil {
			t.Errorf("%+v gave %+v", r, s)
		}
	}
}

func TestRefIsSmall(t *testing.T) {
	b, err := json.Marshal(Ref{Plan: strings.Repeat("f", 16), Unit: 12, Wave: 3, Lane: 999, Segment: 4, Undo: true, Upto: 8})
	if err != nil || len(b) > 128 {
		t.Errorf("%d bytes: %s, %v", len(b), b, err)
	}
}

func TestRestoreRefusesAnotherPlansState(t *testing.T) {
	s := NewMachine(Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 1, "", "a")}}).State()
	for _, p := range []Plan{{}, {Apps: []AppPlan{{App: "web"}}}, {Apps: []AppPlan{walkRolling("web", 1, "", "a", "b")}}} {
		if _, err := Restore(p, s); err == nil {
			t.Errorf("restored into %+v", p)
		}
	}
}
