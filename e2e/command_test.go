//go:build linux

package e2e_test

import (
	"testing"

	"trikk.dev/e2e"
)

// A proxy that is driven by four shell commands.
func TestCommandProxy(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy})
	h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "city", Port: 80, Check: "/health", To: f.App[:2], ToPort: port, Names: []string{"hello-app1", "hello-app2"}})
	if err := f.LB[0].WriteFile("/usr/local/bin/lbctl", e2e.LBCtl, 0o755); err != nil {
		t.Fatal(err)
	}
	c := f.Config(t, e2e.Proxies{"lb1": `driver: command: {
			drain:      #"lbctl drain "$BACKEND" "$MEMBER""#
			isDrained:  #"lbctl drained "$BACKEND" "$MEMBER""#
			admit:      #"lbctl admit "$BACKEND" "$MEMBER""#
			isAdmitted: #"lbctl admitted "$BACKEND" "$MEMBER""#
		}`})
	c.App("hello", itasApp(repo.URL, ready, rolling,
		`	topology: shared: {proxies: ["lb1"], backend: "city", member: "{app}-{server}"}`,
		`	environments: test: servers: `+quoted(f.App[:2]...)))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	h.AllUp(t, "city")

	load := f.Load(t, h.URL("city"))
	load.Saw("1.0")
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0)
	load.Saw("2.0")
	load.Clean("1.0", "2.0")
	h.AllUp(t, "city")
}
