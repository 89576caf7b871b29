package plan_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// systemctl stands in for systemd: the state of a unit is the content of a file, and each changing command is logged.
const systemctl = `#!/bin/sh
state=$HOME/unit.$2
case $1 in
is-active) cat "$state" 2>/dev/null || { echo inactive; exit 3; } ;;
start)
	echo "$*" >>"$HOME/systemctl.log"
	[ "$2" != missing.service ] || { echo "Unit missing.service not found." >&2; exit 5; }
	if [ "$2" = crashing.service ]; then echo failed >"$state"; else echo active >"$state"; fi ;;
stop)
	echo "$*" >>"$HOME/systemctl.log"
	[ "$2" = stuck.service ] || echo inactive >"$state" ;;
status) echo "the last lines of $4" ;;
*) echo "unexpected: $*" >&2; exit 9 ;;
esac
`

func systemdOp(action, unit string) plan.ServiceOp {
	return plan.ServiceOp{Action: action, App: "hello", Root: "~/hello", Current: "current", Release: "1.0-aa", Version: "1.0",
		Service: plan.Service{Systemd: &plan.Systemd{Unit: unit, Timeout: plan.Duration(time.Second)}}}
}

func TestServiceSystemd(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.fake("systemctl", systemctl)
		s.fake("id", "#!/bin/sh\necho 0\n")
		s.same(systemdOp("stop", "hello.service"))
		s.twice(systemdOp("start", "hello.service"))
		s.twice(systemdOp("stop", "hello.service"))
		s.sent("systemctl.log", "start hello.service", "stop hello.service")
	})
}

func TestServiceSystemdSudo(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.fake("systemctl", systemctl)
		s.fake("id", "#!/bin/sh\ncase $1 in -u) echo 1000;; *) echo deploy;; esac\n")
		s.fake("sudo", "#!/bin/sh\n[ \"$1\" = -n ] || exit 9\necho \"$*\" >>\"$HOME/sudo.log\"\nshift\nexec \"$@\"\n")
		s.twice(systemdOp("start", "hello.service"))
		s.twice(systemdOp("stop", "hello.service"))
		s.sent("sudo.log", "-n systemctl start hello.service", "-n systemctl stop hello.service")
		s.fake("sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
		s.fails(systemdOp("start", "hello.service"), "sudo -n systemctl start hello.service failed for deploy: sudo: a password is required")
	})
}

func TestServiceSystemdFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.fake("systemctl", systemctl)
		s.fake("id", "#!/bin/sh\necho 0\n")
		s.fails(systemdOp("start", "missing.service"), "not found")
		s.fails(systemdOp("start", "crashing.service"), "crashing.service is failed after its start", "the last lines of crashing.service")
		check(t, os.WriteFile(s.home+"/unit.stuck.service", []byte("active\n"), 0o644))
		s.fails(systemdOp("stop", "stuck.service"), "stuck.service is still active 1 s after its stop")
		s.only()
		s.fails(systemdOp("start", "hello.service"), "systemctl is not installed")
	})
}

// sent asserts the lines of a log.
func (s *server) sent(log string, lines ...string) {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.home, log))
	check(s.t, err)
	if want := strings.Join(lines, "\n") + "\n"; string(b) != want {
		s.t.Errorf("%s is\n%swant\n%s", log, b, want)
	}
}

// itas is an app that brings its own commands; what it starts stays in the foreground's session and keeps its output open.
const itas = `#!/bin/sh
echo "itas $1: $TRIKK_APP $TRIKK_VERSION $TRIKK_RELEASE $TRIKK_ROOT"
running() { kill -0 "$(cat "$TRIKK_ROOT/itas.pid" 2>/dev/null)" 2>/dev/null; }
case $1 in
start)
	running && { echo 'it runs already'; exit 1; }
	sleep 1000 &
	echo $! >"$TRIKK_ROOT/itas.pid" ;;
stop)
	running || { echo 'it does not run'; exit 1; }
	kill "$(cat "$TRIKK_ROOT/itas.pid")"
	rm "$TRIKK_ROOT/itas.pid" ;;
status) running ;;
esac
`

func (s *server) installItas(release string) {
	s.complete(release)
	s.write("releases/"+release+"/itas", itas)
	check(s.t, os.Chmod(s.root+"/releases/"+release+"/itas", 0o755))
	s.t.Cleanup(func() {
		if b, err := os.ReadFile(s.root + "/itas.pid"); err == nil {
			kill(s.t, strings.TrimSpace(string(b)))
		}
	})
}

// kill ends a process that a test left running.
func kill(t *testing.T, pid string) {
	n, err := strconv.Atoi(pid)
	if err != nil || n < 2 {
		return
	}
	if err := syscall.Kill(n, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		t.Error(err)
	}
}

func commandsOp(action, status string) plan.ServiceOp {
	return plan.ServiceOp{Action: action, App: "hello", Root: "~/hello", Current: "current", Version: "1.0",
		Service: plan.Service{Commands: &plan.Commands{Start: "./itas start", Stop: "./itas stop", Status: status, Timeout: plan.Duration(5 * time.Second)}}}
}

func TestServiceCommands(t *testing.T) {
	for name, status := range map[string]string{"status": "./itas status", "no status": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onShells(t, func(t *testing.T, s *server) {
				s.same(commandsOp("stop", status))
				s.installItas("1.0-aa")
				s.link("releases/1.0-aa", "current")
				s.same(commandsOp("stop", status))
				out := s.changes(commandsOp("start", status))
				if want := "itas start: hello 1.0 " + s.root + "/releases/1.0-aa " + s.root; !strings.Contains(out, want) {
					t.Errorf("start printed %q, want %q", out, want)
				}
				s.same(commandsOp("start", status))
				s.twice(commandsOp("stop", status))
				if s.exists("itas.pid") {
					t.Error("it was not stopped")
				}
			})
		})
	}
}

func TestServiceCommandsFail(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.fails(commandsOp("start", ""), "current points to no release")
		s.installItas("1.0-aa")
		s.link("releases/1.0-aa", "current")
		op := commandsOp("start", "./itas status")
		op.Service.Commands.Start = "echo the reason; exit 255"
		s.fails(op, "the reason", "ended with status 255")
		op.Service.Commands.Timeout = plan.Duration(time.Second)
		op.Service.Commands.Start = "sleep 60"
		s.fails(op, "'sleep 60' did not end within 1 s")
		op.Service.Commands.Start = "true"
		s.fails(op, "hello does not run 1 s after 'true'")
		s.fails(commandsOp("stop", "./none status"), "the status command can't be run: ./none status")
		for _, status := range []string{"", "./itas status"} {
			s.changes(commandsOp("start", status))
			op = commandsOp("stop", status)
			op.Service.Commands.Timeout = plan.Duration(time.Second)
			op.Service.Commands.Stop = "exit 3"
			s.fails(op, "hello still runs 1 s after 'exit 3', which ended with status 3")
			s.changes(commandsOp("stop", status))
		}
	})
}

// A start never takes another release, or an app that was installed by other means, for the one that it starts.
func TestServiceCommandsStartNoOtherRelease(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.installItas("1.0-aa")
		s.link("releases/1.0-aa", "current")
		check(t, os.WriteFile(s.home+"/runs", nil, 0o644))
		op := func(action string) plan.ServiceOp {
			o := commandsOp(action, `[ -e "$HOME/runs" ]`)
			o.Service.Commands.Start, o.Service.Commands.Stop = `touch "$HOME/runs"`, `rm "$HOME/runs"`
			return o
		}
		s.fails(op("start"), "hello runs already, and it is not "+s.root+"/releases/1.0-aa that runs")
		check(t, os.Remove(s.home+"/runs"))
		s.twice(op("start"))
		s.installItas("2.0-bb")
		check(t, os.Remove(s.root+"/current"))
		s.link("releases/2.0-bb", "current")
		s.fails(op("start"), "stop it by hand")
		s.twice(op("stop"))
		s.twice(op("start"))
	})
}

func processOp(action, command string) plan.ServiceOp {
	return plan.ServiceOp{Action: action, App: "hello", Root: "~/hello", Current: "current", Version: "1.0",
		Service: plan.Service{Process: &plan.Process{Command: command, Timeout: plan.Duration(time.Second)}}}
}

func (s *server) pid() string {
	s.t.Helper()
	pid := strings.TrimSpace(s.read("shared/hello.pid"))
	s.t.Cleanup(func() { kill(s.t, pid) })
	return pid
}

func TestServiceProcess(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.same(processOp("stop", "x"))
		s.complete("1.0-aa")
		s.complete("2.0-bb")
		s.link("releases/1.0-aa", "current")
		start := processOp("start", `echo "it's $TRIKK_APP $TRIKK_VERSION in $PWD"; exec sleep 1000`)
		s.twice(start)
		pid := s.pid()
		if cwd, err := os.Readlink("/proc/" + pid + "/cwd"); err != nil || cwd != s.root+"/releases/1.0-aa" {
			t.Errorf("it runs in %q, %v", cwd, err)
		}
		if got := s.read("shared/log/hello.out"); got != "it's hello 1.0 in "+s.root+"/releases/1.0-aa\n" {
			t.Errorf("the log is %q", got)
		}
		check(t, os.Remove(s.root+"/current"))
		s.link("releases/2.0-bb", "current")
		s.fails(start, "still runs another release, as process "+pid)
		check(t, os.RemoveAll(s.root+"/releases/1.0-aa"))
		s.twice(processOp("stop", "x"))
		if alive(pid) || s.exists("shared/hello.pid") {
			t.Error("it was not stopped")
		}
		s.twice(start)
		s.pid()
		s.twice(processOp("stop", "x"))
	})
}

// What is known of a process's log is no reason not to start it: it may be a pipe, unreadable, or what is noted of it can't be written.
func TestServiceProcessLogs(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		s.link("releases/1.0-aa", "current")
		start := processOp("start", "echo hello; exec sleep 1000")
		log := s.root + "/shared/log/hello.out"
		check(t, os.MkdirAll(s.root+"/shared/log", 0o755))
		check(t, syscall.Mkfifo(log, 0o600))
		s.fails(start, "hello was not started: nobody reads "+log+", which is a pipe")
		reader, err := os.OpenFile(log, os.O_RDWR, 0)
		check(t, err)
		defer func() { _ = reader.Close() }()
		s.changes(start)
		s.pid()
		said := make([]byte, 6)
		if _, err := reader.Read(said); err != nil || string(said) != "hello\n" {
			t.Errorf("the pipe has %q, %v", said, err)
		}
		s.changes(processOp("stop", "x"))
		s.fails(processOp("start", "exit 3"), "hello ended right after its start")

		check(t, os.Remove(log))
		s.write("shared/log/hello.out", "of an earlier start\n")
		check(t, os.Chmod(log, 0o200))
		check(t, os.RemoveAll(s.root+"/.trikk/hello.printed"))
		check(t, os.Mkdir(s.root+"/.trikk/hello.printed", 0o755))
		s.fake("wc", "#!/bin/sh\nexit 1\n")
		s.fake("stat", "#!/bin/sh\nexit 1\n")
		s.changes(start)
		s.pid()
		s.changes(processOp("stop", "x"))
	})
}

// A process that starts others, ignores SIGTERM or has another working directory is stopped all the same.
func TestServiceProcessStops(t *testing.T) {
	commands := map[string]string{
		"children": "sleep 1000 & sleep 1001 & wait", "deaf": "trap '' TERM; while :; do sleep 0.1; done", "elsewhere": "cd /; exec sleep 1000",
		"orphans": "sleep 1000 & exec sleep 1", "nasty": `echo '$(x) "y"'; sleep 1000; echo "done"`,
	}
	for name, command := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onShells(t, func(t *testing.T, s *server) {
				s.complete("1.0-aa")
				s.link("releases/1.0-aa", "current")
				s.changes(processOp("start", command))
				pid := s.pid()
				s.changes(processOp("stop", command))
				if left := group(t, pid); left != "" {
					t.Errorf("left running:\n%s", left)
				}
				s.same(processOp("stop", command))
			})
		})
	}
}

func TestServiceProcessFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.fails(processOp("start", "sleep 1000"), "current points to no release")
		s.complete("1.0-aa")
		s.link("releases/1.0-aa", "current")
		s.write("shared/log/hello.out", "an old line\n")
		out := s.fails(processOp("start", "echo 'the port is taken' >&2; exit 3"), "the port is taken", "hello ended right after its start")
		if strings.Contains(out, "an old line") {
			t.Error("lines of an earlier start are shown")
		}
		if s.exists("shared/hello.pid") {
			t.Error("a dead process has a pid file")
		}
	})
}

// A pid file whose number belongs to somebody else by now harms nobody.
func TestServiceProcessSparesOthers(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		other := exec.Command("sleep", "1000")
		other.Dir = s.home
		other.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		check(t, other.Start())
		defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
		s.complete("1.0-aa")
		s.link("releases/1.0-aa", "current")
		for _, pid := range []string{strconv.Itoa(other.Process.Pid), "", "1", "0", "-1", "x; touch pwned", "99999999"} {
			s.write("shared/hello.pid", pid+"\n")
			s.same(processOp("stop", "sleep 1000"))
			if !alive(strconv.Itoa(other.Process.Pid)) {
				t.Fatalf("pid file %q: a process of somebody else was stopped", pid)
			}
		}
		s.write("shared/hello.pid", strconv.Itoa(other.Process.Pid)+"\n")
		s.twice(processOp("start", "exec sleep 1000"))
		s.pid()
		s.twice(processOp("stop", ""))
	})
}

func TestServiceNone(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.same(plan.ServiceOp{Action: "start", App: "it's", Root: s.root, Current: "current"})
	})
}

// alive tells whether a process runs; one that ended and waits for its parent does not.
func alive(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// group lists the living processes of a process group.
func group(t *testing.T, pgid string) string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	check(t, err)
	var out string
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		i := strings.LastIndex(string(b), ") ")
		var state string
		var parent, of int
		if _, err := fmt.Sscan(string(b)[i+2:], &state, &parent, &of); err == nil && strconv.Itoa(of) == pgid && state != "Z" {
			out += string(b)
		}
	}
	return out
}
