package survey_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/sshtest"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/survey"
)

// fleet is servers in this process, with real shells.
type fleet struct {
	t    *testing.T
	env  plan.Environment
	pool *host.Pool
	home map[string]string
	sshd map[string]*sshtest.Server
}

func newFleet(t *testing.T, names ...string) *fleet {
	t.Helper()
	id, err := sshtest.NewIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, env: plan.Environment{Name: "test", Servers: map[string]plan.Host{}}, home: map[string]string{}, sshd: map[string]*sshtest.Server{}}
	var targets []host.Target
	var servers []*sshtest.Server
	for _, name := range names {
		home := t.TempDir() // with programs of its own in bin
		s, err := sshtest.Start(sshtest.Config{Home: home, AuthorizedKeys: []ssh.PublicKey{id.PublicKey()}, Env: []string{"PATH=" + home + "/bin:" + os.Getenv("PATH")}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		servers, f.home[name] = append(servers, s), s.Home()
		f.sshd[name] = s
		f.env.Servers[name] = plan.Host{Name: name, Address: s.Host(), Port: s.Port(), User: "deploy"}
		targets = append(targets, host.Target{Name: name, Address: s.Host(), Port: s.Port(), User: "deploy"})
	}
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := sshtest.WriteKnownHosts(known, servers...); err != nil {
		t.Fatal(err)
	}
	f.pool = host.NewPool(targets, host.Options{ConfigFile: "none", AgentSocket: "none", IdentityFiles: []string{id.File}, KnownHosts: []string{known}})
	t.Cleanup(func() { _ = f.pool.Close() })
	return f
}

// Reader is for reading only.
func (f *fleet) Reader(ctx context.Context, name string) (host.Reader, error) {
	return f.pool.Host(ctx, name)
}

// TestRealProcesses finds a process of this test by its directory and its child by it, with the real script, and tells a host that
// can't be reached.
func TestRealProcesses(t *testing.T) {
	f := newFleet(t, "app01")
	release := filepath.Join(f.home["app01"], "apps/web/releases/1.0-abc")
	if err := os.MkdirAll(release, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "sleep 600 & printf '%s\\n' \"$!\" >child; wait"
	leader := exec.Command("/bin/sh", "-c", script, "odd \x1b\xff\nname", "/proc/1/cmdline:x")
	leader.Dir = release
	if err := leader.Start(); err != nil {
		t.Fatal(err)
	}
	child := 0
	t.Cleanup(func() {
		if child > 1 {
			if p, err := os.FindProcess(child); err == nil {
				_ = p.Kill()
			}
		}
		_ = leader.Process.Kill()
		_ = leader.Wait()
	})
	for i := 0; child == 0 && i < 500; i++ {
		text, _ := os.ReadFile(filepath.Join(release, "child"))
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		time.Sleep(10 * time.Millisecond)
	}
	app := plan.App{Name: "web", Servers: []string{"app01"}, Layout: plan.Layout{Root: "~/apps/web", Current: "current"}}
	got := survey.Processes(t.Context(), f, f.env, []plan.App{app}, []string{"app01", "app09"}, 2)
	if got[0].Err != nil {
		t.Fatal(got[0].Err)
	}
	if got[1].Err == nil || !strings.Contains(got[1].Err.Error(), "app09") {
		t.Errorf("the host that is not there: %v", got[1].Err)
	}
	byID := map[int]survey.Process{}
	for _, p := range got[0].Processes {
		byID[p.PID] = p
		if strings.Contains(p.Command, "/proc/1/cmdline:x") && p.PID != leader.Process.Pid {
			t.Errorf("an argument made a process up: %+v", p)
		}
	}
	p := byID[leader.Process.Pid]
	if p.App != "web" || p.Release != "1.0-abc" || p.Command != "/bin/sh -c "+script+" odd \x1b\xff\nname /proc/1/cmdline:x" || p.RSS == 0 || p.Ran < 0 || p.Ran > time.Hour {
		t.Errorf("the process is %+v", p)
	}
	if c := byID[child]; c.App != "web" || c.Release != "1.0-abc" || c.Parent != p.PID || c.Command != "sleep 600" {
		t.Errorf("its child %d is %+v", child, c)
	}
	if me := byID[os.Getpid()]; me.App != "" || me.User != p.User || !strings.Contains(me.Command, ".test") {
		t.Errorf("this test is %+v", me)
	}
}

func TestExecute(t *testing.T) {
	f := newFleet(t, "app01", "app02")
	for name, home := range f.home {
		if err := os.WriteFile(filepath.Join(home, "name"), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	both := []string{"app01", "app02"}
	run := func(hosts []string, words ...string) []survey.Ended {
		return survey.Execute(t.Context(), f.pool, hosts, survey.Command{Words: words, Deadline: 20 * time.Second}, 2)
	}
	odd := []string{"printf", "<%s>", "a b", "", "'q'", `"$HOME"`, "$(echo x)", `\n`, "*", "ä", "--"}
	for _, e := range run(both, odd...) {
		if want := `<a b><><'q'><"$HOME"><$(echo x)><\n><*><ä><-->`; e.Err != nil || e.Exit != 0 || e.Output != want {
			t.Errorf("%s: %+v, want %s", e.Host, e, want)
		}
	}
	var mu sync.Mutex
	told := map[string][]string{}
	tell := func(e survey.ExecEvent) {
		mu.Lock()
		defer mu.Unlock()
		if e.Ended != nil {
			e.Doing = fmt.Sprintf("ended %d", e.Ended.Exit)
		}
		told[e.Host] = append(told[e.Host], e.Doing)
	}
	three := survey.Command{Words: []string{"sh", "-c", "cat name; echo of >&2; [ $(cat name) = app01 ] || exit 3"}, Deadline: 20 * time.Second, Tell: tell}
	got := survey.Execute(t.Context(), f.pool, []string{"app01", "app02", "app09"}, three, 2)
	if got := fmt.Sprint(told); got != "map[app01:[connecting running ended 0] app02:[connecting running ended 3] app09:[connecting ended 0]]" {
		t.Errorf("told is %s", got)
	}
	if got[0].Output != "app01of\n" || got[0].Exit != 0 || got[1].Output != "app02of\n" || got[1].Exit != 3 || got[2].Err == nil {
		t.Errorf("%+v", got)
	}
	// Words are a program, not the frame's functions, and get no input.
	for _, words := range [][]string{{"same", "x"}, {"fail"}, {"echo x; echo y"}} {
		if e := run(both[:1], words...)[0]; e.Exit != 127 || e.Err != nil {
			t.Errorf("%q: %+v", words, e)
		}
	}
	if e := run(both[:1], "cat")[0]; e.Exit != 0 || e.Output != "" || e.Err != nil {
		t.Errorf("cat: %+v", e)
	}
	large := run(both[:1], "sh", "-c", "echo head; head -c 300000 /dev/zero | tr '\\000' x; echo tail")[0]
	if len(large.Output) > 70000 || !strings.HasPrefix(large.Output, "head\n") || !strings.HasSuffix(large.Output, "tail\n") || !strings.Contains(large.Output, "bytes left out") {
		t.Errorf("the large output has %d bytes", len(large.Output))
	}
}

// TestExecuteEnds: the deadline and the caller end commands, and their processes are gone.
func TestExecuteEnds(t *testing.T) {
	f := newFleet(t, "app01")
	for name, deadline := range map[string]time.Duration{"deadline": 300 * time.Millisecond, "caller": time.Minute} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if name == "caller" {
			time.AfterFunc(300*time.Millisecond, cancel)
		}
		e := survey.Execute(ctx, f.pool, []string{"app01"}, survey.Command{Words: []string{"sh", "-c", "echo begun $$; exec sleep 600"}, Deadline: deadline}, 1)[0]
		var h *host.Error
		if !errors.As(e.Err, &h) || h.Kind != host.Unknown || !strings.HasPrefix(e.Output, "begun ") {
			t.Fatalf("%s: %+v", name, e)
		}
		id := strings.TrimSpace(strings.TrimPrefix(e.Output, "begun "))
		gone := func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", id))
			return err != nil || slices.Contains(strings.Fields(string(stat)), "Z")
		}
		for i := 0; !gone(); i++ {
			if i == 500 {
				t.Fatalf("%s: process %s still runs", name, id)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	over, end := context.WithCancel(t.Context())
	end()
	if e := survey.Execute(over, f.pool, []string{"app01"}, survey.Command{Words: []string{"true"}, Deadline: time.Minute}, 1)[0]; e.Err == nil {
		t.Errorf("begun after the end: %+v", e)
	}
}

func TestCheck(t *testing.T) {
	f := newFleet(t, "app01")
	app := plan.App{Name: "web", Servers: []string{"app01", "app09"}, Layout: plan.Layout{Root: "~/apps/web", Current: "current"}}
	got := survey.Check(t.Context(), f.pool, f.env, []plan.App{app}, []string{"app01", "app09"}, 2)
	h := got[0]
	if h.Err != nil || h.User == "" || !strings.HasPrefix(h.Kernel, "Linux ") || !h.Known || h.Ahead.Abs() > 10*time.Second || h.Connect <= 0 || h.Answer <= 0 || h.Sessions != 10 {
		t.Errorf("%+v", h)
	}
	if len(h.Disks) != 1 || h.Disks[0].Size <= 0 || h.Disks[0].Mount == "" {
		t.Errorf("disks %+v", h.Disks)
	}
	if got[1].Err == nil || got[1].Findings()[0].Level != survey.Problem {
		t.Errorf("the host that is not there: %+v", got[1])
	}
}
