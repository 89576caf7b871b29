package model

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// stage lets run.Local walk a plan on a fleet one step at a time, in virtual time, so that it goes the same way each time: a step is
// done only when all that runs waits, and the one that would end first is next.
type stage struct {
	fleet *Fleet
	time  *clock
	// meet decides what happens to a step; the default is Fleet.Do.
	meet func(ref plan.Ref, app string, s plan.Step) (plan.Result, error)

	mu      sync.Mutex
	flying  map[plan.Ref]bool // segments that do not wait for a turn, by when they are told of
	waiting []*waiter
	saved   *sync.Cond // told when a step's result was saved
	results int        // that were saved
	dead    bool       // the controller was killed
	journal plan.Journal
}

// clock is the virtual time of a rehearsal.
type clock struct {
	mu sync.Mutex
	at time.Time
}

// epoch is when all rehearsals begin.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func newClock() *clock { return &clock{at: epoch} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.at) {
		c.at = at
	}
}

// waiter is a segment that waits to do its next step.
type waiter struct {
	ref  plan.Ref
	ends time.Time
	turn chan struct{}
}

var errKilled = errors.New("the controller was killed")

// walk runs the plan from where the journal ends, and gives its events and its outcome.
func (s *stage) walk(ctx context.Context, p plan.Plan, j plan.Journal, opts ...run.Option) (plan.Journal, plan.Outcome, error) {
	s.flying, s.saved = map[plan.Ref]bool{}, sync.NewCond(&s.mu)
	s.journal = slices.Clone(j)
	_, o, err := run.Local(ctx, p, j, s.do, nil, append(opts, run.Keep(s), run.Clock(s.time.now))...)
	if s.dead {
		err = nil // the journal could not be saved: nobody was there
	}
	return s.journal, o, err
}

// Append notes what runs, before it runs.
func (s *stage) Append(events ...plan.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return errKilled
	}
	s.journal = append(s.journal, events...)
	for _, e := range events {
		switch e.Kind {
		case plan.SegmentStarted:
			s.flying[*e.Ref] = true
		case plan.SegmentFinished:
			delete(s.flying, *e.Ref)
		case plan.StepFinished:
			s.results++
			s.saved.Broadcast()
		}
	}
	s.next()
	return nil
}

// next gives the turn to who ends first, when all wait. The caller holds the lock.
func (s *stage) next() {
	if len(s.flying) > 0 || len(s.waiting) == 0 {
		return
	}
	first := slices.MinFunc(s.waiting, func(a, b *waiter) int {
		return cmp.Or(a.ends.Compare(b.ends), cmp.Compare(a.ref.Unit, b.ref.Unit), cmp.Compare(a.ref.Wave, b.ref.Wave), cmp.Compare(a.ref.Lane, b.ref.Lane))
	})
	s.waiting = slices.DeleteFunc(s.waiting, func(w *waiter) bool { return w == first })
	s.flying[first.ref] = true
	s.time.set(first.ends)
	close(first.turn)
}

// kill ends the controller: nothing is saved, reported or started any more.
func (s *stage) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	for _, w := range s.waiting {
		close(w.turn)
	}
	s.waiting = nil
}

func (s *stage) killed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// await waits for the turn to do a step that takes so long.
func (s *stage) await(ref plan.Ref, takes time.Duration) error {
	w := &waiter{ref: ref, ends: s.time.now().Add(takes), turn: make(chan struct{})}
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return errKilled
	}
	delete(s.flying, ref)
	s.waiting = append(s.waiting, w)
	s.next()
	s.mu.Unlock()
	<-w.turn
	if s.killed() {
		return errKilled
	}
	return nil
}

// do is run.Do on the fleet.
func (s *stage) do(_ context.Context, seg plan.Segment, results func(plan.Result)) error {
	for _, step := range seg.Steps {
		if err := s.await(seg.Ref, takes(step.Op)); err != nil {
			return err
		}
		r, err := s.meet(seg.Ref, seg.App, step)
		if err != nil {
			return err
		}
		s.give(r, results)
		if r.Status != plan.Changed && r.Status != plan.Unchanged {
			return nil
		}
	}
	return nil
}

// give reports a result, and returns when it was saved: only one segment does steps at a time.
func (s *stage) give(r plan.Result, results func(plan.Result)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	want := s.results + 1
	results(r)
	for s.results < want {
		s.saved.Wait()
	}
}

// forget takes the last results out of the journal: they came, and were not saved yet.
func (s *stage) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := len(s.journal); n > 0 && s.journal[n-1].Kind == plan.StepFinished; n-- {
		s.journal = s.journal[:n-1]
	}
}

// takes is about how long a step takes; it orders what runs at once.
func takes(op plan.Op) time.Duration {
	switch op := op.(type) {
	case plan.Fetch, plan.Upload:
		return 5 * time.Second
	case plan.Unpack, plan.ServiceOp, plan.ProbeOp, plan.AdmitOp:
		return 2 * time.Second
	case plan.DrainOp:
		return 4 * time.Second
	case plan.ApproveOp:
		return time.Minute
	case plan.Pause:
		return time.Duration(op.Seconds) * time.Second
	}
	return 50 * time.Millisecond
}

// Walk runs a plan on the fleet to its end, and gives its outcome. Nothing fails but what must.
func (f *Fleet) Walk(ctx context.Context, p plan.Plan) (plan.Outcome, error) {
	f.Learn(p)
	s := &stage{fleet: f, time: newClock()}
	s.meet = s.meets(Trial{})
	_, o, err := s.walk(ctx, p, nil)
	return o, err
}
