//go:build linux

package batch

import (
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// scene is the city on its fleet, with the version before in rotation.
type scene struct {
	t       *testing.T
	f       *e2e.Fleet
	apps    []app
	config  *e2e.Config
	proxies []*e2e.HAProxy
}

// longest is how long one run of all apps may take.
const longest = 15 * time.Minute

// slow is the server that needs half a second more for each script of an app.
func (s *scene) slow() *e2e.Machine { return s.f.App[len(s.f.App)/2] }

// slowSudo stands before sudo, and counts.
const slowSudo = "#!/bin/sh\necho >>/tmp/slow\nsleep 0.5\nexec /usr/bin/sudo \"$@\"\n"

func newScene(t *testing.T, n int) *scene {
	t.Helper()
	f := e2e.Start(t)
	s := &scene{t: t, f: f, apps: city(n, f.App)}
	repo := f.Repository(t)
	publish(t, f, repo, s.apps)
	program := string(f.Program(t))
	for _, m := range f.App {
		put(t, m, "/usr/local/bin/testapp", program)
	}
	put(t, s.slow(), "/usr/local/bin/sudo", slowSudo)
	var backends []e2e.Backend
	for _, a := range s.apps {
		backends = append(backends, e2e.Backend{Name: a.name, Port: a.front, Check: "/health", Every: "2s", To: a.servers, ToPort: a.port})
	}
	drivers := e2e.Proxies{}
	for _, m := range f.LB {
		s.proxies = append(s.proxies, f.HAProxy(t, m, backends...))
		drivers[m.Name] = "driver: haproxy: {}"
	}
	s.config = f.Config(t, drivers)
	s.config.Write("environments/prod.cue", production(f))
	s.config.Write("environments/limits.cue", limits)
	s.config.Write("apps/defaults.cue", sharedFile(repo))
	write(s.config, s.apps, before)
	return s
}

func put(t *testing.T, m *e2e.Machine, path, text string) {
	t.Helper()
	if err := m.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
}

// trikk runs a command of trikk, and notes what it cost.
func (s *scene) trikk(args ...string) e2e.Result {
	s.t.Helper()
	began := time.Now()
	r := s.f.TrikkWithin(s.t, s.config, longest, args...)
	s.t.Logf("trikk %s: exit %d after %.1f s; %.1f s of CPU, %d MiB; %d lines", strings.Join(args, " "), r.Code, time.Since(began).Seconds(),
		r.CPU.Seconds(), r.Memory/1024, strings.Count(r.Stdout+r.Stderr, "\n"))
	return r
}

// urls are where the clients of an app come in.
func (s *scene) urls(apps ...app) []string {
	var out []string
	for _, a := range apps {
		for _, h := range s.proxies {
			out = append(out, h.URL(a.name))
		}
	}
	return out
}

// connections are the logins that each machine's sshd has logged so far, by machine.
func (s *scene) connections() map[string]int {
	out := map[string]int{}
	for _, m := range s.f.Machines() {
		out[m.Name] = strings.Count(m.Read("/run/sshd/log"), "Accepted publickey for ")
	}
	return out
}
