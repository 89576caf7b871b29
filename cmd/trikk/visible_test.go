package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// TestRemoteTextIsShown: what a server or its app printed moves no cursor of the terminal that it is shown on.
func TestRemoteTextIsShown(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	v := &plainView{w: &b, last: map[string]string{}, steps: map[string]plan.Step{"1": {Host: "app01", Op: plan.Run{}}}}
	v.progress("app01", "1", "503 \x1b[2J")
	v.event(plan.Event{Kind: plan.StepFinished, Result: &plan.Result{Step: "1", Status: plan.Failed, Error: "no \x1b]0;x\x07", Output: "one\r\ntwo \x1b[31m\n"}})
	held := table{}
	held.row("app01", "held by run 1 of \x1b[1A")
	held.flush(&b)
	for _, want := range []string{`503 \x1b[2J`, `no \x1b]0;x\x07`, "one\n", `two \x1b[31m`, `of \x1b[1A`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%q", want, b.String())
		}
	}
	if strings.ContainsAny(b.String(), "\x1b\r\x07") {
		t.Errorf("shown as it is:\n%q", b.String())
	}
}

// TestSignedPlanHidesNothing: what a person signs is shown whole, whatever its author wrote into it: how steps are taken back, which
// secrets go where, how proxies are told, and what a terminal would not show.
func TestSignedPlanHidesNothing(t *testing.T) {
	t.Parallel()
	step := func(op plan.Op, undo ...plan.Step) plan.Step {
		return plan.Step{ID: "1", Host: "app01", Title: op.Title(), Op: op, Undo: undo}
	}
	point := plan.Point{Proxy: "lb01", Server: "app01", Driver: plan.Driver{Command: &plan.Command{Drain: "sneak --drain"}}}
	back := step(plan.Run{Command: "sneak --back", Phase: "before"})
	back.As = "root"
	p := plan.Plan{Env: "prod", Apps: []plan.AppPlan{{App: "hello", To: "2.0-aa", Waves: []plan.Wave{{Name: "rotate 1/1", Lanes: []plan.Lane{{Host: "app01", Steps: []plan.Step{
		step(plan.DrainOp{Points: []plan.Point{point}}, back),
		step(plan.Write{Path: "a", Content: "{secret:db}", Secrets: map[string]plan.Secret{"db": {File: "/root/.ssh/id_ed25519"}}}),
		step(plan.Run{Command: "tidy \x1b[1A\x1b[2K\u202e", Phase: "after"}),
	}}}}}}}}
	shows := func(v planView) string {
		var b bytes.Buffer
		showPlan(&b, p, v)
		return b.String()
	}
	for _, tt := range []struct {
		view planView
		want []string
	}{
		{planView{}, []string{`run hook after: tidy \x1b[1A\x1b[2K\u202e`}},
		{planView{full: true, whole: true}, []string{"taken back by: run hook before: sneak --back (as root)", "| secret: file /root/.ssh/id_ed25519"}},
		{planView{full: true, whole: true, scripts: true}, []string{`"drain":"sneak --drain"`, "| command='sneak --back'", "command='tidy \\x1b[1A"}},
	} {
		text := shows(tt.view)
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%+v lacks %q:\n%s", tt.view, want, text)
			}
		}
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%+v shows a terminal what moves its cursor:\n%q", tt.view, text)
		}
	}
}

// TestComplainShowsWhatMovesACursor: an error may quote a log that anybody wrote.
func TestComplainShowsWhatMovesACursor(t *testing.T) {
	var b bytes.Buffer
	complain(&b, errors.New("others worked there: run \x1b[2J\x9b\n\tsecond line"))
	if got, want := b.String(), "trikk: others worked there: run \\x1b[2J\ufffd\ntrikk: \tsecond line\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
