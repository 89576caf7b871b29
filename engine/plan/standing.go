package plan

// Standing counts how far the apps of a run came.
type Standing struct {
	Apps   int `json:"apps"` // that were asked for and have something to do, those that were left out too
	Done   int `json:"done"`
	Failed int `json:"failed"` // ended otherwise than well, or never begun because another one did, or left out
	InHand int `json:"inHand"` // begun, and not ended
}

// Standing tells how far the apps came.
func (m *Machine) Standing() Standing {
	s := Standing{Apps: len(m.out), Failed: len(m.out)}
	for u := range m.units {
		if m.units[u].app == "" {
			continue
		}
		s.Apps++
		switch {
		case m.s.Units[u].Phase == phaseDone:
			s.Done++
		case m.s.Units[u].Phase == phaseEnded:
			s.Failed++
		case m.begunUnit(u):
			s.InHand++
		}
	}
	return s
}

// begunUnit tells whether a lane of the unit was begun.
func (m *Machine) begunUnit(u int) bool {
	for _, wave := range m.s.Units[u].Waves {
		for i := range wave {
			if wave[i].State != "" {
				return true
			}
		}
	}
	return false
}

// Through tells whether the lane of a segment is done.
func (m *Machine) Through(r Ref) bool {
	at, err := m.find(&r)
	return err == nil && m.lane(at).State == LaneDone
}

// Rest gives the steps of a segment in flight that have no result yet.
func (m *Machine) Rest(r Ref) []Step {
	at, err := m.find(&r)
	if err != nil {
		return nil
	}
	if l := m.lane(at); l.Flying && !l.Bad {
		return m.segment(at)[l.Got:]
	}
	return nil
}
