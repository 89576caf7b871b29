package plan

import "fmt"

// Next says what to do next. It is a pure function of the plan and the journal, so any engine can drive it. Events that do
// not fit the plan are skipped; use a Machine to be told of them, and where the journal grows.
func Next(p Plan, j Journal) Decision {
	m := NewMachine(p)
	for _, e := range j {
		if m.Apply(e) != nil {
			continue
		}
	}
	return m.Decide()
}

// Replay gives the machine of a journal. An event that does not fit the plan is an error.
func Replay(p Plan, j Journal) (*Machine, error) {
	m := NewMachine(p)
	for _, e := range j {
		if err := m.Apply(e); err != nil {
			return nil, fmt.Errorf("the journal does not fit the plan: %w", err)
		}
	}
	return m, nil
}

// Machine is Next, folded event by event. It decides everything that happens to a run: what starts when, what a failure,
// a cancel, a passed deadline or a lost lock means. It reads no clock and does no I/O. It is not for concurrent use.
//
// The words, exactly:
//
//   - Apps run in parallel, after the apps that they name in After; if one of those was not done, the app is not started. A group
//     runs when all apps that it needs ended and one of them was done.
//   - Waves of an app run one after another. At most MaxParallel lanes of a wave are in hand. Segments of a lane run in order.
//   - A lane starts when each limit that it takes has a place left, and keeps the places until it ends. A lane that got stuck keeps those
//     that are Kept; what can't start any more for that is a failure of its app.
//   - A lane that fails starts no new lane of its app; running ones finish. The steps of the lane that were started are undone in
//     reverse order, the failed or unknown one first. A failing undo ends the lane: it is stuck.
//   - Then "revert", and a wave that says so (Revert), undoes the finished lanes of the waves that change hosts, last wave first, under each wave's MaxParallel.
//     It is not begun when a lane is stuck or a step without return was started, and not continued after a lane got stuck.
//   - After a cancel or the deadline nothing new starts, waiting segments are interrupted, and lanes in hand are undone. Lanes
//     that were done stay, and undos in hand are finished.
//   - After a lost lock or a stop nothing starts at all, undos neither.
type Machine struct {
	units  []unit
	limits []Limit
	plan   string // ID
	skips  []Skipped
	out    []LeftOut
	facts  Facts // that the plan was made for

	deadline   Duration
	deadlineBy string
	s          State
}

// unit is one app's or one group's work, with names resolved to indices.
type unit struct {
	app, group string
	waves      []Wave
	takes      limited
	changing   []bool // by wave: a step of it changes its host
	waits      []int  // units that end first
	skipped    []Skipped
	revert     bool
}

// NewMachine gives the machine of a run that was not started.
func NewMachine(p Plan) *Machine {
	m := build(p)
	m.s.Units = make([]UnitState, len(m.units))
	for u := range m.units {
		waves := make([][]LaneState, len(m.units[u].waves))
		for w := range waves {
			waves[w] = make([]LaneState, len(m.units[u].waves[w].Lanes))
		}
		m.s.Units[u].Waves = waves
	}
	m.settle()
	return m
}

// build resolves the plan's units; names of apps that are not in the plan wait for nothing.
func build(p Plan) *Machine {
	m := &Machine{plan: p.ID, limits: p.Limits, skips: p.Skipped, out: p.LeftOut, facts: p.Observed, deadline: p.Deadline, deadlineBy: p.DeadlineBy}
	index := make(map[string]int, len(p.Apps))
	for i, a := range p.Apps {
		index[a.App] = i
	}
	indices := func(names []string) []int {
		var found []int
		for _, n := range names {
			if i, ok := index[n]; ok {
				found = append(found, i)
			}
		}
		return found
	}
	for _, a := range p.Apps {
		m.units = append(m.units, unit{app: a.App, waves: a.Waves, waits: indices(a.After), revert: a.OnFailure == "revert"})
	}
	for _, s := range p.Skipped {
		if i, ok := index[s.App]; ok {
			m.units[i].skipped = append(m.units[i].skipped, s)
		}
	}
	for _, g := range p.Groups {
		m.units = append(m.units, unit{group: g.ID, waves: groupWaves(g), waits: indices(g.Needs)})
	}
	limits := make(map[string]int, len(p.Limits))
	for i, l := range p.Limits {
		limits[l.Name] = i
	}
	for u := range m.units {
		m.units[u].takes = resolveLimits(m.units[u].waves, limits)
		for _, w := range m.units[u].waves {
			m.units[u].changing = append(m.units[u].changing, changingWave(w))
		}
	}
	return m
}

func changingWave(w Wave) bool {
	for _, l := range w.Lanes {
		if changing(l.Steps) {
			return true
		}
	}
	return false
}

// groupWaves gives a group's lanes as its only wave.
func groupWaves(g Group) []Wave { return []Wave{{Name: g.ID, Lanes: g.Lanes}} }

// Decide says what to do now. It changes nothing: until a SegmentStarted was applied, the segment is offered again. Undos
// come first in Start, then lanes in hand, then new lanes; a driver may start fewer from the front and ask again later.
func (m *Machine) Decide() Decision {
	var d Decision
	var on, fresh []Ref
	ended := true
	used := m.used()
	for u := range m.units {
		s := &m.s.Units[u]
		if s.over() {
			continue
		}
		ended = false
		if s.Phase == phaseWaiting {
			continue
		}
		free := m.free(u)
		for i := range s.Waves[s.Wave] {
			at := place{u, s.Wave, i}
			if r, ok := m.cut(at); ok {
				d.Interrupt = append(d.Interrupt, r)
			}
			r, isNew, ok := m.wanted(at)
			switch {
			case !ok || isNew && (free == 0 || !m.fits(at, used)):
			case isNew:
				fresh = append(fresh, r)
				free--
				m.take(at, used)
			case r.Undo:
				d.Start = append(d.Start, r)
			default:
				on = append(on, r)
			}
		}
	}
	d.Start = append(append(d.Start, on...), fresh...)
	if ended {
		o := m.Outcome()
		d.Finished = &o
	}
	return d
}

// wanted gives the segment that a lane would run next. isNew: it is the lane's first, and needs a free place in its wave.
func (m *Machine) wanted(at place) (r Ref, isNew, ok bool) {
	l, s := m.lane(at), &m.s.Units[at.unit]
	if l.Flying || m.s.halted() || s.Wave != at.wave {
		return Ref{}, false, false
	}
	switch {
	case l.State == LaneRunning || l.State == LaneFailed:
		return m.ref(at), false, true
	case l.State == "" && s.Phase == phaseForward && !m.s.stopping():
		return m.ref(at), true, true
	case l.State == LaneDone && s.Phase == phaseReverting && m.reverted(at) && !m.s.stopping() && !s.Stuck:
		steps := len(m.steps(at))
		return Ref{Plan: m.plan, Unit: at.unit, Wave: at.wave, Lane: at.lane, Undo: true, Upto: steps}, true, true
	}
	return Ref{}, false, false
}

// cut gives the segment that a lane runs if it should end early. Scripts are cut by a stop only: what they did would be unknown.
func (m *Machine) cut(at place) (Ref, bool) {
	l := m.lane(at)
	if l.Flying && !l.Undo && m.s.Units[at.unit].Phase == phaseFailing && m.asks(at) {
		return m.ref(at), true
	}
	if !l.Flying || !m.s.stopping() {
		return Ref{}, false
	}
	if m.s.Stopped {
		return m.ref(at), true
	}
	if m.segment(at)[0].Op.Transport() == Script {
		return Ref{}, false
	}
	return m.ref(at), m.s.Lost != "" || !l.Undo
}

// asks: the lane waits for a person. Once its unit has failed, the answer matters no more.
func (m *Machine) asks(at place) bool {
	l, steps := m.lane(at), m.segment(at)
	if l.Got >= len(steps) {
		return false
	}
	_, ok := steps[l.Got].Op.(ApproveOp)
	return ok
}

// free counts the lanes that may still start in the wave that a unit has in hand.
func (m *Machine) free(u int) int {
	s := &m.s.Units[u]
	lanes := s.Waves[s.Wave]
	most := m.units[u].waves[s.Wave].MaxParallel
	if most <= 0 {
		return len(lanes)
	}
	for i := range lanes {
		if lanes[i].busy() {
			most--
		}
	}
	return max(most, 0)
}
