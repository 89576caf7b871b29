package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"trikk.dev/engine/demo"
	"trikk.dev/engine/plan"
)

// scene is a fleet on which mistakes are made, one after the other. Each leaves it as it was.
type scene struct {
	b   *bench
	bin string // the programs that its servers have
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{bin: filepath.Join(t.TempDir(), "bin")}
	s.programs(t)
	s.b = newBenchWith(t, demo.Options{Servers: 2, Env: []string{"PATH=" + s.bin}})
	return s
}

// programs links all programs of this machine into the folder that servers look in.
func (s *scene) programs(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(s.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		list, _ := os.ReadDir(dir)
		for _, e := range list {
			_ = os.Symlink(filepath.Join(dir, e.Name()), filepath.Join(s.bin, e.Name())) // the first one counts
		}
	}
}

// run makes a mistake and calls trikk.
func (s *scene) run(t *testing.T, m mistake) said {
	t.Helper()
	was := s.b.t
	s.b.t = t
	defer func() { s.b.t = was }()
	s.kept(t)
	for _, line := range m.first {
		s.b.trikk(exitDone, words(t, line)...)
	}
	if m.fault != "" {
		make, known := faults()[m.fault]
		if !known {
			t.Fatalf("there is no fault %q (there are %q)", m.fault, slices.Sorted(maps.Keys(faults())))
		}
		make(t, s)
	}
	m.spoil(t, s.b.fleet.Config)
	c := s.b.begin(&call{args: words(t, m.run)})
	<-c.ended
	return said{c.code, s.scrub(c.out.String()), s.scrub(byHost(c.err.String()))}
}

var fleetScrubs = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`SHA256:[A-Za-z0-9+/]+`), "SHA256:KEY"},
	{regexp.MustCompile(`sha256:[0-9a-f]{6,}…?`), "sha256:DIGEST"},
	{regexp.MustCompile(`AAAA[A-Za-z0-9+/]+`), "AAAA…"},
	{regexp.MustCompile(`\b[0-9a-f]{12}-hello`), "DIGEST-hello"},
	{regexp.MustCompile(`\[127\.0\.0\.1\]:\d+`), "[127.0.0.1]:PORT"},
	{regexp.MustCompile(`-p \d+`), "-p PORT"},
	{regexp.MustCompile(`port \d+`), "port PORT"},
}

func (s *scene) scrub(text string) string {
	text = strings.ReplaceAll(text, s.b.fleet.Config, "DIR")
	text = strings.ReplaceAll(s.b.scrub(text), who(), "USER@CONTROLLER")
	for _, f := range fleetScrubs {
		text = f.from.ReplaceAllString(text, f.to)
	}
	name, _, _ := strings.Cut(who(), "@")
	return strings.NewReplacer(name+"@", "USER@", "key of "+name, "key of USER", "sudoers: "+name, "sudoers: USER").Replace(text)
}

// kept puts back, at the end of a case, what faults change: the config, and how servers are reached.
func (s *scene) kept(t *testing.T) {
	t.Helper()
	f := s.b.fleet
	files := map[string][]byte{}
	for _, name := range []string{filepath.Join(f.Config, "hello/app.cue"), filepath.Join(f.Config, "environments/environment.cue"), f.SSHConfig, filepath.Join(f.Dir, "known_hosts")} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	t.Cleanup(func() {
		for name, text := range files {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Error(err)
			}
		}
	})
}

// faults are what can be wrong with a fleet.
func faults() map[string]func(t *testing.T, s *scene) {
	return map[string]func(t *testing.T, s *scene){
		"closed port": func(t *testing.T, s *scene) { s.port(t, 1) },
		"silent port": func(t *testing.T, s *scene) {
			s.port(t, listening(t, func(c net.Conn) { <-t.Context().Done(); c.Close() }))
		},
		"web server": func(t *testing.T, s *scene) {
			s.port(t, listening(t, func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); c.Close() }))
		},
		"empty known_hosts": func(t *testing.T, s *scene) { s.known(t, func(string) string { return "" }) },
		"other host key":    func(t *testing.T, s *scene) { s.known(t, otherKeys) },
		"no key":            func(t *testing.T, s *scene) { s.identity(t, "none") },
		"encrypted key":     func(t *testing.T, s *scene) { s.identity(t, s.encryptedKey(t)) },
		"ProxyCommand": func(t *testing.T, s *scene) {
			s.config(t, "  IdentitiesOnly yes", "  IdentitiesOnly yes\n  ProxyCommand nc gate %h %p")
		},
		"no flock":    func(t *testing.T, s *scene) { s.without(t, "flock") },
		"no curl":     func(t *testing.T, s *scene) { s.without(t, "curl", "wget") },
		"sudo asks":   func(t *testing.T, s *scene) { s.stub(t, "sudo", "echo 'sudo: a password is required' >&2; exit 1") },
		"directory":   func(t *testing.T, s *scene) { s.directory(t, "app02/hello/current") },
		"repository":  func(t *testing.T, s *scene) { s.repository(t) },
		"edited plan": func(t *testing.T, s *scene) { s.editedPlan(t) },
		"locked":      func(t *testing.T, s *scene) { s.locked(t) },
		"lost socket": func(t *testing.T, s *scene) { s.inventory(".sock", ".none") },
	}
}

// inventory changes the environment.
func (s *scene) inventory(from, to string) { s.b.edit("environments/environment.cue", from, to) }

// port makes trikk look for app02 at another port.
func (s *scene) port(t *testing.T, port int) {
	t.Helper()
	_, after, _ := strings.Cut(s.b.read("environments/environment.cue"), "app02: {")
	node, _, _ := strings.Cut(after, "}")
	s.inventory(node, regexp.MustCompile(`port: \d+`).ReplaceAllString(node, fmt.Sprintf("port: %d", port)))
}

// listening serves connections on a port of this machine until the test ends.
func listening(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// known changes the file of known hosts.
func (s *scene) known(t *testing.T, change func(string) string) {
	t.Helper()
	file := filepath.Join(s.b.fleet.Dir, "known_hosts")
	s.b.spill(file, []byte(change(string(s.b.slurp(file)))))
}

var hostKey = regexp.MustCompile(`ssh-ed25519 \S+`)

// otherKeys puts another key at every host.
func otherKeys(text string) string {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err.Error()
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return err.Error()
	}
	return hostKey.ReplaceAllLiteralString(text, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))))
}

// config changes the ssh_config.
func (s *scene) config(t *testing.T, from, to string) {
	t.Helper()
	text := string(s.b.slurp(s.b.fleet.SSHConfig))
	if !strings.Contains(text, from) {
		t.Fatalf("ssh_config lacks %q:\n%s", from, text)
	}
	s.b.spill(s.b.fleet.SSHConfig, []byte(strings.Replace(text, from, to, 1)))
}

// identity makes ssh use another key file.
func (s *scene) identity(t *testing.T, file string) {
	t.Helper()
	line := regexp.MustCompile(`IdentityFile \S+`).FindString(string(s.b.slurp(s.b.fleet.SSHConfig)))
	s.config(t, line, "IdentityFile "+file)
}

// encryptedKey is a key file that wants a passphrase.
func (s *scene) encryptedKey(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "anna", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	file := s.b.path("encrypted_ed25519")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// without takes programs from the servers.
func (s *scene) without(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		_ = os.Remove(filepath.Join(s.bin, name))
	}
	t.Cleanup(func() { s.programs(t) })
}

// stub puts a script in the place of a program.
func (s *scene) stub(t *testing.T, name, script string) {
	t.Helper()
	s.without(t, name)
	file := filepath.Join(s.bin, name)
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(file) })
}

// directory puts a folder in the way.
func (s *scene) directory(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join(s.b.fleet.Dir, name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(path) })
}

// repository serves the artifact as the first folder of its path says.
func (s *scene) repository(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch kind, _, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/"); kind {
		case "unauthorized":
			w.WriteHeader(http.StatusUnauthorized)
		case "forbidden":
			w.WriteHeader(http.StatusForbidden)
		case "login":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html><title>Log in</title></html>")
		case "plain":
			if filepath.Ext(q.URL.Path) != ".gz" {
				http.NotFound(w, q) // no checksum
				return
			}
			fmt.Fprint(w, "an artifact")
		default:
			http.NotFound(w, q)
		}
	}))
	t.Cleanup(server.Close)
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(s.b.read("hello/app.cue"))
	s.b.edit("hello/app.cue", url, server.URL)
}

// editedPlan changes one word of the saved plan.
func (s *scene) editedPlan(t *testing.T) {
	t.Helper()
	file := filepath.Join(s.b.fleet.Config, "hello.plan")
	s.b.spill(file, []byte(strings.Replace(string(s.b.slurp(file)), `"hello"`, `"hallo"`, 1)))
}

// locked holds the lock of hello, as a run of somebody else does.
func (s *scene) locked(t *testing.T) {
	t.Helper()
	c := &cli{world: world{now: time.Now, env: func(string) string { return "" }, dir: s.b.fleet.Config, err: &output{}, capture: func() func() { return func() {} }}}
	c.flags.dir, c.flags.env, c.flags.sshConfig, c.flags.timeout, c.flags.parallel = s.b.fleet.Config, "demo", s.b.fleet.SSHConfig, time.Minute, 4
	ch, err := c.choose(t.Context(), selection{}, []string{"hello@1.0"})
	if err != nil {
		t.Fatal(err)
	}
	in := c.intent(ch, plan.Deploy)
	f := c.fleet(ch.env, in.ID)
	p, err := f.plan(t.Context(), ch, in)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := f.lock(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Release(); f.close() })
}
