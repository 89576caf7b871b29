package main

import (
	"bytes"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

func TestTally(t *testing.T) {
	p, _ := wide(t)
	began := time.Unix(1000, 0)
	y := tally{began: began}
	steps := stepsOf(p)
	y.add(steps[0], &plan.Result{Status: plan.Changed, Millis: 40})
	y.add(steps[1], &plan.Result{Status: plan.Changed, Millis: 71_300})
	y.add(steps[2], &plan.Result{Status: plan.Unchanged, Millis: 10})
	y.add(steps[3], &plan.Result{Status: plan.Failed, Millis: 900})
	o := plan.Outcome{Status: plan.Done}
	for _, host := range []string{"app02", "app01", "app03", "app04"} {
		o.Lanes = append(o.Lanes, plan.LaneOutcome{App: "shop", Host: host, Changed: true, State: plan.LaneDone})
	}
	o.Lanes = append(o.Lanes, plan.LaneOutcome{App: "shop", Host: "app05", Changed: true, State: plan.LaneUndone})
	show := func() string {
		var b bytes.Buffer
		y.show(&b, p, o, began.Add(125*time.Second))
		return b.String()
	}
	want := "changed: shop on app01…app04\ntook 2m5s, 2 steps changed something, 1 did not; slowest: fetch shop-2.0.tar.gz (1.5 MB) on app01, 1m11s\n"
	if got := show(); got != want+"next: trikk status shop -e prod; to go back: trikk rollback shop -e prod\n" {
		t.Errorf("it says\n%s", got)
	}
	o.Status = plan.Partly // the outcome says what comes next
	if got := show(); got != want {
		t.Errorf("it says\n%s", got)
	}
}
