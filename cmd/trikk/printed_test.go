package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

// hiccup is a file whose write of "c" fails.
type hiccup struct {
	text strings.Builder
	err  error
}

func (h *hiccup) Write(p []byte) (int, error) {
	if string(p) == "c" {
		return 0, h.err
	}
	return h.text.Write(p)
}

func writeError(cause error) error {
	return &fs.PathError{Op: "write", Path: "/dev/stdout", Err: cause}
}

// TestPrinted: the first error is what is told, what was written before it has no gaps, and a reader that went away is no error.
func TestPrinted(t *testing.T) {
	tests := map[string]struct {
		err  error
		want string
	}{
		"no space":  {writeError(syscall.ENOSPC), "writing the output: no space left on device"},
		"another":   {errors.New("it hangs"), "writing the output: it hangs"},
		"no reader": {writeError(syscall.EPIPE), ""},
	}
	for name, test := range tests {
		to := &hiccup{err: test.err}
		p := &printed{to: to}
		for _, word := range []string{"a", "b", "c", "d"} {
			if n, err := p.Write([]byte(word)); n != 1 || err != nil {
				t.Errorf("%s: a write gives %d, %v", name, n, err)
			}
		}
		if to.text.String() != "ab" {
			t.Errorf("%s: %q was written", name, to.text.String())
		}
		got := ""
		if err := p.lost(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestExitWithoutOutput: what failed keeps its exit code; a run that changed something never says that nothing was changed.
func TestExitWithoutOutput(t *testing.T) {
	tests := []struct {
		code    int
		changed bool
		want    int
	}{
		{exitDone, false, exitFailed}, {exitChanges, false, exitFailed}, {exitDone, true, exitPartly},
		{exitFailed, false, exitFailed}, {exitConfig, false, exitConfig}, {exitRefused, false, exitRefused}, {exitPartly, true, exitPartly},
		{exitReverted, true, exitReverted}, {exitBroken, true, exitBroken}, {exitInterrupted, true, exitInterrupted}, {exitUsage, false, exitUsage},
	}
	for _, test := range tests {
		if got := (&cli{changed: test.changed}).exitWithoutOutput(test.code); got != test.want {
			t.Errorf("%d (changed: %v) becomes %d, want %d", test.code, test.changed, got, test.want)
		}
	}
}

// TestRunWithoutOutput: a run goes on to its end whatever becomes of its output, and its exit code says no less than it did.
func TestRunWithoutOutput(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, 1)
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
	to := func(err error, code int, args ...string) *call {
		t.Helper()
		return b.begin(&call{args: args, unwritable: writeError(err)}).wait(code)
	}
	const complaint = "trikk: writing the output: no space left on device\n"
	to(syscall.ENOSPC, 6, "apply", "hello@2.0", "-e", "demo", "--yes", "--json").says(complaint)
	b.runs("2.0")
	to(syscall.ENOSPC, 1, "apply", "hello@2.0", "-e", "demo", "--yes").says(complaint) // nothing to do
	to(syscall.ENOSPC, 1, "status", "-e", "demo").says(complaint)
	if os.Getenv("TRIKK_FULL") == "" {
		return
	}
	to(syscall.ENOSPC, 7, "apply", "hello@3.0", "-e", "demo", "--yes").says(complaint)
	b.runs("2.0")
	gone := to(syscall.EPIPE, 0, "apply", "hello@1.0", "-e", "demo", "--yes", "--json")
	if gone.err.String() != "" {
		t.Errorf("a reader that went away is told of: %s", gone)
	}
	b.runs("1.0")
}
