package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"trikk.dev/engine/plan"
)

// mostRead is how much of a journal is read at once, in bytes.
const mostRead = 1 << 20

// Tail reads the journal of a run as it grows, whoever writes it. It takes no lock, and is not for concurrent use.
type Tail struct {
	dir, id string
	at      int64 // bytes of whole lines that were given
	line    int
}

// Follow gives the run as it is on disk, with an empty journal, and the tail that reads it from its beginning on. A run that is not there is
// fs.ErrNotExist.
func Follow(dir, id string) (Saved, *Tail, error) {
	if err := checkID(id); err != nil {
		return Saved{}, nil, err
	}
	s, err := head(filepath.Join(dir, id))
	if err != nil {
		return Saved{}, nil, fmt.Errorf("reading run %s: %w", id, err)
	}
	return s, &Tail{dir: dir, id: id}, nil
}

// Next gives the events that were written since the last call, and never half of one. None: there is nothing new.
func (t *Tail) Next() (plan.Journal, error) {
	f, err := os.Open(filepath.Join(t.dir, t.id, eventsFile))
	if err != nil {
		return nil, fmt.Errorf("reading run %s: %w", t.id, err)
	}
	defer f.Close()
	var out plan.Journal
	for {
		j, err := t.read(f)
		if err != nil {
			return out, fmt.Errorf("reading run %s: %s: %w", t.id, eventsFile, err)
		}
		if len(j) == 0 {
			return out, nil
		}
		out = append(out, j...)
	}
}

// read gives whole lines from where the last ones ended. A line that is longer than mostRead is read as a whole.
func (t *Tail) read(f *os.File) (plan.Journal, error) {
	text, err := t.chunk(f)
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	var out plan.Journal
	for line := range bytes.Lines(text[:end]) {
		var e plan.Event
		if err := json.Unmarshal(line, &e); err != nil {
			if t.at+int64(len(line)) >= sizeOf(f) {
				return out, nil // torn, as parse says: a driver that takes the journal over cuts it off
			}
			return out, fmt.Errorf("line %d: %w", t.line+1, err)
		}
		out = append(out, e)
		t.at += int64(len(line))
		t.line++
	}
	return out, nil
}

func (t *Tail) chunk(f *os.File) ([]byte, error) {
	for size := int64(mostRead); ; size *= 4 {
		text, err := io.ReadAll(io.NewSectionReader(f, t.at, size))
		if err != nil || int64(len(text)) < size || bytes.IndexByte(text, '\n') >= 0 {
			return text, err
		}
	}
}

func sizeOf(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// Outcome gives how the run ended, as it is recorded now; nil: it did not.
func (t *Tail) Outcome() (*plan.Outcome, error) {
	var o *plan.Outcome
	err := readJSON(filepath.Join(t.dir, t.id, outcomeFile), &o)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading run %s: %w", t.id, err)
	}
	return o, nil
}

// Alive tells whether a process has the journal at this moment. Where none has, nothing is written any more, until the run is resumed.
func (t *Tail) Alive() bool { return InUse(t.dir, t.id) }
