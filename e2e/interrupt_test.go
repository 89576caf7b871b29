//go:build linux

package e2e_test

import (
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// Ctrl-C while a server is out of rotation: what is in hand is finished or undone, nothing stays drained, no request is lost,
// and the lock is free.
func TestFault12Interrupt(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy})
	h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:3], ToPort: port})
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	c.App("hello", itasApp(repo.URL, ready, rolling,
		`	topology: shared: proxies: ["lb1"]`,
		`	environments: test: servers: `+quoted(f.App[:3]...)))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	load := f.Load(t, h.URL("hello"))
	load.Saw("1.0")

	for _, moment := range e2e.Full(2, "stop hello", "start hello", "rotate 1/3") {
		t.Run(strings.ReplaceAll(moment, "/", " of "), func(t *testing.T) {
			p := f.StartTrikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes")
			p.Prints(moment)
			p.Interrupt()
			p.Wait().Exit(t, 130).Says(t, "interrupted")
			h.AllUp(t, "hello")
			for _, m := range f.App[:3] {
				m.Listens(t, port)
			}
			f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
		})
	}
	load.Stop()
	if count := load.Stop(); count.Failed > 0 {
		t.Errorf("%d of %d requests failed: %s", count.Failed, count.Requests, strings.Join(count.Errors, "\n"))
	}
	for _, m := range f.App[:3] {
		serves(t, m, "1.0")
	}
}
