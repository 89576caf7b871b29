package notify

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

func hookOf(s *server) plan.Notifier {
	return plan.Notifier{On: plan.OnAlways, Webhook: &plan.Webhook{URL: s.URL + "/hook", Secret: token()}}
}

// What can't be told now is told later, by whoever opens the outbox then; until then the index names the run.
func TestOutboxKeeps(t *testing.T) {
	s := serve(t, map[string][]answer{"POST /hook": {{status: 503, header: map[string]string{"Retry-After": "3600"}}}})
	o, b := box(t)
	told, err := sender().Begin(b, map[string]plan.Notifier{"hook": hookOf(s)}, done(), everything)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(done().Run); !errors.Is(err, ErrInUse) {
		t.Errorf("two have the outbox: %v", err)
	}
	forked, err := syscall.Dup(int(b.lock.Fd())) // as a process that is being started has it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(forked) }()
	got, err := told.End(t.Context(), done(), time.Minute)
	if err != nil || len(got) != 1 || got[0].State != Pending || !strings.Contains(got[0].Error, "503") {
		t.Fatalf("%+v: %v", got, err)
	}
	if left, err := o.Left(); err != nil || len(left) != 1 || left[0] != done().Run {
		t.Fatalf("%v: %v", left, err)
	}
	s.mu.Lock()
	s.answers["POST /hook"] = []answer{{status: 200}}
	s.mu.Unlock()
	b, err = o.Open(done().Run)
	if err != nil {
		t.Fatal(err)
	}
	got = sender().Deliver(t.Context(), b, 20*time.Second, func(Item) bool { return true })
	if len(got) != 1 || got[0].State != Sent {
		t.Fatalf("%+v", got)
	}
	if again := sender().Deliver(t.Context(), b, 20*time.Second, func(Item) bool { return true }); len(again) != 0 {
		t.Errorf("it is told twice: %+v", again)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := o.Left(); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

// Who is told is decided by the outcome, and by the labels; nothing is left of who is not.
func TestOutboxConditions(t *testing.T) {
	s := serve(t, map[string][]answer{"POST /hook": {{status: 200}}})
	on := func(when, labels string) plan.Notifier {
		n := hookOf(s)
		n.On, n.Labels = when, labels
		return n
	}
	to := map[string]plan.Notifier{"always": on(plan.OnAlways, ""), "change": on(plan.OnChange, ""), "failure": on(plan.OnFailure, ""), "others": on(plan.OnAlways, "team=x")}
	fits := func(n plan.Notifier) func(string) bool { return func(string) bool { return n.Labels == "" } }
	nothing := done()
	nothing.Status, nothing.Changed = plan.FailedClean, false
	for want, r := range map[string]Report{"always change": done(), "always change failure": failed(), "always failure": nothing} {
		o, b := box(t)
		told, err := sender().Begin(b, to, done(), fits)
		if err != nil {
			t.Fatal(err)
		}
		got, err := told.End(t.Context(), r, 20*time.Second)
		var names []string
		for _, d := range got {
			names = append(names, d.Name)
		}
		if err != nil || strings.Join(names, " ") != want {
			t.Errorf("%s: %v, not %s: %v", r.Status, names, want, err)
		}
		files, _ := filepath.Glob(filepath.Join(o.Runs, r.Run, "outbox", "*.json"))
		if left, _ := o.Left(); len(left) != 0 || len(files) != len(names) {
			t.Errorf("%v %v are left", left, files)
		}
	}
}

// A disk that is full is an error of the outbox, and no more than that.
func TestOutboxCantBeWritten(t *testing.T) {
	s := serve(t, nil)
	o, b := box(t)
	o.Save = func(string, []byte) error { return errors.New("no space left on device") }
	told, err := sender().Begin(b, map[string]plan.Notifier{"hook": hookOf(s)}, done(), everything)
	if err == nil || !strings.Contains(err.Error(), "saving what to tell hook: no space left") {
		t.Error(err)
	}
	if got, err := told.End(t.Context(), done(), time.Second); err != nil || len(got) != 0 {
		t.Errorf("%+v: %v", got, err)
	}
}

// An item that nobody can read hides no other.
func TestOutboxSpoilt(t *testing.T) {
	s := serve(t, map[string][]answer{"POST /hook": {{status: 200}}})
	_, b := box(t)
	if err := os.WriteFile(b.path("bad"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(Item{Name: "it", Notifier: hookOf(s)}.ready(done(), sender().Now())); err != nil {
		t.Fatal(err)
	}
	got := sender().Deliver(t.Context(), b, 20*time.Second, func(Item) bool { return true })
	if len(got) != 2 || got[0].State != Failed || !strings.Contains(got[0].Error, "has to tell bad") || got[1].State != Sent {
		t.Errorf("%+v", got)
	}
}

// A week is enough.
func TestOutboxGivesUp(t *testing.T) {
	s := serve(t, map[string][]answer{"POST /hook": {{status: 503}}})
	_, b := box(t)
	i := Item{Name: "it", Notifier: hookOf(s)}.ready(done(), sender().Now().Add(-8*24*time.Hour))
	if d, _ := deliverBy(t, sender(), b, i); d.State != Failed || !strings.Contains(d.Error, "given up after") {
		t.Errorf("%+v", d)
	}
}
