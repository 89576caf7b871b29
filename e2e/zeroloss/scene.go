//go:build linux

package zeroloss

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// scene is one driver's fleet: two proxies in front of three servers.
type scene struct {
	t       *testing.T
	f       *e2e.Fleet
	front   front
	proxies []proxy
	config  *e2e.Config
	repo    *e2e.Repository
}

// hold is the file that holds a turn between drain and stop, while it is there.
const hold = "/home/" + e2e.AppUser + "/hold"

func newScene(t *testing.T, d front) *scene {
	t.Helper()
	f := e2e.Start(t)
	s := &scene{t: t, f: f, front: d, repo: f.Repository(t)}
	for _, v := range e2e.Full(2, "1.0", "2.0", "3.0") {
		s.repo.Maven("example.city", name, v, "dist", "zip", f.Zip(t, v, e2e.Late))
	}
	drivers := e2e.Proxies{}
	for _, m := range f.LB {
		p := d.start(t, f, m)
		s.proxies = append(s.proxies, p)
		drivers[m.Name] = p.config
	}
	s.config = f.Config(t, drivers)
	s.app("")
	s.trikk("apply", "hello@1.0")
	for _, p := range s.proxies {
		s.answers(p.url)
	}
	return s
}

// answers waits until a proxy has found out that the app is there: the first deployment was not behind it, and nobody else waits for that.
func (s *scene) answers(url string) {
	s.t.Helper()
	last, client := "", http.Client{Timeout: 2 * time.Second}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r, err := client.Get(url)
		if err != nil {
			last = err.Error()
			continue
		}
		r.Body.Close()
		if last = r.Status; r.StatusCode == http.StatusOK {
			return
		}
	}
	s.t.Fatalf("%s does not answer: %s", url, last)
}

// app writes the app: behind the proxies, or naively without them, and with more fields.
func (s *scene) app(more string) {
	s.config.App(name, fmt.Sprintf(`	user: %q
	artifact: maven: {repository: %q, group: "example.city", artifact: "hello", extension: "zip", classifier: "dist"}
	layout: persist: ["logs", "run"]
	modes: [{glob: "bin/*.sh", mode: "0755"}]
	files: "config/itas.properties": properties: "http.port": %d
	service: commands: {start: "bin/itas start", stop: "bin/itas stop", status: "bin/itas status", timeout: "20s"}
	probes: ready: http: {port: %d, path: "/ready", contains: "ready {version}", interval: "200ms", deadline: "10s"}
	rollout: {rolling: maxUnavailable: %d, drainDeadline: "30s", admitDeadline: "30s"}
	environments: test: servers: [%s]
	%s
	%s`, e2e.AppUser, s.repo.URL, port, port, s.atOnce(), s.names(), s.front.app, more))
}

// servers are those that are deployed to. The proxies know all three; where time is short, one may stay empty.
func (s *scene) servers() []*e2e.Machine {
	if s.front.brief && !e2e.Everything() {
		return s.f.App[:2]
	}
	return s.f.App[:3]
}

// names are the servers in CUE.
func (s *scene) names() string {
	var out []string
	for _, m := range s.servers() {
		out = append(out, strconv.Quote(m.Name))
	}
	return strings.Join(out, ", ")
}

// behind puts the app behind both proxies.
func (s *scene) behind() string {
	member := ""
	if s.front.member != "" {
		member = fmt.Sprintf(", member: %q", s.front.member)
	}
	return `topology: shared: {proxies: ["lb1", "lb2"]` + member + `}`
}

// holding stops each turn between the drain and the stop, until the file is gone.
func (s *scene) holding() string {
	return s.behind() + `
	hooks: before: ["touch ` + hold + `; while [ -e ` + hold + ` ]; do sleep 0.1; done"]`
}

func (s *scene) trikk(command string, args ...string) {
	s.t.Helper()
	r := s.f.Trikk(s.t, s.config, append([]string{command, "-e", "test", "--yes"}, args...)...).Exit(s.t, 0)
	for line := range strings.Lines(r.Stderr) {
		if strings.Contains(line, "the proxy counts wrong") || strings.Contains(line, "the proxy has forgotten") {
			s.t.Log(strings.TrimSpace(line))
		}
	}
}

// under runs an operation under load and gives what was lost from the moment when one version answers until another one does.
func (s *scene) under(operation, from, to string, do func()) cell {
	s.t.Helper()
	var urls []string
	for _, p := range s.proxies {
		urls = append(urls, p.url)
	}
	began := time.Now()
	with := s.f.HeavyLoad
	if s.front.sticky {
		with = s.f.StickyLoad
	}
	load := with(s.t, urls...)
	load.Saw(from)
	do()
	load.Saw(to)
	count := load.Stop()
	c := cell{driver: s.front.driver, operation: operation, count: count, seconds: time.Since(began).Seconds(), closes: s.front.closes, sticky: s.front.sticky}
	s.t.Logf("%s, %s: %d requests, %d failed, %d idle connections closed, %d of %d sticky ones moved, versions %v\n%s",
		c.driver, operation, count.Requests, count.Failed, count.Closed, count.Moved, count.Sticky, count.Versions, strings.Join(count.Errors, "\n"))
	return c
}

// operations are what is measured: a rollout alone where time is short, or where it is about sticky clients; no reload where what it forgets is not seen.
func (s *scene) operations() []func() cell {
	if s.front.sticky {
		return []func() cell{s.rolling}
	}
	if s.front.unseen {
		return e2e.Full(1, s.rolling, s.rollback, s.naive("1.0", "2.0"))
	}
	return e2e.Full(1, s.rolling, s.rollback, s.reloaded, s.naive("3.0", "1.0"))
}

// rolling deploys a version.
func (s *scene) rolling() cell {
	s.app(s.behind())
	return s.under("rolling", "1.0", "2.0", func() { s.trikk("apply", "hello@2.0") })
}

// rollback goes back to the version before.
func (s *scene) rollback() cell {
	return s.under("rollback", "2.0", "1.0", func() { s.trikk("rollback", "hello") })
}

// reloaded deploys a version while all proxies are reloaded in every turn, between the drain and the stop.
func (s *scene) reloaded() cell {
	s.app(s.holding())
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.reloadInTurns(done)
	}()
	c := s.under("reload in mid drain", "1.0", "3.0", func() { s.trikk("apply", "hello@3.0") })
	close(done)
	<-ended
	c.closes = s.front.reloadCloses
	return c
}

// reloadInTurns waits until all servers that take their turn together are held, reloads the proxies and lets the turns go on. A reload
// for each of them would hit the ones that are restarting already.
func (s *scene) reloadInTurns(done <-chan struct{}) {
	left := len(s.servers())
	for {
		held := s.held()
		if n := len(held); n > 0 && n >= min(s.atOnce(), left) {
			for _, p := range s.proxies {
				p.reload(s.t)
			}
			time.Sleep(time.Second) // the reload is over, and the drain forgotten
			for _, m := range held {
				m.Run(s.t, "rm "+hold)
			}
			left -= n
		}
		select {
		case <-done:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// held are the servers that are held.
func (s *scene) held() []*e2e.Machine {
	var out []*e2e.Machine
	for _, m := range s.servers() {
		if m.Exists(hold) {
			out = append(out, m)
		}
	}
	return out
}

// atOnce is how many servers take their turn together.
func (s *scene) atOnce() int { return max(1, s.front.unavailable) }

// naive restarts servers that the proxies still send requests to.
func (s *scene) naive(from, to string) func() cell {
	return func() cell {
		s.app("")
		c := s.under("naive", from, to, func() { s.trikk("apply", "hello@"+to) })
		c.naive = true
		return c
	}
}
