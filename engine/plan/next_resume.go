package plan

import "slices"

// resume takes a run over. What is known to be done is not done again; the step that was running, and what was only observed
// before it, are. Where a step can't be repeated and may have been started, its lane is undone. Stuck undos are tried again,
// and what a stop or a lost lock left is undone. A cancelled run stays cancelled.
func (m *Machine) resume() {
	m.s.Stopped, m.s.Lost = false, ""
	for u := range m.s.Units {
		s := &m.s.Units[u]
		left := false
		for w := range s.Waves {
			for i := range s.Waves[w] {
				m.reclaim(place{u, w, i})
				left = left || s.Waves[w][i].busy()
			}
		}
		if !left {
			continue
		}
		s.Stuck = false
		if s.Phase == phaseEnded {
			s.Phase = phaseFailing
		}
	}
}

// reclaim makes a lane that a dead driver had in hand ready to go on.
func (m *Machine) reclaim(at place) {
	l := m.lane(at)
	if l.Flying {
		m.land(at)
	}
	if l.State == LaneStuck {
		l.State, l.UndoError, l.Bad = LaneFailed, "", false
	}
	if l.busy() && l.Segment < len(m.segments(at)) {
		m.stepBack(at)
	}
}

// land ends a segment that nobody runs any more, as far as it is known to have come.
func (m *Machine) land(at place) {
	l := m.lane(at)
	whole := l.Got == len(m.segment(at))
	switch {
	case l.Bad || whole:
		m.finish(at, "")
	case l.Undo || l.Ahead || Repeatable(m.segment(at)[l.Got].Op):
		if !l.Undo {
			l.Upto = m.begun(at)
		}
		l.Flying, l.From = false, l.Got
	default:
		m.finish(at, "it was running when the run was cut off, and can't be repeated")
	}
}

// stepBack sets a lane to where it goes on: at the first step that is not known to be done, or before it.
//
//   - What was only observed right before that step is observed again: probes, a bake, the check of a drain.
//   - A server that is drained is proven to be so again, however far its turn had come: its proxies may have forgotten it.
//
// What lies between is known, and not done again.
func (m *Machine) stepBack(at place) {
	l := m.lane(at)
	var steps []Step
	for _, s := range m.segments(at) {
		steps = append(steps, s...)
	}
	next := max(l.Known, m.before(at)+l.From)
	l.Known = next
	for l.Known > 0 && steps[l.Known-1].Op.Transport() == Dial {
		l.Known--
	}
	first := l.Known
	if !slices.ContainsFunc(steps[l.Known:next], rotates) {
		first = standingDrain(steps[:l.Known])
	}
	for i, s := range m.segments(at) {
		if first < len(s) {
			l.Segment, l.From = i, first
			break
		}
		first -= len(s)
	}
	l.noteUndone(m.before(at) + l.From)
}

// standingDrain finds the last drain that no admit follows; without one it is the number of steps.
func standingDrain(steps []Step) int {
	for i, s := range slices.Backward(steps) {
		if _, out := s.Op.(DrainOp); out {
			return i
		}
		if rotates(s) {
			break
		}
	}
	return len(steps)
}

// rotates reports whether a step is about rotation.
func rotates(s Step) bool {
	switch s.Op.(type) {
	case DrainOp, AdmitOp:
		return true
	}
	return false
}

// Repeatable reports whether a step of unknown end may simply be done again, because it looks first whether it is done already.
// Only the user's own commands don't.
func Repeatable(op Op) bool {
	run, hook := op.(Run)
	return !hook || run.Phase == "build"
}
