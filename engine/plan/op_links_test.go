package plan_test

import (
	"os"
	"path/filepath"
	"testing"

	"trikk.dev/engine/plan"
)

func TestLinkCurrent(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		s.complete("2.0-bb")
		op := plan.Link{Root: "~/hello", Name: "itas-app", Release: "1.0-aa"}
		s.twice(op)
		if got := s.target("itas-app"); got != "releases/1.0-aa" {
			t.Errorf("links to %q", got)
		}
		op.Release = "2.0-bb"
		s.twice(op)
		if got := s.read("itas-app/app.txt"); got != "2.0-bb\n" {
			t.Errorf("reads %q", got)
		}
		s.write(".itas-app.trikk", "left by a crash")
		op.Release = "1.0-aa"
		s.twice(op)
		s.twice(plan.Link{Root: "~/hello", Name: "itas-app"})
		if s.exists("itas-app") || s.exists(".itas-app.trikk") || !s.exists("releases/1.0-aa/app.txt") {
			t.Error("removing the link left it, or took more")
		}
	})
}

func TestLinkFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		s.write("releases/2.0-bb/app.txt", "")
		s.fails(plan.Link{Root: s.root, Name: "current", Release: "2.0-bb"}, "releases/2.0-bb is not complete")
		s.fails(plan.Link{Root: s.root, Name: "current", Release: "3.0-cc"}, "releases/3.0-cc is not complete")
		s.write("current/x", "")
		s.fails(plan.Link{Root: s.root, Name: "current", Release: "1.0-aa"}, "is no link: move it away (mv ")
		s.fails(plan.Link{Root: s.root, Name: "current"}, "is no link")
		if !s.exists("current/x") {
			t.Error("a real directory was touched")
		}
	})
}

func TestPersist(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		for _, path := range append([]string{"data", "a/b/data"}, nasty...) {
			s.write("releases/1.0-aa/"+path+"/seed", "first")
			op := plan.Link{Root: "~/hello", Release: "1.0-aa", Persist: path}
			s.twice(op)
			s.write("shared/"+path+"/seed", "changed")
			s.write("releases/2.0-bb/"+path+"/seed", "second")
			op.Release = "2.0-bb"
			s.twice(op)
			if got := s.read("releases/2.0-bb/" + path + "/seed"); got != "changed" {
				t.Errorf("%q: the release reads %q, want what was persisted", path, got)
			}
			s.write("releases/3.0-cc/app.txt", "")
			op.Release = "3.0-cc"
			s.twice(op)
		}
		s.twice(plan.Link{Root: s.root, Release: "3.0-cc", Persist: "empty"})
		if info, err := os.Stat(filepath.Join(s.root, "releases/3.0-cc/empty")); err != nil || !info.IsDir() {
			t.Errorf("a path that nobody has is no directory: %v", err)
		}
	})
}

func TestPersistFile(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.write("releases/1.0-aa/config/disabled", "shipped by the archive")
		op := plan.Link{Root: "~/hello", Release: "1.0-aa", Persist: "config/disabled", File: true}
		s.twice(op)
		if got := s.target("releases/1.0-aa/config/disabled"); got != "../../../shared/config/disabled" {
			t.Errorf("links to %q", got)
		}
		if s.exists("shared/config/disabled") {
			t.Error("the archive's marker disabled the app")
		}
		s.changes(plan.MarkerOp{Root: s.root, Path: "config/disabled", Present: true})
		s.read("releases/1.0-aa/config/disabled")
		s.write("releases/2.0-bb/app.txt", "")
		op.Release = "2.0-bb"
		s.twice(op)
		s.read("releases/2.0-bb/config/disabled")
	})
}

func TestPersistFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		op := plan.Link{Root: s.root, Release: "1.0-aa", Persist: "x/data"}
		s.fails(op, "is not there")
		s.write("releases/1.0-aa/app.txt", "")
		s.write("outside/data/theirs", "")
		s.link("../../outside", "releases/1.0-aa/x")
		s.fails(op, "a link that leaves the release")
		s.write("shared/file", "")
		s.fails(plan.Link{Root: s.root, Release: "1.0-aa", Persist: "file"}, "is no directory")
		s.write("releases/1.0-aa/dir/x", "")
		s.fails(plan.Link{Root: s.root, Release: "1.0-aa", Persist: "dir", File: true}, "is a directory")
		if !s.exists("outside/data/theirs") || !s.exists("releases/1.0-aa/dir/x") {
			t.Error("something was removed")
		}
	})
}

func TestPrune(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		for _, r := range []string{"1.0-aa", "2.0-bb", "3.0-cc", "4.0-dd"} {
			s.complete(r)
			s.write(".trikk/good/"+r, "run-"+r+"\n")
		}
		s.write("outside", "theirs")
		s.link("../../outside", "releases/1.0-aa/away")
		if err := os.Chmod(filepath.Join(s.root, "releases/1.0-aa/.trikk"), 0o500); err != nil {
			t.Fatal(err)
		}
		s.write("releases/.5.0-ee.unpack.77/0/x", "left by a crash")
		s.write(".trikk/cache/old one.zip", "")
		s.write(".trikk/cache/.gone.zip.part", "of a fetch that was cut off")
		s.write(".trikk/cache/new.zip", "")
		s.link("releases/3.0-cc", "current")
		op := plan.Prune{Root: "~/hello", Current: "current", Releases: []string{"1.0-aa", "2.0-bb", "0.9-gone"}, Cached: []string{"old one.zip"}}
		s.twice(op)
		for _, gone := range []string{"releases/1.0-aa", "releases/2.0-bb", ".trikk/good/1.0-aa", ".trikk/cache/old one.zip", ".trikk/cache/.gone.zip.part", "releases/.5.0-ee.unpack.77"} {
			if s.exists(gone) {
				t.Errorf("%s is still there", gone)
			}
		}
		for _, kept := range []string{"releases/3.0-cc/app.txt", "releases/4.0-dd/app.txt", ".trikk/good/4.0-dd", ".trikk/cache/new.zip", "outside"} {
			if !s.exists(kept) {
				t.Errorf("%s is gone", kept)
			}
		}
	})
}

func TestPruneFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		for _, r := range []string{"1.0-aa", "2.0-bb", "3.0-cc"} {
			s.complete(r)
		}
		s.write(".trikk/good/1.0-aa", "20260102T0000Z-1\n")
		s.write(".trikk/good/2.0-bb", "20260101T0000Z-1\n")
		s.link("releases/3.0-cc", "current")
		s.fails(plan.Prune{Root: s.root, Current: "current", Releases: []string{"2.0-bb", "3.0-cc"}}, "refused to remove 3.0-cc: it is current")
		s.fails(plan.Prune{Root: s.root, Current: "current", Releases: []string{"2.0-bb", "1.0-aa"}}, "refused to remove 1.0-aa: it was proven good last")
		s.write("releases/backup/app.txt", "somebody's")
		s.fails(plan.Prune{Root: s.root, Current: "current", Releases: []string{"2.0-bb", "backup"}}, "refused to remove backup: trikk did not make it")
		for _, bad := range []string{"", ".", "..", "../shared", "a/b", "/", ".trikk", "*/.."} {
			s.fails(plan.Prune{Root: s.root, Current: "current", Releases: []string{"2.0-bb", bad}}, "is no plain name")
			s.fails(plan.Prune{Root: s.root, Current: "current", Cached: []string{bad}}, "is no plain name")
		}
		for _, r := range []string{"1.0-aa", "2.0-bb", "3.0-cc", "backup"} {
			if !s.exists("releases/" + r + "/app.txt") {
				t.Errorf("a refused prune removed %s", r)
			}
		}
		for _, name := range nasty {
			s.do(plan.Prune{Root: s.root, Current: "current", Releases: []string{name}, Cached: []string{name}})
		}
		if !s.exists("releases/1.0-aa/app.txt") || exists(filepath.Join(s.home, "pwned")) {
			t.Error("a name was run, or matched a release")
		}
	})
}

func TestRecord(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		used := plan.Record{What: "used", Root: "~/hello", Plan: "20260101T0000Z-1"}
		s.changes(used)
		s.fails(used, "plan 20260101T0000Z-1 was applied here already")
		if got := s.read(".trikk/plans/20260101T0000Z-1"); got != "20260101T0000Z-1\n" {
			t.Errorf("the mark holds %q", got)
		}
		s.write(".trikk/lock.info", `{"run":"R","who":"anna@laptop"}`+"\n")
		locked := plan.Record{What: "used", Root: "~/hello", Plan: "20260102T0000Z-1"}
		s.twice(locked) // the run that made the mark goes on
		s.write(".trikk/lock.info", `{"run":"R","who":"bo@desk"}`+"\n")
		s.fails(locked, "plan 20260102T0000Z-1 was applied here already")
		settled := plan.Record{What: "settled", Root: "~/hello", Run: "R"}
		s.write(".trikk/cut", `{"run":"R","who":"anna@laptop"}`+"\n")
		s.twice(settled)
		s.write(".trikk/cut", `{"run":"R2","who":"anna@laptop"}`+"\n")
		s.same(settled)
		s.write(".trikk/cut", "{torn") // facts name no run
		s.same(settled)
		s.twice(plan.Record{What: "settled", Root: "~/hello", Run: plan.UnnamedRun})
		m := plan.Manifest{App: "hello", Release: "1.0-aa", Version: "1.0", Artifact: "sha256:aa", Digest: "sha256:bb", Files: map[string]string{"it's a 'file'": "sha256:cc"}}
		complete := plan.Record{What: "complete", Root: "~/hello", Release: "1.0-aa", Manifest: &m}
		good := plan.Record{What: "good", Root: "~/hello", Release: "1.0-aa", Plan: "20260101T0000Z-1"}
		s.fails(complete, "is not there")
		s.write("releases/1.0-aa/app.txt", "")
		s.fails(good, "is not complete")
		s.twice(complete)
		want := `{"app":"hello","release":"1.0-aa","version":"1.0","artifact":"sha256:aa","digest":"sha256:bb","files":{"it's a 'file'":"sha256:cc"}}` + "\n"
		if got := s.read("releases/1.0-aa/.trikk/manifest.json"); got != want {
			t.Errorf("the manifest is %s, want %s", got, want)
		}
		s.twice(good)
		good.Plan = "20260102T0000Z-1"
		s.twice(good)
		if got := s.read(".trikk/good/1.0-aa"); got != "20260102T0000Z-1\n" {
			t.Errorf("the mark holds %q", got)
		}
		trial, judged := plan.Record{What: "trial", Root: "~/hello", Release: "1.0-aa"}, plan.Record{What: "judged", Root: "~/hello", Release: "1.0-aa"}
		s.same(judged)
		s.twice(trial)
		if got := s.read(".trikk/trial"); got != "1.0-aa\n" {
			t.Errorf("the mark holds %q", got)
		}
		s.same(plan.Record{What: "judged", Root: "~/hello", Release: "0.9-bb"})
		s.twice(judged)
		s.fails(plan.Record{What: "other", Root: s.root}, "nothing is known")
	})
}
