package plan

import (
	"slices"
	"strings"
)

// Left is the state in which a stuck lane left its host, as the facts and the journal tell it.
type Left struct {
	// Drained are the proxies that send the server nothing because of the run, sorted.
	Drained []string `json:"drained,omitempty"`
	// Current is the release that the link points to; "": there is none.
	Current string `json:"current,omitempty"`
	// Running is the release whose process runs; "": none does, as far as is known.
	Running string `json:"running,omitempty"`
	// Disabled: the enable marker is there.
	Disabled bool `json:"disabled,omitempty"`
	// Unsure are the titles of steps that were begun and did not end well: what they did is not known.
	Unsure []string `json:"unsure,omitempty"`
}

// String says it in a line for people.
func (l Left) String() string {
	parts := []string{"current is " + orNone(l.Current), "runs " + orNone(l.Running)}
	if len(l.Drained) > 0 {
		parts = append([]string{"drained at " + strings.Join(l.Drained, ", ")}, parts...)
	}
	if l.Disabled {
		parts = append(parts, "disabled by its marker")
	}
	if len(l.Unsure) > 0 {
		parts = append(parts, "not known: what was done by "+strings.Join(l.Unsure, ", "))
	}
	return strings.Join(parts, "; ")
}

// left follows the steps that a lane began, and those of its undo. A step that did not end well may have done all, a part or
// nothing: a drain then counts as done, so that nobody overlooks a proxy; other steps do not.
func (m *Machine) left(at place) *Left {
	lane, l := m.planned(at), m.lane(at)
	was := m.facts.Apps[m.units[at.unit].app][lane.Host]
	out := &Left{Current: was.Current, Running: was.Running, Disabled: was.Marked}
	if out.Running == "" && was.Service == "active" {
		out.Running = was.Current
	}
	begun := lane.Steps[:m.begun(at)]
	for i, s := range begun {
		last := i+1 == len(begun) && (s.ID == l.Step || !l.Undo)
		out.follow(s, !last)
	}
	undo := undoOf(lane, m.begun(at))
	for i, s := range undo[:min(l.Undone+1, len(undo))] {
		if i < l.Undone || l.UndoError != "" {
			out.follow(s, i < l.Undone)
		}
	}
	slices.Sort(out.Drained)
	return out
}

// follow takes in a step: one that ended well, or one of which that is not known.
func (l *Left) follow(s Step, ended bool) {
	drain, drains := s.Op.(DrainOp)
	if drains && !drain.Again {
		l.drained(drain.Points, true)
	}
	if !ended {
		l.Unsure = append(l.Unsure, s.Title)
		return
	}
	switch op := s.Op.(type) {
	case AdmitOp:
		l.drained(op.Points, false)
	case Link:
		if op.Persist == "" {
			l.Current = op.Release
		}
	case ServiceOp:
		l.Running = ""
		if op.Action == Start {
			l.Running = op.Release
		}
	case MarkerOp:
		l.Disabled = op.Present
	}
}

func (l *Left) drained(points []Point, out bool) {
	for _, p := range points {
		l.Drained = slices.DeleteFunc(l.Drained, func(name string) bool { return name == p.Proxy })
		if out {
			l.Drained = append(l.Drained, p.Proxy)
		}
	}
}
