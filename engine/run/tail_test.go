package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"trikk.dev/engine/plan"
)

// A tail gives each event once, whole lines only, and tells when nobody writes any more.
func TestTail(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Follow(dir, runID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run that is not there: %v", err)
	}
	if _, _, err := Follow(dir, "../x"); !errors.Is(err, ErrNotID) {
		t.Errorf("no ID: %v", err)
	}
	l, err := Create(dir, meta(), deploy(1, "hold", "a"))
	if err != nil {
		t.Fatal(err)
	}
	s, tail, err := Follow(dir, runID)
	if err != nil || s.Plan.ID != "p" || len(s.Journal) > 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	next := func(want ...plan.Event) {
		t.Helper()
		got, err := tail.Next()
		if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, plan.Journal(want)) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	next()
	j := events(4)
	if err := l.Append(j[:2]...); err != nil {
		t.Fatal(err)
	}
	next(j[:2]...)
	next()
	path := filepath.Join(dir, runID, eventsFile)
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"seq":3,"event":`)
	next()
	write("\"cancel\"}\n{\"seq\":4")
	next(plan.Event{Seq: 3, Kind: plan.CancelAsked})
	write("torn\n") // a write that a crash cut, with whatever came to be there
	next()
	if !tail.Alive() {
		t.Error("its driver is not seen")
	}
	if o, err := tail.Outcome(); o != nil || err != nil {
		t.Errorf("the outcome is %v, %v", o, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if tail.Alive() {
		t.Error("its driver is gone, and seen")
	}
	l, _, err = Open(dir, runID) // resumed: the torn line is cut off
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Append(plan.Event{Seq: 4, Kind: plan.Resumed}), l.Finish(plan.Outcome{Status: plan.Partly}), l.Close()); err != nil {
		t.Fatal(err)
	}
	next(plan.Event{Seq: 4, Kind: plan.Resumed})
	if o, err := tail.Outcome(); err != nil || o.Status != plan.Partly {
		t.Errorf("the outcome is %v, %v", o, err)
	}
	write("torn\n{}\n")
	if _, err := tail.Next(); err == nil {
		t.Error("a line in the midst that is no event is no error")
	}
}
