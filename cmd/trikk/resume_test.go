package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

// TestResume: what was stopped at once is mended by the command that the output names; runs that ended, that nobody knows or that
// others have overtaken are refused.
func TestResume(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.trikk(64, "resume", "20260101T000000-abcd", "--yes").says("there is no run 20260101T000000-abcd on this machine", "none of them was cut off")
	b.trikk(64, "resume", "20260101T000000-abcd/x", "--yes")
	done := b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
	b.trikk(0, "resume", runOf(t, done), "--yes").says("is done; nothing of it is left")

	// Killed after its last step, before it gave its locks back: its mark is taken away, whoever finds it.
	mark := filepath.Join(b.fleet.Dir, "app01", "hello", ".trikk", "cut")
	b.cutOff(runOf(t, done), mark)
	b.trikk(0, "status", "hello", "-e", "demo").says("run "+runOf(t, done)+" of ", "was cut off here")
	b.trikk(0, "resume", runOf(t, done), "--yes").says("is done; nothing of it is left")
	b.trikk(0, "plan", "hello", "-e", "demo", "--detailed-exitcode").says("Nothing to do")

	// Two signals stop in the middle of a turn. Resume undoes what was in hand.
	stopped := b.stop("hello@2.0", "rotate 1/2")
	run := runOf(t, stopped)
	stopped.says("half done", "trikk resume "+run)
	b.trikk(0, "status", "hello", "-e", "demo").says("run "+run+" of ", "was cut off here")
	b.trikk(64, "resume", "20260101T000000-abcd", "--yes").says("these were cut off: " + run)
	b.trikk(5, "resume", run).says("add --yes")
	b.trikk(130, "resume", run, "--yes").says("run "+run+" of ", "in hand: rotate 1/2 app01", "to do: rotate 2/2 app02", "hello was interrupted in demo")
	b.runs("1.0")
	b.trikk(5, "resume", run, "--yes").says("run "+run+" ended (interrupted)", "trikk apply hello@2.0 -e demo")
	if text := b.trikk(0, "status", "hello", "-e", "demo").String(); strings.Contains(text, "cut off") {
		t.Errorf("the mark is left: %s", text)
	}

	if os.Getenv("TRIKK_FULL") == "" {
		return
	}
	// After somebody else's deploy there is nothing to go on with.
	run = runOf(t, b.stop("hello@2.0", "rotate 1/2"))
	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--yes").says("run "+run+" of ", "was cut off on app01, app02", "record that nothing of run "+run+" is left half done")
	b.trikk(5, "resume", run, "--yes").says("run " + run + " can't go on, because others worked there since: app01 by run ")
	b.runs("2.0")
	b.trikk(0, "plan", "hello", "-e", "demo", "--detailed-exitcode").says("Nothing to do")
}

// cutOff leaves the mark that a holder leaves whose run was cut off.
func (b *bench) cutOff(run, mark string) {
	b.t.Helper()
	meta, err := os.ReadFile(filepath.Join(b.state, "runs", run, "run.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	var m struct{ Who, Started string }
	if err := json.Unmarshal(meta, &m); err != nil {
		b.t.Fatal(err)
	}
	info, err := json.Marshal(act.Holder{Run: run, Who: m.Who, Since: m.Started})
	if err == nil {
		err = os.WriteFile(mark, append(info, '\n'), 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// stop begins to apply and stops at once in a turn.
func (b *bench) stop(app, moment string) *call {
	b.t.Helper()
	c := b.begin(&call{args: []string{"apply", app, "-e", "demo", "--yes"}})
	c.shows(moment)
	c.shows("done     stop hello")
	c.signals <- os.Interrupt
	time.Sleep(2 * sameSignal)
	c.signals <- os.Interrupt
	return c.wait(8)
}

// runOf is the ID of the run that a call began.
func runOf(t *testing.T, c *call) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^run (\S+)$`).FindStringSubmatch(c.err.String())
	if found == nil {
		t.Fatalf("no run was begun: %s", c)
	}
	return found[1]
}

// TestResumeIsRefusedWhileTheRunGoesOn: a run has one driver.
func TestResumeIsRefusedWhileTheRunGoesOn(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, 1)
	c := b.begin(&call{args: []string{"apply", "hello@1.0", "-e", "demo", "--yes"}})
	c.shows("install")
	b.trikk(5, "resume", runOf(t, c), "--yes").says("goes on in another process")
	c.wait(0)
	if left, _ := filepath.Glob(filepath.Join(b.fleet.Dir, "app0*", "hello", ".trikk", "cut")); len(left) > 0 {
		t.Errorf("a run that ended left %v", left)
	}
}

// TestLaneName: of a run of several apps it is told whose turn is left.
func TestLaneName(t *testing.T) {
	t.Parallel()
	l := plan.LaneOutcome{App: "hello", Wave: "rotate 1/2", Host: "app01"}
	for apps, want := range map[int]string{1: "rotate 1/2 app01", 2: "hello rotate 1/2 app01"} {
		if got := laneName(l, apps); got != want {
			t.Errorf("%d apps: %q, want %q", apps, got, want)
		}
	}
	if got := laneName(plan.LaneOutcome{Group: "reload", Wave: "reload", Host: "lb01"}, 2); got != "reload lb01" {
		t.Errorf("a group: %q", got)
	}
}
