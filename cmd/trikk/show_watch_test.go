package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// slowRun drives a plan without servers, with its journal on disk, until gate is closed and then to its end. It is what another terminal does.
type slowRun struct {
	t     *testing.T
	id    string
	dir   string // of runs
	gate  chan struct{}
	ended chan plan.Outcome
}

func startSlow(t *testing.T, state, id string, p plan.Plan) *slowRun {
	t.Helper()
	s := &slowRun{t: t, id: id, dir: filepath.Join(state, "runs"), gate: make(chan struct{}), ended: make(chan plan.Outcome, 1)}
	log, err := run.Create(s.dir, run.Meta{Run: id, Who: "anna@desk", Started: time.Now().UTC().Format(time.RFC3339)}, p)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, o, err := run.Local(context.Background(), p, nil, func(_ context.Context, seg plan.Segment, results func(plan.Result)) error {
			<-s.gate
			for _, step := range seg.Steps {
				results(plan.Result{Step: step.ID, Status: plan.Changed, Millis: 40})
			}
			return nil
		}, nil, run.Keep(log))
		if err := errors.Join(err, log.Finish(o), log.Close()); err != nil {
			t.Error(err)
		}
		s.ended <- o
	}()
	return s
}

// watches starts trikk on its run as another process would.
func (s *slowRun) watches(args ...string) *call {
	c := &call{args: args, out: &output{}, err: &output{}, signals: make(chan os.Signal, 4), ended: make(chan struct{}), b: &bench{t: s.t}}
	w := world{in: strings.NewReader(""), out: c.out, err: c.err, now: time.Now, dir: s.t.TempDir(), env: func(string) string { return "" },
		signals: c.signals, capture: func() func() { return func() {} }}
	go func() {
		defer close(c.ended)
		c.code = Main(append([]string{"--state", filepath.Dir(s.dir)}, args...), w)
	}()
	return c
}

// TestShowWatch: a run is followed while it goes on, to its end, from elsewhere.
func TestShowWatch(t *testing.T) {
	t.Parallel()
	dir, state := several(t)
	p := offlinePlan(t, dir, "plan --offline hello@1.4.2 pages@2.0 -e test")
	s := startSlow(t, state, p.ID, p)
	text, events := s.watches("show", p.ID, "--watch=50ms"), s.watches("show", p.ID, "--watch=50ms", "--json")
	left := s.watches("show", p.ID, "--watch")
	text.shows("hello install")
	left.shows("hello install")
	left.signals <- os.Interrupt
	left.wait(exitInterrupted)
	s.watches("show", p.ID, "--line").wait(0).says("test 0/2 apps done, 2 in hand\n")
	s.watches("apply", "--failed", p.ID).wait(exitRefused).says("goes on in another process", "trikk show "+p.ID+" --watch")
	close(s.gate)
	if o := <-s.ended; o.Status != plan.Done {
		t.Fatalf("the run ended with %+v", o)
	}
	text.wait(0).says("run "+p.ID+"\n", "hello rotate 2/2\n", "app02 hello  done ", "hello runs 1.4.2-", "pages runs 2.0-", "run "+p.ID+" ended with exit code 0: done, or nothing to do\n")
	all := events.wait(0).events()
	if len(all) < 3 || all[0].Event != "run.started" || all[1].Event != plan.SegmentStarted || all[len(all)-1].Event != "run.finished" || all[len(all)-1].Fields["exit"] != 0.0 {
		t.Errorf("the events are %v", all)
	}
	once := map[string]bool{}
	for _, e := range all {
		if once[e.Line] {
			t.Errorf("it is shown twice: %s", e.Line)
		}
		once[e.Line] = true
	}
	s.watches("show", p.ID, "--line").wait(0).says("test 2/2 apps done, done with exit code 0, took ")
	s.watches("show", p.ID, "--watch").wait(0).says("ended with exit code 0")
	s.watches("show", p.ID, "--line", "--json").wait(0).says(`"event":"run.line","env":"test","result":"done","apps":2,"done":2,"failed":0,"inHand":0}`)
}

// A run whose process is gone is told, with the command that goes on with it.
func TestShowOfARunThatDied(t *testing.T) {
	t.Parallel()
	dir, state := several(t)
	p := offlinePlan(t, dir, "plan --offline hello@1.4.2 pages@2.0 -e test")
	log, err := run.Create(filepath.Join(state, "runs"), run.Meta{Run: p.ID, Started: "2026-11-23T06:19:00Z"}, p)
	if err != nil {
		t.Fatal(err)
	}
	ref := &plan.Ref{Plan: p.ID}
	if err := errors.Join(log.Append(plan.Event{Seq: 1, Time: "2026-11-23T06:19:01Z", Kind: plan.SegmentStarted, Ref: ref}), log.Close()); err != nil {
		t.Fatal(err)
	}
	expects(t, dir, state, []expectation{
		{"show " + p.ID + " --watch", 0, []string{"hello install", "run " + p.ID + " was cut off: its process is gone, and it did not end; to go on with it: trikk resume " + p.ID}},
		{"show " + p.ID + " --watch --json", 0, []string{`"event":"run.cutoff","next":"trikk resume ` + p.ID + `"`}},
		{"show " + p.ID + " --line", 0, []string{"test 0/2 apps done, cut off: trikk resume " + p.ID + "\n"}},
		{"show " + p.ID + " --line --watch", 64, []string{"choose one of them"}},
		{"show " + p.ID + " --watch=1ms", 64, []string{"--watch=1ms: it is 50ms at least"}},
		{"show x" + p.ID + " --watch", 64, []string{"there is no run x" + p.ID, "did you mean \"" + p.ID + "\"?"}},
		{"show x" + p.ID + " --line", 64, []string{"there is no run x" + p.ID}},
	})
}

// How long it still takes is told roughly, rounded up, and never where nothing is known.
func TestETA(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "10s", 0: "10s", 11 * time.Second: "20s", 119 * time.Second: "2m", 121 * time.Second: "3m", 61 * time.Minute: "1h1m", 125 * time.Minute: "2h10m"} {
		if got := roughly(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
	dir, state := several(t)
	p := offlinePlan(t, dir, "plan --offline hello@1.4.2 pages@2.0 -e test")
	c := &cli{world: world{dir: dir}, flags: flags{state: state, parallel: 64}}
	began := time.Date(2026, 11, 23, 6, 19, 0, 0, time.UTC)
	if e := c.newETA("R", p, nil); e.about(began) != "" || e.line(began) != "" {
		t.Errorf("without a past it says %q", e.about(began))
	}
	p.Offline = false
	if text := c.usually(p); text != "" {
		t.Errorf("without a past: %s", text)
	}
	pastRun(t, state, "20261122T061900-0001", p, began.Add(-24*time.Hour), time.Minute)
	// hello installs, and then takes two turns; pages installs and is switched meanwhile.
	if text := c.usually(p); text != "It usually takes about 3m." {
		t.Errorf("with a past: %s", text)
	}
	e := c.newETA("R", p, nil)
	if got := e.about(began); got != "about 3m left" {
		t.Errorf("at first it says %q", got)
	}
	e.event(plan.Event{Seq: 1, Time: began.Format(time.RFC3339Nano), Kind: plan.SegmentStarted, Ref: &plan.Ref{Plan: p.ID}})
	if got := e.about(began.Add(time.Second)); got != "about 3m left" { // it is not worked out anew
		t.Errorf("then it says %q", got)
	}
	if first, soon, later := e.line(began), e.line(began.Add(20*time.Second)), e.line(began.Add(31*time.Second)); first != "" || soon != "" || !strings.HasSuffix(later, " left, 0 of 2 apps done") {
		t.Errorf("lines: %q, %q, %q", first, soon, later)
	}
	var none *eta
	none.event(plan.Event{})
	if none.about(began) != "" || none.line(began) != "" {
		t.Error("nothing says something")
	}
	b := newBoard("R", p, began)
	b.left = "about 3m left"
	if got := b.frame(began.Add(5*time.Second), size{120, 20}, paint{})[1]; !strings.HasSuffix(got, ", 5s, about 3m left") {
		t.Errorf("the board says %q", got)
	}
}

// TestTookAlike: how long a run took is said alike wherever it is said: without what was before it, and to the tenth of a second.
func TestTookAlike(t *testing.T) {
	t.Parallel()
	dir, state := several(t)
	p := offlinePlan(t, dir, "plan --offline night -e stage")
	began := time.Date(2026, 11, 23, 6, 19, 0, 900e6, time.UTC)
	pastRun(t, state, "20261123T061900-0001", p, began, 2450*time.Millisecond)
	expects(t, dir, state, []expectation{
		{"show 20261123T061900-0001", 0, []string{", took 4.9s: done\n", "\ntook 4.9s, "}},
		{"show 20261123T061900-0001 --watch", 0, []string{"\ntook 4.9s, "}},
		{"show 20261123T061900-0001 --line", 0, []string{"done with exit code 0, took 4.9s\n"}},
		{"history", 0, []string{" 4.9s  "}},
	})
}

// pastRun records a run in which each lane took a time, one segment after the other.
func pastRun(t *testing.T, state, id string, p plan.Plan, began time.Time, lane time.Duration) {
	t.Helper()
	log, err := run.Create(filepath.Join(state, "runs"), run.Meta{Run: id, Started: began.Format(time.RFC3339)}, p)
	if err != nil {
		t.Fatal(err)
	}
	m, now, first := plan.NewMachine(p), began, map[[3]int]bool{}
	add := func(e plan.Event) {
		e.Time = now.Format(time.RFC3339Nano)
		if err := errors.Join(m.Apply(e), log.Append(e)); err != nil {
			t.Fatal(err)
		}
	}
	for d := m.Decide(); d.Finished == nil; d = m.Decide() {
		r := d.Start[0]
		add(plan.Event{Kind: plan.SegmentStarted, Ref: &r})
		if at := [3]int{r.Unit, r.Wave, r.Lane}; !first[at] {
			first[at] = true
			now = now.Add(lane)
		}
		for _, s := range m.Rest(r) {
			add(plan.Event{Kind: plan.StepFinished, Ref: &r, Result: &plan.Result{Step: s.ID, Status: plan.Changed}})
		}
		add(plan.Event{Kind: plan.SegmentFinished, Ref: &r})
	}
	if err := errors.Join(log.Finish(m.Outcome()), log.Close()); err != nil {
		t.Fatal(err)
	}
}
