package plan

import (
	"fmt"
	"strings"
)

// Apply takes in one event. An event that does not fit (of another plan, a segment that was not to be started, a result of a
// segment that does not run) is an error and changes nothing.
func (m *Machine) Apply(e Event) error {
	if err := m.apply(e); err != nil {
		return fmt.Errorf("event %d (%s): %w", e.Seq, e.Kind, err)
	}
	return nil
}

func (m *Machine) apply(e Event) error {
	switch e.Kind {
	case SegmentStarted, StepFinished, StepNotStarted, SegmentFinished:
		return m.applySegment(e)
	case CancelAsked:
		m.s.Cancelled = true
		m.noteCut()
	case StopAsked:
		m.s.Stopped = true
		m.noteCut()
	case DeadlinePassed:
		m.s.Deadline = true
	case LockLost:
		if m.s.Lost == "" {
			m.s.Lost = e.Host
		}
		if m.s.Lost == "" {
			m.s.Lost = "a host"
		}
	case Resumed:
		m.resume()
	default:
		return fmt.Errorf("unknown kind of event")
	}
	m.settle()
	return nil
}

func (m *Machine) applySegment(e Event) error {
	at, err := m.find(e.Ref)
	if err != nil {
		return err
	}
	if e.Kind == SegmentStarted {
		return m.start(at, *e.Ref)
	}
	l := m.lane(at)
	if !l.Flying || m.ref(at) != *e.Ref {
		return fmt.Errorf("segment %+v does not run", *e.Ref)
	}
	switch e.Kind {
	case StepFinished:
		return m.result(at, e.Result)
	case StepNotStarted:
		return m.notStarted(at, e.Result)
	}
	m.finish(at, e.Error)
	m.settleFrom(at.unit)
	return nil
}

func (m *Machine) find(r *Ref) (place, error) {
	if r == nil {
		return place{}, fmt.Errorf("no segment is named")
	}
	if r.Plan != m.plan {
		return place{}, fmt.Errorf("segment of plan %q, not of %q", r.Plan, m.plan)
	}
	s := m.s.Units
	if r.Unit < 0 || r.Unit >= len(s) || r.Wave < 0 || r.Wave >= len(s[r.Unit].Waves) ||
		r.Lane < 0 || r.Lane >= len(s[r.Unit].Waves[r.Wave]) {
		return place{}, fmt.Errorf("the plan has no lane %d in wave %d of unit %d", r.Lane, r.Wave, r.Unit)
	}
	return place{r.Unit, r.Wave, r.Lane}, nil
}

func (m *Machine) start(at place, r Ref) error {
	want, isNew, ok := m.wanted(at)
	if !ok || want != r || isNew && (m.free(at.unit) == 0 || !m.fits(at, m.used())) {
		return fmt.Errorf("segment %+v was not to be started", r)
	}
	l := m.lane(at)
	l.Flying, l.Got, l.Bad, l.Ahead = true, l.From, false, false
	switch {
	case isNew && r.Undo:
		l.turnBack()
		l.Upto = r.Upto
	case isNew:
		l.State = LaneRunning
	}
	return nil
}

// result takes in what became of a step. Results come in the order of the steps; nothing follows a bad one.
func (m *Machine) result(at place, r *Result) error {
	l, steps := m.lane(at), m.segment(at)
	if !m.running(at, r) {
		return fmt.Errorf("the result is not of the step that runs")
	}
	step := steps[l.Got]
	l.Ahead = false
	l.count(step, *r)
	switch r.Status {
	case Changed, Unchanged:
		l.Got++
		if l.Undo {
			l.Undone++
		}
		return nil
	case Failed, Unknown, NotRun:
	default:
		return fmt.Errorf("unknown status %q", r.Status)
	}
	started := m.begun(at)
	if r.Status == NotRun {
		started = max(l.Upto, m.before(at)+l.Got)
	}
	l.Bad = true
	m.fail(at, step, worded(*r))
	if !l.Undo {
		l.Upto = started
	}
	return nil
}

// count adds up the requests that the deadlines of drains cut. What a drain left in flight is cut when the process is stopped, and not
// before: it may end by itself, or the turn may be taken back. The last drain before the stop knows best.
func (l *LaneState) count(s Step, r Result) {
	l.Cut += r.Cut
	switch op := s.Op.(type) {
	case DrainOp:
		l.Left = r.Left
	case AdmitOp:
		l.Left = 0
	case ServiceOp:
		if op.Action != Stop || r.Status == NotRun {
			return
		}
		l.Cut, l.Left = l.Cut+l.Left, 0
	}
}

// notStarted notes what a host says of the step in flight of a driver that died.
func (m *Machine) notStarted(at place, r *Result) error {
	if !m.running(at, r) {
		return fmt.Errorf("it is not about the step that runs")
	}
	m.lane(at).Ahead = true
	return nil
}

// running: the result is of the step that is next in a segment in flight.
func (m *Machine) running(at place, r *Result) bool {
	l, steps := m.lane(at), m.segment(at)
	return r != nil && !l.Bad && l.Got < len(steps) && steps[l.Got].ID == r.Step
}

func worded(r Result) string {
	switch {
	case r.Error != "":
		return r.Error
	case r.Exit != 0:
		return fmt.Sprintf("exit status %d", r.Exit)
	case r.Status == Unknown:
		return "its end is not known"
	}
	return r.Status
}

// fail notes the first failure of a lane, and of its unit.
func (m *Machine) fail(at place, step Step, text string) {
	l, s := m.lane(at), &m.s.Units[at.unit]
	if l.Undo {
		l.UndoError = text
	}
	if l.Error == "" {
		l.Step, l.Error = step.ID, text
	}
	if s.Reason == "" {
		s.Reason = step.Host + ": " + step.Title + ": " + strings.TrimPrefix(text, step.Host+": "+step.Title+": ")
	}
}

// finish ends a segment. Without a result for each of its steps, the first step that has none was perhaps started.
func (m *Machine) finish(at place, failure string) {
	l, steps := m.lane(at), m.segment(at)
	if !l.Bad && l.Got < len(steps) {
		m.lose(at, failure)
	}
	if l.Bad && l.Undo {
		l.Flying, l.State, l.From = false, LaneStuck, l.Got
		m.s.Units[at.unit].Stuck = true
		return
	}
	if l.Bad {
		l.Flying = false
		l.turnBack()
		return
	}
	if !l.Undo {
		l.Upto = max(l.Upto, m.before(at)+len(steps))
	}
	l.Flying = false
	switch last := m.advance(at); {
	case last && l.Undo:
		l.State = LaneUndone
	case last:
		l.State = LaneDone
	}
}

// advance goes to the next segment that has a step that is not known to be done, and reports whether there is none.
func (m *Machine) advance(at place) (last bool) {
	l, segments := m.lane(at), m.segments(at)
	at0 := m.before(at) + len(segments[l.Segment])
	for l.Segment++; l.Segment < len(segments); l.Segment++ {
		if n := len(segments[l.Segment]); at0+n <= l.Known {
			at0 += n
			continue
		}
		l.From = max(0, l.Known-at0)
		l.noteUndone(at0 + l.From)
		return false
	}
	l.From = 0
	l.noteUndone(at0)
	return true
}

// noteUndone notes how many steps of an undo are done.
func (l *LaneState) noteUndone(n int) {
	if l.Undo {
		l.Undone = n
	}
}

// turnBack begins the undo of what was started.
func (l *LaneState) turnBack() {
	l.State, l.Undo, l.Segment, l.From, l.Known = LaneFailed, true, 0, 0, 0
}

// lose notes that the end of a running segment's step is not known.
func (m *Machine) lose(at place, failure string) {
	l := m.lane(at)
	switch {
	case m.s.stopping() && !l.Undo:
		failure = m.why()
	case failure == "":
		failure = "no result came"
	}
	started := m.begun(at)
	m.fail(at, m.segment(at)[l.Got], failure)
	l.Bad = true
	if !l.Undo {
		l.Upto = started
	}
}

func (m *Machine) noteCut() {
	for u := range m.s.Units {
		if !m.s.Units[u].over() {
			m.s.Units[u].Cut = true
		}
	}
}
