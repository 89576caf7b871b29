//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// Fleet is the machines that the tests deploy to: app servers, two proxies and the balancer in front of the proxies.
type Fleet struct {
	App  []*Machine // four, or as many as MainOn says
	LB   [2]*Machine
	Edge *Machine
	Keys *keys
	bin  string // folder with trikk and testapp
}

// spot is a machine's name and address.
type spot struct{ name, address string }

// inventory is all machines, in the order app1…appN, lb1, lb2, edge.
func inventory() []spot {
	var out []spot
	for i := range servers() {
		out = append(out, spot{fmt.Sprintf("app%d", i+1), serverAddress(i)})
	}
	return append(out, spot{"lb1", "10.80.0.21"}, spot{"lb2", "10.80.0.22"}, spot{"edge", "10.80.0.31"})
}

// serverAddress is the address of an app server, counted from 0; behind the first ten come the other machines'.
func serverAddress(i int) string {
	if i < 10 {
		return fmt.Sprintf("10.80.0.%d", 11+i)
	}
	return fmt.Sprintf("10.80.0.%d", 100+i)
}

// servers is how many app servers there are.
func servers() int {
	if n, err := strconv.Atoi(os.Getenv(serversVar)); err == nil && n > 0 {
		return n
	}
	return 4
}

// theFleet is made once, by the first test that asks for it.
var theFleet = sync.OnceValues(newFleet)

// Start gives the fleet as if it were new: no app is installed, none runs. Tests must not run in parallel.
func Start(t testing.TB) *Fleet {
	t.Helper()
	claim(t)
	f, err := theFleet()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range f.Machines() {
		if err := m.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func newFleet() (*Fleet, error) {
	k, err := newKeys(filepath.Join(work, "keys"))
	if err != nil {
		return nil, fmt.Errorf("starting the fleet: %w", err)
	}
	f := &Fleet{Keys: k, bin: os.Getenv(binVar)}
	spots := inventory()
	made := make([]*Machine, len(spots))
	errs := make([]error, len(spots))
	var all sync.WaitGroup
	for i, s := range spots {
		all.Go(func() { made[i], errs[i] = startMachine(s.name, s.address, k.prepareSSHD) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("starting the fleet: %w", err)
	}
	n := servers()
	f.App = made[:n:n]
	copy(f.LB[:], made[n:])
	f.Edge = made[n+2]
	return f, nil
}

// Machines are all machines of the fleet.
func (f *Fleet) Machines() []*Machine {
	return append(append(append([]*Machine{}, f.App...), f.LB[:]...), f.Edge)
}

// Trikk is the path of the built program.
func (f *Fleet) TrikkPath() string { return filepath.Join(f.bin, "trikk") }

// Dir is a new folder for a test, gone with it.
func (f *Fleet) Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(work, "t")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// write writes a file of a test, with its folders.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
