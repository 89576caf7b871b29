package plan

// settle makes every transition that needs no event.
func (m *Machine) settle() {
	for u := range m.units {
		m.settleFrom(u)
	}
}

// settleFrom settles a unit, and the others if that ended it.
func (m *Machine) settleFrom(u int) {
	if m.s.Units[u].over() || !m.settleUnit(u) {
		return
	}
	for i := range m.units {
		m.settleFrom(i)
	}
}

// settleUnit moves a unit on as far as it goes, and reports whether that ended it.
func (m *Machine) settleUnit(u int) bool {
	s := &m.s.Units[u]
	for {
		was, wave := s.Phase, s.Wave
		switch s.Phase {
		case phaseWaiting:
			m.settleWaiting(u)
		case phaseForward:
			m.settleForward(u)
		case phaseFailing:
			m.settleFailing(u)
		case phaseReverting:
			m.settleReverting(u)
		}
		if s.over() {
			return true
		}
		if s.Phase == was && s.Wave == wave {
			return false
		}
	}
}

func (m *Machine) settleWaiting(u int) {
	s := &m.s.Units[u]
	if m.s.stopping() {
		s.Phase, s.Reason = phaseEnded, "not started: "+m.why()
		return
	}
	over, done := 0, 0
	failed := ""
	for _, w := range m.units[u].waits {
		switch m.s.Units[w].Phase {
		case phaseDone:
			over++
			done++
		case phaseEnded:
			over++
			if failed == "" {
				failed = m.units[w].app
			}
		}
	}
	waits := len(m.units[u].waits)
	isApp := m.units[u].app != ""
	switch {
	case failed != "" && (isApp || over == waits && done == 0):
		s.Phase, s.Reason = phaseEnded, "not started: "+failed+" was not done"
	case over == waits && len(m.units[u].waves) == 0:
		s.Phase = phaseDone
	case over == waits:
		s.Phase = phaseForward
	case m.deadlocked(u):
		s.Phase, s.Reason = phaseEnded, "not started: it waits for itself"
	}
}

// deadlocked: all that a unit waits for comes back to it, so that it would wait for ever.
func (m *Machine) deadlocked(u int) bool {
	seen := make([]bool, len(m.units))
	todo := append([]int{}, m.units[u].waits...)
	for len(todo) > 0 {
		w := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if w == u {
			return true
		}
		if !seen[w] {
			seen[w] = true
			todo = append(todo, m.units[w].waits...)
		}
	}
	return false
}

// settleForward goes from wave to wave.
func (m *Machine) settleForward(u int) {
	s := &m.s.Units[u]
	done := 0
	for i := range s.Waves[s.Wave] {
		l := &s.Waves[s.Wave][i]
		if l.State == "" && len(m.steps(place{u, s.Wave, i})) == 0 {
			l.State = LaneDone
		}
		if l.State == LaneDone {
			done++
		}
		if l.State == LaneFailed || l.State == LaneUndone || l.State == LaneStuck {
			s.Phase = phaseFailing
			return
		}
	}
	host, by := m.barredLane(u)
	switch {
	case done == len(s.Waves[s.Wave]) && s.Wave+1 == len(s.Waves):
		s.Phase = phaseDone
	case by != "":
		s.Phase, s.Reason = phaseFailing, host+": not started: what "+by+" left out of rotation can't be put back, and no more may be out"
	case m.s.stopping():
		s.Phase = phaseFailing
	case done == len(s.Waves[s.Wave]):
		s.Wave++
	}
}

// settleFailing waits for the lanes in hand; then the unit ends, or its finished lanes are reverted.
func (m *Machine) settleFailing(u int) {
	s := &m.s.Units[u]
	if m.s.stopping() && s.Reason == "" {
		s.Reason = m.why()
	}
	switch {
	case m.inHand(u):
	case s.complete():
		s.Phase = phaseDone // what stopped the run came too late to matter here
	case m.reverts(u):
		s.Phase = phaseReverting
	default:
		s.Phase = phaseEnded
	}
}

// settleReverting goes back from wave to wave.
func (m *Machine) settleReverting(u int) {
	s := &m.s.Units[u]
	if m.inHand(u) {
		return
	}
	if s.Stuck || m.s.stopping() {
		s.Phase = phaseEnded
		return
	}
	for i := range s.Waves[s.Wave] {
		if s.Waves[s.Wave][i].State == LaneDone && m.reverted(place{u, s.Wave, i}) {
			return
		}
	}
	if s.Wave == 0 {
		s.Phase = phaseEnded
		return
	}
	s.Wave--
}

// inHand settles the lanes of the wave in hand, and reports whether one of them still has to do something.
func (m *Machine) inHand(u int) bool {
	s := &m.s.Units[u]
	some := false
	for i := range s.Waves[s.Wave] {
		at := place{u, s.Wave, i}
		l := m.lane(at)
		if l.State == LaneRunning && !l.Flying && m.s.stopping() {
			m.abandon(at)
		}
		if l.State == LaneFailed && !l.Flying && l.Segment == len(m.segments(at)) {
			l.State = LaneUndone
		}
		some = some || l.Flying || l.busy() && !m.s.halted()
	}
	return some
}

// complete: all lanes of all waves are done.
func (s *UnitState) complete() bool {
	for _, l := range s.Waves[s.Wave] {
		if l.State != LaneDone {
			return false
		}
	}
	return s.Wave+1 == len(s.Waves)
}

// abandon ends a lane between two segments; what it did is undone.
func (m *Machine) abandon(at place) {
	l := m.lane(at)
	l.turnBack()
	if l.Error == "" {
		l.Error = m.why()
	}
}

// reverts reports whether the finished lanes of a failed unit are undone.
func (m *Machine) reverts(u int) bool {
	if !m.units[u].revert && !m.units[u].waves[m.s.Units[u].Wave].Revert || m.s.stopping() {
		return false
	}
	for w := range m.s.Units[u].Waves {
		for i := range m.s.Units[u].Waves[w] {
			at := place{u, w, i}
			for _, step := range m.steps(at)[:m.begun(at)] {
				if step.NoReturn {
					return false
				}
			}
		}
	}
	return true
}

// reverted reports whether a finished lane is undone when its unit reverts: it can be, and has to be.
func (m *Machine) reverted(at place) bool { return m.revertible(at) && m.barred(at) == "" }

// revertible reports whether a finished lane can be undone, and has to be: its wave changes hosts.
func (m *Machine) revertible(at place) bool {
	if !m.units[at.unit].changing[at.wave] {
		return false
	}
	for _, step := range m.steps(at) {
		if len(step.Undo) > 0 {
			return true
		}
	}
	return false
}
