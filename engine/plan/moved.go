package plan

import (
	"fmt"
	"slices"
)

// Moved says what is not as a run left it that was cut off: so that to go on with its plan is not safe. Hosts that the plan left out
// are not looked at. An empty answer means that the rest of the plan still holds.
//
//   - A host whose turn is in hand has a link that the turn, or its undo, can have made or found. Its steps find out the rest themselves.
//   - A host whose turn has not come is as the plan was made for, but for what the run installed there.
//   - A host that had its turn has the release that the turn gave it, and serves.
//   - No other plan works on the host's releases: what the turns that are left link to is there, complete.
func Moved(p Plan, s State, f Facts) []Change {
	var out []Change
	for u, a := range p.Apps {
		if u >= len(s.Units) {
			break
		}
		for _, h := range a.Source.Hosts() {
			if p.Skips(a.App, h) {
				continue
			}
			left := leftBy(a, s.Units[u], h)
			compare := left.compare
			if left.inHand {
				compare = left.linked
			}
			for _, what := range compare(p, a, h, f) {
				out = append(out, Change{App: a.App, Host: h, What: what})
			}
		}
	}
	return out
}

// leftState is how a run left one host of one app.
type leftState struct {
	inHand bool
	links  []string // releases that a turn in hand links, or links back; "": it removes the link
	turned bool     // a turn that changes the host is done
	undone bool     // its turn was undone: whether it serves is what the undo left
	steps  []Step
	needs  []string // releases that turns to come link to
}

// leftBy follows the lanes of a host through the waves.
func leftBy(a AppPlan, s UnitState, host string) leftState {
	var out leftState
	made := map[string]bool{} // releases that the plan makes there, at a time to come
	for w := range a.Waves {
		for l, lane := range a.Waves[w].Lanes {
			if lane.Host != host || w >= len(s.Waves) || l >= len(s.Waves[w]) {
				continue
			}
			switch s.Waves[w][l].State {
			case "":
				out.pending(lane.Steps, made)
			case LaneDone:
				out.steps = append(out.steps, lane.Steps...)
				out.turned = out.turned || changing(lane.Steps)
			case LaneUndone:
				if !changing(lane.Steps) {
					continue
				}
				out.steps, out.undone = append(out.steps, undoOf(lane, len(lane.Steps))...), true
			default:
				out.inHand = true
				out.links = append(out.links, linksOf(append(undoOf(lane, len(lane.Steps)), lane.Steps...))...)
			}
		}
	}
	return out
}

// linksOf are the releases that steps link as the live one.
func linksOf(steps []Step) []string {
	var out []string
	for _, s := range steps {
		if op, ok := s.Op.(Link); ok && op.Name != "" {
			out = append(out, op.Release)
		}
	}
	return out
}

func (l *leftState) pending(steps []Step, made map[string]bool) {
	for _, s := range steps {
		switch op := s.Op.(type) {
		case Record:
			if op.What == "complete" {
				made[op.Release] = true
			}
		case Link:
			if op.Name != "" && op.Release != "" && !made[op.Release] {
				l.needs = append(l.needs, op.Release)
			}
		}
	}
}

// was is the host as the turns that are done left it.
func (l leftState) was(p Plan, a AppPlan, host string) Installed {
	was := p.Observed.Apps[a.App][host]
	for _, s := range l.steps {
		was = was.after(s.Op)
	}
	return was
}

// linked says that a host whose turn is in hand has a link that its run had no part in.
func (l leftState) linked(p Plan, a AppPlan, host string, f Facts) []string {
	was, now := l.was(p, a, host), f.Apps[a.App][host]
	if now.Current == was.Current || slices.Contains(l.links, now.Current) {
		return nil
	}
	return []string{fmt.Sprintf("current is %s, the run left %s", orNone(now.Current), orNone(was.Current))}
}

// compare says what is different from how the run left the host.
func (l leftState) compare(p Plan, a AppPlan, host string, f Facts) []string {
	was, now := l.was(p, a, host), f.Apps[a.App][host]
	var out []string
	pair := func(what, w, n string) {
		if w != n {
			out = append(out, fmt.Sprintf("%s is %s, the run left %s", what, orNone(n), orNone(w)))
		}
	}
	pair("current", was.Current, now.Current)
	pair("the enable marker", thereOrNot(was.Marked), thereOrNot(now.Marked))
	if was.Service == "active" && !l.undone {
		pair("service", was.Service, now.Service)
	}
	for _, r := range l.needs {
		if !now.complete(r) {
			out = append(out, r+" is not there any more")
		}
	}
	if slices.Contains(a.Source.Servers, host) && !l.undone {
		out = append(out, l.rotation(p.Observed.Rotation[a.App][host], f.Rotation[a.App][host])...)
	}
	return out
}

// rotation: a server that had its turn is in rotation; others are as they were.
func (l leftState) rotation(was, now []Rotation) []string {
	var out []string
	for i, n := range now {
		w := rotationAt(was, i)
		switch {
		case l.turned && (n.State == RotationOut || n.State == RotationDown):
			out = append(out, rotationAt(now, i)+", the run left it in")
		case !l.turned && rotationAt(now, i) != w && n.State != RotationIn:
			out = append(out, rotationAt(now, i)+", was "+w)
		}
	}
	return out
}

// after is what a host has once an op was done to it; only what Moved compares is followed.
func (i Installed) after(op Op) Installed {
	switch op := op.(type) {
	case Link:
		if op.Name != "" {
			i.Current = op.Release
		}
	case Record:
		switch {
		case op.What == "trial":
			i.Trial = op.Release
		case op.What == "judged" && i.Trial == op.Release:
			i.Trial = ""
		}
	case MarkerOp:
		i.Marked = op.Present
	case AdmitOp:
		i.Marked = i.Marked && !slices.ContainsFunc(op.Points, func(p Point) bool { return p.Driver.Marker != nil })
	case ServiceOp:
		i.Service = "inactive"
		if op.Action == Start {
			i.Service = "active"
		}
	}
	return i
}
