package host_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/host/sshtest"
)

// sshd is OpenSSH's server on a loopback port, as the current user.
type sshd struct {
	port     int
	identity sshtest.Identity
	known    string
	log      *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startSSHD starts sshd with more lines of configuration; the test's end stops it. The program is required.
func startSSHD(t *testing.T, lines ...string) *sshd {
	t.Helper()
	binary := "/usr/sbin/sshd"
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("OpenSSH's server is needed: %v", err)
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "trikk-sshd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	id, err := sshtest.NewIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	hostKeys := filepath.Join(dir, "host")
	if err := os.Mkdir(hostKeys, 0o700); err != nil {
		t.Fatal(err)
	}
	hostKey, err := sshtest.NewIdentity(hostKeys)
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{port: hosttest.FreePort(t), identity: id, known: filepath.Join(dir, "known_hosts"), log: &lockedBuffer{}}
	writeFile(t, filepath.Join(dir, "sshd_config"), strings.Join(append([]string{
		fmt.Sprintf("ListenAddress 127.0.0.1:%d", s.port), "HostKey " + hostKey.File, "AuthorizedKeysFile " + id.File + ".pub", "StrictModes no", "UsePAM no",
		"PidFile none", "Subsystem sftp internal-sftp", "PermitRootLogin yes",
	}, lines...), "\n")+"\n"+noStartUp(t))
	public, err := os.ReadFile(hostKey.File + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.known, fmt.Sprintf("[127.0.0.1]:%d %s", s.port, public))
	cmd := exec.Command(binary, "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	cmd.Stderr = s.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd:\n%s", s.log)
		}
	})
	s.await(t)
	return s
}

// noStartUp keeps bash from reading the ~/.bashrc of who runs the tests, which can take a second: it does so for sshd where it
// is the outermost shell (bash(1), INVOCATION).
func noStartUp(t *testing.T) string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return "Match User " + me.Username + "\n\tSetEnv SHLVL=2\n"
}

// await waits until sshd listens.
func (s *sshd) await(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.log.String(), "Server listening"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("sshd doesn't listen within 10 s:\n%s", s.log)
		}
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *sshd) options() host.Options {
	return host.Options{ConfigFile: "none", AgentSocket: "none", IdentityFiles: []string{s.identity.File}, KnownHosts: []string{s.known}}
}

func (s *sshd) target(t *testing.T, name string) host.Target {
	t.Helper()
	if name == "" {
		me, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		name = me.Username
	}
	return host.Target{Name: "app1", Address: "127.0.0.1", Port: s.port, User: name}
}

func (s *sshd) connect(t *testing.T, name string) host.Host {
	t.Helper()
	h, err := host.Connect(context.Background(), s.target(t, name), s.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// addUser makes a user with a shell and a .bashrc and so on that print noise. It needs root.
func addUser(t *testing.T, shell string) string {
	t.Helper()
	name := fmt.Sprintf("trikk%s%d", filepath.Base(shell)[:2], os.Getpid()%100_000)
	if out, err := exec.Command("useradd", "-m", "-p", "*", "-s", shell, name).CombinedOutput(); err != nil {
		t.Fatalf("useradd: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("userdel", "-f", "-r", name).CombinedOutput(); err != nil {
			t.Logf("userdel: %v: %s", err, out)
		}
	})
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	for _, rc := range []string{".bashrc", ".profile", ".cshrc", ".login", ".config/fish/config.fish"} {
		file := filepath.Join(u.HomeDir, rc)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, "echo 'Welcome! trikk- is 100% noise'\n")
		for f := file; f != u.HomeDir; f = filepath.Dir(f) {
			if err := os.Chown(f, uid, gid); err != nil {
				t.Fatal(err)
			}
		}
	}
	return name
}

func TestRealSSHDPassesTheSuite(t *testing.T) {
	s := startSSHD(t, "MaxStartups 100")
	hosttest.Suite(t, func(t *testing.T) host.Host { return s.connect(t, "") })
}

// TestFault24LoginShells needs root to make users; an ordinary user has only its own shell, which the suite above covers.
func TestFault24LoginShells(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	s := startSSHD(t, "MaxStartups 100")
	for _, shell := range []string{"/bin/bash", "/bin/dash", "/usr/bin/tcsh", "/usr/bin/fish"} {
		t.Run(filepath.Base(shell), func(t *testing.T) {
			if _, err := os.Stat(shell); err != nil {
				t.Fatalf("%s is needed: %v", shell, err)
			}
			name := addUser(t, shell)
			hosttest.Contract(t, func(t *testing.T) host.Host { return s.connect(t, name) })
			h := s.connect(t, name)
			words := []string{"it's", "$HOME", "!x", "a\nb"}
			out, err := h.Query(context.Background(), host.NewQuery("", `echo "$(id -un)"; printf '<%s>' "$@"`, words...))
			if want := name + "\n<" + strings.Join(words, "><") + ">"; err != nil || string(out.Stdout) != want {
				t.Errorf("got %q, %v, want %q", out.Stdout, err, want)
			}
			if err := h.Upload(context.Background(), hosttest.File("x", []byte("x")), nil); err != nil {
				t.Error(err)
			}
		})
	}
}
