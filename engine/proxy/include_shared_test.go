package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// manyBackends are backends with a file each in one folder, of one nginx whose reload takes a while and is counted.
type manyBackends struct {
	dir    string
	points []plan.Point
}

func newManyBackends(t *testing.T, check string, names ...string) *manyBackends {
	t.Helper()
	m := &manyBackends{dir: t.TempDir()}
	driver := plan.Nginx{
		Servers: m.dir + "/{backend}.servers", Generation: "http://127.0.0.1/_trikk/{backend}",
		Test: "cd " + m.dir + " && " + check, Reload: "echo reloaded >>" + m.dir + "/count",
	}
	for _, name := range names {
		for file, text := range map[string]string{".servers": "server 10.0.0.1:80; # b1\n", ".servers.generation": "return 200 \"first\";\n"} {
			if err := os.WriteFile(filepath.Join(m.dir, name+file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		p := at("lb1")
		p.Backend, p.Member, p.Driver = name, "b1", plan.Driver{Nginx: &driver}
		m.points = append(m.points, p)
	}
	return m
}

// out takes the server of each backend out at once: a reload by somebody else does not end before all files are written.
func (m *manyBackends) out(t *testing.T) []error {
	t.Helper()
	other, err := os.Create(filepath.Join(m.dir, ".trikk-reloaded"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	hosts, errs := everywhere{&local{home: m.dir}}, make([]error, len(m.points))
	var all sync.WaitGroup
	for i, p := range m.points {
		all.Go(func() { errs[i] = nginx(*p.Driver.Nginx).Out(t.Context(), hosts, p) })
	}
	if !within(15*time.Second, func() bool { return !slices.ContainsFunc(m.points, func(p plan.Point) bool { return !m.isOut(t, p) }) }) {
		t.Error("not all files are written while another reload goes on")
	}
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	return errs
}

func (m *manyBackends) isOut(t *testing.T, p plan.Point) bool {
	t.Helper()
	return strings.Contains(contents(t, filepath.Join(m.dir, p.Backend+".servers")), " down;")
}

func (m *manyBackends) reloads(t *testing.T) int {
	t.Helper()
	return strings.Count(contents(t, filepath.Join(m.dir, "count")), "reloaded")
}

// TestIncludeSharesReloads: of backends that wait for a reload to end, one reloads for all.
func TestIncludeSharesReloads(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("app%d", i))
	}
	m := newManyBackends(t, "true", names...)
	for i, err := range m.out(t) {
		if err != nil || !m.isOut(t, m.points[i]) {
			t.Errorf("%s: out %v, %v", m.points[i].Backend, m.isOut(t, m.points[i]), err)
		}
	}
	if n := m.reloads(t); n != 1 {
		t.Errorf("%d changes took %d reloads", len(names), n)
	}
	if err := nginx(*m.points[0].Driver.Nginx).In(t.Context(), everywhere{&local{home: m.dir}}, m.points[0]); err != nil {
		t.Fatal(err)
	}
	if n := m.reloads(t); n != 2 {
		t.Errorf("a change that came later had %d reloads", n-1)
	}
}

// TestIncludeSharesNoMistake: where the configuration is not taken with one backend's change, that change alone is put back. Others that
// change at the same time may be told no, too, and then are as they were; none is left half done.
func TestIncludeSharesNoMistake(t *testing.T) {
	t.Parallel()
	m := newManyBackends(t, "! grep -q down bad.servers", "app1", "bad", "app2", "app3")
	for i, err := range m.out(t) {
		p := m.points[i]
		if out := m.isOut(t, p); out != (err == nil) {
			t.Errorf("%s: out %v, %v", p.Backend, out, err)
		}
		if p.Backend == "bad" && (err == nil || !strings.Contains(err.Error(), "nothing was changed")) {
			t.Errorf("what nginx does not take: %v", err)
		}
		if first := strings.HasPrefix(contents(t, filepath.Join(m.dir, p.Backend+".servers.generation")), "return 200 \"first\""); first != (err != nil) {
			t.Errorf("%s: its first generation %v, %v", p.Backend, first, err)
		}
	}
}
