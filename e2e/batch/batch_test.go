//go:build linux

package batch

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// servers is how many app servers there are.
const servers = 12

func TestMain(m *testing.M) { os.Exit(e2e.MainOn(m, servers)) }

// appsHere is how many apps there are: 60, or as many as APPS says.
func appsHere(t *testing.T) int {
	t.Helper()
	text := os.Getenv("APPS")
	if text == "" {
		return most
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < fewest || n > most {
		t.Fatalf("APPS=%q: it is a number from %d to %d", text, fewest, most)
	}
	return n
}

// TestBatch deploys a new version of every app in one run, under load. One fails and is undone, the one that waits for it is not
// started, and nobody loses a request. Production refuses the same. Another apply has only these two to do.
func TestBatch(t *testing.T) {
	e2e.Long(t)
	s := newScene(t, appsHere(t))
	got := tally{apps: len(s.apps)}
	defer func() { fmt.Println(got) }()

	s.trikk("vet").Exit(t, 0)
	s.trikk("apply", "--all", "-e", "test", "--yes").Exit(t, 0)
	write(s.config, s.apps, wanted)
	s.refused()

	load, other := s.load()
	known := s.connections()
	began := time.Now()
	r := s.trikk("apply", "--all", "-e", "test", "--yes")
	got.seconds = time.Since(began).Seconds()
	s.keep("apply", r)
	s.most(known, &got)
	count, unlucky := load.Stop(), other.Stop()
	got.lost = count.Failed + count.Closed
	s.states(&got)
	t.Logf("%d requests/s; %v; %d lost of those to %s", (count.Requests+unlucky.Requests)/int(got.seconds), count.Versions, unlucky.Failed+unlucky.Closed, s.apps[broken].name)
	if why := got.verdict(len(s.f.App) + len(s.f.LB)); why != "" {
		t.Errorf("%s: %s\n%s", got, why, strings.Join(count.Errors, "\n"))
	}
	if unlucky.Failed+unlucky.Closed > 0 || len(unlucky.Versions) != 1 {
		t.Errorf("the app that failed lost requests of its version before:\n%s\n%v", strings.Join(unlucky.Errors, "\n"), unlucky.Versions)
	}
	if rate := (count.Requests + unlucky.Requests) / int(got.seconds); rate < perSecond*9/10 {
		t.Errorf("%d requests/s are too few", rate)
	}
	r.Exit(t, 6).Says(t, s.apps[broken].name+" failed and was rolled back in test", s.apps[stranded].name+" failed, and nothing was changed in test: not started: "+s.apps[broken].name+" was not done")
	s.order()
	if s.slow().Read("/tmp/slow") == "" {
		t.Errorf("%s was not slow", s.slow().Name)
	}
	s.truth()
	s.again()
}

// perSecond is the load, over all apps.
const perSecond = 300

// load starts the clients of the apps that must not notice, and of the one that fails.
func (s *scene) load() (all, unlucky *e2e.Load) {
	s.t.Helper()
	rest := slices.Delete(slices.Clone(s.apps), broken, broken+1)
	share := max(1, perSecond/len(s.apps))
	all = s.f.Spread(s.t, perSecond-share, s.urls(rest...)...)
	unlucky = s.f.Spread(s.t, share, s.urls(s.apps[broken])...)
	all.Saw(before)
	unlucky.Saw(before)
	return all, unlucky
}

// refused asserts that production takes no batch, and that no machine hears of it.
func (s *scene) refused() {
	s.t.Helper()
	known := s.connections()
	s.trikk("apply", "--all", "-e", "prod", "--yes", "--confirm", "prod").Exit(s.t, 5).Says(s.t, fmt.Sprintf("prod is protected: one app a run, %d were asked for", len(s.apps)))
	if now := s.connections(); !maps.Equal(known, now) {
		s.t.Errorf("production was refused, and connections were made: %v, then %v", known, now)
	}
	for _, a := range s.apps {
		if stateOf(a) != skipped {
			s.t.Errorf("production was refused, and %s is there", a.name)
		}
	}
}

// most counts the connections since known, and asserts one a machine.
func (s *scene) most(known map[string]int, got *tally) {
	s.t.Helper()
	for name, now := range s.connections() {
		n := now - known[name]
		got.connections += n
		if n > 1 {
			s.t.Errorf("%d connections to %s in one run", n, name)
		}
	}
}

// states counts how the apps stand, and asserts that those which don't run the new version run the one before.
func (s *scene) states(got *tally) {
	s.t.Helper()
	for i, a := range s.apps {
		at := stateOf(a)
		switch at {
		case deployed:
			got.deployed++
			continue
		case failed:
			got.failed++
		case skipped:
			got.skipped++
		}
		if (at == failed) != (i == broken) || (at == skipped) != (i == stranded) {
			s.t.Errorf("%s is in state %d", a.name, at)
		}
		for _, m := range a.servers {
			if !isCurrent(a, m, before) || !answers(a, m, before) {
				s.t.Errorf("%s on %s does not run %s: %s", a.name, m.Name, before, m.Link(a.home()+"/current"))
			}
		}
	}
}

// order asserts that the app which waits was switched nowhere before the one that it waits for was good everywhere.
func (s *scene) order() {
	s.t.Helper()
	good, err := made(s.apps[base], ".trikk/good/"+wanted+"-*")
	if err != nil {
		s.t.Fatal(err)
	}
	switched, err := made(s.apps[waiting], "current")
	if err != nil {
		s.t.Fatal(err)
	}
	if !switched.first.After(good.last) {
		s.t.Errorf("%s was switched at %v, and %s was good at %v", s.apps[waiting].name, switched.first, s.apps[base].name, good.last)
	}
}

// version is what an app serves after the batch.
func version(i int) string {
	if i == broken || i == stranded {
		return before
	}
	return wanted
}

// truth asserts that the status says of each app on each server what is there.
func (s *scene) truth() {
	s.t.Helper()
	r := s.trikk("status", "-e", "test", "--json").Exit(s.t, 0)
	said, err := lines(r.Stdout)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, a := range s.apps {
		for _, m := range a.servers {
			if lie := said[[2]string{a.name, m.Name}].lies(a, m, version(i), len(s.proxies)); lie != "" {
				s.t.Errorf("the status of %s on %s: %s", a.name, m.Name, lie)
			}
		}
	}
}

// again asserts that another apply has only the app that failed and the one that was not started to do.
func (s *scene) again() {
	s.t.Helper()
	r := s.trikk("apply", "--all", "-e", "test", "--yes").Exit(s.t, 7)
	s.keep("again", r)
	left := []string{}
	for row := range strings.Lines(r.Stdout) {
		if rest, ok := strings.CutPrefix(row, "deploy "); ok {
			name, _, _ := strings.Cut(rest, " ")
			left = append(left, name)
		}
	}
	want := []string{s.apps[broken].name, s.apps[stranded].name}
	slices.Sort(left)
	slices.Sort(want)
	if !slices.Equal(left, want) {
		s.t.Errorf("another apply has %v to do, not %v", left, want)
	}
}

// keep leaves what a command printed in the folder that TRIKK_KEEP names, for people.
func (s *scene) keep(name string, r e2e.Result) {
	s.t.Helper()
	dir := os.Getenv("TRIKK_KEEP")
	if dir == "" {
		return
	}
	text := r.Stdout + "\n--- standard error\n" + r.Stderr
	if err := os.WriteFile(dir+"/"+name+".txt", []byte(text), 0o644); err != nil {
		s.t.Error(err)
	}
}

// TestVerdict: a batch is right only where one app failed, one was skipped, and nothing was lost.
func TestVerdict(t *testing.T) {
	right := tally{apps: 60, deployed: 58, failed: 1, skipped: 1, seconds: 200.4, connections: 14}
	if got, want := right.String(), "batch: apps=60 deployed=58 failed=1 skipped=1 seconds=200 connections=14 lost=0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if why := right.verdict(14); why != "" {
		t.Error(why)
	}
	for _, spoil := range []func(*tally){
		func(c *tally) { c.deployed-- }, func(c *tally) { c.failed = 0 }, func(c *tally) { c.skipped = 2 },
		func(c *tally) { c.connections = 15 }, func(c *tally) { c.connections = 0 }, func(c *tally) { c.lost = 1 },
	} {
		wrong := right
		spoil(&wrong)
		if wrong.verdict(14) == "" {
			t.Errorf("%s is right", wrong)
		}
	}
}
