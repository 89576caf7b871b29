package plan

import "fmt"

// State is all that a Machine remembers besides its plan. It is small and plain JSON, so that an engine can carry it over
// instead of a long journal.
type State struct {
	Units     []UnitState `json:"units"`
	Cancelled bool        `json:"cancelled,omitempty"`
	Deadline  bool        `json:"deadline,omitempty"`
	Stopped   bool        `json:"stopped,omitempty"`
	Lost      string      `json:"lost,omitempty"` // host whose lock was lost
}

// UnitState is the state of one app, or of one group.
type UnitState struct {
	Phase string `json:"phase,omitempty"`
	Wave  int    `json:"wave,omitempty"` // in hand
	// Reason is the first failure, or why the unit was not started.
	Reason string `json:"reason,omitempty"`
	// Cut: a cancel or a stop came before the unit ended.
	Cut bool `json:"cut,omitempty"`
	// Stuck: an undo failed.
	Stuck bool          `json:"stuck,omitempty"`
	Waves [][]LaneState `json:"waves"`
}

// Phases of a unit.
const (
	phaseWaiting   = ""          // for other units
	phaseForward   = "forward"   // its waves run
	phaseFailing   = "failing"   // no new lane starts; those in hand finish or are undone
	phaseReverting = "reverting" // finished lanes are undone
	phaseDone      = "done"      // all lanes are done
	phaseEnded     = "ended"     // something is not done, and nothing more will be
)

// LaneState is the state of one lane.
type LaneState struct {
	State string `json:"state,omitempty"` // "": pending
	// Undo: the undo of the first Upto steps has begun; Segment counts its segments.
	Undo    bool `json:"undo,omitempty"`
	Segment int  `json:"segment,omitempty"` // that runs, or is next
	From    int  `json:"from,omitempty"`    // steps of Segment that an earlier driver has done
	Known   int  `json:"known,omitempty"`   // steps, from the first, that an earlier driver has done: not done again
	Ahead   bool `json:"ahead,omitempty"`   // the step after Got was never started, says its host
	Flying  bool `json:"flying,omitempty"`  // Segment runs
	Got     int  `json:"got,omitempty"`     // steps of Segment that ended well
	Bad     bool `json:"bad,omitempty"`     // a step of Segment ended badly
	Upto    int  `json:"upto,omitempty"`    // steps that were started, as far as is known
	Undone  int  `json:"undone,omitempty"`  // undo steps that ended well
	Cut     int  `json:"cut,omitempty"`     // requests that a drain's deadline cut
	Left    int  `json:"left,omitempty"`    // requests that were in flight at the end of the last drain
	// Step and Error name the first failure, UndoError the undo's.
	Step      string `json:"step,omitempty"`
	Error     string `json:"error,omitempty"`
	UndoError string `json:"undoError,omitempty"`
}

// State gives a copy of what the machine remembers.
func (m *Machine) State() State {
	s := m.s
	s.Units = make([]UnitState, len(m.s.Units))
	for u := range s.Units {
		s.Units[u] = m.s.Units[u]
		s.Units[u].Waves = make([][]LaneState, len(m.s.Units[u].Waves))
		for w := range s.Units[u].Waves {
			s.Units[u].Waves[w] = append([]LaneState{}, m.s.Units[u].Waves[w]...)
		}
	}
	return s
}

// Restore gives the machine of a plan with a state that State gave. A state of another plan is an error.
func Restore(p Plan, s State) (*Machine, error) {
	m := NewMachine(p)
	if len(s.Units) != len(m.units) {
		return nil, fmt.Errorf("the state has %d units, the plan %d", len(s.Units), len(m.units))
	}
	for u := range m.units {
		if err := sameShape(m.s.Units[u], s.Units[u]); err != nil {
			return nil, fmt.Errorf("unit %d: %w", u, err)
		}
	}
	m.s = s
	m.s = m.State()
	return m, nil
}

func sameShape(a, b UnitState) error {
	if len(a.Waves) != len(b.Waves) {
		return fmt.Errorf("the state has %d waves, the plan %d", len(b.Waves), len(a.Waves))
	}
	for w := range a.Waves {
		if len(a.Waves[w]) != len(b.Waves[w]) {
			return fmt.Errorf("wave %d: the state has %d lanes, the plan %d", w, len(b.Waves[w]), len(a.Waves[w]))
		}
	}
	return nil
}

// Open gives the segments that were started and have not finished, in plan order, each with the steps that have no result.
func (m *Machine) Open() []Segment {
	var out []Segment
	for _, r := range m.InFlight() {
		at := place{r.Unit, r.Wave, r.Lane}
		l := m.lane(at)
		if left := m.segment(at)[l.Got:]; len(left) > 0 && !l.Bad {
			out = append(out, Segment{Ref: r, App: m.units[at.unit].app, Host: left[0].Host, As: left[0].As, Transport: left[0].Op.Transport(), Steps: left})
		}
	}
	return out
}

// InFlight gives the segments that were started and have not finished, in plan order.
func (m *Machine) InFlight() []Ref {
	var refs []Ref
	for u := range m.s.Units {
		for w := range m.s.Units[u].Waves {
			for i := range m.s.Units[u].Waves[w] {
				if m.s.Units[u].Waves[w][i].Flying {
					refs = append(refs, m.ref(place{u, w, i}))
				}
			}
		}
	}
	return refs
}

// place is where a lane is.
type place struct{ unit, wave, lane int }

func (m *Machine) lane(at place) *LaneState { return &m.s.Units[at.unit].Waves[at.wave][at.lane] }

func (m *Machine) planned(at place) Lane { return m.units[at.unit].waves[at.wave].Lanes[at.lane] }

func (m *Machine) steps(at place) []Step { return m.planned(at).Steps }

// ref names the segment that a lane runs, or runs next.
func (m *Machine) ref(at place) Ref {
	l := m.lane(at)
	r := Ref{Plan: m.plan, Unit: at.unit, Wave: at.wave, Lane: at.lane, Segment: l.Segment, From: l.From, Undo: l.Undo}
	if l.Undo {
		r.Upto = l.Upto
	}
	return r
}

// segments gives the segments of what a lane is at: of its steps, or of its undo.
func (m *Machine) segments(at place) [][]Step {
	if l := m.lane(at); l.Undo {
		return runs(undoOf(m.planned(at), l.Upto))
	}
	return Segments(m.planned(at))
}

// segment gives the steps of the segment that a lane runs.
func (m *Machine) segment(at place) []Step { return m.segments(at)[m.lane(at).Segment] }

// before counts the steps of the segments before the one in hand.
func (m *Machine) before(at place) int {
	n := 0
	for _, s := range m.segments(at)[:m.lane(at).Segment] {
		n += len(s)
	}
	return n
}

// begun counts a lane's steps that were perhaps started.
func (m *Machine) begun(at place) int {
	l := m.lane(at)
	if l.Undo || !l.Flying {
		return l.Upto
	}
	return max(l.Upto, m.before(at)+min(l.Got+1, len(m.segment(at))))
}

// changed reports whether a step of the lane that changes its host was started.
func (m *Machine) changed(at place) bool { return changing(m.steps(at)[:m.begun(at)]) }

func changing(steps []Step) bool {
	for i := range steps {
		if steps[i].Changes {
			return true
		}
	}
	return false
}

// busy: the lane takes a place in its wave.
func (l *LaneState) busy() bool { return l.State == LaneRunning || l.State == LaneFailed }

func (s *UnitState) over() bool { return s.Phase == phaseDone || s.Phase == phaseEnded }

// stopping: no lane starts, and lanes in hand are undone.
func (s *State) stopping() bool { return s.Cancelled || s.Deadline || s.halted() }

// halted: nothing starts, undos neither.
func (s *State) halted() bool { return s.Stopped || s.Lost != "" }

// why says what ends the run early.
func (s *State) why() string {
	switch {
	case s.Lost != "":
		return "the lock on " + s.Lost + " was lost"
	case s.Stopped:
		return "the run was stopped at once"
	case s.Cancelled:
		return "the run was cancelled"
	}
	return "the run's deadline passed"
}
