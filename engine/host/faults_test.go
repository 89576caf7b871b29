package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/host/sshtest"
)

func kindOf(err error) host.Kind {
	var e *host.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func script(texts ...string) host.Script {
	var s host.Script
	for i, text := range texts {
		s.Steps = append(s.Steps, host.ScriptStep{ID: fmt.Sprint(i + 1), Text: text})
	}
	return s
}

// TestFault05KeepalivesFindASilentCut loses a connection without a word (fault 5): keepalives find it, and the pool dials anew.
func TestFault05KeepalivesFindASilentCut(t *testing.T) {
	f := start(t, sshtest.Config{})
	o := f.options()
	o.KeepaliveInterval, o.KeepaliveMissed = 50*time.Millisecond, 3
	pool := host.NewPool([]host.Target{f.target(0)}, o)
	defer func() { _ = pool.Close() }()
	h, err := pool.Host(context.Background(), "app1")
	if err != nil {
		t.Fatal(err)
	}
	lease, err := h.Hold(context.Background(), script("echo held; cat >/dev/null"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := h.Run(context.Background(), script("true", "sleep 300"), func(host.Record) { f.servers[0].Stall() })
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != host.Unknown || len(records) != 1 || !strings.Contains(err.Error(), "no answer for 150ms") {
		t.Errorf("records %+v, error %v", records, err)
	}
	<-lease.Lost()
	if _, err := h.Query(context.Background(), host.NewQuery("", "true")); kindOf(err) != host.Unreachable {
		t.Errorf("after the cut: %v", err)
	}
	again, err := pool.Host(context.Background(), "app1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Query(context.Background(), host.NewQuery("", "true")); err != nil {
		t.Errorf("dialled anew: %v", err)
	}
}

// TestCutScript cuts the connection at many places of a script on its way: it runs whole or not at all.
func TestCutScript(t *testing.T) {
	f := start(t, sshtest.Config{})
	mark := filepath.Join(f.servers[0].Home(), "mark")
	s := script("touch "+mark, ": "+strings.Repeat("x", 200_000))
	for _, n := range []int64{1, 300, 1000, 20_000, 100_000, 199_000} {
		h := f.connect(t, f.options())
		f.servers[0].CutAfter(n)
		if _, err := h.Run(context.Background(), s, nil); kindOf(err) != host.Unknown && kindOf(err) != host.Unreachable {
			t.Errorf("cut after %d: %v", n, err)
		}
		_ = h.Close()
	}
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part of the script ran: %v", err)
	}
}

// TestFault03CutTransfer leaves a part file, which the next attempt does not use.
func TestFault03CutTransfer(t *testing.T) {
	f := start(t, sshtest.Config{})
	file := hosttest.File("app.jar", make([]byte, 3<<20))
	h := f.connect(t, f.options())
	var once sync.Once
	err := h.Upload(context.Background(), file, func(int64, int64) { once.Do(func() { f.servers[0].CutAfter(1 << 20) }) })
	if kindOf(err) != host.Unreachable {
		t.Fatalf("error %v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); f.servers[0].Open() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server has connections after 10 s")
		}
	}
	dir := filepath.Join(f.servers[0].Home(), ".trikk-incoming")
	wantFiles(t, dir, 1, "app.jar.part-")
	old := time.Now().Add(-time.Hour)
	parts, _ := filepath.Glob(dir + "/*")
	if err := os.Chtimes(parts[0], old, old); err != nil {
		t.Fatal(err)
	}
	if err := f.connect(t, f.options()).Upload(context.Background(), file, nil); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, 1, "app.jar")
}

func wantFiles(t *testing.T, dir string, n int, prefix string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != n || !strings.HasPrefix(entries[0].Name(), prefix) {
		t.Fatalf("entries %v, %v, want %d with %s", entries, err, n, prefix)
	}
}

func TestCancelledUpload(t *testing.T) {
	f := start(t, sshtest.Config{})
	h := f.connect(t, f.options())
	ctx, cancel := context.WithCancel(context.Background())
	err := h.Upload(ctx, hosttest.File("app.jar", make([]byte, 3<<20)), func(int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := h.Upload(context.Background(), hosttest.File("app.jar", []byte("x")), nil); err != nil {
		t.Errorf("the same connection afterwards: %v", err)
	}
}

// TestUploadWithoutSFTP goes through a shell.
func TestUploadWithoutSFTP(t *testing.T) {
	f := start(t, sshtest.Config{NoSFTP: true})
	h := f.connect(t, f.options())
	for _, name := range []string{"app.jar", `it's "odd" $(x)`} {
		var last int64
		if err := h.Upload(context.Background(), hosttest.File(name, make([]byte, 3<<20)), func(sent, _ int64) { last = sent }); err != nil || last != 3<<20 {
			t.Fatalf("%s: %d bytes, %v", name, last, err)
		}
		if info, err := os.Stat(filepath.Join(f.servers[0].Home(), ".trikk-incoming", name)); err != nil || info.Size() != 3<<20 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestForwardingRefused(t *testing.T) {
	servers := map[string]host.Host{}
	f := start(t, sshtest.Config{NoForwarding: true})
	servers["in process"] = f.connect(t, f.options())
	servers["sshd"] = startSSHD(t, "DisableForwarding yes").connect(t, "")
	for name, h := range servers {
		for network, address := range map[string]string{"tcp": "127.0.0.1:1", "unix": "/run/haproxy/admin.sock"} {
			_, err := h.Dial(context.Background(), network, address)
			if kindOf(err) != host.Forwarding || errors.Is(err, host.ErrProhibited) == (network == "unix" && name == "sshd") || !strings.Contains(err.Error(), "DisableForwarding") && !strings.Contains(err.Error(), "AllowTcpForwarding") {
				t.Errorf("%s, %s: %v", name, network, err)
			}
		}
	}
}

func TestNoShell(t *testing.T) {
	f := start(t, sshtest.Config{NoShell: true})
	hosts := map[string]host.Host{"nologin": f.connect(t, f.options())}
	hosts["SFTP only"] = startSSHD(t, "ForceCommand internal-sftp").connect(t, "")
	for name, h := range hosts {
		_, err := h.Run(context.Background(), script("true"), nil)
		if kindOf(err) != host.Protocol || !strings.Contains(err.Error(), "no shell answered") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSudo uses a stand-in; TestRealSudo the real one.
func TestSudo(t *testing.T) {
	bin := t.TempDir()
	f := start(t, sshtest.Config{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}})
	h := f.connect(t, f.options())
	s := script("true")
	s.As = "app"
	for _, said := range []string{"sudo: a password is required", "Sorry, user deploy is not allowed to execute '/bin/sh -s' as app on app1.", "sudo: unknown user app"} {
		writeFile(t, bin+"/sudo", "#!/bin/sh\necho We trust you have received the usual lecture >&2\necho \""+said+"\" >&2\nexit 1\n")
		if err := os.Chmod(bin+"/sudo", 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := h.Run(context.Background(), s, nil)
		if kindOf(err) != host.Sudo || !strings.Contains(err.Error(), said) || !strings.Contains(err.Error(), "deploy ALL=(app) NOPASSWD: /bin/sh") {
			t.Errorf("%s: %v", said, err)
		}
	}
	writeFile(t, bin+"/sudo", "#!/bin/sh\n[ \"$*\" = '-n -H -u app /bin/sh -s' ] && exec /bin/sh -s\n")
	if records, err := h.Run(context.Background(), s, nil); err != nil || len(records) != 1 {
		t.Errorf("allowed: %+v, %v", records, err)
	}
}

// TestRealSudo needs root: it makes two users.
func TestRealSudo(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	s := startSSHD(t)
	app, login := addUser(t, "/bin/sh"), addUser(t, "/bin/bash")
	as := script(`echo "$(id -un) $HOME"`)
	as.As = app
	if _, err := s.connect(t, login).Run(context.Background(), as, nil); kindOf(err) != host.Sudo || !strings.Contains(err.Error(), "password") {
		t.Errorf("without a right: %v", err)
	}
	root := s.connect(t, "root")
	records, err := root.Run(context.Background(), as, nil)
	if err != nil || len(records) != 1 || records[0].Output != app+" /home/"+app+"\n" {
		t.Errorf("as root: %+v, %v", records, err)
	}
	hung := script("echo $$ >~/pid; exec sleep 300", "touch ~/next")
	hung.As, hung.Steps[0].Timeout = app, 300*time.Millisecond
	if _, err := root.Run(context.Background(), hung, nil); kindOf(err) != host.Unknown {
		t.Errorf("hung: %v", err)
	}
	out, err := root.Query(context.Background(), host.NewQuery(app, "kill -0 $(cat ~/pid) 2>/dev/null && echo alive; ls ~"))
	if err != nil || string(out.Stdout) != "pid\n" {
		t.Errorf("afterwards: %q, %v", out.Stdout, err)
	}
}

// TestFault26FewSessions: sshd allows fewer channels than we think, even with a lease that takes the only one.
func TestFault26FewSessions(t *testing.T) {
	f := start(t, sshtest.Config{MaxSessions: 1})
	hosts := map[string]func() host.Host{
		"in process": func() host.Host { return f.connect(t, f.options()) },
		"sshd 1":     func() host.Host { return startSSHD(t, "MaxSessions 1").connect(t, "") },
		"sshd 3":     func() host.Host { return startSSHD(t, "MaxSessions 3").connect(t, "") },
	}
	for name, connect := range hosts {
		t.Run(name, func(t *testing.T) {
			h := connect()
			var works sync.WaitGroup
			for range 8 {
				works.Go(func() {
					if _, err := h.Query(context.Background(), host.NewQuery("", "true")); err != nil {
						t.Error(err)
					}
				})
			}
			works.Wait()
			lease, err := h.Hold(context.Background(), script("echo held; cat >/dev/null"))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := h.Query(context.Background(), host.NewQuery("", "true")); err != nil {
					t.Errorf("beside a lease: %v", err)
				}
			}
			if err := lease.Release(""); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFault26MaxStartups dials more connections at once than sshd's MaxStartups lets through.
func TestFault26MaxStartups(t *testing.T) {
	s := startSSHD(t, "MaxStartups 2:50:4")
	var targets []host.Target
	for i := range 16 {
		target := s.target(t, "")
		target.Name = fmt.Sprintf("app%d", i)
		targets = append(targets, target)
	}
	pool := host.NewPool(targets, s.options())
	var works sync.WaitGroup
	for _, target := range targets {
		works.Go(func() {
			if _, err := pool.Host(context.Background(), target.Name); err != nil {
				t.Error(err)
			}
		})
	}
	works.Wait()
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

func TestPool(t *testing.T) {
	f := start(t, sshtest.Config{})
	pool := host.NewPool([]host.Target{f.target(0)}, f.options())
	var works sync.WaitGroup
	for range 10 {
		works.Go(func() {
			if _, err := pool.Host(context.Background(), "app1"); err != nil {
				t.Error(err)
			}
		})
	}
	works.Wait()
	if n := f.servers[0].Connections(); n != 1 {
		t.Errorf("%d connections for one server", n)
	}
	if _, err := pool.Host(context.Background(), "app2"); kindOf(err) != host.Unreachable {
		t.Errorf("an unknown name: %v", err)
	}
	h, err := pool.Host(context.Background(), "app1")
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Query(context.Background(), host.NewQuery("", "true")); kindOf(err) != host.Unreachable {
		t.Errorf("after Close: %v", err)
	}
	if _, err := pool.Host(context.Background(), "app1"); kindOf(err) != host.Unreachable {
		t.Errorf("after Close: %v", err)
	}
}

// TestHeartbeat proves that a holder hears from us, and ends when it doesn't.
func TestHeartbeat(t *testing.T) {
	f := start(t, sshtest.Config{})
	o := f.options()
	o.Heartbeat = 20 * time.Millisecond
	h := f.connect(t, o)
	lease, err := h.Hold(context.Background(), script(`echo held; head -c 5 >beats; sleep 0.2; while beat=$(timeout 0.5 head -c 1) && [ -n "$beat" ]; do :; done; touch over`))
	if err != nil {
		t.Fatal(err)
	}
	beats := filepath.Join(f.servers[0].Home(), "beats")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if text, _ := os.ReadFile(beats); string(text) == "....." {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no five heartbeats within 10 s")
		}
	}
	if err := lease.Release(""); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(f.servers[0].Home(), "over")); err != nil {
		t.Error(err)
	}
}
