//go:build linux

package e2e_test

import (
	"testing"
	"time"

	"trikk.dev/e2e"
)

// halfway is a fleet of three servers behind HAProxy that run 1.0, and a repository with a 2.0 that works and a 3.0 that never
// gets healthy on app2.
func halfway(t *testing.T, onFailure string) (*e2e.Fleet, *e2e.Config, *e2e.HAProxy) {
	t.Helper()
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Partial})
	h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:3], ToPort: port})
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	c.App("hello", itasApp(repo.URL, ready,
		`	rollout: {rolling: maxUnavailable: 1, onFailure: "`+onFailure+`", drainDeadline: "20s", admitDeadline: "15s"}`,
		`	topology: shared: proxies: ["lb1"]`,
		`	environments: test: servers: `+quoted(f.App[:3]...)))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	h.AllUp(t, "hello")
	return f, c, h
}

// A release that fails on the second server: that one is undone, the first one keeps it, the third is not touched; a rollback
// brings all back.
func TestFailureHolds(t *testing.T) {
	e2e.Long(t)
	f, c, h := halfway(t, "hold")
	load := f.Load(t, h.URL("hello"))
	f.Trikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes").Exit(t, 6).Says(t, "app1: on 3.0-", "app2: back on 1.0-", "app3: not touched, on 1.0-")
	serves(t, f.App[0], "3.0")
	serves(t, f.App[1], "1.0")
	serves(t, f.App[2], "1.0")
	h.AllUp(t, "hello")
	f.Trikk(t, c, "rollback", "hello", "-e", "test", "--yes").Exit(t, 0)
	for _, m := range f.App[:3] {
		serves(t, m, "1.0")
	}
	load.Clean("1.0", "3.0")
	h.AllUp(t, "hello")
}

// With onFailure: revert the finished servers are undone too.
func TestFailureReverts(t *testing.T) {
	e2e.Long(t)
	f, c, h := halfway(t, "revert")
	load := f.Load(t, h.URL("hello"))
	f.Trikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes").Exit(t, 7).Says(t, "app1: back on 1.0-", "app2: back on 1.0-")
	for _, m := range f.App[:3] {
		serves(t, m, "1.0")
	}
	load.Clean("1.0", "3.0")
	h.AllUp(t, "hello")
}

// The controller dies while a server is out and stopped: its lock is free at once, no request is lost, and the next run mends
// what was left.
func TestFault11DeadController(t *testing.T) {
	e2e.Long(t)
	f, c, h := halfway(t, "hold")
	load := f.Load(t, h.URL("hello"))
	p := f.StartTrikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes")
	p.Prints("done     stop hello")
	p.Kill()
	died := time.Now()
	for _, m := range f.App[:3] {
		// Under a second where nothing else runs; the tests share two cores.
		m.Run(t, "flock -w 5 "+root+"/.trikk/lock true")
	}
	t.Logf("all locks were free %.1f s after the controller died", time.Since(died).Seconds())
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0).Says(t, "hello runs 2.0-")
	for _, m := range f.App[:3] {
		serves(t, m, "2.0")
	}
	h.AllUp(t, "hello")
	load.Clean("1.0", "2.0")
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}
