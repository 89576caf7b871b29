package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// turnOp is an op of a turn: a real drain, admit, probe or hook, else a script.
func turnOp(kind string) Op {
	switch kind {
	case "drain":
		return DrainOp{}
	case "again":
		return DrainOp{Again: true}
	case "admit":
		return AdmitOp{}
	case "probe":
		return ProbeOp{}
	case "bake":
		return Pause{}
	case "before", "after":
		return Run{Phase: kind}
	}
	return walkOp{via: Script}
}

// turnLane is a lane of the named steps on one host; each changes it, and "stop:start" is stop with the undo start.
func turnLane(host string, kinds ...string) Lane {
	l := Lane{Host: host}
	for _, k := range kinds {
		kind, undo, _ := strings.Cut(k, ":")
		s := Step{ID: host + "/" + kind, Host: host, Title: kind, Op: turnOp(kind), Changes: true}
		for u := range strings.FieldsSeq(strings.ReplaceAll(undo, "+", " ")) {
			s.Undo = append(s.Undo, Step{ID: host + "/undo-" + kind + "/" + u, Host: host, Title: u, Op: turnOp(u)})
		}
		l.Steps = append(l.Steps, s)
	}
	return l
}

// wholeTurn has every kind of step that a server's turn can have.
func wholeTurn(host string) Lane {
	return turnLane(host, "drain:probe+admit", "before", "again", "stop:start", "link:link", "start:stop", "probe", "after", "admit:drain", "bake", "record")
}

func turnPlan(lanes ...Lane) Plan {
	return Plan{ID: "p", Apps: []AppPlan{{App: "web", Waves: []Wave{{Name: WaveRotate, MaxParallel: 1, Lanes: lanes}}}}}
}

// until runs until the step ended, counted from the run's begin.
func (w *walker) until(step string) {
	for !slices.Contains(w.log, step) {
		w.startAll()
		w.step()
	}
}

// step lets one step of the oldest segment in flight end well, and its segment with its last step.
func (w *walker) step() {
	r := w.fly[0]
	open := w.m.Open()[0]
	w.log = append(w.log, open.Steps[0].ID)
	w.event(Event{Kind: StepFinished, Ref: &r, Result: &Result{Step: open.Steps[0].ID, Status: Changed}})
	if len(open.Steps) == 1 {
		w.fly = w.fly[1:]
		w.event(Event{Kind: SegmentFinished, Ref: &r})
	}
}

// resumed kills the driver and lets another one take over.
func (w *walker) resumed() {
	w.event(Event{Kind: Resumed})
	w.fly, w.log = nil, nil
}

func TestResumeGoesOnWhereTheRunWasCutOff(t *testing.T) {
	for _, tt := range []struct{ after, then string }{
		{"drain", "drain before again stop link start probe after admit bake record"},
		{"before", "drain again stop link start probe after admit bake record"},
		{"again", "again stop link start probe after admit bake record"},
		{"stop", "again link start probe after admit bake record"},
		{"link", "again start probe after admit bake record"},
		{"start", "again probe after admit bake record"},
		{"probe", "again probe after admit bake record"},
		{"after", "again admit bake record"},
		{"admit", "admit bake record"},
		{"bake", "admit bake record"}, // baked again: nobody watched meanwhile
	} {
		t.Run(tt.after, func(t *testing.T) {
			w := newWalker(turnPlan(wholeTurn("a")))
			w.until("a/" + tt.after)
			w.resumed()
			if o := w.run(); o.Status != Done {
				t.Errorf("outcome %+v", o)
			}
			if got := strings.ReplaceAll(strings.Join(w.log, " "), "a/", ""); got != tt.then {
				t.Errorf("after %s it did\n\t%s, want\n\t%s", tt.after, got, tt.then)
			}
		})
	}
}

// A hook of unknown end is the only step that can't be repeated; its host may say that it was never started.
func TestResumeOfAHook(t *testing.T) {
	for _, tt := range []struct{ says, status, then string }{
		{"", Reverted, "drain! probe admit"},
		{"started", Done, "before again stop"},
	} {
		w := newWalker(turnPlan(turnLane("a", "drain:probe+admit", "before", "again", "stop:start")))
		w.until("a/drain")
		w.startAll()
		if tt.says != "" {
			w.event(Event{Kind: StepNotStarted, Ref: &w.fly[0], Result: &Result{Step: "a/before"}})
		}
		w.resumed()
		o := w.run()
		if o.Status != tt.status {
			t.Errorf("%q: outcome %+v", tt.says, o)
		}
		if tt.says == "" && (o.Lanes[0].Step != "a/before" || !slices.Equal(w.log, []string{"a/undo-drain/probe", "a/undo-drain/admit"})) {
			t.Errorf("did %v: %+v", w.log, o)
		}
		if tt.says != "" && !slices.Equal(w.log, []string{"a/drain", "a/before", "a/again", "a/stop"}) {
			t.Errorf("did %v", w.log)
		}
	}
}

// What a host proves of a segment in flight is not done again.
func TestResumeTakesProofs(t *testing.T) {
	w := newWalker(turnPlan(wholeTurn("a")))
	w.until("a/again")
	w.startAll()
	for _, s := range []string{"stop", "link"} {
		w.event(Event{Kind: StepFinished, Ref: &w.fly[0], Result: &Result{Step: "a/" + s, Status: Changed}})
	}
	w.resumed()
	if o := w.run(); o.Status != Done || !slices.Equal(w.log[:3], []string{"a/again", "a/start", "a/probe"}) {
		t.Errorf("did %v: %+v", w.log, o)
	}
}

// A step that its host says failed is undone, with what came before.
func TestResumeOfAFailure(t *testing.T) {
	w := newWalker(turnPlan(wholeTurn("a")))
	w.until("a/again")
	w.startAll()
	w.event(Event{Kind: StepFinished, Ref: &w.fly[0], Result: &Result{Step: "a/stop", Status: Failed, Exit: 3}})
	w.resumed()
	o := w.run()
	if want := []string{"a/undo-stop/start", "a/undo-drain/probe", "a/undo-drain/admit"}; o.Status != Reverted || !slices.Equal(w.log, want) {
		t.Errorf("did %v: %+v", w.log, o)
	}
}

// An undo that failed is tried again by resume, from the step that failed.
func TestResumeTriesAStuckUndoAgain(t *testing.T) {
	w := newWalker(turnPlan(wholeTurn("a")))
	w.until("a/start")
	w.fate["a/probe"], w.fate["a/undo-stop/start"] = Failed, Failed
	o := w.run()
	if o.Status != Broken || !slices.Equal(o.Lanes[0].Stuck, []string{"start", "probe", "admit"}) {
		t.Fatalf("outcome %+v", o)
	}
	w.fate = map[string]string{}
	w.resumed()
	o = w.run()
	if want := []string{"a/undo-stop/start", "a/undo-drain/probe", "a/undo-drain/admit"}; o.Status != Reverted || !slices.Equal(w.log, want) {
		t.Errorf("did %v: %+v", w.log, o)
	}
	if d := Next(w.p, w.j); d.Finished == nil || d.Finished.Status != Reverted {
		t.Errorf("the journal says %+v", d)
	}
}

// A driver that dies while one lane is stuck and another is in hand forgets no revert: resume mends the stuck one, and goes on.
func TestResumeRevertsAfterAStuckUndo(t *testing.T) {
	p := turnPlan(wholeTurn("a"), wholeTurn("b"), wholeTurn("c"))
	p.Apps[0].OnFailure, p.Apps[0].Waves[0].MaxParallel = "revert", 2
	w := newWalker(p)
	for !slices.Contains(w.log, "a/record") {
		w.startAll()
		at := slices.IndexFunc(w.fly, func(r Ref) bool { return r.Lane == 0 })
		w.fly = slices.Concat(w.fly[at:], w.fly[:at])
		w.log = append(w.log, w.stepOf(w.fly[0]))
	}
	w.startAll()
	fails := func(lane int, id string) {
		t.Helper()
		at := slices.IndexFunc(w.fly, func(r Ref) bool { return r.Lane == lane })
		r := w.fly[at]
		w.event(Event{Kind: StepFinished, Ref: &r, Result: &Result{Step: id, Status: Failed}})
		w.event(Event{Kind: SegmentFinished, Ref: &r})
		w.fly = slices.Delete(w.fly, at, at+1)
	}
	fails(1, "b/drain") // begun at the same time as a
	w.startAll()
	fails(1, "b/undo-drain/probe")
	if !w.m.State().Units[0].Stuck || len(w.fly) == 0 {
		t.Fatalf("nothing is stuck beside a lane in hand: %+v", w.m.State())
	}
	w.resumed()
	if o := w.run(); o.Status != Reverted || !slices.Equal(walkStates(o), []string{"a undone", "b undone", "c undone"}) {
		t.Errorf("did %v: %+v", w.log, o)
	}
}

// A lane that was resumed is reverted whole.
func TestResumedLanesAreRevertedWhole(t *testing.T) {
	p := turnPlan(wholeTurn("a"), wholeTurn("b"))
	p.Apps[0].OnFailure = "revert"
	w := newWalker(p)
	w.until("a/probe")
	w.resumed()
	w.fate["b/probe"] = Failed
	o := w.run()
	want := []string{"a/undo-admit/drain", "a/undo-start/stop", "a/undo-link/link", "a/undo-stop/start", "a/undo-drain/probe", "a/undo-drain/admit"}
	if n := len(w.log); o.Status != Reverted || n < 6 || !slices.Equal(w.log[n-6:], want) {
		t.Errorf("did %v: %+v", w.log, o)
	}
}

// However often a run is cut off: each script is done once, or twice where it was in flight; nothing is restarted without a
// drain that was proven after the last cut; nothing is recorded good without a whole bake after it; and the run ends done.
func TestResumeHoweverOften(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lanes []Lane
		for i := range rapid.IntRange(1, 3).Draw(t, "lanes") {
			lanes = append(lanes, wholeTurn(fmt.Sprintf("h%d", i)))
		}
		p := turnPlan(lanes...)
		p.Apps[0].Waves[0].MaxParallel = rapid.IntRange(1, 3).Draw(t, "parallel")
		w := newWalker(p)
		seen := &sinceCut{t: t, done: map[string]int{}, lost: map[string]int{}}
		cuts := rapid.IntRange(0, 6).Draw(t, "cuts")
		for range 500 {
			w.startAll()
			if d := w.m.Decide(); d.Finished != nil {
				if d.Finished.Status != Done {
					t.Fatalf("outcome %+v", d.Finished)
				}
				seen.whole(lanes)
				return
			}
			if cuts > 0 && rapid.IntRange(0, 5).Draw(t, "cut") == 0 {
				cuts--
				seen.cut(t, w)
				continue
			}
			at := rapid.IntRange(0, len(w.fly)-1).Draw(t, "which")
			w.fly = slices.Concat(w.fly[at:], w.fly[:at])
			id := w.stepOf(w.fly[0])
			seen.did(id)
		}
		t.Fatal("the run does not end")
	})
}

// stepOf lets one step of a segment end well and gives its ID.
func (w *walker) stepOf(r Ref) string {
	for _, s := range w.m.Open() {
		if s.Ref != r {
			continue
		}
		id := s.Steps[0].ID
		w.event(Event{Kind: StepFinished, Ref: &r, Result: &Result{Step: id, Status: Changed}})
		if len(s.Steps) == 1 {
			w.fly = w.fly[1:]
			w.event(Event{Kind: SegmentFinished, Ref: &r})
		}
		return id
	}
	panic("it does not run")
}

// sinceCut is what was seen since the run was cut off last.
type sinceCut struct {
	t     *rapid.T
	done  map[string]int // how often each step ended
	lost  map[string]int // how often a step may have ended unseen
	fresh []string       // since the last cut
}

// cut kills the driver. A step in flight was perhaps done: then its host proves it, or nobody knows; hooks that nobody started are
// told by their host.
func (s *sinceCut) cut(t *rapid.T, w *walker) {
	for _, open := range w.m.Open() {
		id := open.Steps[0].ID
		script := open.Transport == Script
		hook := !Repeatable(open.Steps[0].Op)
		switch fate := rapid.IntRange(0, 2).Draw(t, "fate"); {
		case script && fate == 0:
			w.event(Event{Kind: StepFinished, Ref: &open.Ref, Result: &Result{Step: id, Status: Changed}})
			s.did(id)
		case script && (fate == 1 || hook):
			w.event(Event{Kind: StepNotStarted, Ref: &open.Ref, Result: &Result{Step: id, Status: NotRun}})
		case script:
			s.lost[id]++
		}
	}
	w.resumed()
	s.fresh = nil
}

func (s *sinceCut) did(id string) {
	s.done[id]++
	host, kind, _ := strings.Cut(id, "/")
	needs := map[string]string{"stop": "again", "link": "again", "start": "again", "record": "bake"}[kind]
	if needs != "" && !slices.Contains(s.fresh, host+"/"+needs) {
		s.t.Fatalf("%s without %s; since the last cut: %v", id, needs, s.fresh)
	}
	s.fresh = append(s.fresh, id)
}

func (s *sinceCut) whole(lanes []Lane) {
	for _, l := range lanes {
		for _, step := range l.Steps {
			most := 1 + s.lost[step.ID]
			if step.Op.Transport() == Dial {
				most = 100
			}
			if n := s.done[step.ID]; n < 1 || n > most {
				s.t.Fatalf("%s was done %d times, lost %d", step.ID, n, s.lost[step.ID])
			}
		}
	}
}
