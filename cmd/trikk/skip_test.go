package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// way is the way to app02: while it is closed, the server can't be reached.
type way struct {
	b        *bench
	at, to   string
	listener net.Listener
}

// wayTo puts a way that can be closed in front of app02, and allows hello to leave servers out.
func (b *bench) wayTo() *way {
	b.t.Helper()
	b.edit("hello/app.cue", "minReadySeconds: 0", "minReadySeconds: 0, unreachable: \"skip\"")
	b.edit("hello/app.cue", "maxUnavailable: 1", "maxUnavailable: 2")
	inventory := b.read("environments/environment.cue")
	_, after, _ := strings.Cut(inventory, "app02: {")
	_, port, _ := strings.Cut(after, "port: ")
	port, _, _ = strings.Cut(port, ",")
	w := &way{b: b, at: "127.0.0.1:0", to: "127.0.0.1:" + port}
	w.open()
	w.at = w.listener.Addr().String()
	_, own, _ := strings.Cut(w.at, ":")
	b.write("environments/environment.cue", strings.Replace(inventory, "port: "+port, "port: "+own, 1))
	b.t.Cleanup(w.close)
	return w
}

func (w *way) open() {
	w.b.t.Helper()
	var err error
	if w.listener, err = net.Listen("tcp", w.at); err != nil {
		w.b.t.Error(err)
		return
	}
	go func(l net.Listener) {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", w.to)
			if err != nil {
				near.Close()
				continue
			}
			for a, b := range map[net.Conn]net.Conn{near: far, far: near} {
				go func() {
					_, _ = io.Copy(a, b)
					a.Close()
				}()
			}
		}
	}(w.listener)
}

func (w *way) close() { w.listener.Close() }

// A server that can't be reached is left out, told, and picked up by the next apply.
func TestSkip(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	w := b.wayTo()
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes", "--accept-new")
	w.close()
	why := "app02 can't be reached: connecting to "
	saved := filepath.Join(t.TempDir(), "saved.plan")
	b.trikk(0, "plan", "hello@2.0", "-e", "demo", "-o", saved).says("Note:\n  "+why, "; skipped, the next apply picks it up")
	b.trikk(6, "apply", "--plan", saved, "--yes").says(why, "hello runs 2.0-", "but not everywhere: skipped, because it can't be reached: app02",
		"hello was not deployed to app02, which can't be reached: connecting to ", "next: trikk apply hello@2.0 -e demo, when it is back")
	b.trikk(6, "apply", "hello@2.0", "-e", "demo", "--yes").says(why, "Nothing to do: what can be reached of demo is as the config says.")
	events := b.trikk(6, "apply", "hello@2.0", "-e", "demo", "--yes", "--json").events()
	last := events[len(events)-1]
	outcome, _ := last.Fields["outcome"].(map[string]any)
	if skipped, _ := outcome["skipped"].([]any); last.Event != "run.finished" || last.Fields["exit"] != 6.0 || len(skipped) != 1 {
		t.Errorf("the last event is %s", last.Line)
	}
	b.trikk(1, "status", "-e", "demo").says("app01  active  2.0-", "unreachable: connecting to ", "connection refused")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", saved).says(why)
	w.open()
	b.trikk(5, "apply", "--plan", saved, "--yes").says("is stale", "hello on app02: can be reached again")
	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--yes").says("hello runs 2.0-")
	b.trikk(0, "plan", "hello@2.0", "-e", "demo", "--detailed-exitcode")
	b.trikk(0, "status", "-e", "demo").says("app01  active  2.0-", "app02  active  2.0-")
}

// TestResumeAfterSkip: a run that left a server out goes on whether the server is back or not, and leaves it out again.
func TestResumeAfterSkip(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	w := b.wayTo()
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes", "--accept-new")
	w.close()
	run := runOf(t, b.stop("hello@2.0", "rotate 1/1"))
	b.trikk(130, "resume", run, "--yes").says("in hand: rotate 1/1 app01", "hello was interrupted in demo")
	run = runOf(t, b.stop("hello@2.0", "rotate 1/1"))
	w.open()
	b.trikk(130, "resume", run, "--yes").says("in hand: rotate 1/1 app01", "hello was interrupted in demo")
	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--yes").says("hello runs 2.0-")
	b.runs("2.0")
}

// What may not be left out is an error, as without the policy.
func TestSkipRefuses(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	w := b.wayTo()
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes", "--accept-new")
	w.close()
	b.edit("hello/app.cue", "maxUnavailable: 2", "maxUnavailable: 1")
	b.trikk(5, "apply", "hello@2.0", "-e", "demo", "--yes").says("maxUnavailable is 1, so no other may be taken out; what can't be reached counts as out: app02")
	b.edit("environments/environment.cue", "app01: {address: \"127.0.0.1\"", "app01: {address: \"127.0.9.200\"")
	b.trikk(1, "apply", "hello@2.0", "-e", "demo", "--yes").says("app01: connecting to ", "app02: connecting to ")
	b.edit("environments/environment.cue", "127.0.9.200", "127.0.0.1")
	b.edit("hello/app.cue", "maxUnavailable: 1", "maxUnavailable: 2")
	w.open()
	known := filepath.Join(b.fleet.Dir, "known_hosts")
	keys, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	_, own, _ := strings.Cut(w.at, ":")
	lines := slices.DeleteFunc(strings.Split(string(keys), "\n"), func(l string) bool { return strings.Contains(l, "]:"+own+" ") })
	if err := os.WriteFile(known, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	b.trikk(4, "apply", "hello@2.0", "-e", "demo", "--yes").says("app02: ", "its host key is not known")
}

// A server that is back when the locks are taken has its part in the plan, which is asked about again.
func TestSkipThatComesBack(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	w := b.wayTo()
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes", "--accept-new")
	w.close()
	asked := 0
	c := b.begin(&call{args: []string{"apply", "hello@2.0", "-e", "demo"}, terminal: true, answers: "yes\nyes\n", asked: func() {
		if asked++; asked == 1 {
			w.open()
		}
	}}).wait(0)
	c.says("app02 can't be reached", "hello on app02: can be reached again", "hello runs 2.0-")
	if asked != 2 {
		t.Errorf("it was asked %d times", asked)
	}
}

// A run ends at its deadline: what is in hand is undone, and the output says which deadline passed.
func TestDeadline(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
	b.trikk(7, "apply", "hello@3.0", "-e", "demo", "--yes") // it is installed now
	b.edit("hello/app.cue", `deadline: "3s"`, `deadline: "90s"`)
	b.trikk(7, "apply", "hello@3.0", "-e", "demo", "--yes", "--deadline", "10s").says(
		"within 10s", "the deadline of the run passed (10s, --deadline)", "the run's deadline", "app01: back on 1.0-", "app02: not touched, on 1.0-")
	b.edit("hello/app.cue", "minReadySeconds: 0", `minReadySeconds: 0, deadline: "8s"`)
	events := b.trikk(7, "apply", "hello@3.0", "-e", "demo", "--yes", "--json").events()
	told := slices.ContainsFunc(events, func(e event) bool {
		return e.Event == "deadline" && e.Fields["deadline"] == "8s" && e.Fields["by"] == "rollout.deadline of hello"
	})
	if !told {
		t.Errorf("no event names the deadline: %v", events)
	}
	b.trikk(64, "apply", "hello@3.0", "-e", "demo", "--deadline", "-1s").says(`--deadline "-1s": it is more than nothing`)
}

// At the deadline people are told what the steps that still wait saw last, and not what ended.
func TestDeadlineTellsWhatWasSeenLast(t *testing.T) {
	var out bytes.Buffer
	v := &plainView{w: &out, result: io.Discard, wave: map[int]string{}, last: map[string]string{}, steps: map[string]plan.Step{}}
	probe := func(id string) plan.Step {
		return plan.Step{ID: id, Host: "app01", Title: "probe " + id, Op: plan.ProbeOp{}}
	}
	lane := plan.Lane{Host: "app01", Steps: []plan.Step{probe("one"), probe("two")}}
	v.start("RUN", plan.Plan{ID: "P", Deadline: plan.Duration(30 * time.Minute), DeadlineBy: "rollout.deadline of hello",
		Apps: []plan.AppPlan{{App: "hello", Waves: []plan.Wave{{Name: "rotate", Lanes: []plan.Lane{lane}}}}}})
	v.progress("app01", "one", "503")
	v.event(plan.Event{Kind: plan.StepFinished, Ref: &plan.Ref{Plan: "P"}, Result: &plan.Result{Step: "one", Status: plan.Unchanged}})
	v.progress("app01", "two", "404")
	v.event(plan.Event{Kind: plan.DeadlinePassed})
	_, said, _ := strings.Cut(out.String(), "the deadline")
	want := " of the run passed (30m, rollout.deadline of hello); nothing new is started; what is in hand is finished or undone\n  app01  probe two: last seen: 404\n"
	if said != want {
		t.Errorf("got  %q\nwant %q", said, want)
	}
}
