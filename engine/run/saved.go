package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"trikk.dev/engine/plan"
)

// Saved is a run as it is on disk.
type Saved struct {
	Meta    Meta
	Plan    plan.Plan
	Journal plan.Journal
	Outcome *plan.Outcome // nil: the run did not end, or its driver did not live to say how
}

// Summary is what a list tells of a run.
type Summary struct {
	Meta    Meta
	Outcome *plan.Outcome // as in Saved
}

// ErrDamaged is what reading a run answers that is there, and of which a file is missing or makes no sense.
var ErrDamaged = errors.New("what is saved of it is damaged")

// damaged marks an error of a run whose directory has what is written last, so that it is no run that was never begun.
func damaged(own string, err error) error {
	if _, missing := os.Stat(filepath.Join(own, metaFile)); missing != nil || errors.Is(err, ErrInUse) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w: %v", ErrDamaged, err) // no fs.ErrNotExist: the run is there
}

// Load reads a run. A torn last line of its journal is left out: nothing depended on it. A run that is not there is fs.ErrNotExist.
func Load(dir, id string) (Saved, error) {
	if err := checkID(id); err != nil {
		return Saved{}, err
	}
	s, _, err := load(dir, id)
	if err != nil {
		return Saved{}, fmt.Errorf("reading run %s: %w", id, damaged(filepath.Join(dir, id), err))
	}
	return s, nil
}

// load also gives the size of the journal without a torn last line, in bytes.
func load(dir, id string) (Saved, int64, error) {
	own := filepath.Join(dir, id)
	s, err := head(own)
	if err != nil {
		return Saved{}, 0, err
	}
	lines, err := os.ReadFile(filepath.Join(own, eventsFile))
	if err != nil {
		return Saved{}, 0, err
	}
	j, whole, err := parse(lines)
	if err != nil {
		return Saved{}, 0, fmt.Errorf("%s: %w", eventsFile, err)
	}
	s.Journal = j
	return s, whole, nil
}

// head reads a run without its journal.
func head(own string) (Saved, error) {
	summary, err := summarise(own)
	if err != nil {
		return Saved{}, err
	}
	text, err := os.ReadFile(filepath.Join(own, planFile))
	if err != nil {
		return Saved{}, err
	}
	p, err := plan.Decode(bytes.NewReader(text))
	if err != nil {
		return Saved{}, fmt.Errorf("%s: %w", planFile, err)
	}
	return Saved{Meta: summary.Meta, Plan: p, Outcome: summary.Outcome}, nil
}

// parse reads events, one a line. The last line may be torn: without a line feed, or no event.
func parse(text []byte) (j plan.Journal, whole int64, err error) {
	for n := 1; len(text) > 0; n++ {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return j, whole, nil
		}
		var e plan.Event
		if err := json.Unmarshal(text[:end], &e); err != nil {
			if end+1 == len(text) {
				return j, whole, nil
			}
			return nil, 0, fmt.Errorf("line %d: %w", n, err)
		}
		j = append(j, e)
		whole += int64(end) + 1
		text = text[end+1:]
	}
	return j, whole, nil
}

// List gives all runs in dir, oldest first. It gives what it can read, and one error for all it can't. A directory that is
// not there has no runs.
func List(dir string) ([]Summary, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	var runs []Summary
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || checkID(e.Name()) != nil {
			continue
		}
		s, err := summarise(filepath.Join(dir, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist): // its driver was killed while it made it
		case err != nil:
			errs = append(errs, fmt.Errorf("reading run %s: %w", e.Name(), err))
		default:
			runs = append(runs, s)
		}
	}
	return runs, errors.Join(errs...)
}

func summarise(own string) (Summary, error) {
	var s Summary
	if err := readJSON(filepath.Join(own, metaFile), &s.Meta); err != nil {
		return Summary{}, err
	}
	err := readJSON(filepath.Join(own, outcomeFile), &s.Outcome)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Summary{}, err
	}
	return s, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}

// InUse tells whether a process has a run's journal at this moment.
func InUse(dir, id string) bool {
	if checkID(id) != nil {
		return false
	}
	f, err := os.Open(filepath.Join(dir, id, eventsFile))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
