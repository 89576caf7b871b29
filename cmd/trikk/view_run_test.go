package main

import (
	"io"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// TestLinesNameTheApp: where several apps are in hand on one host, each line says whose it is; else the host is enough.
func TestLinesNameTheApp(t *testing.T) {
	appOn := func(app string) plan.AppPlan {
		step := plan.Step{ID: app + "/rotate-1/app01/1", Host: "app01", Title: "stop", Op: plan.Run{}}
		return plan.AppPlan{App: app, Waves: []plan.Wave{{Name: "rotate 1/1", Lanes: []plan.Lane{{Host: "app01", Steps: []plan.Step{step}}}}}}
	}
	for want, apps := range map[string][]plan.AppPlan{
		"  app01  done     stop\n":                                     {appOn("hello")},
		"  app01 hello  done     stop\n  app01 pages  done     stop\n": {appOn("hello"), appOn("pages")},
	} {
		var b strings.Builder
		v := &plainView{w: &b, result: io.Discard, wave: map[int]string{}, last: map[string]string{}, steps: map[string]plan.Step{}}
		v.begin("r", plan.Plan{Apps: apps})
		for _, a := range apps {
			step := a.Waves[0].Lanes[0].Steps[0].ID
			v.event(plan.Event{Kind: plan.StepFinished, Result: &plan.Result{Step: step, Status: plan.Changed}})
		}
		if b.String() != want {
			t.Errorf("%d apps: %q, want %q", len(apps), b.String(), want)
		}
	}
}
