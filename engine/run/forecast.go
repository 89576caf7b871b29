package run

import (
	"container/heap"
	"time"

	"trikk.dev/engine/plan"
)

// Forecast tells about how long a run still takes: it walks what is left of the plan as the run would, where each lane takes as long as those
// that are most alike took, in past runs and in this one so far. It reads no clock, and is not for concurrent use.
type Forecast struct {
	p        plan.Plan
	m        *plan.Machine
	pace     Pace
	parallel int
	began    map[lane]time.Time // lanes in hand
}

// NewForecast is for a run that begins, with what is known of the past. parallel is how many segments are in flight at most; 0: as many as
// the plan lets.
func NewForecast(p plan.Plan, past Pace, parallel int) *Forecast {
	return &Forecast{p: p, m: plan.NewMachine(p), pace: past.clone(), parallel: parallel, began: map[lane]time.Time{}}
}

// Event takes in one line of the run's journal. One that does not fit says nothing.
func (f *Forecast) Event(e plan.Event) {
	if f.m.Apply(e) != nil {
		return
	}
	if e.Kind == plan.Resumed {
		clear(f.began)
	}
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	if e.Ref == nil || err != nil {
		return
	}
	l := laneOf(*e.Ref)
	switch began, known := f.began[l]; {
	case e.Ref.Undo:
		delete(f.began, l)
	case e.Kind == plan.SegmentStarted && !known:
		f.began[l] = at
	case e.Kind == plan.SegmentFinished && known && f.m.Through(*e.Ref):
		f.pace.learn(f.work(l), at.Sub(began))
		delete(f.began, l)
	}
}

// Standing tells how far the apps came.
func (f *Forecast) Standing() plan.Standing { return f.m.Standing() }

// Left is about how long the run still takes. false: nothing is known of any lane, or nothing is left.
func (f *Forecast) Left(now time.Time) (time.Duration, bool) {
	m, err := plan.Restore(f.p, f.m.State())
	if err != nil {
		return 0, false
	}
	w := &walk{f: f, m: m, now: now, charged: map[charge]bool{}}
	return w.toEnd()
}

// Usually is about how long a run of a plan takes. false: of one of its apps nothing is known.
func Usually(p plan.Plan, past Pace, parallel int) (time.Duration, bool) {
	for _, a := range p.Apps {
		if !past.knows(a.App) {
			return 0, false
		}
	}
	return NewForecast(p, past, parallel).Left(time.Time{})
}

func (f *Forecast) work(l lane) work {
	if n := len(f.p.Apps); l.unit >= n {
		g := f.p.Groups[l.unit-n]
		return work{kind: kindOf(g.ID), host: g.Lanes[l.lane].Host}
	}
	a := f.p.Apps[l.unit]
	return work{a.App, kindOf(a.Waves[l.wave].Name), a.Waves[l.wave].Lanes[l.lane].Host}
}

// walk is the rest of a run, in a time of its own.
type walk struct {
	f       *Forecast
	m       *plan.Machine
	now     time.Time     // when the walk begins, for lanes in hand
	at      time.Duration // since then
	flights flights
	charged map[charge]bool // the first segment of a lane takes all of the lane's time
	unknown bool
}

type charge struct {
	lane lane
	undo bool
}

// toEnd is how long it takes.
func (w *walk) toEnd() (time.Duration, bool) {
	for _, r := range w.m.InFlight() {
		w.fly(r)
	}
	for {
		d := w.m.Decide()
		if w.unknown || d.Finished != nil && len(w.flights) == 0 {
			return w.at, !w.unknown && w.at > 0
		}
		for _, r := range d.Start {
			if w.f.parallel > 0 && len(w.flights) >= w.f.parallel {
				break
			}
			if w.m.Apply(plan.Event{Kind: plan.SegmentStarted, Ref: &r}) == nil {
				w.fly(r)
			}
		}
		if len(w.flights) == 0 {
			return w.at, false // it stands still
		}
		w.land()
	}
}

func (w *walk) fly(r plan.Ref) {
	heap.Push(&w.flights, flight{r, w.at + w.cost(r)})
}

// land ends the segment that ends first.
func (w *walk) land() {
	next := heap.Pop(&w.flights).(flight)
	w.at = next.end
	for _, s := range w.m.Rest(next.ref) {
		_ = w.m.Apply(plan.Event{Kind: plan.StepFinished, Ref: &next.ref, Result: &plan.Result{Step: s.ID, Status: plan.Unchanged}})
	}
	_ = w.m.Apply(plan.Event{Kind: plan.SegmentFinished, Ref: &next.ref})
}

// cost is how long a segment takes. Undoing a lane takes half of what the lane does; a lane that takes longer than usual is nearly done.
func (w *walk) cost(r plan.Ref) time.Duration {
	l := laneOf(r)
	key := charge{l, r.Undo}
	if w.charged[key] {
		return 0
	}
	w.charged[key] = true
	took, known := w.f.pace.of(w.f.work(l))
	w.unknown = w.unknown || !known
	if r.Undo {
		return took / 2
	}
	if began, on := w.f.began[l]; on {
		return max(took/10, took-w.now.Sub(began))
	}
	return took
}

// flight is a segment in hand.
type flight struct {
	ref plan.Ref
	end time.Duration
}

// flights are a heap, the first one to end on top.
type flights []flight

func (f flights) Len() int           { return len(f) }
func (f flights) Less(i, k int) bool { return f[i].end < f[k].end }
func (f flights) Swap(i, k int)      { f[i], f[k] = f[k], f[i] }

// Push implements heap.Interface.
func (f *flights) Push(x any) { *f = append(*f, x.(flight)) }

// Pop implements heap.Interface.
func (f *flights) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}
