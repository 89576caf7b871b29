//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// What dies in the middle of a server's turn: the proxy, the server's sshd, and trikk itself. The state is told as it is, and
// when the cause is mended another apply finishes with everything in rotation.
func TestBadMiddle(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	app1 := s.on[0]
	quick := parts{rollout: `	rollout: {rolling: {}, drainDeadline: "4s", admitDeadline: "4s"}`}
	mends := func(t *testing.T, c *e2e.Config, version string) {
		t.Helper()
		s.apply(t, c, "hello@"+version).Exit(t, 0).Says(t, "hello runs "+version+"-")
		for _, m := range s.on {
			installed(t, m, root+"/hello-app", version)
			serves(t, m, version)
		}
		s.h.AllUp(t, "hello")
		s.f.Trikk(t, c, "plan", "hello@"+version, "-e", "test", "--detailed-exitcode").Exit(t, 0)
	}

	t.Run("the proxy is killed", func(t *testing.T) {
		c := s.config(t, quick)
		began := time.Now()
		p := s.f.StartTrikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes")
		p.Prints("done     stop hello")
		s.f.LB[0].Run(t, "kill -9 $(pgrep -x haproxy)")
		r := p.Wait().Exit(t, 8)
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("it took %s", took)
		}
		t.Logf("%s\n%s", r.Stdout, r.Stderr)
		r.Says(t, "app1  FAILED   admit app1 at lb1", "connecting to "+e2e.HAProxySocket+" on lb1: ", "Connection refused: is haproxy listening there?", "a person is needed", "not done: admit app1 at lb1", "app2: not touched, on 1.0-", "next: trikk status hello -e test")
		r.Lacks(t, "panic", "goroutine ")
		// Nobody can say whether requests reach it, so 2.0 is not stopped.
		installed(t, app1, root+"/hello-app", "2.0")
		serves(t, app1, "2.0")
		s.f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 1).Says(t, "app1  active  2.0-", "app2  active  1.0-", "unknown", "Connection refused: is haproxy listening there?")

		s.f.LB[0].Run(t, "haproxy -D -W -p /run/haproxy.pid -f /srv/haproxy/haproxy.cfg")
		mends(t, c, "2.0")
	})
	t.Run("sshd of a server is killed", func(t *testing.T) {
		c := s.config(t, quick)
		began := time.Now()
		p := s.f.StartTrikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes", "--timeout", "2s")
		p.Prints("done     stop hello")
		app1.KillSSHD(t)
		r := p.Wait().Exit(t, 8)
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("it took %s", took)
		}
		t.Logf("%s\n%s", r.Stdout, r.Stderr)
		r.Says(t, "app1", "a person is needed", "hello on app1 was left half done", "not done: admit app1 at lb1", "app2: not touched, on 2.0-")
		r.Lacks(t, "panic", "goroutine ")
		s.h.AllUp(t, "hello", "app1")
		s.f.Trikk(t, c, "status", "hello", "-e", "test", "--timeout", "2s").Exit(t, 1).Says(t, "app1", "unreachable: ", "connection refused", "app2", "2.0-", "  out  ")

		app1.RestartSSHD(t)
		mends(t, c, "1.0")
	})
	seed := uint64(time.Now().UnixNano())
	t.Logf("the moments come from seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	for i := range e2e.Full(2, make([]int, 5)...) {
		wait := time.Duration(moments.IntN(4000)) * time.Millisecond
		t.Run(fmt.Sprintf("trikk is killed, %d", i+1), func(t *testing.T) {
			version := []string{"2.0", "1.0"}[i%2]
			c := s.config(t, quick)
			p := s.f.StartTrikk(t, c, "apply", "hello@"+version, "-e", "test", "--yes")
			p.Prints("rotate 1/2")
			time.Sleep(wait)
			p.Kill()
			t.Logf("killed %s after the first turn began", wait)
			s.tellsTruth(t, c)
			mends(t, c, version)
		})
	}
}

// tellsTruth asserts that trikk status says of both servers what they and HAProxy say themselves.
func (s *scene) tellsTruth(t *testing.T, c *e2e.Config) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		before := s.truth(t)
		told := s.told(t, c)
		if before == s.truth(t) && told == before {
			t.Logf("\n%s", told)
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("status says\n%s\nbut it is\n%s", told, s.truth(t))
			return
		}
	}
}

// truth is release, process and rotation of each server, without trikk's help.
func (s *scene) truth(t *testing.T) string {
	t.Helper()
	status, states := s.h.Status(t, "hello"), s.h.Ask(t, "show servers state hello")
	var lines []string
	for _, m := range s.on {
		release := strings.TrimPrefix(m.Link(root+"/hello-app"), "releases/")
		cwd := ""
		if list := apps(t, m); len(list) > 0 {
			cwd = list[0].Cwd
		}
		running, _, _ := strings.Cut(strings.TrimPrefix(cwd, root+"/releases/"), "/")
		lines = append(lines, fmt.Sprintf("%s: current %q, running %q, rotation %s", m.Name, release, running, rotation(status[m.Name], states, m.Name)))
	}
	return strings.Join(lines, "\n")
}

// rotation is a server's, by its status and by the table of states: the status of one that is drained and does not answer is DOWN.
func rotation(status, states, server string) string {
	for line := range strings.Lines(states) {
		// be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state …
		if f := strings.Fields(line); len(f) > 6 && f[3] == server && f[6] != "0" {
			return "out"
		}
	}
	if status == "UP" {
		return "in"
	}
	return "down"
}

// told is the same as trikk status has it.
func (s *scene) told(t *testing.T, c *e2e.Config) string {
	t.Helper()
	r := s.f.Trikk(t, c, "status", "hello", "-e", "test", "--json").Exit(t, 0)
	lines := map[string]string{}
	for text := range strings.Lines(r.Stdout) {
		var l struct {
			Host, Release, Running, Service, LockedBy string
			Rotation                                  map[string]string
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		lines[l.Host] = fmt.Sprintf("%s: current %q, running %q, rotation %s", l.Host, l.Release, l.Running, l.Rotation["lb1"])
		if l.LockedBy != "" {
			lines[l.Host] += ", locked by " + l.LockedBy
		}
		if (l.Service == "active") != (l.Running != "") {
			lines[l.Host] += ", service " + l.Service
		}
	}
	var out []string
	for _, host := range slices.Sorted(maps.Keys(lines)) {
		out = append(out, lines[host])
	}
	return strings.Join(out, "\n")
}
