package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// odd are names that sha256sum and careless scripts write in their own way.
var odd = []string{"plain", "-it's  $(touch pwned) %s", "back\\slash\nnew line"}

// edit changes a file below the root as a person would.
func (s *server) edit(path, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, path), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// verified asks sha256sum itself whether the files are as trikk wrote them.
func (s *server) verified(release string) bool {
	s.t.Helper()
	o := s.do(plan.Run{Command: "sha256sum -c .trikk/files", Phase: "before", Root: s.root, Release: release})
	return o.exit == 0
}

func TestWriteRecordsWhatItWrote(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		s.write("releases/1.0-aa/config/shipped", "by the archive")
		for _, name := range append([]string{"shipped"}, odd...) {
			for _, content := range []string{"first", "second " + name} {
				s.twice(plan.Write{Root: "~/hello", Release: "1.0-aa", Path: "config/" + name, Content: content, Mode: "0644", Keep: "R1"})
			}
			if got := s.read("releases/1.0-aa/.trikk/generated/config/" + name); got != "second "+name {
				t.Errorf("the pristine copy of %q is %q", name, got)
			}
			if got := s.mode("releases/1.0-aa/.trikk/generated/config/" + name); got != 0o600 {
				t.Errorf("the pristine copy of %q has mode %o", name, got)
			}
		}
		if !s.verified("1.0-aa") {
			t.Errorf("sha256sum does not agree with\n%s", s.read("releases/1.0-aa/.trikk/files"))
		}
		if n := strings.Count(s.read("releases/1.0-aa/.trikk/files"), "\n"); n != len(odd)+1 {
			t.Errorf("%d lines for %d files", n, len(odd)+1)
		}
		if s.exists(".trikk/kept") {
			t.Error("something was kept, and nothing was edited")
		}
	})
}

func TestWriteKeepsEdits(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		for _, name := range odd {
			op := plan.Write{Root: "~/hello", Release: "1.0-aa", Path: "c/" + name, Content: "ours", Mode: "0640", Keep: "R1"}
			file, kept := "releases/1.0-aa/c/"+name, ".trikk/kept/1.0-aa/c/"+name+".R1"
			s.changes(op)
			s.edit(file, "theirs")
			if out := s.changes(op); !strings.Contains(out, "was edited by hand: the edit is kept in ") {
				t.Errorf("%q: it does not say what it kept: %s", name, out)
			}
			s.same(op)
			if got := s.read(file) + " " + s.read(kept); got != "ours theirs" {
				t.Errorf("%q: the file and what was kept are %q", name, got)
			}
			s.edit(file, "theirs") // the same edit once more, as after a write that was taken back
			s.twice(op)
			if s.exists(kept + ".2") {
				t.Errorf("%q: one edit was kept twice", name)
			}
			s.edit(file, "another")
			s.twice(op)
			if got := s.read(kept) + " " + s.read(kept+".2"); got != "theirs another" {
				t.Errorf("%q: kept are %q", name, got)
			}
		}
		if got := s.mode(".trikk/kept/1.0-aa"); got != 0o700 {
			t.Errorf("what is kept is open to others: %o", got)
		}
	})
}

func TestWriteMendsWhatIsNoFile(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		op := plan.Write{Root: s.root, Release: "1.0-aa", Path: "c/x", Content: "ours", Mode: "0644", Keep: "R1"}
		file := filepath.Join(s.root, "releases/1.0-aa/c/x")
		s.changes(op)
		check(t, os.Remove(file))
		s.twice(op)
		s.same(plan.Write{Root: s.root, Release: "1.0-aa", Path: "c/x", Keep: "R1", Back: true})
		if s.exists(".trikk/kept") {
			t.Error("a missing file was kept")
		}
		s.write("elsewhere", "theirs")
		check(t, os.Remove(file))
		check(t, os.Symlink("../../../elsewhere", file))
		s.twice(op)
		if got := s.read(".trikk/kept/1.0-aa/c/x.R1") + " " + s.read("elsewhere") + " " + s.read("releases/1.0-aa/c/x"); got != "theirs theirs ours" {
			t.Errorf("a link instead of the file: %q", got)
		}
	})
}

func TestWriteBack(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		for _, name := range odd {
			op := plan.Write{Root: "~/hello", Release: "1.0-aa", Path: name, Content: "ours", Mode: "0640", Keep: "R1"}
			back := plan.Write{Root: "~/hello", Release: "1.0-aa", Path: name, Keep: "R1", Back: true}
			file := "releases/1.0-aa/" + name
			s.same(back) // nothing was kept
			s.changes(op)
			s.edit(file, "theirs")
			s.same(back)
			s.changes(op)
			s.twice(back)
			if got, mode := s.read(file), s.mode(file); got != "theirs" || mode != 0o640 {
				t.Errorf("%q: after going back it is %q with mode %o", name, got, mode)
			}
			s.changes(op)
			s.edit(file, "edited while it ran")
			s.same(back)
			if got := s.read(file); got != "edited while it ran" {
				t.Errorf("%q: going back overwrote an edit with %q", name, got)
			}
		}
	})
}

func TestEditsThatCantBeKept(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		s.complete("2.0-bb")
		s.link("releases/2.0-bb", "current")
		op := plan.Write{Root: s.root, Release: "1.0-aa", Path: "x", Content: "ours", Mode: "0644", Keep: "R1"}
		s.changes(op)
		s.edit("releases/1.0-aa/x", "theirs")
		s.write(".trikk/kept", "in the way")
		s.fails(op, "can't keep the edit of ", "releases/1.0-aa/x")
		s.fails(plan.Prune{Root: s.root, Current: "current", Releases: []string{"1.0-aa"}, Keep: "R1"}, "can't keep the edit of ")
		if got := s.read("releases/1.0-aa/x"); got != "theirs" {
			t.Errorf("an edit that can't be kept was overwritten by %q", got)
		}
	})
}

func TestPruneKeepsEdits(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		for _, r := range []string{"1.0-aa", "2.0-bb", "3.0-cc"} {
			s.complete(r)
			for _, name := range odd {
				s.changes(plan.Write{Root: s.root, Release: r, Path: "c/" + name, Content: "ours", Mode: "0644", Keep: "R0"})
			}
		}
		s.link("releases/3.0-cc", "current")
		for _, name := range odd {
			s.edit("releases/1.0-aa/c/"+name, "theirs "+name)
		}
		check(t, os.Remove(filepath.Join(s.root, "releases/2.0-bb/c/plain")))
		s.twice(plan.Prune{Root: "~/hello", Current: "current", Releases: []string{"1.0-aa", "2.0-bb"}, Keep: "R1"})
		for _, name := range odd {
			if got := s.read(".trikk/kept/1.0-aa/c/" + name + ".R1"); got != "theirs "+name {
				t.Errorf("of %q is kept %q", name, got)
			}
		}
		if s.exists("releases/1.0-aa") || s.exists("releases/2.0-bb") || s.exists(".trikk/kept/2.0-bb") {
			t.Error("a release is still there, or something was kept that was not edited")
		}
	})
}

func TestUnpackKeepsEdits(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.write(".trikk/cache/app.jar", "jar")
		op := plan.Unpack{Root: "~/hello", File: "app.jar", Release: "1.0-aa", Format: "none", Keep: "R1"}
		s.changes(op)
		s.changes(plan.Write{Root: s.root, Release: "1.0-aa", Path: "c/x", Content: "ours", Mode: "0644", Keep: "R1"})
		s.changes(plan.Write{Root: s.root, Release: "1.0-aa", Path: "c/y", Content: "ours", Mode: "0644", Keep: "R1"})
		s.edit("releases/1.0-aa/c/x", "theirs")
		op.Keep = "R2"
		s.changes(op)
		if got := s.read(".trikk/kept/1.0-aa/c/x.R2"); got != "theirs" || s.exists("releases/1.0-aa/c") || s.exists(".trikk/kept/1.0-aa/c/y.R2") {
			t.Errorf("unpacked once more, and %q is kept", got)
		}
	})
}

// What is below a persisted path is the app's: it is no generated file any more.
func TestCompleteLeavesWhatPersists(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.write("releases/1.0-aa/app.txt", "")
		for _, path := range []string{"data/seed", "c/x", "c/back\\slash"} {
			s.changes(plan.Write{Root: s.root, Release: "1.0-aa", Path: path, Content: "ours", Mode: "0644", Keep: "R1"})
		}
		s.changes(plan.Link{Root: s.root, Release: "1.0-aa", Persist: "data"})
		op := plan.Record{What: "complete", Root: s.root, Release: "1.0-aa", Plan: "R1", Manifest: &plan.Manifest{Release: "1.0-aa"}}
		s.twice(op)
		if got := s.mode("releases/1.0-aa/.trikk/files"); got != 0o600 {
			t.Errorf("the digests have mode %o", got)
		}
		if got := s.read("releases/1.0-aa/.trikk/files"); strings.Contains(got, "seed") || strings.Count(got, "\n") != 2 || !s.verified("1.0-aa") {
			t.Errorf("recorded are\n%s", got)
		}
		s.edit("releases/1.0-aa/c/x", "theirs")
		s.same(op)
		if s.verified("1.0-aa") {
			t.Error("completing it once more took an edit for trikk's own")
		}
	})
}

// TestLinked: the record of what was linked is right whenever a run dies between two writes.
func TestLinked(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		s.complete("2.0-bb")
		op := plan.Link{Root: "~/hello", Name: "current", Release: "1.0-aa"}
		s.twice(op)
		if got := s.read(".trikk/linked"); got != "1.0-aa\n" {
			t.Errorf("recorded is %q", got)
		}
		check(t, os.Remove(filepath.Join(s.root, ".trikk/linked")))
		s.same(op) // linked before there were records, or by hand
		if got := s.read(".trikk/linked"); got != "1.0-aa\n" {
			t.Errorf("recorded is %q", got)
		}
		s.fake("mv", `#!/bin/sh
case $* in *.current.trikk*) echo "the server died" >&2; exit 1 ;; esac
exec /bin/mv "$@"
`)
		op.Release = "2.0-bb"
		s.fails(op, "the server died")
		if got := s.read(".trikk/linked"); got != "2.0-bb\n1.0-aa\n" || s.target("current") != "releases/1.0-aa" {
			t.Errorf("before the switch is recorded %q", got)
		}
		s.env = nil
		s.twice(op)
		if got := s.read(".trikk/linked"); got != "2.0-bb\n" {
			t.Errorf("recorded is %q", got)
		}
		s.changes(plan.Link{Root: "~/hello", Name: "current"})
		if s.exists(".trikk/linked") {
			t.Error("a link that was removed is still recorded")
		}
	})
}

// A record that can't be written is dropped: going back is worth more.
func TestLinkedCantBeWritten(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		s.complete("2.0-bb")
		s.changes(plan.Link{Root: s.root, Name: "current", Release: "1.0-aa"})
		s.write(".trikk/linked.new/x", "in the way")
		s.changes(plan.Link{Root: s.root, Name: "current", Release: "2.0-bb"})
		if s.target("current") != "releases/2.0-bb" || s.exists(".trikk/linked") {
			t.Error("not linked, or the old record is still there")
		}
	})
}
