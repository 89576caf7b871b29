package hosttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/host"
)

// recorder is a testing.TB that keeps failures instead of failing.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) end() {
	for _, f := range r.cleanups {
		f()
	}
}

func TestFakeFailsClosed(t *testing.T) {
	ctx := context.Background()
	question, err := host.NewQuestion("show stat\n")
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func(*Fake) error{
		"query": func(f *Fake) error { _, err := f.Query(ctx, host.NewQuery("", "id")); return err },
		"ask":   func(f *Fake) error { _, err := f.Ask(ctx, host.Socket{}, question); return err },
		"step": func(f *Fake) error {
			_, err := f.Run(ctx, host.Script{Steps: []host.ScriptStep{{ID: "1", Text: "true"}}}, nil)
			return err
		},
		"hold":   func(f *Fake) error { _, err := f.Hold(ctx, host.Script{}); return err },
		"upload": func(f *Fake) error { return f.Upload(ctx, host.File{Name: "x"}, nil) },
		"dial":   func(f *Fake) error { _, err := f.Dial(ctx, "tcp", "x:1"); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{TB: t}
			f := New(rec, "app1")
			var e *host.Error
			if err := call(f); !errors.As(err, &e) {
				t.Errorf("error is %v, want a *host.Error", err)
			}
			if len(rec.failures) != 1 || !strings.Contains(rec.failures[0], "not expected: "+name) {
				t.Errorf("failures %q, want one that names the call", rec.failures)
			}
		})
	}
}

func TestFakeTellsUnusedRules(t *testing.T) {
	rec := &recorder{TB: t}
	f := New(rec, "app1")
	f.OnQuery("uptime").Times(2)
	f.OnQuery("never").Always()
	if _, err := f.Query(context.Background(), host.NewQuery("", "uptime")); err != nil {
		t.Fatal(err)
	}
	rec.end()
	if len(rec.failures) != 1 || !strings.Contains(rec.failures[0], "query uptime") {
		t.Errorf("failures %q, want one for uptime", rec.failures)
	}
}

func TestFakeRunStopsAtAFailedStep(t *testing.T) {
	f := New(t, "app1")
	f.OnStep("a").Reply(host.Record{Same: true})
	f.OnStep("false").Reply(host.Record{Exit: 1, Output: "no"})
	var live []string
	got, err := f.Run(context.Background(), host.Script{As: "app", Steps: []host.ScriptStep{
		{ID: "a", Text: "true"}, {ID: "b", Text: "false"}, {ID: "c", Text: "true"},
	}}, func(r host.Record) { live = append(live, r.ID) })
	if err != nil || len(got) != 2 || got[1].Exit != 1 || !got[0].Same {
		t.Errorf("records %+v, %v", got, err)
	}
	if !slices.Equal(live, []string{"a", "b"}) {
		t.Errorf("live %q", live)
	}
	if want := []string{"step as app [a]: true", "step as app [b]: false"}; !slices.Equal(f.Lines(), want) {
		t.Errorf("lines %q, want %q", f.Lines(), want)
	}
}

func TestFakeUploadChecksTheFile(t *testing.T) {
	rec := &recorder{TB: t}
	f := New(rec, "app1")
	f.OnUpload("x.jar")
	file := File("x.jar", []byte("hello"))
	file.Size++
	if err := f.Upload(context.Background(), file, nil); err != nil {
		t.Fatal(err)
	}
	if len(rec.failures) != 1 {
		t.Errorf("failures %q, want one about the size", rec.failures)
	}
}

func TestFakeLease(t *testing.T) {
	f := New(t, "app1")
	lease := NewLease("held")
	f.OnHold("flock").Reply(lease)
	got, err := f.Hold(context.Background(), host.Script{Steps: []host.ScriptStep{{ID: "lock", Text: "flock 9"}}})
	if err != nil || got.First() != "held" {
		t.Fatalf("%v, %v", got, err)
	}
	lease.Lose()
	<-got.Lost()
	if err := got.Release(""); err != nil || !lease.Released() {
		t.Errorf("released %v, %v", lease.Released(), err)
	}
}
