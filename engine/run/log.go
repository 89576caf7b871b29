package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"trikk.dev/engine/plan"
)

// Names in a run's directory.
const (
	planFile    = "plan.json"
	metaFile    = "run.json"
	eventsFile  = "events.jsonl"
	outcomeFile = "outcome.json"
)

// ErrInUse is what Open answers while another process has the run's journal.
var ErrInUse = errors.New("another process works on this run")

// file is what a Log writes to.
type file interface {
	io.WriteCloser
	Sync() error
}

// Log is the journal of one run on disk. It has the file to itself, and is not for concurrent use.
type Log struct {
	dir  string // of the run
	file file
	err  error // first failure: what is on disk after it is not known
}

var _ Store = (*Log)(nil)

// Meta says whose run it is.
type Meta struct {
	Run     string   `json:"run"`     // ID
	Who     string   `json:"who"`     // user@host
	Started string   `json:"started"` // RFC 3339, UTC
	Plan    string   `json:"plan"`    // ID; Create fills in the rest
	Env     string   `json:"env"`
	Apps    []string `json:"apps"`
	// Overrides are the guards that a person went past, with the reason.
	Overrides []Override `json:"overrides,omitempty"`
}

// Override is a guard of the environment that a person went past.
type Override struct {
	Guard  string `json:"guard"`  // "freeze" or "promotion"
	Said   string `json:"said"`   // what the guard said
	Reason string `json:"reason"` // why it was gone past
}

// Create makes the directory of a new run in dir, which holds all runs, with its plan and an empty journal. A run of that
// ID that exists already is an error that is fs.ErrExist.
func Create(dir string, meta Meta, p plan.Plan) (*Log, error) {
	if err := checkID(meta.Run); err != nil {
		return nil, err
	}
	meta.Plan, meta.Env, meta.Apps = p.ID, p.Env, []string{}
	for _, a := range p.Apps {
		meta.Apps = append(meta.Apps, a.App)
	}
	for _, l := range p.LeftOut {
		meta.Apps = append(meta.Apps, l.App)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of runs: %w", err)
	}
	own := filepath.Join(dir, meta.Run)
	if err := os.Mkdir(own, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the run: %w", err)
	}
	l, err := fill(own, meta, p)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("saving run %s: %w", meta.Run, err), os.RemoveAll(own))
	}
	return l, nil
}

// fill writes the files of a new run. The meta file is the last one: a directory without it is no run.
func fill(own string, meta Meta, p plan.Plan) (*Log, error) {
	var text bytes.Buffer
	if err := plan.Encode(&text, p); err != nil {
		return nil, err
	}
	if err := WriteWhole(filepath.Join(own, planFile), text.Bytes()); err != nil {
		return nil, err
	}
	f, err := lock(filepath.Join(own, eventsFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(own, metaFile), meta); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := syncDir(filepath.Dir(own)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Log{dir: own, file: f}, nil
}

// Open takes over the journal of a run, to go on with it. A torn last line is cut off. While another process has the
// journal the error is ErrInUse; a run that is not there is fs.ErrNotExist.
func Open(dir, id string) (*Log, Saved, error) {
	if err := checkID(id); err != nil {
		return nil, Saved{}, err
	}
	own := filepath.Join(dir, id)
	f, err := lock(filepath.Join(own, eventsFile), os.O_RDWR|os.O_APPEND)
	if err != nil {
		return nil, Saved{}, fmt.Errorf("opening run %s: %w", id, damaged(own, err))
	}
	saved, whole, err := load(dir, id)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err != nil {
		return nil, Saved{}, errors.Join(fmt.Errorf("opening run %s: %w", id, damaged(own, err)), f.Close())
	}
	return &Log{dir: own, file: f}, saved, nil
}

// lockedFile is a file that no other process has.
type lockedFile struct{ *os.File }

// Close lets the file go. A process that is being started at this moment may still have its descriptor: the lock does not outlive this one.
func (f lockedFile) Close() error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.File.Close())
}

// lock opens a file that no other process has.
func lock(path string, flags int) (*lockedFile, error) {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return &lockedFile{f}, nil
}

// Append writes events with one write and one fsync. After a failure every call fails: the tail of the file is not known.
func (l *Log) Append(events ...plan.Event) error {
	if l.err != nil {
		return l.err
	}
	l.err = l.append(events)
	return l.err
}

func (l *Log) append(events []plan.Event) error {
	var lines bytes.Buffer
	e := json.NewEncoder(&lines) // one line a value
	e.SetEscapeHTML(false)
	for _, event := range events {
		if err := e.Encode(event); err != nil {
			return fmt.Errorf("encoding event %d: %w", event.Seq, err)
		}
	}
	if _, err := l.file.Write(lines.Bytes()); err != nil {
		return err
	}
	return l.file.Sync()
}

// Finish saves how the run ended, for lists of runs. The journal stays what decides.
func (l *Log) Finish(o plan.Outcome) error {
	if err := writeJSON(filepath.Join(l.dir, outcomeFile), o); err != nil {
		return fmt.Errorf("saving the outcome: %w", err)
	}
	return nil
}

// Close lets the journal go.
func (l *Log) Close() error { return l.file.Close() }
