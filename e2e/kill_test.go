//go:build linux

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// killing is a fleet under load whose controller is killed over and over.
type killing struct {
	f       *e2e.Fleet
	c       *e2e.Config
	h       *e2e.HAProxy
	app     func(xmx int) string
	servers []*e2e.Machine
	change  int             // each run has another property, so that it installs a release too
	hit     map[string]bool // journals, by length, at which a run was killed
	resumed int
}

// TestKillAtEveryJournalWrite kills trikk -9 at one write of its journal after another, on real sshd and HAProxy and under load; then
// `trikk resume` goes on with the run, or `trikk apply` from another machine does. After each: all servers are on the new release
// and in rotation, a second plan is empty, and nothing is left of the run that was cut off. No request is lost.
func TestKillAtEveryJournalWrite(t *testing.T) {
	e2e.Long(t)
	k := newKilling(t)
	load := k.f.Load(t, k.h.URL("hello"))
	load.Saw("1.0")
	for at := range k.writes(t) {
		k.kill(t, at+1)
	}
	for at := range k.undoWrites(t) {
		k.killUndo(t, at+1)
	}
	count := load.Stop()
	// Read by make killtest and by people.
	fmt.Printf("killtest: points=%d resumed=%d lost=%d\n", len(k.hit), k.resumed, count.Failed)
	if count.Failed > 0 {
		t.Errorf("%d of %d requests failed: %s", count.Failed, count.Requests, strings.Join(count.Errors, "\n"))
	}
}

func newKilling(t *testing.T) *killing {
	f := e2e.Start(t)
	k := &killing{f: f, servers: f.App[:2], hit: map[string]bool{}}
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "3.0": e2e.Broken})
	k.h = f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: k.servers, ToPort: port})
	k.c = f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	k.app = func(xmx int) string {
		return itasApp(repo.URL, ready, `	version: "1.0"`,
			`	rollout: {rolling: maxUnavailable: 1, drainDeadline: "20s", admitDeadline: "15s", minReadySeconds: 1}`,
			fmt.Sprintf("\tfiles: \"config/itas.properties\": properties: \"jvm.xmx\": \"%dm\"", xmx),
			`	topology: shared: proxies: ["lb1"]`,
			`	environments: test: servers: `+quoted(k.servers...))
	}
	k.c.App("hello", k.app(0))
	f.Trikk(t, k.c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0)
	return k
}

// next changes a property and gives the release's new value of it.
func (k *killing) next() string {
	k.change++
	k.c.App("hello", k.app(k.change))
	return fmt.Sprintf("jvm.xmx=%dm", k.change)
}

// writes counts the writes of one whole run.
func (k *killing) writes(t *testing.T) int {
	t.Helper()
	k.next()
	return k.count(t, "hello", 0)
}

// undoWrites counts the writes of a run that is undone.
func (k *killing) undoWrites(t *testing.T) int {
	t.Helper()
	return k.count(t, "hello@3.0", 7)
}

// count applies and counts the writes to the run's journal: events that are written together count once.
func (k *killing) count(t *testing.T, app string, code int) int {
	t.Helper()
	sizes := map[int64]bool{}
	known := k.runs()
	p := k.f.StartTrikk(t, k.c, "apply", app, "-e", "test", "--yes")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for path := k.journal(known, time.Minute); ; time.Sleep(200 * time.Microsecond) {
			info, err := os.Stat(path)
			if err != nil {
				return
			}
			sizes[info.Size()] = true
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), "outcome.json")); err == nil {
				return
			}
		}
	}()
	p.Wait().Exit(t, code)
	<-done
	return len(sizes) - 1 // the empty file
}

// runs are the folders of the runs so far.
func (k *killing) runs() map[string]bool {
	out := map[string]bool{}
	paths, _ := filepath.Glob(filepath.Join(k.c.State(), "runs", "*"))
	for _, p := range paths {
		out[p] = true
	}
	return out
}

// journal waits for the journal of a run that is not known, and gives its path; "" when it does not come.
func (k *killing) journal(known map[string]bool, within time.Duration) string {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		for run := range k.runs() {
			path := filepath.Join(run, "events.jsonl")
			if _, err := os.Stat(path); err == nil && !known[run] {
				return path
			}
		}
	}
	return ""
}

// kill ends a run at a write, and has it finished by one or the other way.
func (k *killing) kill(t *testing.T, at int) {
	t.Helper()
	want := k.next()
	run := k.cut(t, at, "hello")
	k.finish(t, run, at)
	k.holds(t, want)
	if t.Failed() {
		t.Fatalf("killed run %s at write %d", run, at)
	}
}

// killUndo ends a run that fails, at a write; then resume undoes what the run would have undone.
func (k *killing) killUndo(t *testing.T, at int) {
	t.Helper()
	run := k.cut(t, at, "hello@3.0")
	r := k.f.Trikk(t, k.c, "resume", run, "--yes")
	if r.Code == 5 { // it was killed after its last step
		r.Says(t, "run "+run+" ended (reverted), and nothing of it is half done")
	} else {
		r.Exit(t, 7).Says(t, "back on 1.0-")
		k.resumed++
	}
	k.holds(t, fmt.Sprintf("jvm.xmx=%dm", k.change))
	if t.Failed() {
		t.Fatalf("killed run %s, which fails, at write %d", run, at)
	}
}

// cut starts a run, kills it at a write and gives its ID.
func (k *killing) cut(t *testing.T, at int, app string) string {
	t.Helper()
	known := k.runs()
	p := k.f.StartTrikk(t, k.c, "apply", app, "-e", "test", "--yes")
	path := k.journal(known, time.Minute)
	if path == "" {
		t.Fatal("the run has no journal")
	}
	size, writes := int64(0), 0
	for end := time.Now().Add(time.Minute); writes < at && time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		if info, err := os.Stat(path); err == nil && info.Size() != size {
			size, writes = info.Size(), writes+1
		}
		if k.ended(filepath.Base(filepath.Dir(path))) {
			break
		}
	}
	p.Kill()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k.hit[fmt.Sprintf("%s %d", app, bytes.Count(text, []byte("\n")))] = true
	return filepath.Base(filepath.Dir(path))
}

// ended: the run ended before it was killed.
func (k *killing) ended(run string) bool {
	_, err := os.Stat(filepath.Join(k.c.State(), "runs", run, "outcome.json"))
	return err == nil
}

// finish goes on with a run: where it was started, or elsewhere.
func (k *killing) finish(t *testing.T, run string, at int) {
	t.Helper()
	if k.ended(run) { // it was killed after its last step, and perhaps before it gave its locks back
		k.f.Trikk(t, k.c, "resume", run, "--yes").Exit(t, 0).Says(t, "run "+run+" is done; nothing of it is left")
		return
	}
	k.f.Trikk(t, k.c, "status", "hello", "-e", "test").Exit(t, 0).Says(t, "run "+run+" of ", "was cut off here")
	if at%3 == 0 {
		k.f.TrikkElsewhere(t, k.c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0).Says(t, "run "+run+" of ")
		if r := k.f.Trikk(t, k.c, "resume", run, "--yes"); r.Code != 0 {
			r.Exit(t, 5).Says(t, "can't go on")
		} else {
			r.Says(t, "run "+run+" is done; nothing of it is left") // only its end was not written
		}
		k.resumed++
		return
	}
	r := k.f.Trikk(t, k.c, "resume", run, "--yes").Exit(t, 0)
	if !strings.Contains(r.Stdout+r.Stderr, "run "+run+" is done; nothing of it is left") { // else only its end was not written
		r.Says(t, "hello runs 1.0-")
	}
	k.resumed++
}

// holds asserts what must be so after each run.
func (k *killing) holds(t *testing.T, want string) {
	t.Helper()
	for _, m := range k.servers {
		serves(t, m, "1.0")
		if got := m.Run(t, "cat "+root+"/"+e2e.AppUser+"-app/config/itas.properties"); !strings.Contains(got, want) {
			t.Errorf("%s runs without %s:\n%s", m.Name, want, got)
		}
		if left := m.Run(t, "ls "+root+"/.trikk"); strings.Contains(left, "cut") || strings.Contains(left, "lock.info") {
			t.Errorf("%s: left behind: %s", m.Name, left)
		}
	}
	k.h.AllUp(t, "hello")
	k.f.Trikk(t, k.c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 0).Says(t, "Nothing to do")
	k.f.Trikk(t, k.c, "status", "hello", "-e", "test").Exit(t, 0).Lacks(t, "cut off", "locked")
}
