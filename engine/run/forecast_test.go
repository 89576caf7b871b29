package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/plan"
)

// drawnWave is a wave of lanes of three segments, on hosts.
func drawnWave(app, name string, most int, hosts ...string) plan.Wave {
	w := plan.Wave{Name: name, MaxParallel: most}
	number := map[string]string{"rotate 1/2": "rotate-1", "rotate 2/2": "rotate-2"}[name]
	if number == "" {
		number = name
	}
	for _, h := range hosts {
		l := plan.Lane{Host: h}
		for i, op := range []plan.Op{plan.DrainOp{}, plan.Link{Name: "current", Release: "new"}, plan.AdmitOp{}} {
			l.Steps = append(l.Steps, plan.Step{ID: fmt.Sprintf("%s/%s/%s/%d", app, number, h, i+1), Host: h, Title: "do", Op: op, Changes: true})
		}
		w.Lanes = append(w.Lanes, l)
	}
	return w
}

// drawnPlan is three apps: one that rotates in two waves, one that comes after it, and one that takes two of three servers at once.
func drawnPlan() plan.Plan {
	p := plan.Plan{ID: "p", Env: "test", Apps: []plan.AppPlan{
		{App: "map", Waves: []plan.Wave{drawnWave("map", "install", 0, "a", "b"), drawnWave("map", "rotate 1/2", 0, "a"), drawnWave("map", "rotate 2/2", 0, "b")}},
		{App: "roads", After: []string{"map"}, Waves: []plan.Wave{drawnWave("roads", "install", 0, "c")}},
		{App: "tiles", Waves: []plan.Wave{drawnWave("tiles", "install", 2, "a", "b", "c")}},
	}}
	p.Groups = []plan.Group{{ID: "reload lb", Needs: []string{"roads"}, Lanes: []plan.Lane{{Host: "lb", Steps: []plan.Step{{ID: "reload/lb/1", Host: "lb", Op: plan.Reload{}}}}}}}
	return p
}

// usual is how long the segments of a lane take: map's install 2 s and 3 s, its turns 20 s and 31 s, roads 7 s, tiles 11, 13 and 17 s, the reload 1 s.
func usual(s plan.Segment) time.Duration {
	whole := map[string]time.Duration{"map/install/a": 2, "map/install/b": 3, "map/rotate/a": 20, "map/rotate/b": 31, "roads/install/c": 7,
		"tiles/install/a": 11, "tiles/install/b": 13, "tiles/install/c": 17, "/reload/lb": 1}
	w := workOf(s.Steps[0].ID)
	took := whole[w.app+"/"+w.kind+"/"+w.host] * time.Second
	if s.App == "" {
		return took
	}
	return took * []time.Duration{1, 3, 6}[s.Ref.Segment] / 10
}

// drawn gives the journal of a run in which each segment takes its time and ends well.
func drawn(t *testing.T, p plan.Plan, took func(plan.Segment) time.Duration, opts ...Option) (j plan.Journal, whole time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var o plan.Outcome
		var err error
		j, o, err = Local(t.Context(), p, nil, func(_ context.Context, s plan.Segment, results func(plan.Result)) error {
			time.Sleep(took(s))
			for _, step := range s.Steps {
				results(plan.Result{Step: step.ID, Status: plan.Changed})
			}
			return nil
		}, nil, opts...)
		if err != nil || o.Status != plan.Done {
			t.Fatalf("%+v, %v", o, err)
		}
		whole = time.Since(began)
	})
	return j, whole
}

// keep puts a run into the past.
func keep(t *testing.T, dir, id string, p plan.Plan, j plan.Journal, status string) {
	t.Helper()
	l, err := Create(dir, Meta{Run: id}, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Append(j...), l.Finish(plan.Outcome{Status: status}), l.Close()); err != nil {
		t.Fatal(err)
	}
}

// Where all goes as it usually does, what is left is what is left, at every moment.
func TestForecastFollowsThePlan(t *testing.T) {
	for name, parallel := range map[string]int{"all at once": 0, "two segments at once": 2} {
		t.Run(name, func(t *testing.T) {
			p, dir := drawnPlan(), t.TempDir()
			j, whole := drawn(t, p, usual, Parallel(parallel))
			keep(t, dir, "20261123T061900-0001", p, j, plan.Done)
			past := PastPace(dir, "test", "")
			if parallel == 0 && whole != 62*time.Second { // 3+20+31, then 7, then 1
				t.Fatalf("the run took %s", whole)
			}
			slack := time.Duration(parallel) * 4 * time.Second // who waits for a place is told by the driver alone
			near := func(what string, got time.Duration, want time.Duration) {
				if d := got - want; d.Abs() > slack+time.Millisecond {
					t.Errorf("%s: %s, want %s", what, got, want)
				}
			}
			got, known := Usually(p, past, parallel)
			if !known {
				t.Error("nothing is known")
			}
			near("before it", got, whole)
			f := NewForecast(p, past, parallel)
			began, _ := time.Parse(time.RFC3339Nano, j[0].Time)
			for i, e := range j {
				f.Event(e)
				at, _ := time.Parse(time.RFC3339Nano, e.Time)
				if i+1 < len(j) && j[i+1].Time == e.Time || at.Sub(began) == whole {
					continue // in the midst of what happens at once
				}
				got, known := f.Left(at)
				if !known {
					t.Fatalf("after event %d nothing is known", e.Seq)
				}
				near(fmt.Sprintf("after %s", at.Sub(began)), got, whole-at.Sub(began))
			}
			if left, known := f.Left(began.Add(whole)); known {
				t.Errorf("at its end %s is left", left)
			}
			if s := f.Standing(); s != (plan.Standing{Apps: 3, Done: 3}) {
				t.Errorf("it stands at %+v", s)
			}
		})
	}
}

// Between two looks the time goes by; a lane that takes too long is nearly done, and not done.
func TestForecastOfALaneInHand(t *testing.T) {
	p := drawnPlan()
	p.Apps, p.Groups = p.Apps[2:], nil
	p.Apps[0].Waves[0].Lanes = p.Apps[0].Waves[0].Lanes[2:] // tiles on c: 17 s
	var past Pace
	j, _ := drawn(t, p, usual)
	past.learnJournal(j)
	f := NewForecast(p, past, 0)
	f.Event(j[0])
	began, _ := time.Parse(time.RFC3339Nano, j[0].Time)
	for after, want := range map[time.Duration]time.Duration{0: 17 * time.Second, 10 * time.Second: 7 * time.Second, time.Minute: 1700 * time.Millisecond} {
		if got, known := f.Left(began.Add(after)); !known || got != want {
			t.Errorf("after %s: %s (%v), want %s", after, got, known, want)
		}
	}
}

// What is not known of a server is taken from the app, else from all; and a run without a past learns as it goes.
func TestForecastWithoutHistory(t *testing.T) {
	p := drawnPlan()
	if _, known := Usually(p, Pace{}, 0); known {
		t.Error("it knows without a past")
	}
	f := NewForecast(p, Pace{}, 0)
	j, _ := drawn(t, p, usual)
	knew := -1
	for i, e := range j {
		f.Event(e)
		at, _ := time.Parse(time.RFC3339Nano, e.Time)
		if _, known := f.Left(at); known && knew < 0 {
			knew = i
		}
	}
	if knew < 0 || j[knew].Kind != plan.SegmentFinished || j[knew].Ref.Unit != 0 || j[knew].Ref.Lane != 0 {
		t.Errorf("it knows something from event %d on, and the first lane that ends is that of map on a", knew)
	}
	var past Pace
	for host, took := range map[string]time.Duration{"a": 10, "b": 20, "c": 30} {
		past.learn(work{"map", "rotate", host}, took)
	}
	past.learn(work{"roads", "install", "a"}, 4)
	for w, want := range map[work]time.Duration{{"map", "rotate", "b"}: 20, {"map", "rotate", "z"}: 20, {"new", "install", "z"}: 4, {"new", "standby", "z"}: 20} {
		if got, known := past.of(w); !known || got != want {
			t.Errorf("%+v: %d, want %d", w, got, want)
		}
	}
	if _, known := Usually(p, past, 0); known {
		t.Error("of tiles nothing is known, and yet it is told how long all takes")
	}
}

// The past is the newest runs of the environment that came to an end, and of these what went through.
func TestPastPace(t *testing.T) {
	p, dir := drawnPlan(), t.TempDir()
	slow := func(s plan.Segment) time.Duration { return 100 * usual(s) }
	fast, _ := drawn(t, p, usual)
	old, _ := drawn(t, p, slow)
	for i := range 3 {
		keep(t, dir, fmt.Sprintf("20250101T000000-%04d", i), p, old, plan.Done)
	}
	for i := range pastRuns {
		keep(t, dir, fmt.Sprintf("20260101T000000-%04d", i), p, fast, plan.Done)
	}
	elsewhere := drawnPlan()
	elsewhere.Env = "prod"
	keep(t, dir, "20260102T000000-0000", elsewhere, old, plan.Done)
	keep(t, dir, "20260103T000000-0000", p, old, plan.Interrupted)
	keep(t, dir, "20260104T000000-0000", p, old, plan.Done) // the run that asks
	keep(t, dir, "20260105T000000-0000", p, old, plan.Done)
	if err := os.Truncate(filepath.Join(dir, "20260105T000000-0000", eventsFile), pastBytes+1); err != nil {
		t.Fatal(err)
	}
	past := PastPace(dir, "test", "20260104T000000-0000")
	w := work{"map", "rotate", "b"}
	if all := past.took[w]; len(all) != pastRuns || all[0] != 31*time.Second {
		t.Errorf("map's turns on b took %v", all)
	}
	failed := plan.Journal{}
	for _, e := range fast {
		if e.Kind == plan.StepFinished && e.Ref.Unit == 0 && e.Ref.Wave == 2 {
			r := *e.Result
			r.Status = plan.Failed
			e.Result = &r
		}
		failed = append(failed, e)
	}
	var only Pace
	only.learnJournal(failed)
	if len(only.took[w]) > 0 || len(only.took[work{"map", "rotate", "a"}]) != 1 || len(only.took[work{"", "reload", "lb"}]) != 1 {
		t.Errorf("learnt is %v", only.took)
	}
	if none := PastPace(filepath.Join(dir, "none"), "test", ""); none.knows("map") {
		t.Error("there is a past in no folder")
	}
}
