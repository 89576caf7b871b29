package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// nasty are names and texts that a careless script breaks on.
var nasty = []string{
	"plain", "two words", "it's", `dou"ble`, "$(touch pwned)", "`touch pwned`", "new\nline", "-rf", "*", "a;b", "a&b|c", "back\\slash", "åäö", "~", "#x", "!x", "%s%n", "\ttab ",
}

func TestWrite(t *testing.T) {
	contents := map[string]string{
		"empty": "", "no newline": "jmx.port=7070", "newline": "a=1\n", "newlines": "\n\na\n\n\n", "delimiter": "EOF\nTRIKK\n'\nEOF",
		"percent": "%s %d \\n \\0 \\c", "utf8": "Malmö → 東京 \u0081\u0082\u0088", "crlf": "a\r\nb\r\n", "controls": "\x01\x02\x1b[0m\x7f", "dash": "-n -e",
		"large": strings.Repeat("a=0123456789 åäö '\"$(x)`y`\\\n", 20000),
	}
	onShells(t, func(t *testing.T, s *server) {
		s.write("releases/1.0-aa/app.txt", "")
		for name, content := range contents {
			op := plan.Write{Root: "~/hello", Release: "1.0-aa", Path: "config/" + name, Content: content, Mode: "0640"}
			s.twice(op)
			if got := s.read("releases/1.0-aa/config/" + name); got != content {
				t.Errorf("%s: wrote %q, want %q", name, got, content)
			}
			info, err := os.Stat(filepath.Join(s.root, "releases/1.0-aa/config", name))
			if err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
			}
		}
		for _, name := range nasty {
			s.twice(plan.Write{Root: s.root, Release: "1.0-aa", Path: "c/" + name + "/" + name, Content: name, Mode: "0600"})
			if got := s.read("releases/1.0-aa/c/" + name + "/" + name); got != name {
				t.Errorf("wrote %q, want %q", got, name)
			}
		}
		left, err := filepath.Glob(filepath.Join(s.root, "releases/1.0-aa/config/.*"))
		if err != nil || len(left) > 0 || exists(filepath.Join(s.home, "pwned")) {
			t.Errorf("left behind: %v, %v", left, err)
		}
		op := plan.Write{Root: s.root, Release: "1.0-aa", Path: "config/mode", Content: "x", Mode: "0644"}
		s.changes(op)
		op.Mode = "0755"
		s.twice(op)
		op.Content = "y"
		s.twice(op)
		s.write("releases/1.0-aa/real", "theirs")
		s.link("real", "releases/1.0-aa/linked")
		s.twice(plan.Write{Root: s.root, Release: "1.0-aa", Path: "linked", Content: "ours", Mode: "0644"})
		if got := s.read("releases/1.0-aa/real"); got != "theirs" {
			t.Errorf("wrote through a link: %q", got)
		}
	})
}

func TestWriteFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		op := plan.Write{Root: s.root, Release: "1.0-aa", Path: "config/x", Content: "x", Mode: "0644"}
		s.fails(op, "releases/1.0-aa is not there")
		s.write("releases/1.0-aa/app.txt", "")
		s.write("outside/x", "theirs")
		s.link("../../outside", "releases/1.0-aa/config")
		s.fails(op, "a link that leaves the release")
		for _, path := range []string{"../x", "a/../../x", "config/deep/x", "../../outside/x"} {
			op.Path = path
			s.fails(op, "leaves the release")
		}
		if got := s.read("outside/x"); got != "theirs" || s.exists("releases/x") || s.exists("outside/deep") {
			t.Errorf("something was written outside: %q", got)
		}
		op.Path = "app.txt/x"
		s.fails(op, "app.txt")
		s.write("releases/1.0-aa/dir/x", "")
		op.Path = "dir"
		s.fails(op, "is a directory")
	})
}

func TestMode(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		for _, name := range nasty {
			s.write("releases/1.0-aa/bin/"+name+".sh", "")
		}
		s.write("releases/1.0-aa/bin/other", "")
		op := plan.Chmod{Root: "~/hello", Release: "1.0-aa", Glob: "bin/*.sh", Mode: "0755"}
		s.twice(op)
		for _, name := range nasty {
			if got := s.mode("releases/1.0-aa/bin/" + name + ".sh"); got != 0o755 {
				t.Errorf("%q has mode %o", name, got)
			}
		}
		if got := s.mode("releases/1.0-aa/bin/other"); got != 0o644 {
			t.Errorf("other has mode %o", got)
		}
		s.same(plan.Chmod{Root: s.root, Release: "1.0-aa", Glob: "none/*.sh", Mode: "0755"})
		s.twice(plan.Chmod{Root: s.root, Release: "1.0-aa", Glob: "bin", Mode: "0700"})
		for _, glob := range nasty {
			s.do(plan.Chmod{Root: s.root, Release: "1.0-aa", Glob: glob, Mode: "0755"})
		}
		if exists(filepath.Join(s.home, "pwned")) {
			t.Error("a glob was run")
		}
	})
}

func TestModeFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		op := plan.Chmod{Root: s.root, Release: "1.0-aa", Glob: "bin/*", Mode: "0777"}
		s.fails(op, "is not there")
		s.write("releases/1.0-aa/app.txt", "")
		s.write("outside/secret", "")
		s.link("../../outside", "releases/1.0-aa/bin")
		s.fails(op, "outside of the release")
		op.Glob = "../../outside/*"
		s.fails(op, "outside of the release")
		if got := s.mode("outside/secret"); got != 0o644 {
			t.Errorf("a file outside has mode %o", got)
		}
	})
}

func TestMarker(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		for _, path := range append([]string{"config/disabled"}, nasty...) {
			op := plan.MarkerOp{Root: "~/hello", Path: path, Present: true}
			s.twice(op)
			if !s.exists("shared/" + path) {
				t.Errorf("%q is not there", path)
			}
			op.Present = false
			s.twice(op)
			if s.exists("shared/" + path) {
				t.Errorf("%q is still there", path)
			}
		}
		s.same(plan.MarkerOp{Root: "~/nowhere", Path: "config/disabled"})
	})
}

func TestMarkerFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.write("shared/config/disabled/x", "")
		s.fails(plan.MarkerOp{Root: s.root, Path: "config/disabled", Present: true}, "is a directory")
		s.fails(plan.MarkerOp{Root: s.root, Path: "config/disabled"}, "is a directory")
		s.write("shared/file", "")
		s.fails(plan.MarkerOp{Root: s.root, Path: "file/disabled", Present: true}, "can't create", "shared/file")
	})
}

func (s *server) mode(path string) os.FileMode {
	s.t.Helper()
	info, err := os.Stat(filepath.Join(s.root, path))
	if err != nil {
		s.t.Fatal(err)
	}
	return info.Mode().Perm()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
