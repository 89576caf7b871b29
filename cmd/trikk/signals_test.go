package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignalsBeforeTheRun: in every phase before a run has begun, one signal of any kind ends the command with 130, changes nothing and
// leaves no lock.
func TestSignalsBeforeTheRun(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, 1)
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
	free := func() {
		t.Helper()
		for _, server := range []string{"app01", "app02"} {
			if _, err := os.Stat(filepath.Join(b.fleet.Dir, server, "hello", ".trikk", "lock.info")); err == nil {
				t.Errorf("the lock on %s is not free", server)
			}
		}
		b.runs("1.0")
	}
	stopped := func(c *call, s os.Signal) {
		t.Helper()
		c.wait(130)
		if want := "stopped by " + s.String() + "; nothing was changed\n"; !strings.HasSuffix(c.err.String(), want) {
			t.Errorf("%s\ndoes not end with %q", c, want)
		}
		free()
	}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		// At the question.
		c := &call{args: []string{"apply", "hello@2.0", "-e", "demo"}, terminal: true}
		reads := make(chan struct{})
		c.asked = func() { <-reads } // the person types nothing
		b.begin(c)
		c.shows("Apply this to demo? [y/N]")
		c.signals <- s
		stopped(c, s)
		close(reads)
	}
	// At the question under the lock, after somebody else's deploy.
	other := b.begin(&call{args: []string{"plan", "hello@2.0", "-e", "demo"}})
	other.wait(0)
	reads, asked := make(chan struct{}), 0
	c := &call{args: []string{"apply", "hello@2.0", "-e", "demo"}, terminal: true, answers: "y\n"}
	c.asked = func() {
		if asked++; asked == 1 {
			b.edit("hello/app.cue", "APP_PORT", "MARK: 1, APP_PORT")
			b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
			return
		}
		<-reads
	}
	b.begin(c)
	c.shows("This changed since the plan was made")
	c.shows("[y/N] \nThis")
	for deadline := time.Now().Add(time.Minute); strings.Count(c.err.String(), "[y/N]") < 2; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not ask again: %s", c)
		}
	}
	c.signals <- os.Interrupt
	stopped(c, os.Interrupt)
	close(reads)

	// While the locks are taken and the servers are read again: as soon as the lock is there.
	c = b.begin(&call{args: []string{"apply", "hello@2.0", "-e", "demo", "--yes"}})
	info := filepath.Join(b.fleet.Dir, "app01", "hello", ".trikk", "lock.info")
	for {
		if _, err := os.Stat(info); err == nil {
			break
		}
		select {
		case <-c.ended:
			t.Fatalf("it never locked: %s", c)
		default:
		}
	}
	c.signals <- os.Interrupt
	stopped(c, os.Interrupt)
}

// TestCapture: signals arrive until the last user has gone, those that were ignored stay ignored, and a reader of our output that
// has gone ends nothing.
func TestCapture(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	k := newCatcher()
	outer, inner := k.capture(), k.capture()
	inner()
	inner()
	send := func(s syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
	}
	send(syscall.SIGHUP)
	send(syscall.SIGPIPE)
	send(syscall.SIGTERM)
	select {
	case s := <-k.to:
		if s != syscall.SIGTERM {
			t.Errorf("%s arrived", s)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no signal arrived")
	}
	outer()
	if !signal.Ignored(syscall.SIGHUP) {
		t.Error("SIGHUP is no longer ignored")
	}
}
