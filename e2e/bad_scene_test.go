//go:build linux

package e2e_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// scene is a fleet that works: hello 1.0 runs in rotation on app1 and app2, behind HAProxy on lb1. The tests of bad input
// share one, because each of them must leave it as it was.
type scene struct {
	f    *e2e.Fleet
	repo *e2e.Repository
	h    *e2e.HAProxy
	on   []*e2e.Machine // the servers of hello
}

// newScene brings hello 1.0 into rotation. 3.0 never gets healthy, 4.0 crashes after two seconds.
func newScene(t *testing.T) *scene {
	t.Helper()
	f := e2e.Start(t)
	s := &scene{f: f, repo: f.Repository(t), on: f.App[:2]}
	publish(t, f, s.repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken, "4.0": e2e.Crash})
	s.h = f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: s.on, ToPort: port})
	s.apply(t, s.config(t, parts{}), "hello@1.0").Exit(t, 0)
	s.works(t)
	return s
}

// parts are what a test makes bad of an app; "" is as it should be.
type parts struct{ artifact, user, layout, service, probes, rollout, topology, servers, more string }

// app is hello with its parts.
func (s *scene) app(p parts) string {
	return strings.Join([]string{
		or(p.user, fmt.Sprintf("\tuser: %q", e2e.AppUser)),
		or(p.artifact, s.maven("")),
		or(p.layout, `	layout: {current: "hello-app", persist: ["logs", "run"]}`),
		or(p.service, s.commands("bin/itas start").service),
		or(p.probes, strings.Replace(ready, `"4s"`, `"3s"`, 1)),
		or(p.rollout, `	rollout: {rolling: maxUnavailable: 1, drainDeadline: "8s", admitDeadline: "8s"}`),
		or(p.topology, `	topology: shared: proxies: ["lb1"]`),
		or(p.servers, `	environments: test: servers: ["app1", "app2"]`),
		`	modes: [{glob: "bin/*.sh", mode: "0755"}]`,
		fmt.Sprintf(`	files: "config/itas.properties": properties: "http.port": %d`, port),
		`	log: "logs/itas.log"`,
		p.more,
	}, "\n")
}

// maven is the artifact of hello; more is CUE beside the coordinates.
func (s *scene) maven(more string) string {
	return fmt.Sprintf("\tartifact: maven: {repository: %q, group: \"example.city\", artifact: \"hello\", extension: \"zip\", classifier: \"dist\", %s}", s.repo.URL, more)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// config is a new config repository with hello in it.
func (s *scene) config(t *testing.T, p parts) *e2e.Config {
	t.Helper()
	c := s.f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	c.App("hello", s.app(p))
	return c
}

// localBuild is a config repository whose hello is a local build of 2.0 with so many bytes of padding, behind lb1.
func (s *scene) localBuild(t *testing.T, padding int, proxy string) *e2e.Config {
	t.Helper()
	c := s.f.Config(t, e2e.Proxies{"lb1": proxy})
	c.App("hello", s.app(parts{artifact: `	artifact: file: path: "target/hello.zip"`, probes: anyVersion}))
	c.Write("apps/hello/target/hello.zip", string(padded(t, s.f.Zip(t, "2.0", e2e.Healthy), padding)))
	return c
}

// padded is a zip with one more file, of random bytes.
func padded(t *testing.T, archive []byte, n int) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range r.File {
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	more, err := w.CreateHeader(&zip.FileHeader{Name: "padding", Method: zip.Store})
	if err == nil {
		_, err = io.CopyN(more, rand.Reader, int64(n))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// apply runs trikk apply WHAT -e test --yes.
func (s *scene) apply(t *testing.T, c *e2e.Config, what string, flags ...string) e2e.Result {
	t.Helper()
	return s.f.Trikk(t, c, append([]string{"apply", what, "-e", "test", "--yes"}, flags...)...)
}

// works asserts that the scene is as it should be: 1.0 is linked and answers on both servers, and both are in rotation.
func (s *scene) works(t *testing.T) {
	t.Helper()
	for _, m := range s.on {
		installed(t, m, root+"/hello-app", "1.0")
		serves(t, m, "1.0")
	}
	s.h.AllUp(t, "hello")
}

// trace tells what every run leaves, and a test of what was changed leaves out: lock files, the step log, marks of plans, the app's log.
func trace(path string) bool {
	_, own, _ := strings.Cut(path, "/.trikk/")
	return strings.HasPrefix(own, "log") || strings.HasPrefix(own, "loc") || own == "busy" || strings.HasPrefix(own, "plans") ||
		strings.Contains(path, "/logs/") || strings.Contains(path, "/run/") || strings.HasSuffix(path, ".out")
}

// files lists what trikk could have made on a machine, but for the traces of every run. With releases and cached archives left out, it is
// what an undone run must restore.
func files(t *testing.T, m *e2e.Machine) string {
	t.Helper()
	var b strings.Builder
	for _, e := range m.Tree(t, trace, "/home", "/srv") {
		if path.Base(e.Path) != ".trikk" { // made when the first trace is left
			b.WriteString(e.Line + "\n")
		}
	}
	return b.String()
}

// apps are the processes of the tests' app on a machine.
func apps(t *testing.T, m *e2e.Machine) []e2e.Running {
	t.Helper()
	return slices.DeleteFunc(m.Running(t), func(p e2e.Running) bool { return !strings.Contains(p.Command, "bin/testapp") })
}

// listing is all that a run could have changed: files, links, processes and the proxy's state, by machine.
func (s *scene) listing(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, m := range append(slices.Clone(s.f.App[:]), s.f.LB[0]) {
		fmt.Fprintf(&b, "== %s\n%s\n", m.Name, files(t, m))
		for _, p := range apps(t, m) {
			fmt.Fprintf(&b, "%s\n%d\n", p.Cwd, p.PID)
		}
	}
	return b.String() + s.rotation(t)
}

// rotation is what HAProxy says of both servers, as soon as it says UP of both.
func (s *scene) rotation(t *testing.T) string {
	t.Helper()
	s.h.AllUp(t, "hello")
	status := s.h.Status(t, "hello")
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(status)) {
		lines = append(lines, name+" is "+status[name])
	}
	return strings.Join(lines, "\n")
}

// bad is one bad thing and how trikk has to take it.
type bad struct {
	args  []string // of trikk; nil: apply hello@2.0
	code  int
	says  []string      // in the error
	lines int           // lines of the error that begin with "trikk: "; 0: one
	took  time.Duration // it must end within; at least 15 s
	// planned: the plan was shown before; what is refused is to begin.
	planned bool
}

// refuses asserts that trikk refuses before anything is changed: one clear error, the exit code, and nothing else on any machine.
func (s *scene) refuses(t *testing.T, c *e2e.Config, b bad) e2e.Result {
	t.Helper()
	before := s.listing(t)
	r := s.runs(t, c, b)
	told := errorLines(r)
	if len(told) != max(b.lines, 1) {
		t.Errorf("%d errors, not %d:\n%s", len(told), max(b.lines, 1), r.Stderr)
	}
	if !b.planned && strings.Contains(r.Stdout, "rotate") || strings.Contains("\n"+r.Stderr, "\nrun ") {
		t.Errorf("it went on to a plan:\n%s\n%s", r.Stdout, r.Stderr)
	}
	for _, text := range b.says {
		if !strings.Contains(r.Stderr, text) {
			t.Errorf("the error does not say %q:\n%s", text, r.Stderr)
		}
	}
	if after := s.listing(t); after != before {
		t.Errorf("something was changed:\n%s", difference(before, after))
	}
	return r
}

// runs runs trikk, and asserts the exit code, the time, and that what it printed is for people.
func (s *scene) runs(t *testing.T, c *e2e.Config, b bad) e2e.Result {
	t.Helper()
	if b.args == nil {
		b.args = []string{"apply", "hello@2.0", "-e", "test", "--yes"}
	}
	began := time.Now()
	r := s.f.Trikk(t, c, b.args...)
	took := time.Since(began)
	t.Logf("%.1f s, exit code %d\n%s", took.Seconds(), r.Code, r.Stderr)
	if limit := max(b.took, 15*time.Second); took > limit {
		t.Errorf("it took %s, which is more than %s", took, limit)
	}
	r.Lacks(t, "panic", "goroutine ", ".go:", "%!", "<nil>")
	return r.Exit(t, b.code)
}

// errorLines are the lines of the final error.
func errorLines(r e2e.Result) []string {
	var out []string
	for line := range strings.Lines(r.Stderr) {
		if strings.HasPrefix(line, "trikk: ") {
			out = append(out, line)
		}
	}
	return out
}

// difference is the lines that only one of two texts has.
func difference(before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	var b strings.Builder
	for _, line := range old {
		if !slices.Contains(now, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range now {
		if !slices.Contains(old, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}

// clean asserts that a run that failed left the scene working, nothing half done in the releases, and no lock.
func (s *scene) clean(t *testing.T) {
	t.Helper()
	s.works(t)
	for _, m := range s.f.App {
		for _, e := range m.Tree(t, never, "/home", "/srv") {
			dir, name := path.Split(e.Path)
			switch {
			case strings.HasSuffix(dir, "/releases/") && strings.HasPrefix(name, "."),
				strings.HasSuffix(dir, "/.trikk/cache/") && strings.HasPrefix(name, "."),
				strings.Contains(dir, "/.trikk-incoming/"):
				t.Errorf("%s: this was left: %s", m.Name, e.Path)
			case strings.HasSuffix(e.Path, "/.trikk/lock") && m.Locked(t, e.Path):
				t.Errorf("%s: the lock is still held: %s", m.Name, e.Path)
			}
		}
	}
}

func never(string) bool { return false }
