package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// TestOutcomeTellsWhatWasCut: the end of a run says how many requests the drain deadline cut, whatever became of the run, in text and in
// JSON; and nothing of it where none was.
func TestOutcomeTellsWhatWasCut(t *testing.T) {
	p := plan.Plan{Env: "prod", Apps: []plan.AppPlan{{App: "shop", To: "2.0-x", Source: plan.App{Rollout: plan.Rollout{DrainDeadline: plan.Duration(30 * time.Second)}}}}}
	for _, status := range []string{plan.Done, plan.Partly, plan.Interrupted} {
		o := plan.Outcome{Status: status, Apps: []plan.AppOutcome{{App: "shop", Status: status, Cut: 4}}, Lanes: []plan.LaneOutcome{
			{App: "shop", Host: "app1", State: plan.LaneDone, Changed: true, Cut: 1},
			{App: "shop", Host: "app2", State: plan.LaneDone, Changed: true, Cut: 3},
			{App: "shop", Host: "app3", State: plan.LaneDone, Changed: true},
		}}
		var text bytes.Buffer
		showOutcome(&text, p, o, "run")
		want := "  app1: 1 request was cut: it did not end within the drain deadline of 30s\n  app2: 3 requests were cut: they did not end within the drain deadline of 30s\n"
		if !strings.Contains(text.String(), want) || strings.Contains(text.String(), "app3: 0") {
			t.Errorf("%s: %s\nwant\n%s", status, text.String(), want)
		}
		var out bytes.Buffer
		v := &jsonView{w: &out, now: time.Now}
		v.start("run", p)
		v.finish(o)
		var line struct {
			Outcome struct{ Apps, Lanes []struct{ Cut *int } }
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
			t.Fatal(err)
		}
		if apps := line.Outcome.Apps; len(apps) != 1 || apps[0].Cut == nil || *apps[0].Cut != 4 || *line.Outcome.Lanes[1].Cut != 3 {
			t.Errorf("%s: %s", status, out.String())
		}
	}
}

// TestOutcomeOfAnApproval: a server on which the canary stays is not said to be unchanged because nobody approved it, and an approval that
// was given repeats nothing. Nor does the mark of an earlier run that is left there.
func TestOutcomeOfAnApproval(t *testing.T) {
	p := plan.Plan{Env: "prod", Apps: []plan.AppPlan{{App: "shop", To: "2.0-x"}}}
	for _, c := range []struct {
		approve plan.LaneOutcome
		want    string
	}{
		{plan.LaneOutcome{State: plan.LaneUndone, Error: "the run was interrupted"}, " in prod\n  app1: on 2.0-x\n  app1: not approved; the run was interrupted\n  app2: not touched\n"},
		{plan.LaneOutcome{State: plan.LaneDone, Changed: true}, " in prod\n  app1: on 2.0-x\n  app2: not touched\n"},
	} {
		c.approve.App, c.approve.Wave, c.approve.Host = "shop", plan.WaveApprove, "app1"
		o := plan.Outcome{Status: plan.Interrupted, Apps: []plan.AppOutcome{{App: "shop", Status: plan.Interrupted}}, Lanes: []plan.LaneOutcome{
			{App: "shop", Wave: plan.WaveCanary, Host: "app1", State: plan.LaneDone, Changed: true},
			c.approve,
			{App: "shop", Wave: "rotate 1/1", Host: "app2", State: plan.LanePending},
			{App: "shop", Wave: plan.WaveSettle, Host: "app1", State: plan.LanePending},
		}}
		var text bytes.Buffer
		showOutcome(&text, p, o, "run")
		if !strings.Contains(text.String(), c.want+"  next: ") {
			t.Errorf("%s\nwant\n%s", text.String(), c.want)
		}
	}
}

// TestOutcomeOfAnUndoTellsWhatIsLive: that is what the undo linked, also where somebody had switched the link before the run.
func TestOutcomeOfAnUndoTellsWhatIsLive(t *testing.T) {
	link := func(release string) plan.Step {
		return plan.Step{Op: plan.Link{Name: "current", Release: release}}
	}
	stop := plan.Step{ID: "stop", Undo: []plan.Step{link("1.0-x")}}
	for failed, want := range map[string]string{"drain": "9.9-gone", "stop": "1.0-x", "probe": "1.0-x"} {
		w := plan.Wave{Name: "rotate 1/1", Lanes: []plan.Lane{{Host: "app1", From: "9.9-gone", Steps: []plan.Step{{ID: "drain"}, stop, {ID: "probe"}}}}}
		a := plan.AppPlan{App: "shop", To: "2.0-x", Waves: []plan.Wave{w}}
		if got := laneText(a, plan.LaneOutcome{App: "shop", Wave: w.Name, Host: "app1", State: plan.LaneUndone, Changed: true, Step: failed}); got != "back on "+want {
			t.Errorf("failing at %s: %q, want %q", failed, got, want)
		}
	}
}
