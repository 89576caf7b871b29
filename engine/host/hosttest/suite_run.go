package hosttest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/host"
)

func runCases() map[string]func(*testing.T, host.Host) {
	return map[string]func(*testing.T, host.Host){
		"steps can't touch the frame":   frameCase,
		"set -e ends a step":            setECase,
		"a syntax error is its step's":  syntaxCase,
		"fail says why":                 failCase,
		"secrets are variables, hidden": secretsCase,
		"a guard refuses":               guardCase,
		"a log of steps":                logCase,
		"a long script":                 longCase,
		"many at once":                  manyCase,
		"records stream":                streamCase,
		"bad scripts are refused":       badScriptCase,
	}
}

// frameCase has steps that exit, read their input, and leave things to the next step.
func frameCase(t *testing.T, h host.Host) {
	got, err := h.Run(soon(t), host.Script{Steps: []host.ScriptStep{
		{ID: "a", Text: "x=1; cd /; exit 0"}, {ID: "b", Text: "cat; echo \"x=${x-} $(pwd | grep -c '^/$')\""}, {ID: "c", Text: "read -r line || echo end"},
		{ID: "d", Text: "printf 'no newline'"}, {ID: "e", Text: "echo out; echo err >&2; # comment"}, {ID: "f", Text: "cat <<E\nhere\nE"},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, got, host.Record{ID: "a"}, host.Record{ID: "b", Output: "x= 0\n"}, host.Record{ID: "c", Output: "end\n"},
		host.Record{ID: "d", Output: "no newline"}, host.Record{ID: "e", Output: "out\nerr\n"}, host.Record{ID: "f", Output: "here\n"})
}

func setECase(t *testing.T, h host.Host) {
	got := run(t, h, "set -eu\necho before\n(exit 5)\necho after")
	wantRecords(t, []host.Record{got}, host.Record{ID: "step", Exit: 5, Output: "before\n"})
}

func syntaxCase(t *testing.T, h host.Host) {
	got, err := h.Run(soon(t), host.Script{Steps: []host.ScriptStep{{ID: "a", Text: "echo fine"}, {ID: "b", Text: ") }; echo 'escaped"}}}, nil)
	if err != nil || len(got) != 2 || got[0].Exit != 0 || got[1].Exit == 0 {
		t.Errorf("records %+v, %v", got, err)
	}
}

func failCase(t *testing.T, h host.Host) {
	wantRecords(t, []host.Record{run(t, h, "fail no 'such  thing'; echo never")}, host.Record{ID: "step", Exit: 1, Output: "no such  thing\n"})
	wantRecords(t, []host.Record{run(t, h, "same")}, host.Record{ID: "step", Same: true})
}

func secretsCase(t *testing.T, h host.Host) {
	secret := "it's $(a) `secret`\nof \"two\" lines"
	got, err := h.Run(soon(t), host.Script{
		Secrets: map[string]string{"TOKEN": secret},
		Steps: []host.ScriptStep{
			{ID: "a", Text: `printf %s "$TOKEN" | wc -c | tr -d ' '`}, {ID: "b", Text: "sh -c 'echo ${TOKEN-unset}'"}, {ID: "c", Text: `printf '<%s>' "$TOKEN"`},
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, got, host.Record{ID: "a", Output: fmt.Sprintln(len(secret))}, host.Record{ID: "b", Output: "unset\n"}, host.Record{ID: "c", Output: "<***>"})
}

func guardCase(t *testing.T, h host.Host) {
	dir := t.TempDir()
	worldWritable(t, dir)
	mark := filepath.Join(dir, "mark")
	got, err := h.Run(soon(t), host.Script{
		Guard: "[ ! -e " + mark + " ] || fail the lock names run 7",
		Steps: []host.ScriptStep{{ID: "a", Text: "touch " + mark}, {ID: "b", Text: "rm " + mark}},
	}, nil)
	e := wantKind(t, err, host.Refused)
	if e.Step != "b" || !strings.Contains(e.Error(), "the lock names run 7") {
		t.Errorf("error %v of step %s", e, e.Step)
	}
	wantRecords(t, got, host.Record{ID: "a"})
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("the guarded step ran: %v", err)
	}
}

// logCase has a step that fails, and a log that fails too.
func logCase(t *testing.T, h host.Host) {
	dir := t.TempDir()
	worldWritable(t, dir)
	log := filepath.Join(dir, "log")
	got, err := h.Run(soon(t), host.Script{
		Log:   "echo noise; printf '%s\\n' \"$*\" >>" + log + "; exit 9",
		Steps: []host.ScriptStep{{ID: "a b", Text: "cat " + log}, {ID: "c'", Text: "fail no"}, {ID: "d", Text: "echo never"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, got, host.Record{ID: "a b", Output: "a b started\n"}, host.Record{ID: "c'", Exit: 1, Output: "no\n"})
	text, err := os.ReadFile(log)
	if want := "a b started\na b done 0\nc' started\nc' done 1\n"; err != nil || string(text) != want {
		t.Errorf("the log is %q, %v, want %q", text, err, want)
	}
}

// longCase has a script that is much longer than any pipe or window.
func longCase(t *testing.T, h host.Host) {
	var steps []host.ScriptStep
	for i := range 200 {
		steps = append(steps, host.ScriptStep{ID: fmt.Sprint(i), Text: ": " + strings.Repeat("'", 2) + strings.Repeat("x", 20_000)})
	}
	got, err := h.Run(soon(t), host.Script{Steps: steps}, nil)
	if err != nil || len(got) != len(steps) {
		t.Errorf("%d records, want %d: %v", len(got), len(steps), err)
	}
}

func manyCase(t *testing.T, h host.Host) {
	var works sync.WaitGroup
	for i := range 25 {
		works.Go(func() {
			got, err := h.Run(soon(t), host.Script{Steps: []host.ScriptStep{{ID: "x", Text: fmt.Sprintf("echo %d", i)}}}, nil)
			if err != nil || len(got) != 1 || got[0].Output != fmt.Sprintln(i) {
				t.Errorf("script %d: %+v, %v", i, got, err)
			}
		})
	}
	works.Wait()
}

// streamCase has a second step that waits for what the first one's record makes.
func streamCase(t *testing.T, h host.Host) {
	dir := t.TempDir()
	worldWritable(t, dir)
	mark := filepath.Join(dir, "mark")
	got, err := h.Run(soon(t), host.Script{Steps: []host.ScriptStep{
		{ID: "a", Text: "true"}, {ID: "b", Text: "while [ ! -e " + mark + " ]; do sleep 0.01; done", Timeout: 20 * time.Second},
	}}, func(r host.Record) {
		if r.ID == "a" {
			if err := os.WriteFile(mark, nil, 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || len(got) != 2 {
		t.Errorf("records %+v, %v", got, err)
	}
}

func badScriptCase(t *testing.T, h host.Host) {
	step := []host.ScriptStep{{ID: "a", Text: "true"}}
	for name, s := range map[string]host.Script{
		"no steps": {}, "user": {As: "root; id", Steps: step}, "NUL": {Steps: []host.ScriptStep{{ID: "a", Text: "a\x00b"}}},
		"secret's name": {Steps: step, Secrets: map[string]string{"a=b;": "x"}},
	} {
		if _, err := h.Run(soon(t), s, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func hostileCases() map[string]func(*testing.T, host.Host) {
	return map[string]func(*testing.T, host.Host){
		"a hung command":                  hungCase,
		"a cancelled command":             cancelledCase,
		"a child keeps the channel open":  childCase,
		"much output":                     muchOutputCase,
		"bytes that are no text":          bytesCase,
		"status 255":                      status255Case,
		"a command that kills its parent": parentCase,
	}
}

// hungCase: the step is of unknown outcome, its processes are gone, and the next one never starts.
func hungCase(t *testing.T, h host.Host) {
	dir := t.TempDir()
	worldWritable(t, dir)
	got, err := h.Run(soon(t), host.Script{Steps: []host.ScriptStep{
		{ID: "a", Text: "echo fine"},
		{ID: "b", Text: "echo so far; echo $$ >" + dir + "/pid; sleep 300", Timeout: 300 * time.Millisecond},
		{ID: "c", Text: "touch " + dir + "/next"},
	}}, nil)
	e := wantKind(t, err, host.Unknown)
	if e.Step != "b" || e.Output != "so far\n" || !strings.Contains(e.Error(), "300ms") {
		t.Errorf("error %v, step %s, output %q", e, e.Step, e.Output)
	}
	wantRecords(t, got, host.Record{ID: "a", Output: "fine\n"})
	if out := run(t, h, "kill -0 $(cat "+dir+"/pid) 2>/dev/null && echo alive; ls "+dir).Output; out != "pid\n" {
		t.Errorf("afterwards: %q", out)
	}
}

func cancelledCase(t *testing.T, h host.Host) {
	ctx, cancel := context.WithCancelCause(soon(t))
	stop := errors.New("somebody pressed Ctrl-C")
	_, err := h.Run(ctx, host.Script{Steps: []host.ScriptStep{{ID: "a", Text: "true"}, {ID: "b", Text: "sleep 300"}}}, func(host.Record) { cancel(stop) })
	if e := wantKind(t, err, host.Unknown); !errors.Is(e, stop) {
		t.Errorf("error %v, want the context's cause", e)
	}
}

func childCase(t *testing.T, h host.Host) {
	start := time.Now()
	if got := run(t, h, "sh -c 'sleep 20 & echo started'"); got.Output != "started\n" {
		t.Errorf("record %+v", got)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
}

func muchOutputCase(t *testing.T, h host.Host) {
	got := run(t, h, "echo first; head -c 50000000 /dev/zero; echo last")
	if got.Exit != 0 || len(got.Output) > 70_000 || !strings.HasPrefix(got.Output, "first\n") || !strings.HasSuffix(got.Output, "last\n") {
		t.Errorf("exit %d, %d bytes of output", got.Exit, len(got.Output))
	}
	if !strings.Contains(got.Output, "bytes left out") {
		t.Error("the output doesn't say that some is left out")
	}
}

func bytesCase(t *testing.T, h host.Host) {
	if got := run(t, h, `printf 'a\377\001b\000c\n'`); got.Output != "a\uFFFD\x01b\x00c\n" {
		t.Errorf("output %q", got.Output)
	}
}

func status255Case(t *testing.T, h host.Host) {
	if got := run(t, h, "exit 255"); got.Exit != 255 {
		t.Errorf("record %+v", got)
	}
}

func parentCase(t *testing.T, h host.Host) {
	_, err := h.Run(soon(t), host.Script{Steps: []host.ScriptStep{{ID: "a", Text: "kill -9 $$"}}}, nil)
	if e := wantKind(t, err, host.Unknown); e.Step != "a" {
		t.Errorf("step %q", e.Step)
	}
}

// worldWritable lets the host's user write there, who may be another one than the test's.
func worldWritable(t *testing.T, dir string) {
	t.Helper()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			return
		}
	}
}
