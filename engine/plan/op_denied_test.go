package plan_test

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"trikk.dev/engine/plan"
)

// Each op that writes says who may not write where when the root belongs to somebody else, and leaves it as it was.
func TestRootOfSomebodyElse(t *testing.T) {
	m := plan.Manifest{Release: "1.0-aa"}
	onShells(t, func(t *testing.T, s *server) {
		s.write("releases/1.0-aa/bin/x.sh", "")
		s.write("releases/1.0-aa/data/x", "")
		s.write("releases/1.0-aa/.trikk/x", "")
		s.complete("2.0-bb")
		s.write("shared/config/disabled", "")
		s.write(".trikk/cache/a.jar", "jar")
		s.write("../.trikk-incoming/b.jar", "jar")
		s.write("../empty/x", "")
		before := s.tree()
		name := s.demote()
		for _, op := range []plan.Op{
			plan.Fetch{URL: "http://127.0.0.1:1/x", Root: s.root, File: "x"}, plan.Fetch{Staged: "b.jar", Root: s.root, File: "b.jar"},
			plan.Unpack{Root: s.root, File: "a.jar", Release: "3.0-cc", Format: "none"}, plan.Unpack{Root: "~/empty", File: "a.jar", Release: "3.0-cc", Format: "none"},
			plan.Write{Root: s.root, Release: "1.0-aa", Path: "config/x", Content: "x", Mode: "0644"},
			plan.Link{Root: s.root, Name: "current", Release: "2.0-bb"}, plan.Link{Root: s.root, Release: "1.0-aa", Persist: "data"},
			plan.MarkerOp{Root: s.root, Path: "x", Present: true}, plan.MarkerOp{Root: s.root, Path: "config/disabled"},
			plan.Record{What: "used", Root: s.root, Plan: "p"}, plan.Record{What: "complete", Root: s.root, Release: "1.0-aa", Manifest: &m}, plan.Record{What: "good", Root: s.root, Release: "2.0-bb", Plan: "p"},
			plan.Record{What: "trial", Root: s.root, Release: "2.0-bb"},
			plan.Prune{Root: s.root, Current: "current", Releases: []string{"1.0-aa"}}, plan.Prune{Root: s.root, Current: "current", Cached: []string{"a.jar"}},
			plan.Run{Command: "true", Phase: "before", Root: s.root, Release: "2.0-bb"},
		} {
			s.fails(op, name)
		}
		if after := s.tree(); after != before {
			t.Errorf("something was changed:\n%swas\n%s", after, before)
		}
	})
}

// demote runs what follows as an ordinary user who owns nothing here, and gives that user's name.
func (s *server) demote() string {
	s.t.Helper()
	who := "nobody"
	if os.Getuid() == 0 {
		nobody, err := user.Lookup(who)
		check(s.t, err)
		uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
		check(s.t, err)
		s.user = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
		check(s.t, os.Chmod(filepath.Dir(s.home), 0o755))
	} else {
		me, err := user.Current()
		check(s.t, err)
		who = me.Username
	}
	check(s.t, filepath.WalkDir(s.home, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		s.t.Cleanup(func() { _ = os.Chmod(path, 0o755) })
		return os.Chmod(path, 0o555)
	}))
	return who
}

// tree lists what is below the home.
func (s *server) tree() string {
	s.t.Helper()
	var b strings.Builder
	check(s.t, filepath.WalkDir(s.home, func(path string, d os.DirEntry, err error) error {
		b.WriteString(path + "\n")
		return err
	}))
	return b.String()
}
