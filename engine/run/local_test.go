package run

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/plan"
)

func TestLocalWalksAPlanToItsEnd(t *testing.T) {
	f, p, kept := newFleet(2), deploy(2, "hold", "a", "b", "c"), &memory{}
	var told plan.Journal
	at := time.Date(2026, 11, 23, 7, 19, 0, 5e6, time.FixedZone("CET", 3600))
	j, o, err := Local(t.Context(), p, nil, f.do, func(e plan.Event) { told = append(told, e) }, Keep(kept), Clock(func() time.Time { return at }))
	if err != nil || o.Status != plan.Done {
		t.Fatalf("%+v, %v", o, err)
	}
	f.healthy(t)
	numbered(t, j)
	if !reflect.DeepEqual(told, j) || !reflect.DeepEqual(kept.events, j) {
		t.Error("the sink, the store and the journal differ")
	}
	if d := plan.Next(p, j); d.Finished == nil || !reflect.DeepEqual(*d.Finished, o) {
		t.Errorf("the journal says %+v", d)
	}
	if j[0].Time != "2026-11-23T06:19:00.005Z" {
		t.Errorf("time %s", j[0].Time)
	}
	for _, h := range []string{"a", "b", "c"} {
		if f.release[h] != "new" {
			t.Errorf("%s runs %s", h, f.release[h])
		}
	}
}

func TestLocalUndoesAFailure(t *testing.T) {
	for fate, status := range map[string]string{plan.Failed: plan.Partly, plan.Unknown: plan.Partly, "cut": plan.Partly} {
		t.Run(fate, func(t *testing.T) {
			f := newFleet(1)
			f.fate["b/link"] = fate
			j, o, err := Local(t.Context(), deploy(1, "hold", "a", "b", "c"), nil, f.do, nil)
			if err != nil || o.Status != status || !slices.Equal(laneStates(o), []string{"a done", "b undone", "c pending"}) {
				t.Fatalf("%+v, %v", o, err)
			}
			numbered(t, j)
			f.healthy(t)
			if f.release["b"] != "old" {
				t.Errorf("b runs %s", f.release["b"])
			}
		})
	}
}

func TestLocalReverts(t *testing.T) {
	f := newFleet(1)
	f.fate["c/admit"] = plan.Failed
	_, o, err := Local(t.Context(), deploy(1, "revert", "a", "b", "c"), nil, f.do, nil)
	if err != nil || o.Status != plan.Reverted {
		t.Fatalf("%+v, %v", o, err)
	}
	f.healthy(t)
	if f.release["a"] != "old" || f.release["b"] != "old" || f.release["c"] != "old" {
		t.Errorf("releases %v", f.release)
	}
}

func TestParallelLimitsSegmentsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(9)
		f.took = time.Second
		_, o, err := Local(t.Context(), deploy(0, "hold", "a", "b", "c", "d", "e", "f", "g", "h", "i"), nil, f.do, nil, Parallel(4))
		if err != nil || o.Status != plan.Done {
			t.Fatalf("%+v, %v", o, err)
		}
		if f.flew != 4 {
			t.Errorf("%d segments were in flight at once, want 4", f.flew)
		}
	})
}

// meeting holds a's link (a script) and b's drain (waiting) until they are let go; a script ignores its context's end only if it
// is not cut.
type meeting struct {
	cutScript, cutDrain bool
	cause               string
	release             chan struct{}
}

func (m *meeting) around(ctx context.Context, s plan.Segment) error {
	switch s.Steps[0].ID {
	case "a/link":
		select {
		case <-ctx.Done():
			m.cutScript = true
			return ctx.Err()
		case <-m.release:
		}
	case "b/drain":
		select {
		case <-ctx.Done():
			m.cutDrain, m.cause = true, context.Cause(ctx).Error()
			return ctx.Err()
		case <-m.release:
		}
	default:
		if ctx.Err() != nil {
			return errors.New("a segment got a context that has ended")
		}
	}
	return nil
}

// interrupted runs a deploy until a is in its script and b drains, calls end, and then lets them go.
func interrupted(t *testing.T, ctx context.Context, end func(), opts ...Option) (*fleet, *meeting, plan.Journal, plan.Outcome) {
	t.Helper()
	f, m := newFleet(2), &meeting{release: make(chan struct{})}
	f.around = m.around
	type result struct {
		j   plan.Journal
		o   plan.Outcome
		err error
	}
	ended := make(chan result)
	go func() {
		j, o, err := Local(ctx, deploy(2, "hold", "a", "b", "c"), nil, f.do, nil, opts...)
		ended <- result{j, o, err}
	}()
	synctest.Wait()
	end()
	synctest.Wait()
	close(m.release)
	r := <-ended
	if r.err != nil {
		t.Fatal(r.err)
	}
	numbered(t, r.j)
	return f, m, r.j, r.o
}

func TestCancelCutsWaitingAndLetsScriptsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f, m, _, o := interrupted(t, ctx, cancel)
		if m.cutScript || !m.cutDrain {
			t.Errorf("script cut: %v, drain cut: %v", m.cutScript, m.cutDrain)
		}
		if o.Status != plan.Interrupted || !slices.Equal(laneStates(o), []string{"a undone", "b undone", "c pending"}) {
			t.Errorf("outcome %+v", o)
		}
		f.healthy(t)
	})
}

func TestDeadlineOfTheContextFailsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		f, m, _, o := interrupted(t, ctx, func() { time.Sleep(2 * time.Minute) })
		if o.Status != plan.Reverted || o.Apps[0].Reason != "the run's deadline passed" {
			t.Errorf("outcome %+v", o)
		}
		if m.cause != "the run's deadline passed" {
			t.Errorf("the segment that waited was cut because %s", m.cause)
		}
		f.healthy(t)
	})
}

func TestStopCutsEverythingAndUndoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		f, m, _, o := interrupted(t, t.Context(), func() { close(stop) }, Stop(stop))
		if !m.cutScript || !m.cutDrain {
			t.Errorf("script cut: %v, drain cut: %v", m.cutScript, m.cutDrain)
		}
		if o.Status != plan.Broken || !slices.Equal(o.Lanes[3].Stuck, []string{"undo link", "undo drain"}) {
			t.Errorf("outcome %+v", o)
		}
		if last := f.did[len(f.did)-1]; last != "a/drain" {
			t.Errorf("%s was done after the stop", last)
		}
	})
}

func TestStopAfterCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stop := make(chan struct{})
		_, m, j, o := interrupted(t, ctx, func() { cancel(); synctest.Wait(); close(stop) }, Stop(stop))
		if !m.cutScript || o.Status != plan.Broken {
			t.Errorf("script cut: %v, outcome %+v", m.cutScript, o)
		}
		// The next driver mends it.
		f := newFleet(2)
		f.out["a"] = true
		j, o, err := Local(t.Context(), deploy(2, "hold", "a", "b", "c"), j, f.do, nil)
		if err != nil || o.Status != plan.Interrupted {
			t.Errorf("%+v, %v", o, err)
		}
		numbered(t, j)
		f.healthy(t)
	})
}

func TestALostLockStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := make(chan string)
		f, m, j, o := interrupted(t, t.Context(), func() { lost <- "b"; close(lost) }, Lost(lost))
		if m.cutScript || !m.cutDrain {
			t.Errorf("script cut: %v, drain cut: %v", m.cutScript, m.cutDrain)
		}
		if o.Status != plan.Broken || !strings.Contains(o.Apps[0].Reason, "the lock on b was lost") {
			t.Errorf("outcome %+v", o)
		}
		if last := f.did[len(f.did)-1]; last != "a/link" {
			t.Errorf("%s was done after the lock was lost: %+v", last, j)
		}
	})
}

func TestACancelledContextStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := newFleet(1)
	j, o, err := Local(ctx, deploy(1, "hold", "a"), nil, f.do, nil)
	if err != nil || o.Status != plan.Interrupted || len(f.did) != 0 || len(j) != 1 {
		t.Errorf("%+v, %v, %v", o, err, f.did)
	}
}

func TestSegmentsSeeTheValuesOfTheContext(t *testing.T) {
	type key struct{}
	f := newFleet(1)
	seen := true
	f.around = func(ctx context.Context, _ plan.Segment) error {
		seen = seen && ctx.Value(key{}) == "v"
		return nil
	}
	if _, o, err := Local(context.WithValue(t.Context(), key{}, "v"), deploy(1, "hold", "a"), nil, f.do, nil); err != nil || o.Status != plan.Done || !seen {
		t.Errorf("%+v, %v, seen %v", o, err, seen)
	}
}

// A Do that talks too much: results that do not fit are dropped, and so is what comes after its end.
func TestResultsThatDoNotFitAreDropped(t *testing.T) {
	f := newFleet(1)
	var late func(plan.Result)
	talkative := func(ctx context.Context, s plan.Segment, results func(plan.Result)) error {
		if late != nil {
			late(plan.Result{Step: "a/used", Status: plan.Failed})
		}
		late = results
		results(plan.Result{Step: "another", Status: plan.Failed})
		err := f.do(ctx, s, results)
		results(plan.Result{Step: s.Steps[0].ID, Status: plan.Failed})
		return err
	}
	j, o, err := Local(t.Context(), deploy(1, "hold", "a"), nil, talkative, nil)
	if err != nil || o.Status != plan.Done {
		t.Errorf("%+v, %v", o, err)
	}
	numbered(t, j)
	if d := plan.Next(deploy(1, "hold", "a"), j); d.Finished == nil || d.Finished.Status != plan.Done {
		t.Errorf("the journal says %+v", d)
	}
}

func TestAJournalOfAnotherPlanIsRefused(t *testing.T) {
	j := plan.Journal{{Seq: 1, Kind: plan.SegmentStarted, Ref: &plan.Ref{Plan: "another"}}}
	f := newFleet(1)
	if _, _, err := Local(t.Context(), deploy(1, "hold", "a"), j, f.do, nil); err == nil || len(f.did) > 0 {
		t.Errorf("%v, did %v", err, f.did)
	}
}

func TestAFinishedJournalIsLeftAlone(t *testing.T) {
	f, p := newFleet(1), deploy(1, "hold", "a", "b")
	f.fate["b/link"] = plan.Failed
	first, want, err := Local(t.Context(), p, nil, f.do, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := len(f.did)
	j, o, err := Local(t.Context(), p, first, f.do, nil)
	if err != nil || len(f.did) != n || !reflect.DeepEqual(j, first) || !reflect.DeepEqual(o, want) {
		t.Errorf("%+v, %v, did %v", o, err, f.did[n:])
	}
}

// The controller dies at each of its journal writes in turn. The next driver has what was durable and the fleet as it was
// left; when it ends, no server is out, and none runs something else than its lane says.
func TestDyingAtEveryJournalWrite(t *testing.T) {
	for _, onFailure := range []string{"hold", "revert"} {
		for _, fate := range []string{plan.Changed, plan.Failed, "cut"} {
			for failAt := 1; dieAt(t, onFailure, fate, failAt); failAt++ {
				if failAt > 1000 {
					t.Fatal("the run does not end")
				}
			}
		}
	}
}

// dieAt reports whether the driver died.
func dieAt(t *testing.T, onFailure, fate string, failAt int) bool {
	t.Helper()
	f, p, kept := newFleet(2), deploy(2, onFailure, "a", "b", "c", "d"), &memory{failAt: failAt}
	f.fate["c/admit"] = fate
	_, _, err := Local(t.Context(), p, nil, f.do, nil, Keep(kept))
	died := err != nil
	again := &memory{}
	j, o, err := Local(t.Context(), p, kept.events, f.do, nil, Keep(again))
	if err != nil {
		t.Fatalf("dead at write %d: %v", failAt, err)
	}
	numbered(t, j)
	f.healthy(t)
	for _, l := range o.Lanes {
		want := map[string]string{plan.LaneDone: "new", plan.LaneUndone: "old", plan.LanePending: ""}[l.State]
		if got := f.release[l.Host]; l.Wave == plan.WaveRotate && got != want && (got != "" || want != "old") {
			t.Errorf("dead at write %d: %s is %s and runs %q", failAt, l.Host, l.State, got)
		}
	}
	if t.Failed() {
		t.Fatalf("dead at write %d, %s, %s: %v", failAt, onFailure, fate, f.did)
	}
	return died
}

func TestASaveErrorIsARunError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, kept := newFleet(1), &memory{failAt: 4}
		f.took = time.Second
		var told int
		j, o, err := Local(t.Context(), deploy(1, "hold", "a", "b"), nil, f.do, func(plan.Event) { told++ }, Keep(kept))
		if err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Fatalf("error %v, outcome %+v", err, o)
		}
		if told != len(j) || o.Status == plan.Done {
			t.Errorf("told of %d events of %d, outcome %+v", told, len(j), o)
		}
		for _, e := range j[len(kept.events):] {
			if e.Kind == plan.SegmentStarted {
				t.Errorf("%+v was started and not saved", e)
			}
		}
	})
}

// a's link ends while b drains; the save of its end fails, so b's wait is cut and its end is not waited for.
func TestASaveErrorCutsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m, kept := newFleet(2), &meeting{release: make(chan struct{})}, &memory{}
		f.around = func(ctx context.Context, s plan.Segment) error {
			if s.Steps[0].ID == "a/link" {
				kept.mu.Lock()
				defer kept.mu.Unlock()
				kept.failAt = kept.calls + 1
				return nil
			}
			return m.around(ctx, s)
		}
		_, o, err := Local(t.Context(), deploy(2, "hold", "a", "b"), nil, f.do, nil, Keep(kept))
		if err == nil || !m.cutDrain || o.Status != plan.Broken {
			t.Errorf("%v, drain cut: %v, outcome %+v", err, m.cutDrain, o)
		}
	})
}
