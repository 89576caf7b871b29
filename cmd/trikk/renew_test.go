package main

import (
	"strings"
	"testing"
)

// TestRenewedPlan has somebody else deploy while a person reads the plan: the plan is made anew, shown and asked about again.
func TestRenewedPlan(t *testing.T) {
	long(t)
	b := newBench(t)
	b.trikk(exitDone, "apply", "hello@1.0", "-e", "demo", "--yes")

	asked := 0
	other := func() {
		if asked++; asked == 1 {
			b.trikk(exitDone, "apply", "hello@2.0", "-e", "demo", "--yes")
		}
	}
	c := b.begin(&call{args: []string{"apply", "hello@2.0", "-e", "demo"}, terminal: true, answers: "y\n", asked: other}).wait(exitDone)
	if asked != 1 || !strings.Contains(c.err.String(), "This changed since the plan was made") || !strings.Contains(c.out.String(), "Nothing to do") {
		t.Errorf("asked %d times\n%s\n%s", asked, c.err, c.out)
	}

	asked = 0
	other = func() {
		if asked++; asked == 1 {
			b.trikk(exitDone, "rollback", "hello", "-e", "demo", "--yes")
		}
	}
	b.edit("hello/app.cue", "APP_PORT", "MARK: 1, APP_PORT")
	c = b.begin(&call{args: []string{"apply", "hello@2.0", "-e", "demo"}, terminal: true, answers: "y\nn\n", asked: other}).wait(exitRefused)
	if asked != 2 || !strings.Contains(c.err.String(), "declined; nothing was changed") {
		t.Errorf("asked %d times\n%s\n%s", asked, c.err, c.out)
	}
}
