//go:build linux

package e2e_test

import (
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// A program that trikk starts itself, from a tar.gz that the controller downloads and uploads: its digest is pinned. A version
// that crashes while it is watched is undone.
func TestProcessService(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	digests := map[string]string{}
	for version, behaviour := range map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Crash} {
		digests[version] = repo.Put("/hello-"+version+".tar.gz", f.TarGz(t, "hello", version, behaviour))
	}
	h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:2], ToPort: port})
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	app := func(version string) string {
		return `	version: "` + version + `"
	artifact: url: {url: "` + repo.URL + `/hello-{version}.tar.gz", strip: 1, fetch: "controller", digest: "` + digests[version] + `"}
	files: "config/app.json": json: {greeting: "hei", port: 8081}
	service: process: {command: "exec bin/testapp --port=8081", timeout: "5s"}
	topology: shared: proxies: ["lb1"]
` + ready + `
	rollout: {rolling: maxUnavailable: 1, minReadySeconds: 3, drainDeadline: "20s", admitDeadline: "15s"}
	environments: test: servers: ` + quoted(f.App[:2]...)
	}
	const home = "/home/" + e2e.LoginUser + "/hello"
	c.App("hello", app("1.0"))
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0).Says(t, "to the controller")
	load := f.Load(t, h.URL("hello"))
	load.Saw("1.0")
	c.App("hello", app("2.0"))
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0)
	load.Clean("1.0", "2.0")
	if n := repo.Gets("/hello-2.0.tar.gz"); n != 1 {
		t.Errorf("the controller downloaded 2.0 %d times", n)
	}
	for _, m := range f.App[:2] {
		installed(t, m, home+"/current", "2.0")
		serves(t, m, "2.0")
		if got := owner(t, m, home+"/current/VERSION"); got != e2e.LoginUser {
			t.Errorf("the release on %s belongs to %s", m.Name, got)
		}
		pid := m.Run(t, "cat "+home+"/shared/hello.pid")
		if cwd := m.Run(t, "readlink /proc/"+pid+"/cwd"); !strings.HasPrefix(cwd, home+"/releases/2.0-") {
			t.Errorf("the process on %s works in %s", m.Name, cwd)
		}
	}

	c.App("hello", app("3.0"))
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 7).Says(t, "rolled back")
	for _, m := range f.App[:2] {
		serves(t, m, "2.0")
		installed(t, m, home+"/current", "2.0")
	}
	h.AllUp(t, "hello")
	c.App("hello", app("2.0"))
	f.Trikk(t, c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}

// A runnable file is installed under a name of its own, and not unpacked.
func TestProcessRunnableFile(t *testing.T) {
	f := e2e.Start(t)
	repo := f.Repository(t)
	repo.Bare("/tools/hello-1.0.jar", f.Program(t))
	c := f.Config(t, nil)
	c.App("hello", `	version: "1.0"
	artifact: url: {url: "`+repo.URL+`/tools/hello-{version}.jar", as: "hello.jar"}
	modes: [{glob: "hello.jar", mode: "0755"}]
	service: process: command: "exec ./hello.jar --port=8081 --version=1.0"
`+ready+`
	environments: test: servers: ["app1"]`)
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0)
	serves(t, f.App[0], "1.0")
	f.Trikk(t, c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}
