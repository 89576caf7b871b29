package host_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/host/sshtest"
)

// refused connects and wants an error of a kind whose text has all parts.
func refused(t *testing.T, target host.Target, o host.Options, kind host.Kind, parts ...string) {
	t.Helper()
	h, err := host.Connect(context.Background(), target, o)
	if err == nil {
		_ = h.Close()
		t.Fatal("connected")
	}
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error %v, want kind %s", err, kind)
	}
	if e.Host != target.Name {
		t.Errorf("the error names %q", e.Host)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

func TestFault18HostKeys(t *testing.T) {
	f := start(t, sshtest.Config{})
	server := f.servers[0]
	fingerprint := ssh.FingerprintSHA256(server.PublicKey())
	other, err := sshtest.NewIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("[127.0.0.1]:%d", server.Port())
	wrong := filepath.Join(t.TempDir(), "known_hosts")
	writeFile(t, wrong, "# a comment\n"+name+" "+string(ssh.MarshalAuthorizedKey(other.PublicKey())))

	o := f.options()
	o.KnownHosts = []string{filepath.Join(t.TempDir(), "missing", "known_hosts")}
	refused(t, f.target(0), o, host.HostKey, "not known", fingerprint, "ssh-keyscan", "--accept-new")

	for _, accept := range []bool{false, true} {
		changed := f.options()
		changed.KnownHosts, changed.AcceptNew = []string{wrong}, accept
		refused(t, f.target(0), changed, host.HostKey, fingerprint, ssh.FingerprintSHA256(other.PublicKey()), wrong+":2", "ssh-keygen")
	}

	var notices []string
	o.AcceptNew, o.Notice = true, func(text string) { notices = append(notices, text) }
	_ = f.connect(t, o).Close()
	if len(notices) != 1 || !strings.Contains(notices[0], fingerprint) {
		t.Errorf("notices %q", notices)
	}
	o.AcceptNew = false
	_ = f.connect(t, o).Close()
}

func TestKeys(t *testing.T) {
	f := start(t, sshtest.Config{User: "deploy"})
	stranger, err := sshtest.NewIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := f.options()
	o.IdentityFiles = []string{stranger.File}
	refused(t, f.target(0), o, host.Auth, stranger.File, ssh.FingerprintSHA256(stranger.PublicKey()), "authorized_keys")

	o.IdentityFiles = []string{filepath.Join(t.TempDir(), "missing")}
	refused(t, f.target(0), o, host.Auth, "ssh-agent")

	locked := filepath.Join(t.TempDir(), "locked")
	writeFile(t, locked, encryptedKey)
	o.IdentityFiles = []string{locked}
	refused(t, f.target(0), o, host.Auth, locked+" is encrypted", "ssh-add "+locked)

	o.IdentityFiles, o.AgentSocket = nil, "/nonexistent/agent"
	refused(t, f.target(0), o, host.Auth, "/nonexistent/agent does not answer")

	user := f.target(0)
	user.User = "other"
	refused(t, user, f.options(), host.Auth, "every key of other")
}

const encryptedKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBhA9HK0a
t9JASv9e1RCkN3AAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIDu8n5jQrFRsYXms
RNmH4cp8wWX0SZ5Rf9MDg/eLjik1AAAAkEVRn2dXmH5SMi5LTonJ/UULWeiXp5oEsXfgE2
ty7M26yBFboAhnNFFN50+FNKHM9lPqqOMv/kmrNOAL+U1bYYV2pKiJ219XS4cixZikRP8M
7T/UVg3UrIF/EpNmwlngRYvvVnjXioD1GJqjKArrLUy3z0XTY0RwjOnqrjaWEVkfKpjQXA
017Li9Dr/cE9wXPA==
-----END OPENSSH PRIVATE KEY-----
`

func TestAgent(t *testing.T) {
	f := start(t, sshtest.Config{})
	keys := agent.NewKeyring()
	raw, err := os.ReadFile(f.identity.File)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ssh.ParseRawPrivateKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "trikk")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	socket := filepath.Join(dir, "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, conn); _ = conn.Close() }()
		}
	}()
	o := f.options()
	o.IdentityFiles, o.AgentSocket = []string{filepath.Join(dir, "missing")}, socket
	f.connect(t, o)
}

// listen runs f on each connection to a port of loopback.
func listen(t *testing.T, f func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var works sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		works.Wait()
	})
	works.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			works.Go(func() {
				defer func() { _ = conn.Close() }()
				f(conn)
			})
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

func TestUnreachable(t *testing.T) {
	f := start(t, sshtest.Config{})
	o := f.options()
	o.ConnectTimeout = 300 * time.Millisecond
	at := func(port int) host.Target {
		return host.Target{Name: "app1", Address: "127.0.0.1", Port: port, User: "deploy"}
	}

	refused(t, at(hosttest.FreePort(t)), o, host.Unreachable, "refused", "is sshd running")
	refused(t, at(listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })), o, host.Unreachable, "300ms")
	refused(t, at(listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})), o, host.Unreachable, "no SSH server", "port")
	missing := at(22)
	missing.Address = "no-such-host.invalid"
	refused(t, missing, o, host.Unreachable, "no-such-host.invalid")
	odd := at(22)
	odd.Address = "-oProxyCommand=true"
	refused(t, odd, o, host.Unreachable, "no address")
}

// TestBusyServer hangs up before the banner three times, as sshd does beyond MaxStartups, and then serves.
func TestBusyServer(t *testing.T) {
	f := start(t, sshtest.Config{})
	var mu sync.Mutex
	tries := 0
	port := listen(t, func(c net.Conn) {
		mu.Lock()
		tries++
		busy := tries <= 3
		mu.Unlock()
		if busy {
			return
		}
		to, err := net.Dial("tcp", net.JoinHostPort(f.servers[0].Host(), fmt.Sprint(f.servers[0].Port())))
		if err != nil {
			t.Error(err)
			return
		}
		go func() { _, _ = io.Copy(to, c); _ = to.Close() }()
		_, _ = io.Copy(c, to)
	})
	o := f.options()
	o.AcceptNew, o.KnownHosts = true, []string{filepath.Join(t.TempDir(), "known_hosts")}
	h, err := host.Connect(context.Background(), host.Target{Name: "app1", Address: "127.0.0.1", Port: port, User: "deploy"}, o)
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
	mu.Lock()
	defer mu.Unlock()
	if tries != 4 {
		t.Errorf("%d tries, want 4", tries)
	}
}

func TestJump(t *testing.T) {
	f := start(t, sshtest.Config{User: "deploy"}, sshtest.Config{User: "hop"}, sshtest.Config{User: "hop"})
	spelled := func(i int) string { return fmt.Sprintf("hop@127.0.0.1:%d", f.servers[i].Port()) }
	config := filepath.Join(t.TempDir(), "config")
	writeFile(t, config, fmt.Sprintf("Host app1.example\n  HostName 127.0.0.1\n  Port %d\n  User deploy\n  ProxyJump %s\n", f.servers[0].Port(), spelled(1)))
	tests := map[string]struct {
		jump, address, config string
		hops                  []int
	}{
		"spelled out":     {jump: spelled(1), hops: []int{1}},
		"inventory name":  {jump: "bastion", hops: []int{2}},
		"two":             {jump: spelled(1) + ",bastion", hops: []int{1, 2}},
		"from ssh_config": {address: "app1.example", config: config, hops: []int{1}},
		"none of it":      {jump: "none", address: "app1.example", config: config},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := f.options()
			target := f.target(0)
			target.Jump = test.jump
			if test.config != "" {
				o.ConfigFile, target = test.config, host.Target{Name: "app1", Address: test.address, Jump: test.jump}
			}
			before := []int{f.servers[0].Connections(), f.servers[1].Connections(), f.servers[2].Connections()}
			bastion := f.target(2)
			bastion.Name, bastion.User = "bastion", "hop"
			pool := host.NewPool([]host.Target{target, bastion}, o)
			defer func() { _ = pool.Close() }()
			h, err := pool.Host(context.Background(), "app1")
			if err != nil {
				t.Fatal(err)
			}
			out, err := h.Query(context.Background(), host.NewQuery("", "echo $USER; pwd"))
			if want := "deploy\n" + f.servers[0].Home() + "\n"; err != nil || string(out.Stdout) != want {
				t.Errorf("%q, %v, want %q", out.Stdout, err, want)
			}
			want := []int{1, 0, 0}
			for _, hop := range test.hops {
				want[hop] = 1
			}
			for i, n := range want {
				if got := f.servers[i].Connections() - before[i]; got != n {
					t.Errorf("server %d has %d new connections, want %d", i, got, n)
				}
			}
		})
	}
}

func TestJumpErrors(t *testing.T) {
	f := start(t, sshtest.Config{}, sshtest.Config{NoForwarding: true})
	a, b := f.target(0), f.target(1)
	a.Name, a.Jump, b.Name, b.Jump = "a", "b", "b", "a"
	pool := host.NewPool([]host.Target{a, b}, f.options())
	defer func() { _ = pool.Close() }()
	if _, err := pool.Host(context.Background(), "a"); err == nil || !strings.Contains(err.Error(), "a > b > a") {
		t.Errorf("error %v", err)
	}
	b.Jump = ""
	closed := host.NewPool([]host.Target{a, b}, f.options())
	defer func() { _ = closed.Close() }()
	var e *host.Error
	if _, err := closed.Host(context.Background(), "a"); !errors.As(err, &e) || e.Kind != host.Unreachable || e.Host != "a" || !strings.Contains(err.Error(), "jump host could not connect") {
		t.Errorf("error %v", err)
	}
	b.Port = hosttest.FreePort(t)
	gone := host.NewPool([]host.Target{a, b}, f.options())
	defer func() { _ = gone.Close() }()
	if _, err := gone.Host(context.Background(), "a"); !errors.As(err, &e) || e.Host != "a" || !strings.Contains(err.Error(), "through b") {
		t.Errorf("error %v", err)
	}
}

// TestConfigInTime: a controller that is too busy for ssh -G says that it was a matter of time.
func TestConfigInTime(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte("#!/bin/sh\nexec sleep 10\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("no answer within 100ms"))
	defer cancel()
	_, err := host.Connect(ctx, host.Target{Name: "app1", Address: "127.0.0.1"}, host.Options{ConfigFile: "/dev/null"})
	if want := "running ssh -G: no answer within 100ms"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}
