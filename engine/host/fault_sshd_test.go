package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/host/sshtest"
)

// The tests of this file are rows of docs/reliability.md, on OpenSSH's server.

// hostile runs one case of the suite on a real sshd.
func hostile(t *testing.T, name string) {
	t.Helper()
	s := startSSHD(t)
	hosttest.Case(t, "hostile", name, func(t *testing.T) host.Host { return s.connect(t, "") })
}

func TestFault20HungCommand(t *testing.T) { hostile(t, "a hung command") }

func TestFault21ChildKeepsTheChannelOpen(t *testing.T) { hostile(t, "a child keeps the channel open") }

func TestFault23BytesThatAreNoText(t *testing.T) { hostile(t, "bytes that are no text") }

func TestFault27Status255(t *testing.T) { hostile(t, "status 255") }

// TestFault22MuchOutput: a step that prints 1 GB ends like any other. Its head and its tail are kept, and the memory that it took is
// that of what is kept.
func TestFault22MuchOutput(t *testing.T) {
	h := startSSHD(t).connect(t, "")
	before := resident(t)
	records, err := h.Run(context.Background(), script("echo first; head -c 1000000000 /dev/zero; echo last"), nil)
	if err != nil || len(records) != 1 {
		t.Fatalf("records %+v, error %v", records, err)
	}
	if out := records[0].Output; len(out) > 70_000 || !strings.HasPrefix(out, "first\n") || !strings.HasSuffix(out, "last\n") {
		t.Errorf("%d bytes are kept", len(out))
	}
	if grown := resident(t) - before; grown > 200<<20 {
		t.Errorf("the memory grew by %d MB", grown>>20)
	}
}

// resident is the most memory that this process has taken so far, in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var kB int64
	_, peak, _ := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscan(peak, &kB); err != nil {
		t.Fatal(err)
	}
	return kB << 10
}

// nasty are words that would be run, split, expanded or lost where they are not quoted.
func nasty() []string {
	return []string{
		"'", `"`, "`touch pwned`", "$(touch pwned)", "; touch pwned", "a\nb", "\\", "*", "~", "-n", "--", "!x", "\xff\xfe", "é", "$HOME", "${IFS}", "%s", "#", "\r", "\t", "", " ",
	}
}

// TestFault23AnyWord: whatever bytes a name, a version or a path has, a script gets them as they are, as one word, and runs none.
func TestFault23AnyWord(t *testing.T) {
	dir := t.TempDir()
	comesBack := func(h host.Host, words []string) error {
		out, err := h.Query(context.Background(), host.NewQuery("", `cd "$1" && shift && printf '%s\0' "$@"`, append([]string{dir}, words...)...))
		if want := strings.Join(words, "\x00") + "\x00"; err != nil || string(out.Stdout) != want {
			return fmt.Errorf("%q became %q, %w", words, out.Stdout, err)
		}
		return nil
	}
	if err := comesBack(startSSHD(t).connect(t, ""), nasty()); err != nil {
		t.Error(err)
	}
	f := start(t, sshtest.Config{})
	h := f.connect(t, f.options())
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.Custom(func(t *rapid.T) string {
			if rapid.Bool().Draw(t, "nasty") {
				return rapid.SampledFrom(nasty()).Draw(t, "word")
			}
			return strings.ReplaceAll(string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes")), "\x00", "")
		})
		if err := comesBack(h, rapid.SliceOfN(word, 1, 20).Draw(t, "words")); err != nil {
			t.Fatal(err)
		}
	})
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Errorf("a word was run: %v", left)
	}
}

// TestFault25LoginNoise: what a login prints before the shell, and to its end, is told apart from what the script prints, even where it looks
// like our own marks. It needs root to make a user.
func TestFault25LoginNoise(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	banner := filepath.Join(t.TempDir(), "banner")
	writeFile(t, banner, "Unauthorized use is prohibited.\n")
	s := startSSHD(t, "Banner "+banner)
	name := addUser(t, "/bin/bash")
	writeFile(t, "/home/"+name+"/.bashrc", "echo 'trikk- begin 0'; printf 'no end of line'; head -c 3000000 /dev/urandom; head -c 100000 /dev/urandom >&2\n")
	h := s.connect(t, name)
	for range 3 {
		records, err := h.Run(context.Background(), script("echo one", "exit 3"), nil)
		if err != nil || len(records) != 2 || records[0].Output != "one\n" || records[0].Exit != 0 || records[1].Exit != 3 {
			t.Fatalf("records %+v, error %v", records, err)
		}
		out, err := h.Query(context.Background(), host.NewQuery("", "echo two"))
		if err != nil || string(out.Stdout) != "two\n" {
			t.Errorf("query: %q, %v", out.Stdout, err)
		}
	}
}
