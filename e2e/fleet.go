//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Fleet is the machines that the tests deploy to: four app servers, two proxies and the balancer in front of the proxies.
type Fleet struct {
	App  [4]*Machine
	LB   [2]*Machine
	Edge *Machine
	Keys *keys
	bin  string // folder with trikk and testapp
}

// spot is a machine's name and address.
type spot struct{ name, address string }

// inventory is all machines, in the order app1…app4, lb1, lb2, edge.
func inventory() []spot {
	return []spot{
		{"app1", "10.80.0.11"}, {"app2", "10.80.0.12"}, {"app3", "10.80.0.13"}, {"app4", "10.80.0.14"},
		{"lb1", "10.80.0.21"}, {"lb2", "10.80.0.22"}, {"edge", "10.80.0.31"},
	}
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
	copy(f.App[:], made)
	copy(f.LB[:], made[4:])
	f.Edge = made[6]
	return f, nil
}

// Machines are all machines of the fleet.
func (f *Fleet) Machines() []*Machine {
	return append(append(append([]*Machine{}, f.App[:]...), f.LB[:]...), f.Edge)
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
