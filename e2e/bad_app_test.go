//go:build linux

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// Releases, hooks and commands that fail in a server's turn: that turn is undone, the other server is not touched, and 1.0 is
// in rotation everywhere.
func TestBadApp(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	version := func(v string) []string { return []string{"apply", "hello@" + v, "-e", "test", "--yes"} }
	// undone asserts that a run is undone: exit code 7, what it says, and the state before.
	undone := func(t *testing.T, p parts, b bad) {
		t.Helper()
		before := s.listing(t)
		b.code = 7
		s.runs(t, s.config(t, p), b).Says(t, append(b.says, "rolled back", "app1: back on 1.0-", "app2: not touched, on 1.0-")...)
		s.onlyReleases(t, before)
		s.clean(t)
	}

	t.Run("fault 07: probe never passes", func(t *testing.T) {
		undone(t, parts{}, bad{args: version("3.0"), says: []string{"app1  FAILED   probe http 127.0.0.1:8081/ready", "not passed within 3s", "last: 503 Service Unavailable: waiting for a database that does not exist", "3.0 never-healthy starts as process"}})
	})
	t.Run("fault 08: crash while it is watched", func(t *testing.T) {
		p := parts{rollout: `	rollout: {rolling: {}, minReadySeconds: 6, drainDeadline: "8s", admitDeadline: "8s"}`}
		undone(t, p, bad{args: version("4.0"), took: 25 * time.Second, says: []string{"app1  FAILED   watch"}})
	})
	t.Run("hook before fails", func(t *testing.T) {
		pids := s.pids(t)
		undone(t, parts{more: `	hooks: before: ["echo the backup has failed >&2; exit 3"]`}, bad{says: []string{"app1  FAILED   run hook before: ", "the hook before ended with status 3: the backup has failed"}})
		if now := s.pids(t); now != pids {
			t.Errorf("1.0 was restarted: %s, was %s", now, pids)
		}
	})
	t.Run("hook after fails", func(t *testing.T) {
		undone(t, parts{more: `	hooks: after: ["echo the warm-up has failed >&2; exit 4"]`}, bad{says: []string{"app1  FAILED   run hook after: ", "the hook after ended with status 4: the warm-up has failed"}})
	})
	t.Run("fault 20: hook hangs", func(t *testing.T) {
		undone(t, parts{more: `	hooks: {before: ["exec sleep 600"], timeout: "1s"}`}, bad{says: []string{"app1  UNKNOWN  app1: run hook before: exec sleep 600: no end within 1s"}})
		s.none(t, "sleep 600")
	})
	t.Run("start fails", func(t *testing.T) {
		undone(t, s.commands("grep -q ^2 VERSION && { echo there is no java here >&2; exit 9; }; bin/itas start"), bad{says: []string{"app1  FAILED   start hello 2.0-", "there is no java here", "ended with status 9"}})
	})
	t.Run("fault 20: start hangs", func(t *testing.T) {
		undone(t, s.commands("grep -q ^2 VERSION && exec sleep 600; bin/itas start"), bad{says: []string{"app1  FAILED   start hello 2.0-", "did not end within 2 s"}})
		s.none(t, "sleep 600")
	})
	t.Run("stop hangs", func(t *testing.T) {
		s.on[0].Run(t, "touch /tmp/stop-hangs")
		defer s.on[0].Run(t, "rm /tmp/stop-hangs")
		undone(t, parts{}, bad{says: []string{"app1  FAILED   stop hello 1.0-", "did not end within 2 s"}})
		s.none(t, "sleep 600")
	})
	t.Run("stop does nothing", func(t *testing.T) {
		s.on[0].Run(t, "touch /tmp/stop-lies")
		defer s.on[0].Run(t, "rm /tmp/stop-lies")
		undone(t, parts{}, bad{says: []string{"app1  FAILED   stop hello 1.0-", "still runs 2 s after"}})
	})
	t.Run("status command is not there", func(t *testing.T) {
		p := parts{service: `	service: commands: {start: "bin/itas start", stop: "bin/itas stop", status: "bin/itaz status"}`}
		s.refuses(t, s.config(t, p), bad{code: 1, lines: 2, says: []string{"trikk: app1: hello: its status command can't be run", "trikk: app2: ", "bin/itaz: not found"}})
	})
	t.Run("undoing fails too", func(t *testing.T) {
		// The new release breaks the old one, which is started by the commands that it was installed with.
		r := s.runs(t, s.config(t, s.commands("cd ../1.0-*/bin && mv itas itas.was && ln -s /bin/false itas; exit 1")), bad{code: 8})
		r.Says(t, "hello failed, and undoing it failed too in test: a person is needed", "hello on app1 was left half done", "not done: admit app1 at lb1", "app2: not touched, on 1.0-", "next: trikk status hello -e test", "or trikk apply hello@1.0 -e test plans anew")
		s.h.AllUp(t, "hello", "app1")
		s.f.Trikk(t, s.config(t, parts{}), "status", "hello", "-e", "test").Exit(t, 0).Says(t, "out at lb1")
		s.on[0].Run(t, "cd "+root+"/releases/1.0-*/bin && mv itas.was itas")
		s.apply(t, s.config(t, parts{}), "hello@1.0").Exit(t, 0)
		s.works(t)
	})
	s.clean(t)
}

// commands is hello with this start command. On a server with one of two files in /tmp its stop command hangs, or does nothing.
func (s *scene) commands(start string) parts {
	const stop = "[ ! -e /tmp/stop-hangs ] || exec sleep 600; [ -e /tmp/stop-lies ] || bin/itas stop"
	return parts{service: `	service: commands: {start: "` + start + `", stop: "` + stop + `", status: "bin/itas status", timeout: "2s"}`}
}

// none asserts that no process with these words runs on the servers.
func (s *scene) none(t *testing.T, words string) {
	t.Helper()
	for _, m := range s.on {
		if slices.ContainsFunc(m.Running(t), func(p e2e.Running) bool { return p.Command == words }) {
			t.Errorf("%s still runs on %s", words, m.Name)
		}
	}
}

// pids are the processes of the app.
func (s *scene) pids(t *testing.T) string {
	t.Helper()
	var out []string
	for _, m := range s.on {
		out = append(out, fmt.Sprint(m.Name, apps(t, m)))
	}
	return strings.Join(out, "; ")
}

// onlyReleases asserts that nothing differs from a listing but releases that nothing points to, archives, and process numbers.
func (s *scene) onlyReleases(t *testing.T, before string) {
	t.Helper()
	number := func(line string) bool { return strings.Trim(line, "-+ 0123456789\n") == "" }
	for line := range strings.Lines(difference(before, s.listing(t))) {
		added := strings.HasPrefix(line, "+ ") && (strings.Contains(line, "/releases/") && strings.Contains(line, "/hello/releases/") || strings.Contains(line, "/.trikk/cache/"))
		if !added && !number(line) {
			t.Errorf("something was changed: %s", line)
		}
	}
}
