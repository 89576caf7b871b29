package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestApprove: after its canary a run waits for a person. A yes lets it go on, a no takes the canary back, and after a signal the next run asks
// again; the answer can come from a machine that does not know the run.
func TestApprove(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.edit("hello/app.cue", "rolling: maxUnavailable: 1", "rolling: canary: approve: true")
	wait := func(version string) (*call, string) {
		c := b.begin(&call{args: []string{"apply", "hello@" + version, "-e", "demo", "--yes"}})
		c.shows("for: trikk approve ")
		return c, runOf(t, c)
	}

	first, run := wait("1.0")
	b.trikk(64, "approve", "20260101T000000-abcd").says("there is no run 20260101T000000-abcd on this machine", "-e ENV")
	b.trikk(5, "approve", "20260101T000000-abcd", "-e", "demo").says("run 20260101T000000-abcd does not wait for approval in demo")
	for _, why := range []string{"", " ", "orders\nfail"} { // a no without a reason is no yes
		b.trikk(64, "approve", run, "--reject", why).says("it is the reason, in words, on one line")
	}
	b.trikk(64, "approve", run, "-e", "prod").says("run " + run + " is in demo, not in prod")
	b.trikk(0, "show", run, "--line").says("waits for: trikk approve " + run)
	if waits := b.trikk(0, "status", "hello", "-e", "demo").says("on trial: its canary is not judged yet; locked by", "; run "+run+" waits for approval (trikk approve "+run+")"); strings.Contains(waits.String(), "was not judged") || strings.Count(waits.String(), "waits for") != 1 {
		t.Errorf("it waits on one server, and goes on: %s", waits)
	}
	b.trikk(0, "status", "hello", "-e", "demo", "--json").says(`"asks":"`+run+`"`, `"trial":true`)
	if yes := b.trikk(0, "approve", run).says("hello: approved on app01"); strings.Contains(yes.String(), "no longer holds") {
		t.Errorf("the run is alive: %s", yes)
	}
	first.wait(0)
	b.runs("1.0")
	b.trikk(5, "approve", run).says("app01: it was approved by "+who()+" already", "does not wait for approval")

	second, run := wait("2.0")
	state := b.state
	b.state = t.TempDir() // of another machine
	b.trikk(0, "approve", run, "-e", "demo", "--reject", "orders fail", "--json").says(`"run":"`+run+`"`, `"answer":"rejected"`, `"lockHeld":true`)
	b.state = state
	second.wait(7).says("rejected by " + who() + ": orders fail")
	b.runs("1.0")

	// A run that was killed while it waited leaves its question; the answer is for trikk resume.
	question := filepath.Join(b.fleet.Dir, "app01", "hello", ".trikk", "approval")
	if err := os.WriteFile(question, []byte(run+" asked\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.trikk(0, "approve", run).says("hello: approved on app01", "app01: run "+run+" no longer holds the lock there", "trikk resume "+run)
	if now := b.trikk(0, "status", "hello", "-e", "demo"); strings.Contains(now.String(), "waits for approval") {
		t.Errorf("nothing waits: %s", now)
	}

	if os.Getenv("TRIKK_FULL") == "" {
		return
	}
	third, run := wait("2.0")
	third.signals <- os.Interrupt
	third.wait(130)
	b.trikk(5, "approve", run).says("run " + run + " does not wait for approval in demo")

	b.trikk(0, "status", "hello", "-e", "demo").says("on trial: its canary was not judged")
	fourth, run := wait("2.0")
	b.trikk(0, "approve", run).says("hello: approved on app01")
	fourth.wait(0)
	b.runs("2.0")

	// 1.0 has proven itself here before: that is no answer to the question of a run that was stopped.
	fifth, _ := wait("1.0")
	fifth.signals <- os.Interrupt
	fifth.wait(130)
	sixth, run := wait("1.0")
	b.trikk(0, "approve", run, "--reject", "orders fail").says("hello: rejected on app01")
	sixth.wait(6).says("hello: release 1.0-", "is on trial on app01, and was not judged", "app01: not approved; rejected by "+who()+": orders fail", "or trikk rollback hello -e demo to go back")
	b.trikk(0, "status", "hello", "-e", "demo").says("on trial: its canary was not judged")
	b.trikk(0, "rollback", "hello", "-e", "demo", "--yes")
	b.runs("2.0")
}
