package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawPlan draws a plan of a few apps and groups with every shape of lane.
func drawPlan(t *rapid.T) Plan {
	p := Plan{ID: "p"}
	for i := range rapid.IntRange(0, 3).Draw(t, "limits") {
		p.Limits = append(p.Limits, Limit{Name: fmt.Sprintf("limit%d", i), Most: rapid.IntRange(1, 2).Draw(t, "most"), Kept: rapid.Bool().Draw(t, "kept")})
	}
	var names []string
	for a := range rapid.IntRange(0, 3).Draw(t, "apps") {
		name := fmt.Sprintf("app%d", a)
		app := AppPlan{App: name, OnFailure: rapid.SampledFrom([]string{"hold", "revert"}).Draw(t, "onFailure")}
		for _, n := range names {
			if rapid.IntRange(0, 3).Draw(t, "after") == 0 {
				app.After = append(app.After, n)
			}
		}
		for w := range rapid.IntRange(0, 3).Draw(t, "waves") {
			app.Waves = append(app.Waves, drawWave(t, fmt.Sprintf("%s/%d", name, w), p.Limits))
		}
		names = append(names, name)
		p.Apps = append(p.Apps, app)
	}
	for g := range rapid.IntRange(0, 2).Draw(t, "groups") {
		id := fmt.Sprintf("group%d", g)
		group := Group{ID: id, Lanes: drawWave(t, id, p.Limits).Lanes}
		for _, n := range names {
			if rapid.Bool().Draw(t, "needs") {
				group.Needs = append(group.Needs, n)
			}
		}
		p.Groups = append(p.Groups, group)
	}
	return p
}

func drawWave(t *rapid.T, id string, limits []Limit) Wave {
	w := Wave{Name: id, MaxParallel: rapid.IntRange(0, 3).Draw(t, "maxParallel")}
	quiet := rapid.IntRange(0, 3).Draw(t, "quiet") == 0
	for l := range rapid.IntRange(0, 4).Draw(t, "lanes") {
		host := fmt.Sprintf("h%d", l)
		lane := Lane{Host: host}
		for _, limit := range limits {
			if rapid.Bool().Draw(t, "takes") {
				lane.Takes = append(lane.Takes, limit.Name)
			}
		}
		for s := range rapid.IntRange(0, 5).Draw(t, "steps") {
			via := rapid.SampledFrom([]Transport{Script, Script, SFTP, Dial, Local}).Draw(t, "via")
			step := walkStep(fmt.Sprintf("%s/%s/%d", id, host, s), host, via, rapid.IntRange(0, 2).Draw(t, "undo"))
			step.Changes = !quiet && rapid.Bool().Draw(t, "changes")
			step.NoReturn = rapid.IntRange(0, 15).Draw(t, "noReturn") == 0
			lane.Steps = append(lane.Steps, step)
		}
		w.Lanes = append(w.Lanes, lane)
	}
	return w
}

// tracked is what the test itself knows of a lane, from nothing but the events that it sent.
type tracked struct {
	began   bool     // a forward segment was started
	started int      // forward steps that were perhaps started
	failed  bool     // no forward segment may follow
	done    bool     // all its forward steps ended well
	undoing bool     // an undo segment was started
	undone  []string // undo steps that were started, in order
	stuck   bool
}

func (l *tracked) inHand(undoSteps int) bool {
	switch {
	case l.stuck:
		return false
	case l.undoing:
		return len(l.undone) < undoSteps
	case l.failed:
		return undoSteps > 0
	}
	return l.began && !l.done
}

// simulation runs a drawn plan against drawn ends of its steps, and checks what must always hold.
type simulation struct {
	*rapid.T
	p         Plan
	m         *Machine
	j         Journal
	fly       []Ref
	lanes     map[place]*tracked
	cancelled bool // a cancel, a stop or the deadline
	halted    bool
	budget    int // events besides those of segments that may still come
	badness   int // of 20 steps, how many end badly
}

func (s *simulation) event(e Event) {
	e.Seq = len(s.j) + 1
	if err := s.m.Apply(e); err != nil {
		s.Fatalf("%v\nafter %+v", err, s.j)
	}
	s.j = append(s.j, e)
}

func (s *simulation) lane(r Ref) (*tracked, Lane) {
	at := place{r.Unit, r.Wave, r.Lane}
	if s.lanes[at] == nil {
		s.lanes[at] = &tracked{}
	}
	_, waves, err := s.p.unit(r.Unit)
	if err != nil {
		s.Fatal(err)
	}
	return s.lanes[at], waves[r.Wave].Lanes[r.Lane]
}

func (s *simulation) start(r Ref) {
	l, lane := s.lane(r)
	if s.halted {
		s.Fatalf("%+v starts although the run is halted", r)
	}
	if !r.Undo {
		s.mayGoForward(r, l)
		l.began = true
	} else {
		if !l.failed && !l.done && !s.cancelled {
			s.Fatalf("%+v undoes a lane in hand that did not fail", r)
		}
		if r.Upto != l.started {
			s.Fatalf("%+v undoes %d steps, %d were started in %s", r, r.Upto, l.started, lane.Host)
		}
		l.undoing, l.failed = true, true
	}
	s.event(Event{Kind: SegmentStarted, Ref: &r})
	s.fly = append(s.fly, r)
	s.withinLimits(r)
	s.withinNamedLimits()
}

func (s *simulation) mayGoForward(r Ref, l *tracked) {
	if l.failed || l.undoing || s.cancelled {
		s.Fatalf("%+v goes forward after a failure or a cancel", r)
	}
	if r.Unit < len(s.p.Apps) {
		for _, after := range s.p.Apps[r.Unit].After {
			if !s.unitDone(slices.IndexFunc(s.p.Apps, func(a AppPlan) bool { return a.App == after })) {
				s.Fatalf("%+v starts before %s was done", r, after)
			}
		}
	}
	_, waves, _ := s.p.unit(r.Unit)
	for w := range r.Wave {
		if !s.waveDone(r.Unit, w) {
			s.Fatalf("%+v starts before wave %d was done", r, w)
		}
	}
	if l.began {
		return
	}
	for w := range waves {
		for i := range waves[w].Lanes {
			if other := s.lanes[place{r.Unit, w, i}]; other != nil && other.failed {
				s.Fatalf("%+v is a new lane after a lane of its app failed", r)
			}
		}
	}
}

func (s *simulation) waveDone(u, w int) bool {
	_, waves, _ := s.p.unit(u)
	for i, lane := range waves[w].Lanes {
		l := s.lanes[place{u, w, i}]
		if len(lane.Steps) > 0 && (l == nil || !l.done || l.undoing) {
			return false
		}
	}
	return true
}

func (s *simulation) unitDone(u int) bool {
	_, waves, _ := s.p.unit(u)
	for w := range waves {
		if !s.waveDone(u, w) {
			return false
		}
	}
	return true
}

// withinLimits: the lanes between their first and last step, forward or back, are all of one wave, and at most MaxParallel.
func (s *simulation) withinLimits(r Ref) {
	_, waves, _ := s.p.unit(r.Unit)
	most := waves[r.Wave].MaxParallel
	inHand := 0
	for w := range waves {
		for i, lane := range waves[w].Lanes {
			l := s.lanes[place{r.Unit, w, i}]
			if l == nil || !l.inHand(len(undoOf(lane, l.started))) {
				continue
			}
			inHand++
			if w != r.Wave {
				s.Fatalf("lanes of waves %d and %d are in hand", w, r.Wave)
			}
		}
	}
	if most > 0 && inHand > most {
		s.Fatalf("%d lanes of wave %d are in hand, at most %d may be", inHand, r.Wave, most)
	}
}

// step lets one step of a drawn segment in flight end, or ends the segment.
func (s *simulation) step() {
	i := rapid.IntRange(0, len(s.fly)-1).Draw(s.T, "which")
	r := s.fly[i]
	s.fly = slices.Delete(s.fly, i, i+1)
	l, lane := s.lane(r)
	seg, err := s.p.Segment(r)
	if err != nil {
		s.Fatal(err)
	}
	for _, step := range seg.Steps {
		fate := Changed
		if rapid.IntRange(1, 20).Draw(s.T, "fate") <= s.badness {
			fate = rapid.SampledFrom([]string{Failed, Unknown, NotRun, "cut"}).Draw(s.T, "how")
		}
		s.note(l, r, step, fate)
		if fate == "cut" {
			s.event(Event{Kind: SegmentFinished, Ref: &r, Error: "connection lost"})
			return
		}
		s.event(Event{Kind: StepFinished, Ref: &r, Result: &Result{Step: step.ID, Status: fate}})
		if fate != Changed {
			break
		}
	}
	s.event(Event{Kind: SegmentFinished, Ref: &r})
	if !r.Undo && !l.failed && l.started == len(lane.Steps) {
		l.done = true
	}
}

func (s *simulation) note(l *tracked, r Ref, step Step, fate string) {
	if r.Undo {
		l.undone = append(l.undone, step.ID)
		l.stuck = l.stuck || fate != Changed
		return
	}
	if fate != NotRun {
		l.started++
	}
	l.failed = l.failed || fate != Changed
}

func (s *simulation) interfere() {
	if s.budget == 0 || rapid.IntRange(0, 9).Draw(s.T, "interfere") > 0 {
		return
	}
	s.budget--
	kind := rapid.SampledFrom([]string{CancelAsked, CancelAsked, DeadlinePassed, LockLost, StopAsked}).Draw(s.T, "event")
	s.event(Event{Kind: kind, Host: "h0"})
	s.cancelled = true
	s.halted = s.halted || kind == LockLost || kind == StopAsked
}

// agree: the fold, the machine and a restored machine decide the same, and deciding changes nothing.
func (s *simulation) agree(d Decision) {
	if again := s.m.Decide(); !reflect.DeepEqual(d, again) {
		s.Fatalf("decided %+v, then %+v", d, again)
	}
	if next := Next(s.p, s.j); !reflect.DeepEqual(d, next) {
		s.Fatalf("the machine decides %+v, Next %+v", d, next)
	}
	text, err := json.Marshal(s.m.State())
	if err != nil {
		s.Fatal(err)
	}
	var state State
	if err := json.Unmarshal(text, &state); err != nil {
		s.Fatal(err)
	}
	m, err := Restore(s.p, state)
	if err != nil {
		s.Fatal(err)
	}
	if restored := m.Decide(); !reflect.DeepEqual(d, restored) {
		s.Fatalf("the machine decides %+v, restored from %s %+v", d, text, restored)
	}
	s.m = m
	flying := slices.Clone(s.fly)
	for _, r := range m.InFlight() {
		i := slices.Index(flying, r)
		if i < 0 {
			s.Fatalf("%+v is not in flight", r)
		}
		flying = slices.Delete(flying, i, i+1)
	}
	if len(flying) > 0 {
		s.Fatalf("%+v are in flight, the machine does not know", flying)
	}
}

// interrupts: only what runs is interrupted, only when the run is to end, and no undo by a cancel.
func (s *simulation) interrupts(d Decision) {
	for _, r := range d.Interrupt {
		if !slices.Contains(s.fly, r) {
			s.Fatalf("%+v is interrupted and does not run", r)
		}
		if !s.cancelled || r.Undo && !s.halted {
			s.Fatalf("%+v is interrupted for no reason", r)
		}
	}
}

func (s *simulation) run() Outcome {
	for range 2000 {
		s.interfere()
		d := s.m.Decide()
		s.agree(d)
		s.interrupts(d)
		if d.Finished != nil {
			if len(s.fly) > 0 || len(d.Start) > 0 {
				s.Fatalf("finished while %+v run and %+v start", s.fly, d.Start)
			}
			return *d.Finished
		}
		if len(d.Start)+len(s.fly) == 0 {
			s.Fatalf("nothing runs, nothing starts, and the run has not finished: %+v", s.m.State())
		}
		least := 0
		if len(s.fly) == 0 {
			least = 1
		}
		for _, r := range d.Start[:rapid.IntRange(least, len(d.Start)).Draw(s.T, "starts")] {
			s.start(r)
		}
		if len(s.fly) > 0 {
			s.step()
		}
	}
	s.Fatal("the run does not end")
	return Outcome{}
}

func TestEveryRunKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		s := &simulation{T: t, p: p, m: NewMachine(p), lanes: map[place]*tracked{},
			budget: rapid.IntRange(0, 2).Draw(t, "budget"), badness: rapid.SampledFrom([]int{0, 1, 4}).Draw(t, "badness")}
		o := s.run()
		s.ended(o)
		s.statusHolds(o)
	})
}

// Whatever is thrown at it, the machine refuses or takes it, and keeps deciding.
func TestAnyEventIsTakenOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		m := NewMachine(p)
		n := rapid.IntRange(-1, 3)
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			e := Event{
				Kind: rapid.SampledFrom([]string{SegmentStarted, StepFinished, SegmentFinished, CancelAsked, StopAsked, LockLost, Resumed, Resumed, "?"}).Draw(t, "kind"),
				Ref: &Ref{Plan: "p", Unit: n.Draw(t, "unit"), Wave: n.Draw(t, "wave"), Lane: n.Draw(t, "lane"), Segment: n.Draw(t, "segment"),
					Undo: rapid.Bool().Draw(t, "undo"), Upto: n.Draw(t, "upto")},
			}
			if starts := m.Decide().Start; len(starts) > 0 && rapid.Bool().Draw(t, "fits") {
				e = Event{Kind: SegmentStarted, Ref: &starts[0]}
			} else if refs := m.InFlight(); len(refs) > 0 && rapid.Bool().Draw(t, "runs") {
				e.Ref = &refs[len(refs)-1]
			}
			before := m.State()
			if err := m.Apply(e); err != nil && !reflect.DeepEqual(before, m.State()) {
				t.Fatalf("%+v was refused (%v) and changed the state", e, err)
			}
			m.Decide()
		}
	})
}
