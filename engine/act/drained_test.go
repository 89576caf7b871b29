package act_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// TestAnOldDrainIsProvenAgain: when long after the drain was proven the process is to be stopped, because a disk was slow or the
// controller slept, the proxies are asked again; where one forgot and can't be drained any more, nothing is stopped.
func TestAnOldDrainIsProvenAgain(t *testing.T) {
	for name, test := range map[string]struct {
		later   time.Duration
		forgets bool // the proxy forgets the drain meanwhile
		ignores bool // and takes no drain any more
		status  string
		drains  int
		slow    int // answers after the first drain that take 4 s
		says    string
	}{
		"a moment later":               {later: 500 * time.Millisecond, forgets: true, status: plan.Changed},
		"long after":                   {later: 5 * time.Second, status: plan.Changed},
		"long after, forgotten":        {later: 5 * time.Second, forgets: true, status: plan.Changed, drains: 1},
		"long after, not drained":      {later: 5 * time.Second, forgets: true, ignores: true, status: plan.NotRun, drains: 1},
		"slow answers, then quick":     {later: 5 * time.Second, status: plan.Changed, slow: 3},
		"slow answers only":            {later: 5 * time.Second, status: plan.NotRun, slow: 1000, says: "nothing was stopped: 10 times it took from "},
		"the clock was set back":       {later: -time.Hour, forgets: true, status: plan.Changed, drains: 1},
		"the controller slept an hour": {later: time.Hour, forgets: true, status: plan.Changed, drains: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				drained, drains, slow, skew := true, 0, 0, time.Duration(0)
				app, lb := hosttest.New(t, "app01"), hosttest.New(t, "lb01")
				answer := func(yes func() bool) func(host.Query) (host.Output, error) {
					return func(host.Query) (host.Output, error) {
						if slow > 0 {
							slow--
							time.Sleep(4 * time.Second)
						}
						if yes() {
							return host.Output{}, nil
						}
						return host.Output{Exit: 1}, nil
					}
				}
				lb.OnQuery("is-drained").Always().Do(answer(func() bool { return drained }))
				lb.OnQuery("is-admitted").Always().Do(answer(func() bool { return !drained }))
				if test.drains > 0 {
					lb.OnStep("do-drain").Always().Do(func(hosttest.Stepped) (host.Record, error) {
						drains++
						drained = !test.ignores
						return host.Record{}, nil
					})
				}
				a := act.New(act.Options{Hosts: fakes{"app01": app, "lb01": lb}, Run: "R1", Who: "anna@laptop", Now: func() time.Time { return time.Now().Add(skew) }})
				again := plan.DrainOp{Points: []plan.Point{commandPoint()}, Deadline: plan.Duration(20 * time.Second), OnTimeout: "cut", Again: true}
				results, err := doStep(t, a, plan.Segment{App: "web", Host: "app01", Transport: plan.Dial}, again)
				if err != nil || len(results) != 1 || results[0].Status != plan.Unchanged {
					t.Fatalf("the drain: %+v, %v", results, err)
				}
				drained, slow, skew = !test.forgets, test.slow, test.later
				if test.says == "" {
					test.says = "nothing was stopped: the drain was proven 5s ago and could not be proven again: "
				}
				if test.status == plan.Changed {
					app.OnStep("control stop")
				}
				stop := plan.ServiceOp{Action: plan.Stop, App: "web", Root: "/opt/web", Current: "current", Service: plan.Service{Systemd: &plan.Systemd{Unit: "web"}}}
				results, err = doStep(t, a, plan.Segment{App: "web", Host: "app01", Transport: plan.Script}, stop)
				if err != nil || len(results) != 1 || results[0].Status != test.status || drains < test.drains {
					t.Fatalf("the stop: %+v, %v; drained again %d times", results, err, drains)
				}
				if test.status == plan.NotRun && !strings.Contains(results[0].Error, test.says) {
					t.Errorf("error %q", results[0].Error)
				}
			})
		})
	}
}

// TestInterruptedDrain: why the drain ended and what it left are two messages, told apart on one line.
func TestInterruptedDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := func(host.Query) (host.Output, error) { return host.Output{Exit: 1}, nil }
		lb := hosttest.New(t, "lb01")
		lb.OnQuery("is-drained").Always().Do(no)
		lb.OnQuery("is-admitted").Always().Do(no)
		lb.OnStep("do-drain").Always()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errors.New("interrupted"))
		defer cancel()
		got, err := do(t, ctx, act.Options{Hosts: fakes{"lb01": lb}}, steps(plan.DrainOp{Points: []plan.Point{commandPoint()}, Deadline: plan.Duration(time.Minute)})...)
		want := ": interrupted; app01 (b/m) at lb01 may be left drained: the drain was interrupted"
		if err != nil || len(got) != 1 || got[0].Status != plan.Unknown || !strings.HasSuffix(got[0].Error, want) {
			t.Errorf("%+v, %v; want …%s", got, err, want)
		}
	})
}
