package plan

import (
	"reflect"
	"slices"
	"testing"
)

// walkEnding runs a rolling deploy of three servers, two at a time, until a is in its script and b still drains, c waits and
// (with parallel 2) a second app is done; then it sends the event.
func walkEnding(t *testing.T, kind string) (*walker, Decision) {
	t.Helper()
	p := Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 2, "revert", "a", "b", "c")}}
	w := newWalker(p)
	w.startAll()
	for range 3 {
		w.end(0) // unpack
	}
	w.startAll()
	w.end(0) // a drains
	w.startAll()
	w.event(Event{Kind: kind, Host: "b"})
	return w, w.m.Decide()
}

func TestCancelInterruptsWaitingAndUndoesLanesInHand(t *testing.T) {
	w, d := walkEnding(t, CancelAsked)
	if len(d.Start) != 0 || len(d.Interrupt) != 1 || d.Interrupt[0].Lane != 1 {
		t.Fatalf("decision %+v, want b's drain interrupted", d)
	}
	w.fate["web/b/drain"] = "cut"
	o := w.run()
	if o.Status != Interrupted || !slices.Equal(walkStates(o), []string{"a undone", "b undone", "c pending"}) {
		t.Errorf("outcome %+v", o)
	}
	if o.Lanes[4].Error != "the run was cancelled" {
		t.Errorf("lane %+v", o.Lanes[4])
	}
	if d := Next(w.p, w.j); d.Finished == nil || !reflect.DeepEqual(*d.Finished, o) {
		t.Errorf("Next says %+v", d)
	}
}

func TestCancelLeavesUndosAlone(t *testing.T) {
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 1, "revert", "a", "b")}})
	w.fate["web/b/drain"] = Failed
	for len(w.log) == 0 || w.log[len(w.log)-1] != "web/b/drain!" {
		w.startAll()
		w.end(0)
	}
	w.startAll()
	w.event(Event{Kind: CancelAsked})
	if d := w.m.Decide(); len(d.Interrupt) != 0 {
		t.Errorf("undo interrupted: %+v", d)
	}
	o := w.run()
	if o.Status != Interrupted || !slices.Equal(walkStates(o), []string{"a done", "b undone"}) {
		t.Errorf("outcome %+v", o)
	}
}

func TestCancelAfterAllWasDoneIsDone(t *testing.T) {
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 1, "", "a")}})
	for len(w.log) < 3 {
		w.startAll()
		w.end(0)
	}
	w.startAll() // the admit, the last step
	w.event(Event{Kind: CancelAsked})
	if o := w.run(); o.Status != Done {
		t.Errorf("outcome %+v", o)
	}
}

func TestDeadlineFailsTheRun(t *testing.T) {
	w, d := walkEnding(t, DeadlinePassed)
	if len(d.Interrupt) != 1 {
		t.Fatalf("decision %+v", d)
	}
	o := w.run()
	if o.Status != Reverted || o.Apps[0].Reason != "the run's deadline passed" {
		t.Errorf("outcome %+v", o)
	}
}

func TestLockLostStartsNothingAndNamesWhatIsLeft(t *testing.T) {
	w, d := walkEnding(t, LockLost)
	if len(d.Start) != 0 || len(d.Interrupt) != 1 {
		t.Fatalf("decision %+v", d)
	}
	before := len(w.fly)
	o := w.run()
	if w.most > before && len(w.log) != 6 {
		t.Errorf("something started: %v", w.log)
	}
	if o.Status != Broken || !slices.Equal(walkStates(o), []string{"a stuck", "b stuck", "c pending"}) {
		t.Errorf("outcome %+v", o)
	}
	if want := []string{"do web/a/restart/undo0", "do web/a/drain/undo0"}; !slices.Equal(o.Lanes[3].Stuck, want) {
		t.Errorf("left %v, want %v", o.Lanes[3].Stuck, want)
	}
}

func TestLockLostBeforeAnyChangeIsAPlainFailure(t *testing.T) {
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 2, "", "a", "b")}})
	w.startAll()
	w.event(Event{Kind: LockLost, Host: "a"})
	o := w.run()
	if o.Status != FailedClean || o.Apps[0].Reason != "the lock on a was lost" {
		t.Errorf("outcome %+v", o)
	}
}

func TestStopCutsScriptsToo(t *testing.T) {
	w, d := walkEnding(t, StopAsked)
	if len(d.Interrupt) != 2 || len(d.Start) != 0 {
		t.Fatalf("decision %+v", d)
	}
	o := w.run()
	if o.Status != Broken || !slices.Equal(walkStates(o), []string{"a stuck", "b stuck", "c pending"}) {
		t.Errorf("outcome %+v", o)
	}
}

func TestResumedUndoesWhatWasInFlight(t *testing.T) {
	for _, kind := range []string{"", StopAsked, LockLost} {
		t.Run("after "+kind, func(t *testing.T) {
			w, _ := walkEnding(t, CancelAsked)
			if kind != "" {
				w.event(Event{Kind: kind, Host: "a"})
			}
			w.event(Event{Kind: Resumed})
			w.fly = nil
			o := w.run()
			if o.Status != Interrupted || !slices.Equal(walkStates(o), []string{"a undone", "b undone", "c pending"}) {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}

func TestResumedOffersAnUndoAgain(t *testing.T) {
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 1, "hold", "a", "b")}})
	w.fate["web/a/restart"] = Failed
	for len(w.log) == 0 || w.log[len(w.log)-1] != "web/a/restart!" {
		w.startAll()
		w.end(0)
	}
	w.startAll()
	flying := w.fly[0]
	w.event(Event{Kind: Resumed})
	w.fly = nil
	if d := w.m.Decide(); len(d.Start) != 1 || d.Start[0] != flying {
		t.Fatalf("decision %+v, want %+v again", d, flying)
	}
	if o := w.run(); o.Status != Reverted {
		t.Errorf("outcome %+v", o)
	}
}

// An undo that was cut in its middle runs again from its segment's start; what is left is counted from there.
func TestResumedUndoForgetsItsFirstTry(t *testing.T) {
	step := walkStep("restart", "a", Script, 3)
	step.Changes = true
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{{App: "web", Waves: []Wave{{Lanes: []Lane{{Host: "a", Steps: []Step{step}}}}}}}})
	w.fate["restart"] = Failed
	w.startAll()
	w.end(0)
	w.startAll()
	w.event(Event{Kind: StepFinished, Ref: &w.fly[0], Result: &Result{Step: "restart/undo0", Status: Changed}})
	w.event(Event{Kind: Resumed})
	w.fly = nil
	w.fate["restart/undo1"] = Failed
	o := w.run()
	if want := []string{"do restart/undo1", "do restart/undo2"}; o.Status != Broken || !slices.Equal(o.Lanes[0].Stuck, want) {
		t.Errorf("left %v, want %v: %+v", o.Lanes[0].Stuck, want, o)
	}
}
