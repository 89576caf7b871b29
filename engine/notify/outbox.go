package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"trikk.dev/engine/plan"
)

// States of an item.
const (
	Open    = "open"    // the run goes on
	Pending = "pending" // to be sent
	Sent    = "sent"
	Failed  = "failed" // sending it again is of no use until somebody mends something
)

// Item is what one notifier is to tell of one run. It refers to secrets and holds none.
type Item struct {
	Name     string        `json:"name"`
	Notifier plan.Notifier `json:"notifier"`
	State    string        `json:"state"`
	Report   Report        `json:"report"`
	Since    string        `json:"since,omitempty"` // RFC 3339: pending since then
	// NotBefore is when the other side wants to be asked again, RFC 3339.
	NotBefore string `json:"notBefore,omitempty"`
	Attempts  int    `json:"attempts,omitempty"`
	Error     string `json:"error,omitempty"` // of the last attempt
	// Done is what was done of the report; Kept outlives a report.
	Done map[string]string `json:"done,omitempty"`
	Kept map[string]string `json:"kept,omitempty"`
}

// ErrInUse is what Open answers while another process has a run's outbox.
var ErrInUse = errors.New("another process sends what this run has to tell")

// Outbox is what the runs of this machine have to tell. Each run has a folder of items; the index names the runs that have some left.
type Outbox struct {
	// Runs is the folder of the runs. Items are in Runs/RUN/outbox.
	Runs string
	// Index is a folder with an empty file for each run that has something left.
	Index string
	// Save writes a file so that after a crash it is there whole or not at all.
	Save func(path string, text []byte) error
	// Now is the clock.
	Now func() time.Time
}

// Box is the outbox of one run. One process has it, and one goroutine at a time writes an item.
type Box struct {
	outbox *Outbox
	run    string
	lock   *os.File
}

func (o *Outbox) folder(run string) string { return filepath.Join(o.Runs, run, "outbox") }

// Has tells whether a run has an outbox.
func (o *Outbox) Has(run string) bool {
	_, err := os.Stat(o.folder(run))
	return err == nil
}

// Open takes a run's outbox, which is made where it is missing; the run's folder is there. While another process has it the error is ErrInUse.
func (o *Outbox) Open(run string) (*Box, error) {
	if err := os.MkdirAll(o.Index, 0o700); err != nil {
		return nil, fmt.Errorf("making the outbox: %w", err)
	}
	if err := os.Mkdir(o.folder(run), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making the outbox of run %s: %w", run, err)
	}
	f, err := os.OpenFile(filepath.Join(o.folder(run), "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the outbox of run %s: %w", run, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return &Box{o, run, f}, nil
}

// Put writes an item; it is on the disk when Put returns.
func (b *Box) Put(i Item) error {
	if err := b.outbox.Save(filepath.Join(b.outbox.Index, b.run), nil); err != nil {
		return fmt.Errorf("saving what to tell %s: %w", i.Name, err)
	}
	text, err := json.MarshalIndent(i, "", "  ")
	if err == nil {
		err = b.outbox.Save(b.path(i.Name), append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("saving what to tell %s: %w", i.Name, err)
	}
	return nil
}

func (b *Box) path(name string) string {
	return filepath.Join(b.outbox.folder(b.run), name+".json")
}

// Drop removes an item: nobody is to be told.
func (b *Box) Drop(name string) error { return os.Remove(b.path(name)) }

// Items are the run's items, sorted by name. It gives what it can read, and one error for all it can't.
func (b *Box) Items() ([]Item, error) {
	entries, err := os.ReadDir(b.outbox.folder(b.run))
	if err != nil {
		return nil, fmt.Errorf("reading the outbox of run %s: %w", b.run, err)
	}
	var out []Item
	var errs []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		var i Item
		text, err := os.ReadFile(b.path(name))
		if err == nil {
			err = json.Unmarshal(text, &i)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reading what run %s has to tell %s: %w", b.run, name, err))
			continue
		}
		i.Name = name
		out = append(out, i)
	}
	return out, errors.Join(errs...)
}

// stale: it failed, and nobody has mended it for long.
func (i Item) stale(now time.Time) bool {
	since, err := time.Parse(time.RFC3339, i.Since)
	return i.State == Failed && err == nil && now.Sub(since) > tooOld
}

// Close lets the outbox go, also where a process that is being started at this moment has the lock's descriptor. A run that has nothing
// left leaves the index, and so does one with nothing but failures that are old.
func (b *Box) Close() error {
	items, err := b.Items()
	left := slices.ContainsFunc(items, func(i Item) bool { return i.State != Sent && !i.stale(b.outbox.Now()) })
	if err == nil && !left {
		err = os.Remove(filepath.Join(b.outbox.Index, b.run))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return errors.Join(err, syscall.Flock(int(b.lock.Fd()), syscall.LOCK_UN), b.lock.Close())
}

// Left are the runs that have something left, the oldest first.
func (o *Outbox) Left() ([]string, error) {
	entries, err := os.ReadDir(o.Index)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			out = append(out, e.Name())
		}
	}
	return out, err
}

// Forget takes a run out of the index, whatever it has left.
func (o *Outbox) Forget(run string) error { return os.Remove(filepath.Join(o.Index, run)) }

// ready makes an item that tells a report. What is kept of an earlier one stays, so that its message is edited.
func (i Item) ready(r Report, now time.Time) Item {
	i.State, i.Report, i.Since, i.NotBefore, i.Attempts, i.Error, i.Done = Pending, r, now.UTC().Format(time.RFC3339), "", 0, "", nil
	i.Kept = maps.Clone(i.Kept)
	return i
}
