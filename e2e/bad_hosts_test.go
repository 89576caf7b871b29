//go:build linux

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// hole is an address of the fleet's network that swallows everything.
const hole = "10.80.0.99"

// Servers that can't be reached, or that can't be trusted, or that don't trust us: nothing is changed on any of them.
func TestBadHosts(t *testing.T) {
	s := newScene(t)
	app1, app2 := s.on[0], s.on[1]

	t.Run("fault 04: closed port", func(t *testing.T) {
		c := s.elsewhere(t, parts{}, app2, `address: "`+app2.Address+`", port: 2222`)
		s.refuses(t, c, bad{code: 1, says: []string{"trikk: app2: connecting to " + e2e.LoginUser + "@" + app2.Address + ":2222", "connection refused", "is sshd running there, on port 2222?"}})
	})
	t.Run("fault 04: black hole", func(t *testing.T) {
		ip(t, "neigh", "replace", hole, "lladdr", "02:00:00:00:00:99", "nud", "permanent", "dev", "trikk0")
		c := s.elsewhere(t, parts{}, app2, `address: "`+hole+`"`)
		s.refuses(t, c, bad{args: []string{"apply", "hello@2.0", "-e", "test", "--yes", "--timeout", "1500ms"}, code: 1, took: 5 * time.Second,
			says: []string{"trikk: app2: connecting to ", hole + ":22", "1.5s", "does a firewall let us through?"}})
	})
	t.Run("unknown name", func(t *testing.T) {
		c := s.elsewhere(t, parts{}, app2, `address: "app2.nowhere.example"`)
		s.refuses(t, c, bad{code: 1, says: []string{"trikk: app2: connecting to ", "app2.nowhere.example", "is the name right?"}})
	})
	t.Run("no SSH server", func(t *testing.T) {
		c := s.elsewhere(t, parts{}, app2, fmt.Sprintf(`address: %q, port: %d`, app2.Address, port))
		s.refuses(t, c, bad{args: []string{"apply", "hello@2.0", "-e", "test", "--yes", "--timeout", "2s"}, code: 1, says: []string{"trikk: app2: connecting to ", "no SSH server", "is the port right?"}})
	})
	t.Run("fault 18: wrong host key", func(t *testing.T) {
		known := strings.Split(readFile(t, s.f.Keys.KnownHosts), "\n")
		keyOf := func(line string) string { return strings.SplitN(line, " ", 2)[1] }
		known[1] = strings.SplitN(known[1], " ", 2)[0] + " " + keyOf(known[0])
		config, file := sshConfig(t, s.f, s.f.Keys.Identity, strings.Join(known, "\n"))
		s.refuses(t, s.config(t, parts{}), bad{args: with(config), code: 4, says: []string{
			"trikk: app2: connecting to ", file + ":2 records ssh-ed25519 " + fingerprint(t, s.f, "app1"), "its host key is ssh-ed25519 " + fingerprint(t, s.f, "app2"), "ssh-keygen -f " + file + " -R ",
		}})
		if now := readFile(t, file); now != strings.Join(known, "\n") {
			t.Errorf("known_hosts was changed:\n%s", now)
		}
	})
	t.Run("unknown host key", func(t *testing.T) {
		known := strings.Split(readFile(t, s.f.Keys.KnownHosts), "\n")
		config, file := sshConfig(t, s.f, s.f.Keys.Identity, strings.Join(append(known[:1:1], known[2:]...), "\n"))
		s.refuses(t, s.config(t, parts{}), bad{args: with(config), code: 4, says: []string{
			"trikk: app2: connecting to ", "its host key is not known: ssh-ed25519 " + fingerprint(t, s.f, "app2"), "ssh-keyscan -p 22 " + app2.Address + " >> " + file, "--accept-new",
		}})
	})
	t.Run("refused key", func(t *testing.T) {
		mine := filepath.Join(s.f.Dir(t), "other_key")
		run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", mine)
		config, _ := sshConfig(t, s.f, mine, readFile(t, s.f.Keys.KnownHosts))
		// No host lets this key in: each says so.
		r := s.refuses(t, s.config(t, parts{}), bad{args: with(config), code: 4, lines: 3, says: []string{
			"trikk: app1: connecting to ", "trikk: app2: connecting to ", "trikk: lb1: connecting to ", "the server refused every key of " + e2e.LoginUser,
			"tried " + mine + " SHA256:", "~" + e2e.LoginUser + "/.ssh/authorized_keys",
		}})
		r.Lacks(t, "password")
	})
	t.Run("no key at all", func(t *testing.T) {
		config, _ := sshConfig(t, s.f, "/nonexistent", readFile(t, s.f.Keys.KnownHosts))
		s.refuses(t, s.config(t, parts{}), bad{args: with(config), code: 4, lines: 3, says: []string{"trikk: app1: ", "there is no key to try"}})
	})
	t.Run("fault 19: sudo for the app user wants a password", func(t *testing.T) {
		c := s.elsewhere(t, parts{}, app1, fmt.Sprintf(`address: %q, user: %q`, app1.Address, e2e.OtherUser))
		s.refuses(t, c, bad{code: 4, says: []string{"trikk: app1: ", "sudo", e2e.AppUser, "NOPASSWD"}})
	})
	t.Run("fault 19: sudo for systemctl wants a password", func(t *testing.T) {
		app1.AddUnit(t, e2e.Unit{Name: "other.service", Dir: "/home/" + e2e.OtherUser + "/other/current", Exec: "bin/server.sh 8085"})
		c := s.elsewhere(t, parts{}, app1, fmt.Sprintf(`address: %q, user: %q`, app1.Address, e2e.OtherUser))
		c.App("other", strings.ReplaceAll(s.app(parts{user: "\t", service: `	service: systemd: unit: "other.service"`, topology: "\t", servers: `	environments: test: servers: ["app1"]`, probes: "\t"}), "8081", "8085"))
		s.refuses(t, c, bad{args: []string{"apply", "other@2.0", "-e", "test", "--yes"}, code: 4, says: []string{"trikk: app1: ", "sudo systemctl start|stop other.service", "NOPASSWD"}})
	})
	t.Run("no unzip", func(t *testing.T) {
		app2.Hide(t, "/usr/bin/unzip")
		app2.Hide(t, "/usr/bin/bsdtar")
		s.refuses(t, s.config(t, parts{}), bad{code: 1, says: []string{"trikk: app2: hello: unzip or bsdtar is not installed", "install it"}})
	})
	t.Run("neither curl nor wget", func(t *testing.T) {
		app2.Hide(t, "/usr/bin/curl")
		app2.Hide(t, "/usr/bin/wget")
		s.refuses(t, s.config(t, parts{}), bad{code: 1, says: []string{"trikk: app2: hello: neither curl nor wget is installed", `fetch: "controller"`}})
	})
	s.clean(t)
}

// elsewhere is a config in which one machine has another host part in the inventory.
func (s *scene) elsewhere(t *testing.T, p parts, m *e2e.Machine, host string) *e2e.Config {
	t.Helper()
	c := s.config(t, p)
	text := readFile(t, filepath.Join(c.Dir, "environments/environments.cue"))
	was := fmt.Sprintf("%s: {address: %q, user: %q", m.Name, m.Address, e2e.LoginUser)
	if !strings.Contains(host, "user:") {
		host += fmt.Sprintf(`, user: %q`, e2e.LoginUser)
	}
	if !strings.Contains(text, was) {
		t.Fatalf("%q is not in\n%s", was, text)
	}
	c.Write("environments/environments.cue", strings.Replace(text, was, m.Name+": {"+host, 1))
	return c
}

// sshConfig writes an ssh_config with this identity and these known hosts, and gives both files' names.
func sshConfig(t *testing.T, f *e2e.Fleet, identity, known string) (config, knownHosts string) {
	t.Helper()
	dir := f.Dir(t)
	config, knownHosts = filepath.Join(dir, "ssh_config"), filepath.Join(dir, "known_hosts")
	text := strings.NewReplacer(f.Keys.Identity, identity, f.Keys.KnownHosts, knownHosts).Replace(readFile(t, f.Keys.SSHConfig))
	for file, content := range map[string]string{config: text, knownHosts: known} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config, knownHosts
}

// with is an apply of 2.0 with another ssh_config.
func with(config string) []string {
	return []string{"apply", "hello@2.0", "-e", "test", "--yes", "--ssh-config", config}
}

// fingerprint is that of a machine's host key.
func fingerprint(t *testing.T, f *e2e.Fleet, machine string) string {
	t.Helper()
	return strings.Fields(run(t, "ssh-keygen", "-lf", filepath.Join(f.Keys.Dir, "host_"+machine+".pub")))[1]
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	run(t, "ip", args...)
}

// run runs a program of the controller.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
