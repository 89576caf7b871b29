//go:build linux

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// Places on a server that don't take a release: what is known before is refused, and a disk that turns out to be full leaves
// nothing half done. The app is tiny, in /srv/tiny on app1 and app2; only app2 is bad.
func TestBadPlace(t *testing.T) {
	s := newScene(t)
	app1, app2 := s.on[0], s.on[1]
	args := []string{"apply", "tiny@2.0", "-e", "test", "--yes"}

	// full is an app2 with a small disk on /srv/tiny.
	full := func(t *testing.T, options string) *e2e.Config {
		t.Helper()
		c := s.tiny(t)
		app2.Run(t, "mount -t tmpfs -o mode=755,"+options+" tmpfs /srv/tiny && chown "+e2e.AppUser+": /srv/tiny")
		t.Cleanup(func() { _, _ = app2.Try("umount /srv/tiny") })
		return c
	}
	// fills asserts that the install fails on app2 only, for this reason, and leaves no piece of it.
	fills := func(t *testing.T, c *e2e.Config, reason string) {
		t.Helper()
		s.uploads(t)
		running := s.listing(t)
		s.runs(t, c, bad{args: args, code: 1}).Says(t, "app2  FAILED", reason, "tiny failed, and nothing was changed in test", "app2: not changed")
		if left := app2.Run(t, `find /srv/tiny -path '*/.*.part*' -o -path '*/releases/*'`); left != "" {
			t.Errorf("this is left on app2:\n%s", left)
		}
		for _, m := range []*e2e.Machine{app1, app2} {
			if m.Exists("/srv/tiny/hello-app") {
				t.Errorf("the link is there on %s", m.Name)
			}
		}
		for line := range strings.Lines(difference(running, s.listing(t))) {
			if !strings.Contains(line, "/srv/tiny") {
				t.Errorf("hello was touched: %s", line)
			}
		}
	}

	t.Run("fault 06: full disk while it fetches", func(t *testing.T) {
		fills(t, full(t, "size=1m"), "the disk of /srv/tiny is full")
	})
	t.Run("fault 06: full disk while it unpacks", func(t *testing.T) {
		fills(t, full(t, "size=5m"), "the disk of /srv/tiny is full")
	})
	t.Run("fault 06: full disk while it uploads", func(t *testing.T) {
		c := full(t, "size=1m")
		c.App("tiny", strings.Replace(tinyFields(s), `classifier: "dist"`, `classifier: "dist", fetch: "controller"`, 1))
		fills(t, c, "the disk of /srv/tiny is full")
	})
	t.Run("fault 06: full of inodes", func(t *testing.T) {
		fills(t, full(t, "nr_inodes=14"), "the disk of /srv/tiny is full, or has no inodes left")
	})
	t.Run("no room for the lock", func(t *testing.T) {
		c := full(t, "nr_inodes=1")
		s.refuses(t, c, bad{args: args, code: 1, planned: true, says: []string{"trikk: app2: ", "the disk of /srv/tiny is full, or has no inodes left"}})
	})
	t.Run("unwritable root", func(t *testing.T) {
		c := s.tiny(t)
		app2.Run(t, "chown root: /srv/tiny")
		s.refuses(t, c, bad{args: args, code: 1, says: []string{"trikk: app2: tiny: " + e2e.AppUser + " may not write to /srv/tiny (give it to " + e2e.AppUser + ")"}})
	})
	t.Run("root that can not be created", func(t *testing.T) {
		c := s.tiny(t)
		app2.Run(t, "rm -rf /srv/tiny")
		s.refuses(t, c, bad{args: args, code: 1, says: []string{"trikk: app2: tiny: " + e2e.AppUser + " can not create /srv/tiny: /srv is not writable (create /srv/tiny once and give it to " + e2e.AppUser + ")"}})
	})
	t.Run("root is a file", func(t *testing.T) {
		c := s.tiny(t)
		app2.Run(t, "rm -rf /srv/tiny; echo mine >/srv/tiny")
		s.refuses(t, c, bad{args: args, code: 1, says: []string{"trikk: app2: tiny: /srv/tiny is not a directory (move it away)"}})
	})
	t.Run("fault 31: current is a directory", func(t *testing.T) {
		c := s.tiny(t)
		app2.Run(t, "mkdir /srv/tiny/hello-app; echo mine >/srv/tiny/hello-app/data")
		s.refuses(t, c, bad{args: args, code: 1, says: []string{"trikk: app2: tiny: /srv/tiny/hello-app is a directory, not a link (move it away: mv /srv/tiny/hello-app /srv/tiny/hello-app.old)"}})
	})
	t.Run("no place for the journal", func(t *testing.T) {
		file := filepath.Join(s.f.Dir(t), "file")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		s.refuses(t, s.config(t, parts{}), bad{args: []string{"apply", "hello@2.0", "-e", "test", "--yes", "--state", file}, code: 1, planned: true, says: []string{"trikk: ", file, "not a directory"}})
	})
	s.clean(t)
}

// uploads makes the directory that uploads go through; it stays once it is there.
func (s *scene) uploads(t *testing.T) {
	t.Helper()
	for _, m := range s.on {
		m.Run(t, "install -d -m 700 -o "+e2e.LoginUser+" -g "+e2e.LoginUser+" /home/"+e2e.LoginUser+"/.trikk-incoming")
	}
}

// tiny is a config with the app tiny beside hello, and its root on both servers.
func (s *scene) tiny(t *testing.T) *e2e.Config {
	t.Helper()
	c := s.config(t, parts{})
	c.App("tiny", tinyFields(s))
	for _, m := range s.on {
		m.Run(t, "install -d -o "+e2e.AppUser+" /srv/tiny")
		t.Cleanup(func() { _, _ = m.Try("rm -rf /srv/tiny") })
	}
	return c
}

func tinyFields(s *scene) string {
	return strings.ReplaceAll(s.app(parts{layout: `	layout: {root: "/srv/tiny", current: "hello-app"}`, topology: "\t"}), "8081", "8086")
}
