package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWait: a second run waits for the first, plans anew by what is there then, and goes on; the deadline and a signal end the
// waiting, and change nothing.
func TestWait(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
	b.edit("hello/app.cue", `deadline: "3s"`, `deadline: "60s"`)
	first := b.begin(&call{args: []string{"apply", "hello@3.0", "-e", "demo", "--yes"}})
	first.shows("waiting  503")

	b.trikk(5, "apply", "hello@2.0", "-e", "demo", "--yes", "--wait=1s").says("app01: locked by run ", "waiting at most 1s", "app01: still locked by run ", "after waiting 1s and looking every 2s")
	b.trikk(64, "apply", "hello@2.0", "-e", "demo", "--yes", "--wait=-1s").says("--wait=-1s")
	b.trikk(64, "apply", "hello@2.0", "-e", "demo", "--yes", "--wait", "10m").says("--wait=10m")
	tired := b.begin(&call{args: []string{"rollback", "hello", "--to", "1.0", "-e", "demo", "--yes", "--wait"}})
	b.trikk(0, "status", "-e", "demo").says("locked by " + who())
	tired.signals <- syscall.SIGTERM
	tired.wait(130).says("stopped by terminated; nothing was changed")
	waits := b.begin(&call{args: []string{"apply", "hello@2.0", "-e", "demo", "--yes", "--json", "--wait"}})
	for deadline := time.Now().Add(time.Minute); len(waits.named("lock.waiting")) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not say that it waits: %s", waits)
		}
	}

	first.signals <- os.Interrupt
	first.wait(130).says("hello was interrupted in demo")
	waits.wait(0)
	e := waits.named("lock.waiting")[0]
	holder, _ := e.Fields["holder"].(map[string]any)
	if e.Fields["host"] != "app01" || holder["who"] != who() || holder["run"] == e.Run || e.Run == "" {
		t.Errorf("waiting: %s", e.Line)
	}
	b.runs("2.0")
}

// TestWhatMoves: an app that has nothing to do as it is now is not as the config says while another run is about to change it. That is
// noted by plan, refused by apply and rollback, and with --wait it is planned anew.
func TestWhatMoves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := b.path("gate")
	b.write("pages/app.cue", strings.Replace(b.pages(), "environments:", `hooks: before: ["until [ $TRIKK_VERSION = 1.0 ] || [ -e `+gate+` ]; do sleep 0.1; done"]`+"\n\tenvironments:", 1))
	b.trikk(0, "apply", "pages@1.0", "-e", "demo", "--yes")
	first := b.begin(&call{args: []string{"apply", "pages@2.0", "-e", "demo", "--yes"}})
	first.shows("\nrecreate\n")

	b.trikk(0, "plan", "pages@1.0", "-e", "demo").says("pages has nothing to do as it is now, but is locked on app01 by run ", "Nothing to do")
	b.trikk(5, "apply", "pages@1.0", "-e", "demo", "--yes").says("app01: locked by run ")
	b.trikk(5, "rollback", "pages", "-e", "demo", "--to", "1.0", "--yes", "--wait=10ms").says("app01: still locked by run ")
	waits := b.begin(&call{args: []string{"apply", "pages@1.0", "-e", "demo", "--yes", "--wait"}})
	waits.shows("waiting at most 1h")
	b.spill(gate, nil)
	first.wait(0).says("pages runs 2.0")
	waits.wait(0).says("the version goes down, from 2.0 to 1.0", "pages runs 1.0")
}

// named are the events of a call so far that have this name.
func (c *call) named(name string) []event {
	var out []event
	text := c.out.String()
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '\n' {
			text = text[:i]
			break
		}
	}
	if text == "" {
		return nil
	}
	for _, e := range eventsOf(c.b.t, text) {
		if e.Event == name {
			out = append(out, e)
		}
	}
	return out
}
