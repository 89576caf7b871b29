//go:build linux

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// plain is an app that listens on every server of a small environment, with nothing in front.
func plain(t *testing.T) (*e2e.Fleet, *e2e.Config) {
	t.Helper()
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy})
	c := f.Config(t, nil)
	c.App("hello", itasApp(repo.URL, ready, rolling, `	environments: test: servers: `+quoted(f.App[:2]...)))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	return f, c
}

// A saved plan is applied once, and only as long as nothing has changed and nobody has edited it.
func TestSavedPlan(t *testing.T) {
	f, c := plain(t)
	file := filepath.Join(c.Dir, "hello.plan")
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "-o", file).Exit(t, 0)

	edited := filepath.Join(c.Dir, "edited.plan")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "config/disabled", "config/enabled!", 1)
	if changed == string(text) {
		t.Fatal("nothing was edited")
	}
	c.Write("edited.plan", changed)
	f.Trikk(t, c, "apply", "--plan", edited, "--yes").Exit(t, 5).Says(t, "edited")

	f.Trikk(t, c, "apply", "--plan", file, "--yes").Exit(t, 0).Says(t, "hello runs 2.0-")
	serves(t, f.App[0], "2.0")
	f.Trikk(t, c, "apply", "--plan", file, "--yes").Exit(t, 5).Says(t, "already applied", "app1")

	f.Trikk(t, c, "plan", "hello@1.0", "-e", "test", "-o", file).Exit(t, 0)
	f.App[1].Run(t, "touch "+root+"/shared/config/disabled")
	f.Trikk(t, c, "apply", "--plan", file, "--yes").Exit(t, 5).Says(t, "stale", "app2")
	serves(t, f.App[0], "2.0")
}

// A saved plan that was applied is refused from another machine too: the servers have it recorded.
func TestSavedPlanFromAnotherMachine(t *testing.T) {
	e2e.Long(t)
	f, c := plain(t)
	file := filepath.Join(c.Dir, "hello.plan")
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "-o", file).Exit(t, 0)
	f.Trikk(t, c, "apply", "--plan", file, "--yes").Exit(t, 0)
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	f.Trikk(t, c, "apply", "--plan", file, "--yes", "--state", f.Dir(t)).Exit(t, 5).Says(t, "already applied", "app1", "app2")
	serves(t, f.App[0], "1.0")
}

// Two runs at once: the second one is refused, and told who holds the lock, since when, and in which run. A third waits, finds that the
// first one did what it wanted, and has nothing to do.
func TestFault10TwoOperators(t *testing.T) {
	e2e.Long(t)
	f, c := plain(t)
	first := f.StartTrikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes")
	first.Prints("install")
	second := f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes", "--state", f.Dir(t)).Exit(t, 5)
	second.Says(t, "locked by run "+first.Run()+" of ", "root@", " since 2")
	third := f.StartTrikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes", "--wait=1m", "--state", f.Dir(t))
	first.Wait().Exit(t, 0)
	third.Wait().Exit(t, 0).Says(t, "locked by run "+first.Run(), "waiting at most 1m0s", "Nothing to do")
	serves(t, f.App[0], "2.0")
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
}
