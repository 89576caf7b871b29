//go:build linux

package e2e_test

import (
	"slices"
	"testing"

	"trikk.dev/e2e"
)

// A systemd service, controlled through sudo by the login user; a stand-in for systemctl starts and stops it.
func TestSystemdService(t *testing.T) {
	f := e2e.Start(t)
	repo := f.Repository(t)
	for version, behaviour := range map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken} {
		repo.Put("/hello-"+version+".tar.gz", f.TarGz(t, "hello", version, behaviour))
	}
	h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:2], ToPort: port})
	servers := f.App[:2]
	for _, m := range servers {
		m.AddUnit(t, e2e.Unit{Name: "hello.service", Dir: root + "/current", Exec: "bin/server.sh 8081"})
	}
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	c.App("hello", `	user: "`+e2e.AppUser+`"
	artifact: url: {url: "`+repo.URL+`/hello-{version}.tar.gz", strip: 1}
	modes: [{glob: "bin/*.sh", mode: "0755"}]
	service: systemd: {unit: "hello.service", timeout: "10s"}
	topology: shared: proxies: ["lb1"]
`+ready+"\n"+rolling+"\n"+`	environments: test: servers: `+quoted(servers...))

	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	load := f.Load(t, h.URL("hello"))
	load.Saw("1.0")
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0)
	f.Trikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes").Exit(t, 7).Says(t, "rolled back")
	load.Saw("2.0")
	load.Clean("1.0", "2.0")
	for _, m := range servers {
		serves(t, m, "2.0")
		installed(t, m, root+"/current", "2.0")
	}
	calls := map[string][]string{
		"app1": {"start hello.service", "stop hello.service", "start hello.service", "stop hello.service", "start hello.service", "stop hello.service", "start hello.service"},
		"app2": {"start hello.service", "stop hello.service", "start hello.service"},
	}
	for _, m := range servers {
		if got := m.UnitCalls(); !slices.Equal(got, calls[m.Name]) {
			t.Errorf("systemctl on %s was called with %q, not %q", m.Name, got, calls[m.Name])
		}
	}
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}
