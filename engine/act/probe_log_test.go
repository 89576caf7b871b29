package act_test

import (
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// TestProbeShowsTheLogOfThisStart: all releases share the log of a process, on a real shell. What an earlier one wrote is not shown as
// if the one that fails had written it.
func TestProbeShowsTheLogOfThisStart(t *testing.T) {
	f := newFleet(t, "app01")
	f.sh("app01", "mkdir -p apps/web/releases/1 apps/web/.trikk && ln -s releases/1 apps/web/current")
	a := f.actor("R1")
	service := func(action, command string) {
		t.Helper()
		op := plan.ServiceOp{Action: action, App: "web", Root: "~/apps/web", Current: "current", Release: "1",
			Service: plan.Service{Process: &plan.Process{Command: command, Timeout: plan.Duration(5 * time.Second)}}}
		results, err := f.do(a, "web", plainSteps(op))
		if err != nil {
			t.Fatal(err)
		}
		f.succeed(results)
	}
	shown := func(op plan.ProbeOp) string {
		t.Helper()
		results, err := f.do(a, "web", plainSteps(op))
		if err != nil || len(results) != 1 || results[0].Status != plan.Failed {
			t.Fatalf("got %+v, %v", results, err)
		}
		return results[0].Output
	}
	quick := plan.Timing{Interval: plan.Duration(10 * time.Millisecond), Timeout: plan.Duration(5 * time.Second), Deadline: plan.Duration(10 * time.Millisecond)}
	probe := plan.ProbeOp{Name: "exec", App: "web", Root: "~/apps/web", Current: "current", Check: plan.Check{Exec: &plan.ExecCheck{Timing: quick, Command: "false"}}}
	log := f.servers["app01"].Home() + "/apps/web/shared/log/web.out"

	if got := shown(probe); got != "" {
		t.Errorf("without a log, %q is shown", got)
	}
	service("start", "exec sleep 600")
	if got := shown(probe); got != log+" is empty\n" {
		t.Errorf("of an empty log, %q is shown", got)
	}
	service("stop", "")
	service("start", "printf 'of the first start'; exec sleep 600")
	if got := shown(probe); got != "last lines of "+log+":\nof the first start" {
		t.Errorf("of a log with an open line, %q is shown", got)
	}
	service("stop", "")
	service("start", "exec sleep 600")
	silent := "(nothing was written to " + log + " since web was started)\n"
	if got := shown(probe); got != silent {
		t.Errorf("of a start that wrote nothing, %q is shown", got)
	}
	f.sh("app01", "kill -9 -$(cat apps/web/shared/web.pid)")
	if got := shown(probe); got != silent {
		t.Errorf("of a process that ended in silence, %q is shown", got)
	}
	service("stop", "")
	service("start", "echo; echo of the third start; exec sleep 600")
	if got := shown(probe); got != "last lines of "+log+":\n\nof the third start\n" {
		t.Errorf("of a start that wrote something, %q is shown", got)
	}
	f.sh("app01", "echo short >apps/web/shared/log/web.out")
	if got := shown(probe); got != "last lines of "+log+":\nshort\n" {
		t.Errorf("of a log that was rotated, %q is shown", got)
	}
	service("stop", "")

	// The app's own commands start no process of trikk's: what is left of one tells nothing.
	f.sh("app01", "echo one >>apps/web/shared/log/web.out; wc -c <apps/web/shared/log/web.out >apps/web/.trikk/web.printed; touch apps/web/.trikk/web.started")
	all := "last lines of " + log + ":\nshort\none\n"
	if got := shown(probe); got != all {
		t.Errorf("of an app with commands of its own, %q is shown", got)
	}
	f.sh("app01", "rm apps/web/.trikk/web.started")
	probe.Log = log
	if got := shown(probe); got != all {
		t.Errorf("of a log that the app names, %q is shown", got)
	}
}

// plainSteps are steps of the user that the fleet logs in as.
func plainSteps(ops ...plan.Op) []plan.Step {
	out := steps(ops...)
	for i := range out {
		out[i].As = ""
	}
	return out
}
