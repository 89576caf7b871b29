//go:build linux

package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// patient is a fleet of three servers behind HAProxy that run 1.0 of an app with this rollout and these commands; 3.0 never gets
// healthy.
func patient(t *testing.T, rollout, service string) (*e2e.Fleet, *e2e.Config, *e2e.HAProxy) {
	t.Helper()
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken})
	h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:3], ToPort: port})
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	text := itasApp(repo.URL, strings.Replace(ready, `"4s"`, `"60s"`, 1), rollout,
		`	topology: shared: proxies: ["lb1"]`, `	environments: test: servers: `+quoted(f.App[:3]...))
	if service != "" {
		const was = `stop: "bin/itas stop", status: "bin/itas status", timeout: "20s"`
		if !strings.Contains(text, was) {
			t.Fatalf("the app has other commands:\n%s", text)
		}
		text = strings.Replace(text, was, service, 1)
	}
	c.App("hello", text)
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	h.AllUp(t, "hello")
	return f, c, h
}

// A server that can't be reached is left out, neither locked nor touched, and serves on; the next apply brings it up. No request
// is lost meanwhile.
func TestUnreachableIsSkipped(t *testing.T) {
	e2e.Long(t)
	f, c, h := patient(t, `	rollout: {rolling: maxUnavailable: 2, unreachable: "skip", drainDeadline: "20s", admitDeadline: "15s"}`, "")
	app3 := f.App[2]
	load := f.Load(t, h.URL("hello"))
	app3.KillSSHD(t)
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 6).Says(t,
		"app3 can't be reached: connecting to ", "skipped, the next apply picks it up", "hello runs 2.0-", "but not everywhere", "hello was not deployed to app3")
	serves(t, f.App[0], "2.0")
	serves(t, f.App[1], "2.0")
	serves(t, app3, "1.0")
	f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 1).Says(t, "app1  active  2.0-", "unreachable: connecting to ")
	saved := filepath.Join(f.Dir(t), "saved.plan")
	f.Trikk(t, c, "plan", "hello@1.0", "-e", "test", "-o", saved).Exit(t, 0)
	app3.RestartSSHD(t)
	f.Trikk(t, c, "apply", "--plan", saved, "--yes").Exit(t, 5).Says(t, "hello on app3: can be reached again")
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0).Says(t, "hello runs 2.0-").Lacks(t, "app1  done", "app2  done")
	for _, m := range f.App[:3] {
		serves(t, m, "2.0")
	}
	h.AllUp(t, "hello")
	load.Clean("1.0", "2.0")
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}

// The run's deadline passes and the undo hangs: that ends too, and the output says what was left, and what mends it.
func TestDeadlineWhileTheUndoHangs(t *testing.T) {
	e2e.Long(t)
	f, c, _ := patient(t, `	rollout: {rolling: maxUnavailable: 1, drainDeadline: "10s", admitDeadline: "10s"}`,
		`stop: "! grep -q ^3.0 VERSION || sleep 600; bin/itas stop", status: "bin/itas status", timeout: "4s"`)
	f.Trikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes", "--deadline", "30s").Exit(t, 8).Says(t,
		"the deadline of the run passed (30s, --deadline)", "last seen: 503", "did not end within 4 s",
		"app1: drained at lb1; current is 3.0-", "runs 3.0-", "not done: link e2eapp-app → 1.0-", "trikk resume ")
	serves(t, f.App[1], "1.0")
	serves(t, f.App[2], "1.0")
	f.App[0].Run(t, "pkill -f 'sleep [6]00' || true")
}
