package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDiff compares what trikk init makes.
func TestDiff(t *testing.T) {
	dir := t.TempDir()
	if _, err := initialise(dir); err != nil {
		t.Fatal(err)
	}
	diff := func(code int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		w := world{in: strings.NewReader(""), out: &out, err: &out, env: func(string) string { return "" }, now: time.Now, dir: dir}
		if got := Main(append([]string{"diff"}, args...), w); got != code {
			t.Errorf("diff %q ends with %d\n%s", args, got, out.String())
		}
		return out.String()
	}
	golden(t, "run/diff.txt", []byte(diff(exitDone, "hello", "--from", "test", "--to", "prod")))
	if got := diff(exitDone, "hello", "--from", "test", "--to", "test"); got != "hello is the same in test and test.\n" {
		t.Errorf("diff prints %q", got)
	}
	edit(t, filepath.Join(dir, "apps/hello/app.cue"), "environments: prod: {", "environments: prod: {rollout: recreate: {}")
	if got := diff(exitDone, "hello", "--from", "test", "--to", "prod"); !strings.Contains(got, "rollout.recreate         -                  {}\n") {
		t.Errorf("what is there, and has no fields, is not told:\n%s", got)
	}
	diff(exitUsage, "hello", "--from", "test")
	if got := diff(exitConfig, "hello", "--from", "test", "--to", "prdo"); !strings.Contains(got, `did you mean "prod"?`) {
		t.Errorf("diff prints %q", got)
	}
}

// TestWatch: on a terminal a picture replaces the one before, and comes whole; elsewhere they follow each other.
func TestWatch(t *testing.T) {
	for name, terminal := range map[string]bool{"terminal": true, "file": false} {
		var out, errs bytes.Buffer
		c := &cli{world: world{out: &printed{to: &out}, err: &errs, now: func() time.Time { return time.Unix(0, 0).UTC() }, env: func(string) string { return "" },
			colours: func(io.Writer) bool { return terminal }}}
		ctx, cancel := context.WithCancel(t.Context())
		looks := 0
		err := c.watch(ctx, time.Millisecond, func() error {
			if looks++; looks == 3 {
				cancel()
			}
			_, _ = io.WriteString(c.out, "picture\n")
			if out.Len() > 0 && strings.Count(out.String(), "picture") == looks {
				t.Error("a picture is shown before it is whole")
			}
			return errors.New("app02: gone")
		})
		want := "picture\n\n1970-01-01T00:00:00Z\npicture\n"
		if terminal {
			head := "\x1b[H\x1b[2J1970-01-01 00:00:00, every 1ms; Ctrl-C ends it\n\n"
			want = head + "picture\n" + head + "picture\n"
		}
		if exitOf(err) != exitInterrupted || out.String() != want || errs.String() != "trikk: app02: gone\ntrikk: app02: gone\n" {
			t.Errorf("%s: %v\n%q\n%q", name, err, out.String(), errs.String())
		}
	}
}
