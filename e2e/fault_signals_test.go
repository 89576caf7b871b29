//go:build linux

package e2e_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// One signal of each kind at each kind of moment: the run ends with 130 and nothing is half done, no server is out, no lock is held, no
// run is marked as cut off.
func TestFault12Moments(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	baking := parts{rollout: `	rollout: {rolling: {}, minReadySeconds: 20, drainDeadline: "8s", admitDeadline: "8s"}`}
	tests := []struct {
		name    string
		signal  syscall.Signal
		version string
		parts   parts
		shows   string
		codes   []int
	}{
		{"install", syscall.SIGHUP, "2.0", parts{}, "done     unpack", []int{130}},
		{"bake", syscall.SIGTERM, "2.0", baking, "done     admit app1", []int{130}},
		{"undo", syscall.SIGINT, "3.0", parts{}, "undo of rotate", []int{130, 7}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := s.f.StartTrikk(t, s.config(t, tt.parts), "apply", "hello@"+tt.version, "-e", "test", "--yes")
			p.Prints(tt.shows)
			p.Signal(tt.signal)
			s.stopped(t, p.Wait(), tt.codes...)
		})
	}
	t.Run("upload", func(t *testing.T) {
		p := s.f.StartTrikk(t, s.localBuild(t, 48<<20, "driver: haproxy: {}"), "apply", "hello", "-e", "test", "--yes")
		p.Prints(" %")
		p.Signal(syscall.SIGTERM)
		s.stopped(t, p.Wait(), 130)
		for _, m := range s.on {
			m.Run(t, "rm -f /home/"+e2e.LoginUser+"/.trikk-incoming/*")
		}
	})
	seed := uint64(time.Now().UnixNano())
	t.Logf("the moments come from seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	for range e2e.Full(2, make([]int, 20)...) {
		wait := time.Duration(moments.IntN(9000)) * time.Millisecond
		t.Run("any moment", func(t *testing.T) {
			p := s.f.StartTrikk(t, s.config(t, parts{}), "apply", "hello@3.0", "-e", "test", "--yes")
			p.Starts()
			time.Sleep(wait)
			p.Signal(syscall.SIGINT)
			t.Logf("%s after it began", wait)
			s.stopped(t, p.Wait(), 130, 7)
		})
	}
	s.clean(t)
}

// stopped asserts that a run that was stopped left everything as it was.
func (s *scene) stopped(t *testing.T, r e2e.Result, codes ...int) {
	t.Helper()
	known := false
	for _, code := range codes {
		known = known || r.Code == code
	}
	if !known {
		r.Exit(t, codes[0])
	}
	s.works(t)
	for _, m := range s.on {
		if left := m.Run(t, "ls "+root+"/.trikk | grep -x -e cut -e lock.info; true"); left != "" {
			t.Errorf("%s has %s", m.Name, left)
		}
		if m.Run(t, "flock -n "+root+"/.trikk/lock echo free || echo held") != "free" {
			t.Errorf("the lock on %s is held", m.Name)
		}
	}
}

// A second signal stops at once, in the middle of an undo that hangs. What is left is printed with the command that mends it, and that
// command mends it.
func TestFault12Twice(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	c := s.config(t, parts{})
	p := s.f.StartTrikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes")
	p.Prints("waiting  503")
	s.on[0].Run(t, "touch /tmp/stop-hangs")
	p.Interrupt()
	p.Prints("undo of rotate")
	time.Sleep(600 * time.Millisecond) // within half a second it is the same signal
	p.Interrupt()
	began := time.Now()
	r := p.Wait().Exit(t, 8).Says(t, "hello on app1 was left half done by run "+p.Run(), "not done: ", "app2: not touched, on 1.0-", "trikk resume "+p.Run())
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to stop at once", took)
	}
	t.Logf("%s\n%s", r.Stdout, r.Stderr)
	s.f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Says(t, "app1", "out at lb1")
	s.on[0].Run(t, "rm /tmp/stop-hangs")
	if r := s.f.Trikk(t, c, "resume", p.Run(), "--yes"); r.Code != 130 && r.Code != 7 {
		r.Exit(t, 130)
	}
	s.clean(t)
}

// The program that reads the output goes away, and the terminal hangs up on a run that was started with nohup: it goes on to its end.
func TestFault12NobodyReads(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := s.f.StartDetached(t, s.config(t, parts{}), writer, "apply", "hello@2.0", "-e", "test", "--yes")
	_ = writer.Close()
	said := ""
	for part := make([]byte, 4096); !strings.Contains(said, "rotate 1/2\n  app1"); {
		n, err := reader.Read(part)
		if err != nil {
			t.Fatalf("%v after %s", err, said)
		}
		said += string(part[:n])
	}
	_ = reader.Close()
	p.Signal(syscall.SIGHUP)
	p.Wait().Exit(t, 0)
	for _, m := range s.on {
		serves(t, m, "2.0")
	}
	s.h.AllUp(t, "hello")
}
