package plan_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// shells are those that /bin/sh is on the servers people have; without TRIKK_FULL=1 only Debian's.
func shells() []string {
	if os.Getenv("TRIKK_FULL") == "" {
		return []string{"dash"}
	}
	return []string{"dash", "bash"}
}

// server is a directory that stands for a server: a home, an app's root in it, and a shell.
type server struct {
	t     *testing.T
	shell string
	home  string
	root  string
	env   []string // more of NAME=value, and the last one wins
	user  *syscall.Credential
	// secrets are set as the host sets them: in the shell, not exported.
	secrets map[string]string
}

// onShells runs a test on a fresh server for each shell.
func onShells(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	for _, shell := range shells() {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			test(t, newServer(t, shell))
		})
	}
}

func newServer(t *testing.T, shell string) *server {
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &server{t: t, shell: shell, home: home, root: filepath.Join(home, "hello")}
}

// outcome is how a script ended.
type outcome struct {
	exit   int
	same   bool
	output string
}

// do runs an op's script in the frame that engine/host gives it.
func (s *server) do(op plan.Op) outcome {
	s.t.Helper()
	const nonce = "trikk-0123456789abcdef"
	var b strings.Builder
	b.WriteString("trikk_main() {\n")
	for name, value := range s.secrets {
		fmt.Fprintf(&b, "%s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	b.WriteString("same() { [ $# -eq 0 ] || printf '%s\\n' \"$*\"; printf '%s same\\n' " + nonce + "; exit 0; }\n")
	b.WriteString("fail() { printf '%s\\n' \"$*\" >&2; exit 1; }\n")
	text := "'" + strings.ReplaceAll(op.Script(), "'", `'\''`) + "'"
	b.WriteString("( eval " + text + " ) </dev/null 2>&1\ntrikk_status=$?\n")
	b.WriteString("printf '%s end %s\\n' " + nonce + " $trikk_status\n}\ntrikk_main; exit 0\n")

	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.shell, "-s")
	cmd.WaitDelay = time.Second // what still holds the output then is a failure
	cmd.Dir = s.home
	cmd.Env = append(os.Environ(), "HOME="+s.home, "LC_ALL=", "LANG=")
	cmd.Env = append(cmd.Env, s.env...)
	cmd.Stdin = strings.NewReader(b.String())
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%s: %v\n%s", op.Title(), err, out.String())
	}
	o := outcome{exit: -1}
	before, end, ok := strings.Cut(out.String(), nonce+" end ")
	if !ok {
		s.t.Fatalf("%s: the script did not come to its end:\n%s", op.Title(), out.String())
	}
	if _, err := fmt.Sscan(end, &o.exit); err != nil {
		s.t.Fatal(err)
	}
	o.output, _, o.same = strings.Cut(before, nonce+" same\n")
	return o
}

// changes runs an op that must succeed and change something.
func (s *server) changes(op plan.Op) string {
	s.t.Helper()
	o := s.do(op)
	if o.exit != 0 || o.same {
		s.t.Fatalf("%s: exit %d, same %v, want a change:\n%s", op.Title(), o.exit, o.same, o.output)
	}
	return o.output
}

// same runs an op that must find nothing to do.
func (s *server) same(op plan.Op) string {
	s.t.Helper()
	o := s.do(op)
	if o.exit != 0 || !o.same {
		s.t.Fatalf("%s: exit %d, same %v, want nothing to do:\n%s", op.Title(), o.exit, o.same, o.output)
	}
	return o.output
}

// fails runs an op that must fail and say all the words.
func (s *server) fails(op plan.Op, words ...string) string {
	s.t.Helper()
	o := s.do(op)
	if o.exit == 0 || o.same {
		s.t.Fatalf("%s: exit %d, same %v, want a failure:\n%s", op.Title(), o.exit, o.same, o.output)
	}
	for _, w := range words {
		if !strings.Contains(o.output, w) {
			s.t.Errorf("%s: the failure does not say %q:\n%s", op.Title(), w, o.output)
		}
	}
	return o.output
}

// twice runs an op that must change something the first time and nothing the second time.
func (s *server) twice(op plan.Op) {
	s.t.Helper()
	s.changes(op)
	s.same(op)
}

// write makes a file below the root, with its folders.
func (s *server) write(path, content string) {
	s.t.Helper()
	path = filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// read gives a file below the root; a file that is not there fails the test.
func (s *server) read(path string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.root, path))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func (s *server) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(s.root, path))
	return err == nil
}

func (s *server) link(target, path string) {
	s.t.Helper()
	if err := os.Symlink(target, filepath.Join(s.root, path)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) target(path string) string {
	s.t.Helper()
	target, err := os.Readlink(filepath.Join(s.root, path))
	if err != nil {
		s.t.Fatal(err)
	}
	return target
}

// complete makes a complete release with one file.
func (s *server) complete(release string) {
	s.t.Helper()
	s.write("releases/"+release+"/app.txt", release+"\n")
	s.write("releases/"+release+"/.trikk/manifest.json", `{"release":"`+release+`"}`+"\n")
}

// only gives the server a PATH that has these tools and nothing else, save what every script needs.
func (s *server) only(tools ...string) {
	s.t.Helper()
	base := strings.Fields("sh cat chmod cp cut date df dirname env find grep gzip head id ln ls mkdir mv od printf ps readlink rm sed setsid sha1sum sha256sum sha512sum sleep sort stat sync tail tar timeout touch tr uniq wc base64 kill")
	bin := filepath.Join(s.home, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		s.t.Fatal(err)
	}
	for _, tool := range append(base, tools...) {
		path, err := exec.LookPath(tool)
		if err != nil {
			continue
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.env = append(s.env, "PATH="+bin)
}

// fake puts a program in front of the server's PATH.
func (s *server) fake(name, text string) {
	s.t.Helper()
	bin := filepath.Join(s.home, "fake")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.env = append(s.env, "PATH="+bin+":"+os.Getenv("PATH"))
}
