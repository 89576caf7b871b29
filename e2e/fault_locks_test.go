//go:build linux

package e2e_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// The controller sleeps in the middle of a turn, another run takes over and finishes, and the controller wakes: it finds out before it
// acts. Nothing is restarted, nothing is drained, and the other run's release stays.
func TestFault11SleepingController(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	c := s.config(t, parts{})
	for _, moment := range []string{"done     drain app1", "done     stop hello"} {
		for _, way := range e2e.Full(1, "unlock", "silence") {
			t.Run(way+" after "+strings.Fields(moment)[1], func(t *testing.T) {
				p := s.f.StartTrikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes")
				p.Prints(moment)
				p.Signal(syscall.SIGSTOP)
				if way == "unlock" {
					s.f.Trikk(t, c, "unlock", "hello", "-e", "test", "--yes", "--run", p.Run()).Exit(t, 0).Says(t, "app1: unlocked", "app2: unlocked")
				}
				s.apply(t, c, "hello@2.0", "--wait=70s").Exit(t, 0).Says(t, "hello runs 2.0-")
				before := s.listing(t)
				p.Signal(syscall.SIGCONT)
				r := p.Wait()
				t.Logf("%s\n%s", r.Stdout, r.Stderr)
				r.Says(t, "lock")
				if r.Code == 0 || r.Code == 7 {
					t.Errorf("exit code %d", r.Code)
				}
				if after := s.listing(t); after != before {
					t.Errorf("it acted all the same:\n%s", difference(before, after))
				}
				s.apply(t, c, "hello@1.0").Exit(t, 0)
				s.works(t)
			})
		}
	}
}

// A server is cut off silently in the middle of its turn: that is found within a bounded time, the run ends and names it, the other
// server is not touched, and the lock on the server that was cut off is free soon.
func TestFault05SilentCut(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	app1 := s.on[0]
	c := s.config(t, parts{})
	p := s.f.StartTrikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes", "--timeout", "2s")
	p.Prints("done     stop hello")
	plug := app1.Unplug(t)
	cut := time.Now()
	freed := make(chan time.Duration, 1)
	go func() {
		_, _ = app1.Try("flock -w 100 " + root + "/.trikk/lock true")
		freed <- time.Since(cut)
	}()
	r := p.Wait().Exit(t, 8)
	t.Logf("the run ended %.1f s after the cut\n%s\n%s", time.Since(cut).Seconds(), r.Stdout, r.Stderr)
	if took := time.Since(cut); took > 80*time.Second {
		t.Errorf("it took %s to find out", took)
	}
	r.Says(t, "app1", "hello on app1 was left half done", "app2: not touched, on 1.0-")
	s.h.AllUp(t, "hello", "app1")
	serves(t, s.on[1], "1.0")
	if took := <-freed; took > 65*time.Second {
		t.Errorf("the lock on app1 was freed after %s", took)
	} else {
		t.Logf("the lock on app1 was free after %.1f s", took.Seconds())
	}
	s.f.Trikk(t, c, "status", "hello", "-e", "test", "--timeout", "2s").Exit(t, 1).Says(t, "app1", "unreachable: ")
	plug()
	s.apply(t, c, "hello@1.0").Exit(t, 0)
	s.works(t)
}
