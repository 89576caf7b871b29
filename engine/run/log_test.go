package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"trikk.dev/engine/plan"
)

const runID = "20261123T061900-3f2a"

func meta() Meta { return Meta{Run: runID, Who: "ann@desk", Started: "2026-11-23T06:19:00Z"} }

// events gives n events of a plan's first segment's lane, numbered from 1.
func events(n int) plan.Journal {
	var j plan.Journal
	for i := range n {
		j = append(j, plan.Event{Seq: i + 1, Kind: plan.StepFinished, Ref: &plan.Ref{Plan: "p", Lane: i},
			Result: &plan.Result{Step: "s", Status: plan.Failed, Error: "a < b", Output: "one\ntwo"}})
	}
	return j
}

func create(t *testing.T, dir string, j ...plan.Event) {
	t.Helper()
	l, err := Create(dir, meta(), deploy(1, "hold", "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Append(j...), l.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestARunComesBackFromDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "runs")
	l, err := Create(dir, meta(), deploy(1, "hold", "a"))
	if err != nil {
		t.Fatal(err)
	}
	j := events(3)
	if err := errors.Join(l.Append(j[:2]...), l.Append(j[2])); err != nil {
		t.Fatal(err)
	}
	s, err := Load(dir, runID)
	if err != nil || !reflect.DeepEqual(s.Journal, j) || s.Outcome != nil {
		t.Fatalf("%+v, %v", s, err)
	}
	want := Meta{Run: runID, Who: "ann@desk", Started: "2026-11-23T06:19:00Z", Plan: "p", Env: "test", Apps: []string{"web"}}
	if !reflect.DeepEqual(s.Meta, want) || len(s.Plan.Apps) != 1 || s.Plan.ID != "p" {
		t.Errorf("%+v", s)
	}
	if err := errors.Join(l.Finish(plan.Outcome{Status: plan.Partly}), l.Close()); err != nil {
		t.Fatal(err)
	}
	runs, err := List(dir)
	if err != nil || len(runs) != 1 || !reflect.DeepEqual(runs[0].Meta, want) || runs[0].Outcome.Status != plan.Partly {
		t.Errorf("%+v, %v", runs, err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, runID))
	if err != nil || len(entries) != 4 {
		t.Errorf("files %v, %v", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestATornLastLineIsLeftOutAndCutOff(t *testing.T) {
	for name, tail := range map[string]string{
		"half an event":         `{"seq":3,"event":"segm`,
		"no line feed":          `{"seq":3,"event":"cancel"}`,
		"zeros":                 "\x00\x00\x00",
		"half, with line feed":  `{"seq":3,"ev` + "\n",
		"nothing but line feed": "\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := events(3)
			create(t, dir, j[:2]...)
			path := filepath.Join(dir, runID, eventsFile)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append(text, tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err := Load(dir, runID); err != nil || !reflect.DeepEqual(s.Journal, j[:2]) {
				t.Fatalf("%+v, %v", s.Journal, err)
			}
			l, s, err := Open(dir, runID)
			if err != nil || len(s.Journal) != 2 {
				t.Fatalf("%+v, %v", s.Journal, err)
			}
			if err := errors.Join(l.Append(j[2]), l.Close()); err != nil {
				t.Fatal(err)
			}
			if s, err := Load(dir, runID); err != nil || !reflect.DeepEqual(s.Journal, j) {
				t.Errorf("%+v, %v", s.Journal, err)
			}
		})
	}
}

func TestABrokenLineInTheMiddleIsAnError(t *testing.T) {
	dir := t.TempDir()
	create(t, dir)
	text := `{"seq":1,"event":"cancel"}` + "\nrubbish\n" + `{"seq":3,"event":"stop"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, runID, eventsFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, runID); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("Load: %v", err)
	}
	if _, _, err := Open(dir, runID); err == nil {
		t.Error("it was opened")
	}
}

func TestARunHasOneWriter(t *testing.T) {
	dir := t.TempDir()
	l, err := Create(dir, meta(), plan.Plan{ID: "p"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, meta(), plan.Plan{ID: "p"}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	if _, _, err := Open(dir, runID); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	forked, err := syscall.Dup(int(l.file.(*lockedFile).Fd())) // as a process that is being started has it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(forked) }()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if InUse(dir, runID) {
		t.Error("it is in use after it was closed")
	}
	again, _, err := Open(dir, runID)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRunsThatAreNotThere(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir, runID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load: %v", err)
	}
	if _, _, err := Open(dir, runID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
	for _, id := range []string{"", "..", "../x", "a/b", "x y"} {
		_, loaded := Load(dir, id)
		_, _, opened := Open(dir, id)
		_, created := Create(dir, Meta{Run: id}, plan.Plan{})
		if loaded == nil || opened == nil || created == nil {
			t.Errorf("%q: %v, %v, %v", id, loaded, opened, created)
		}
	}
	if runs, err := List(filepath.Join(dir, "none")); err != nil || runs != nil {
		t.Errorf("List: %v, %v", runs, err)
	}
}

func TestListGivesWhatItCanRead(t *testing.T) {
	dir := t.TempDir()
	create(t, dir)
	for _, name := range []string{"20270101T000000-0000", "20200101T000000-0000", "half-made", "not a run"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "20270101T000000-0000", metaFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "20200101T000000-0000", metaFile), []byte(`{"run":"20200101T000000-0000"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	runs, err := List(dir)
	if err == nil || !strings.Contains(err.Error(), "20270101T000000-0000") {
		t.Errorf("error %v", err)
	}
	if len(runs) != 2 || runs[0].Meta.Run != "20200101T000000-0000" || runs[1].Meta.Run != runID {
		t.Errorf("runs %+v", runs)
	}
}

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	p := plan.Plan{ID: "p", Apps: []plan.AppPlan{{App: "web", Waves: []plan.Wave{{Lanes: []plan.Lane{{Steps: []plan.Step{{ID: "no op"}}}}}}}}}
	if _, err := Create(dir, meta(), p); err == nil {
		t.Error("a plan that can't be encoded was saved")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// recorder is a file that notes when it is written and synced. A sync takes a while.
type recorder struct {
	mu     sync.Mutex
	log    []string // segment starts "written", "durable" and, by the test, "sent"
	held   []string
	syncs  int
	refuse error
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return len(b) / 2, r.refuse
	}
	for line := range bytes.Lines(b) {
		var e plan.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return 0, err
		}
		if e.Kind == plan.SegmentStarted {
			r.held = append(r.held, fmt.Sprint(*e.Ref))
		}
	}
	return len(b), nil
}

func (r *recorder) Sync() error {
	time.Sleep(time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range r.held {
		r.log = append(r.log, "durable "+ref)
	}
	r.held = nil
	r.syncs++
	return nil
}

func (r *recorder) Close() error { return nil }

func TestAStartIsDurableBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec, f := &recorder{}, newFleet(9)
		f.fate["c/admit"] = plan.Failed // undos are starts, too
		f.around = func(_ context.Context, s plan.Segment) error {
			rec.mu.Lock()
			defer rec.mu.Unlock()
			rec.log = append(rec.log, "sent "+fmt.Sprint(s.Ref))
			return nil
		}
		_, o, err := Local(t.Context(), deploy(2, "revert", "a", "b", "c"), nil, f.do, nil, Keep(&Log{file: rec}))
		if err != nil || o.Status != plan.Reverted {
			t.Fatalf("%+v, %v", o, err)
		}
		durable := map[string]bool{}
		sent := 0
		for _, line := range rec.log {
			what, ref, _ := strings.Cut(line, " ")
			if what == "durable" {
				durable[ref] = true
				continue
			}
			sent++
			if !durable[ref] {
				t.Errorf("%s was sent before it was durable", ref)
			}
		}
		if sent != len(durable) || sent < 18 {
			t.Errorf("%d sent, %d durable", sent, len(durable))
		}
	})
}

func TestEventsThatComeTogetherShareAnFsync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		for i := range 50 {
			hosts = append(hosts, fmt.Sprintf("h%d", i))
		}
		rec, f := &recorder{}, newFleet(50)
		f.took = time.Second
		j, o, err := Local(t.Context(), deploy(0, "hold", hosts...), nil, f.do, nil, Keep(&Log{file: rec}))
		if err != nil || o.Status != plan.Done {
			t.Fatalf("%+v, %v", o, err)
		}
		// 4 segments a host, 3 events each: without sharing 600.
		if rec.syncs > 60 || len(j) != 600 {
			t.Errorf("%d fsyncs for %d events", rec.syncs, len(j))
		}
	})
}

func TestALogThatFailedStaysFailed(t *testing.T) {
	rec := &recorder{refuse: errors.New("disk full")}
	l := &Log{file: rec}
	if err := l.Append(events(1)...); !errors.Is(err, rec.refuse) {
		t.Errorf("first: %v", err)
	}
	was := rec.refuse
	rec.refuse = nil
	if err := l.Append(events(1)...); !errors.Is(err, was) || rec.syncs != 0 {
		t.Errorf("second: %v", err)
	}
}

func TestNewID(t *testing.T) {
	at := time.Date(2026, 11, 23, 7, 19, 0, 0x1234, time.FixedZone("CET", 3600))
	if id := NewID(at, bytes.NewReader([]byte{0x3f, 0x2a})); id != runID || checkID(id) != nil {
		t.Errorf("ID %s", id)
	}
	if id := NewID(at, iotest.ErrReader(errors.New("no"))); id != "20261123T061900-1234" {
		t.Errorf("ID %s", id)
	}
	if a, b := NewID(at, bytes.NewReader([]byte{0xff, 0xff})), NewID(at.Add(time.Second), bytes.NewReader([]byte{0, 0})); a >= b {
		t.Errorf("%s is not before %s", a, b)
	}
}

// A run of which a file was lost is there: nobody is told that there is none.
func TestARunThatIsDamagedIsThere(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		planFile:    os.Remove,
		eventsFile:  os.Remove,
		outcomeFile: func(path string) error { return os.WriteFile(path, nil, 0o600) },
		metaFile:    func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		dir := t.TempDir()
		l, err := Create(dir, Meta{Run: runID}, plan.Plan{ID: runID})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.Close(), harm(filepath.Join(dir, runID, name))); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir, runID); !errors.Is(err, ErrDamaged) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: loading: %v", name, err)
		}
		if _, _, err := Open(dir, runID); !errors.Is(err, ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: opening: %v", name, err)
		}
	}
}
