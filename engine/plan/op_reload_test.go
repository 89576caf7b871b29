package plan_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

func TestReload(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		op := plan.Reload{Command: `echo "it's reloaded" >>"$HOME/log"`}
		s.changes(op)
		s.changes(op)
		s.sent("log", "it's reloaded", "it's reloaded")
	})
}

func TestReloadFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.fails(plan.Reload{Command: "echo 'Syntax error on line 3' >&2; exit 1"}, "Syntax error on line 3", "the proxy's reload ended with status 1")
	})
}

// stateHead is how HAProxy 2.6 begins its answer to `show servers state`.
const stateHead = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change\n"

// nothingKept is a state file that holds out nobody.
const nothingKept = "1\n# written by trikk: servers are held out over its own reloads only\n"

// talkative puts a socat before the server that answers as HAProxy does: process 1, with the servers of the file servers.
func (s *server) talkative(servers string) plan.Reload {
	s.t.Helper()
	s.put("pid", "1\n")
	s.put("servers", servers)
	l, err := net.Listen("unix", filepath.Join(s.home, "s"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = l.Close() })
	s.fake("socat", `#!/bin/sh
read -r c
case $c in
"show info") echo "Name: HAProxy"; echo "Pid: $(cat "$HOME/pid")"; echo "Uptime_sec: 5" ;;
"show servers state") cat "$HOME/servers" ;;
*) echo "$c" >>"$HOME/said" ;;
esac
echo
`)
	return plan.Reload{Socket: filepath.Join(s.home, "s"), StateFile: filepath.Join(s.home, "haproxy.state")}
}

func (s *server) put(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.home, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) get(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.home, name))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return string(b)
}

// TestReloadKeepsState: the new process reads who is held out, and what it has read is gone afterwards.
func TestReloadKeepsState(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		servers := stateHead + "3 app 1 b1 10.0.0.1 2 8 1 1 9\n3 app 2 b2 10.0.0.2 2 0 1 1 9\n4 web 1 b1 10.0.0.1 0 1 0 1 9\n4 web 2 off 10.0.0.3 0 4 0 0 9\n"
		op := s.talkative(servers)
		op.Command = `cp "$HOME/haproxy.state" "$HOME/read"; echo "$$" >"$HOME/pid"`
		for range 2 {
			s.changes(op)
			if got := s.get("read"); got != servers {
				t.Errorf("the new process read %q", got)
			}
			if got := s.get("haproxy.state"); got != nothingKept {
				t.Errorf("left behind: %q", got)
			}
		}
		if said := s.get("said"); said != "" {
			t.Errorf("said %q to a proxy that forgot nothing", said)
		}
	})
}

// TestReloadForgets: an HAProxy that does not read the file is told again, and the step says what is missing.
func TestReloadForgets(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		op := s.talkative(stateHead + "3 app 1 b1 10.0.0.1 2 9 1 1 9\n3 app 11 b11 10.0.0.2 2 8 1 1 9\n4 web 2 b2 10.0.0.3 0 0 0 1 9\n")
		s.put("next", stateHead+"3 app 1 b1 10.0.0.1 2 0 1 1 9\n3 app 11 b11 10.0.0.2 2 8 1 1 9\n4 web 2 b2 10.0.0.3 0 0 1 1 9\n")
		op.Command = `cp "$HOME/next" "$HOME/servers"; echo 2 >"$HOME/pid"`
		s.fails(op, "haproxy forgot at the reload that somebody holds these servers out, and was told again: app/b1 web/b2;", "load-server-state-from-file global in its defaults")
		if said := s.get("said"); said != "set server app/b1 state maint\nset server web/b2 weight 0\n" {
			t.Errorf("said %q", said)
		}
	})
}

// TestReloadLeavesNoState: however the reload ends, a file that holds out servers is not left for somebody else's reload.
func TestReloadLeavesNoState(t *testing.T) {
	for command, want := range map[string]string{
		"echo no; exit 3":  "the proxy's reload ended with status 3",
		"true":             "haproxy is still process 1, some 20 s after a reload that ended well: ",
		`kill -TERM $PPID`: "",
		`kill -HUP $PPID`:  "",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "dash")
			op := s.talkative(stateHead + "3 app 1 b1 10.0.0.1 2 8 1 1 9\n")
			op.Command = `cp "$HOME/haproxy.state" "$HOME/read"; ` + command
			s.fake("sleep", "#!/bin/sh\n")
			s.fails(op, want)
			if got := s.get("haproxy.state"); got != nothingKept || !strings.Contains(s.get("read"), " b1 ") {
				t.Errorf("left behind: %q, read %q", got, s.get("read"))
			}
		})
	}
}

// TestReloadWithoutState: what can't be written or read is told before anything is reloaded.
func TestReloadWithoutState(t *testing.T) {
	for want, spoil := range map[string]func(s *server, op *plan.Reload){
		"neither socat nor nc is on this host":            func(s *server, _ *plan.Reload) { s.only() },
		"there is no socket /none":                        func(_ *server, op *plan.Reload) { op.Socket = "/none" },
		"in a form that is not known: Permission denied":  func(s *server, _ *plan.Reload) { s.put("servers", "Permission denied\n") },
		"in a form that is not known: 1":                  func(s *server, _ *plan.Reload) { s.put("servers", "1\n# be_name be_id\n") },
		"can't write /none/state (give its directory to ": func(_ *server, op *plan.Reload) { op.StateFile = "/none/state" },
		"/ is a directory":                                func(_ *server, op *plan.Reload) { op.StateFile = "/" },
		"does not answer at":                              func(s *server, _ *plan.Reload) { s.fake("socat", "#!/bin/sh\necho refused; exit 1\n") },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "dash")
			op := s.talkative(stateHead)
			op.Command = `touch "$HOME/reloaded"`
			spoil(s, &op)
			s.fails(op, want)
			if _, err := os.Stat(filepath.Join(s.home, "reloaded")); err == nil {
				t.Error("it was reloaded")
			}
		})
	}
}
