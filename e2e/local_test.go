//go:build linux

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// anyVersion is the probe of a local build, whose version is "local-" and its digest.
const anyVersion = `	probes: ready: http: {port: 8081, path: "/ready", contains: "ready", interval: "200ms", deadline: "4s"}`

// The local route: a build on the controller is uploaded to the app servers and the proxies, deployed with downtime on all of
// them, the proxies' httpd is reloaded gracefully, and the standby server is disabled and stopped.
func TestLocalRoute(t *testing.T) {
	f := e2e.Start(t)
	proxies := e2e.Proxies{}
	var fronts []*e2e.HTTPD
	for _, m := range f.LB {
		h := f.HTTPD(t, m, e2e.Balancer{Name: "hello", Port: 80, To: f.App[:2], ToPort: port})
		fronts = append(fronts, h)
		proxies[m.Name] = `reload: "` + e2e.ReloadHTTPD + `", driver: marker: {file: "config/disabled", watch: httpd: url: "` + h.ManagerURL() + `"}`
	}
	c := f.Config(t, proxies)
	build := func(version string) {
		c.App("hello", strings.Replace(itasApp("http://unused.example", anyVersion), `artifact: maven: {repository: "http://unused.example", group: "example.city", artifact: "hello", extension: "zip", classifier: "dist"}`,
			`artifact: file: path: "target/hello.zip"`, 1)+
			`
	build: ["mkdir -p target", "cp builds/`+version+`.zip target/hello.zip"]
	topology: shared: {proxies: ["lb1", "lb2"], installOnProxies: true}
	environments: test: {servers: `+quoted(f.App[:2]...)+`, standby: ["app3"]}`)
	}
	for _, version := range []string{"1.0", "2.0"} {
		c.Write("apps/hello/builds/"+version+".zip", string(f.Zip(t, version, e2e.Healthy)))
	}
	link := root + "/" + e2e.AppUser + "-app"
	for _, version := range []string{"1.0", "2.0"} {
		build(version)
		f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0).Says(t, "upload hello.zip", "recreate", "hello runs local-")
		for _, m := range []*e2e.Machine{f.App[0], f.App[1], f.LB[0], f.LB[1]} {
			installed(t, m, link, "local")
			serves(t, m, version)
		}
		installed(t, f.App[2], link, "local")
		silent(t, f.App[2])
		if !f.App[2].Exists(root + "/shared/config/disabled") {
			t.Error("the standby server is not disabled")
		}
		if f.App[0].Exists("/home/" + e2e.LoginUser + "/.trikk-incoming/hello.zip") {
			t.Error("the upload was left in the login user's home")
		}
	}
	for _, h := range fronts {
		if n := h.Reloads(); n != 2 {
			t.Errorf("httpd on %s was reloaded gracefully %d times, not twice", h.Machine.Name, n)
		}
	}
	f.Trikk(t, c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 0)

	if e2e.Everything() {
		deployed(t, f, c)
	}

	// Where the app's processes work is told to its own user only, and so asked through sudo.
	f.Trikk(t, c, "ps", "-e", "test", "--app", "hello").Exit(t, 0).Says(t, "\napp1  ", "\nlb1 ", "  "+e2e.AppUser+"  hello  local-")
	f.Trikk(t, c, "exec", "hello", "-e", "test", "--as-app", "--", "id", "-un").Exit(t, 0).Says(t, "app1, app2, app3, lb1, lb2 (5 of 5)\n  "+e2e.AppUser+"\n")
	f.Trikk(t, c, "hosts", "check", "-e", "test").Exit(t, 0).Says(t, "sshd allows 10 sessions on a connection", "nothing is missing for hello")
}

// deployed deploys any file by the local route, with --artifact FILE.
func deployed(t *testing.T, f *e2e.Fleet, c *e2e.Config) {
	t.Helper()
	file := filepath.Join(f.Dir(t), "hello.zip")
	if err := os.WriteFile(file, f.Zip(t, "3.0", e2e.Healthy), 0o644); err != nil {
		t.Fatal(err)
	}
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes", "--artifact", file).Exit(t, 0)
	serves(t, f.App[0], "3.0")
}
