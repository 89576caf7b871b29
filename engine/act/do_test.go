package act_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/artifact"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// do does steps of one segment with fakes.
func do(t *testing.T, ctx context.Context, o act.Options, steps ...plan.Step) ([]plan.Result, error) {
	t.Helper()
	seg := plan.Segment{App: "web", Host: "app01", As: steps[0].As, Transport: steps[0].Op.Transport(), Steps: steps}
	var results []plan.Result
	err := act.New(o).Do(ctx, seg, func(r plan.Result) { results = append(results, r) })
	return results, err
}

func steps(ops ...plan.Op) []plan.Step {
	var out []plan.Step
	for i, op := range ops {
		out = append(out, plan.Step{ID: string(rune('a' + i)), Host: "app01", As: "itas", Op: op, Timeout: plan.Duration(time.Minute)})
	}
	return out
}

func TestScriptResults(t *testing.T) {
	h := hosttest.New(t, "app01")
	h.OnStep("a").Reply(host.Record{Output: "linked", Took: 7 * time.Millisecond})
	h.OnStep("b").Reply(host.Record{Same: true, Output: "same already"})
	h.OnStep("c").Reply(host.Record{Exit: 1, Output: "some\nnoise\nfoo.sh is not there: build it\n"})
	ops := []plan.Op{plan.Link{Root: "~/web", Name: "current", Release: "1"}, plan.Record{What: "used", Root: "~/web", Plan: "P"}, plan.Chmod{Root: "~/web", Release: "1", Glob: "*", Mode: "0755"}, plan.Prune{Root: "~/web"}}
	got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, steps(ops...)...)
	want := []plan.Result{
		{Step: "a", Status: plan.Changed, Output: "linked", Millis: 7},
		{Step: "b", Status: plan.Unchanged, Output: "same already"},
		{Step: "c", Status: plan.Failed, Exit: 1, Error: "foo.sh is not there: build it", Output: "some\nnoise\nfoo.sh is not there: build it\n"},
	}
	for i := range got {
		if i > 0 {
			got[i].Millis = 0
		}
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	var sent []string
	for _, c := range h.Calls() {
		sent = append(sent, c.As+" "+c.Text)
	}
	for i, c := range sent {
		if c != "itas "+ops[i].Script() {
			t.Errorf("step %d was sent as %q", i, c)
		}
	}
	if len(sent) != 3 {
		t.Errorf("%d steps were sent, want 3: nothing follows a failed one", len(sent))
	}
}

func TestScriptFailureWords(t *testing.T) {
	tests := []struct {
		op   plan.Op
		rec  host.Record
		want string
	}{
		{plan.Prune{}, host.Record{Exit: 1}, "exit status 1"},
		{plan.Prune{}, host.Record{Exit: 127, Output: "sh: mv: not found"}, "exit status 127: sh: mv: not found"},
		{plan.Reload{Command: "x"}, host.Record{Exit: 1, Output: "line 3: bad\n"}, "exit status 1: line 3: bad"},
		{plan.Prune{}, host.Record{Exit: 1, Output: "\xff\x1b[31mred\x00\n"}, "��[31mred�"},
	}
	for _, tt := range tests {
		h := hosttest.New(t, "app01")
		h.OnStep("a").Reply(tt.rec)
		got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, steps(tt.op)...)
		if err != nil || got[0].Status != plan.Failed || got[0].Error != tt.want || got[0].Exit != tt.rec.Exit {
			t.Errorf("got %+v, %v; want %q", got, err, tt.want)
		}
	}
}

func TestSecretsOfScripts(t *testing.T) {
	h := hosttest.New(t, "app01")
	h.OnStep("").Times(3)
	read := func(_ context.Context, s plan.Secret) (string, error) {
		if s.Env == "GONE" {
			return "", errors.New("reading secret env GONE: it is not set")
		}
		return "value of " + s.Env, nil
	}
	fetch := func(env string) plan.Fetch {
		return plan.Fetch{URL: "http://r/x.zip", Root: "~/web", File: "x.zip", Auth: &plan.Auth{Token: &plan.Secret{Env: env}}}
	}
	o := act.Options{Hosts: fakes{"app01": h}, Secrets: read}
	got, err := do(t, t.Context(), o, steps(fetch("ONE"), plan.Record{What: "used"}, fetch("TWO"))...)
	if err != nil || len(got) != 3 || got[2].Status != plan.Changed {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, c := range h.Calls() {
		if len(c.Secrets) != 2 || strings.Contains(c.Text, "value of") || c.ID != "b" && !strings.Contains(c.Text, "=$"+c.Secrets[0]) && !strings.Contains(c.Text, "=$"+c.Secrets[1]) {
			t.Errorf("secrets %q in %s", c.Secrets, c)
		}
	}
	got, err = do(t, t.Context(), o, steps(fetch("GONE"))...)
	if err != nil || got[0].Status != plan.NotRun || !strings.Contains(got[0].Error, "env GONE") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestUnreachedHost(t *testing.T) {
	for _, op := range []plan.Op{plan.Prune{}, plan.Upload{Path: "/dev/null", File: "x"}, plan.ProbeOp{}, plan.Pause{Seconds: 1}} {
		got, err := do(t, t.Context(), act.Options{Hosts: fakes{}}, steps(op)...)
		if err != nil || len(got) != 1 || got[0].Status != plan.NotRun || !strings.Contains(got[0].Error, "connection refused") {
			t.Errorf("%s: %+v, %v", op.Kind(), got, err)
		}
	}
}

func TestCutScriptIsAnError(t *testing.T) {
	h := hosttest.New(t, "app01")
	h.OnStep("a")
	cut := &host.Error{Host: "app01", Kind: host.Unknown, Step: "b", Doing: "running", Err: errors.New("EOF")}
	h.OnStep("b").Fail(cut)
	got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, steps(plan.Prune{}, plan.Prune{}, plan.Prune{})...)
	if !errors.Is(err, cut) || len(got) != 1 || got[0].Status != plan.Changed {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestCutStepIsNamed: people don't know steps by their IDs.
func TestCutStepIsNamed(t *testing.T) {
	h := hosttest.New(t, "app01")
	h.OnStep("a").Fail(&host.Error{Host: "app01", Kind: host.Unknown, Step: "a", Doing: "running a", Err: errors.New("no end within 1s")})
	all := steps(plan.Prune{})
	all[0].Title = "run hook before: bin/backup"
	_, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, all...)
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != host.Unknown || err.Error() != "app01: run hook before: bin/backup: no end within 1s" {
		t.Errorf("%v", err)
	}
}

func TestUpload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := hosttest.New(t, "app01")
	h.OnUpload("x-a.zip")
	var told lines
	sent := ""
	o := act.Options{Hosts: fakes{"app01": h}, Progress: told.add, Uploaded: func(s plan.Step, n, total int64) { sent = fmt.Sprint(s.Op.Kind(), n, total) }}
	digest := "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
	got, err := do(t, t.Context(), o, steps(plan.Upload{Path: path, File: "x-a.zip", Digest: digest, Size: 7})...)
	if err != nil || got[0].Status != plan.Changed || !slices.Equal(told.all, []string{"100 %"}) || sent != "upload7 7" {
		t.Errorf("got %+v, %v; progress %q, sent %q", got, err, told.all, sent)
	}
	for name, op := range map[string]plan.Upload{
		"changed since it was planned": {Path: path, File: "x", Digest: "sha256:00"},
		"it has 7 bytes, not 8":        {Path: path, File: "x", Size: 8},
		"no such file":                 {Path: path + ".gone", File: "x"},
		"nothing is downloaded":        {File: "x"},
	} {
		got, err := do(t, t.Context(), o, steps(op)...)
		if err != nil || got[0].Status != plan.Failed || !strings.Contains(got[0].Error, name) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestBuild(t *testing.T) {
	dir := t.TempDir()
	build := func(ctx context.Context, command string) plan.Result {
		t.Helper()
		got, err := do(t, ctx, act.Options{}, steps(plan.Run{Command: command, Phase: "build", App: "web", Dir: dir})...)
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		return got[0]
	}
	if r := build(t.Context(), `echo "$TRIKK_APP" >out; pwd`); r.Status != plan.Changed || strings.TrimSpace(r.Output) != dir {
		t.Errorf("got %+v", r)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "out")); string(b) != "web\n" {
		t.Errorf("the build wrote %q", b)
	}
	if r := build(t.Context(), "echo no compiler >&2; exit 3"); r.Status != plan.Failed || r.Exit != 3 || !strings.Contains(r.Error, "no compiler") {
		t.Errorf("got %+v", r)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := make(chan struct{})
	go func() {
		waitFor(t, func() bool { _, err := os.Stat(filepath.Join(dir, "begun")); return err == nil })
		cancel(errors.New("somebody pressed Ctrl-C"))
		close(stop)
	}()
	if r := build(ctx, "touch begun; sleep 60 & sleep 60; wait"); r.Status != plan.Failed || !strings.Contains(r.Error, "Ctrl-C") {
		t.Errorf("got %+v", r)
	}
	<-stop
	if r := build(t.Context(), "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end"); !strings.HasSuffix(r.Output, "end\n") || len(r.Output) > 5000 {
		t.Errorf("%d bytes of output, ending in %q", len(r.Output), r.Output[max(0, len(r.Output)-10):])
	}
}

func TestFetchToTheController(t *testing.T) {
	o := act.Options{Resolver: &artifact.Resolver{Cache: t.TempDir(), Wait: time.Millisecond}}
	got, err := do(t, t.Context(), o, steps(plan.Fetch{Controller: true, URL: "http://127.0.0.1:1/x.zip", File: "x.zip"})...)
	if err != nil || got[0].Status != plan.Failed || !strings.Contains(got[0].Error, "refuses connections") {
		t.Errorf("got %+v, %v", got, err)
	}
}
