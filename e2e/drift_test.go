//go:build linux

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

const byTrikk = "/home/" + e2e.LoginUser + "/hello"

// processApp is a program that trikk starts itself, with one generated file.
func processApp(repo, version string) string {
	return `	version: "` + version + `"
	artifact: url: {url: "` + repo + `/hello-{version}.tar.gz", strip: 1}
	files: "config/app.properties": properties: {greeting: "hei", port: 8081}
	service: process: {command: "exec bin/testapp --port=8081", timeout: "5s"}
	topology: shared: proxies: ["lb1"]
` + ready + "\n" + rolling + `
	environments: test: servers: ["app1", "app2"]`
}

// drifting is two servers that run 2.0, after 1.0, behind a HAProxy.
func drifting(t *testing.T) (*e2e.Fleet, *e2e.Config, *e2e.HAProxy, *e2e.Repository) {
	f := e2e.Start(t)
	repo := f.Repository(t)
	for _, version := range []string{"1.0", "2.0"} {
		repo.Put("/hello-"+version+".tar.gz", f.TarGz(t, "hello", version, e2e.Healthy))
	}
	h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:2], ToPort: port})
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
	for _, version := range []string{"1.0", "2.0"} {
		c.App("hello", processApp(repo.URL, version))
		f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0)
	}
	return f, c, h, repo
}

// A generated file that was edited by hand on one of two servers is shown, and mended without a lost request; the edit is kept.
func TestAnEditByHandIsMended(t *testing.T) {
	e2e.Long(t)
	f, c, h, _ := drifting(t)
	load := f.Load(t, h.URL("hello"))
	load.Saw("2.0")
	one, two := f.App[0], f.App[1]
	before := one.Run(t, "cat "+byTrikk+"/shared/hello.pid")
	file := byTrikk + "/current/config/app.properties"
	pristine := two.Run(t, "cat "+file)
	two.Run(t, "sed -i s/hei/hallo/ "+file)

	diff := []string{"config/app.properties was edited by hand", "-greeting=hei", "+greeting=hallo"}
	f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Says(t, diff...)
	f.Trikk(t, c, "status", "hello", "-e", "test", "--json").Exit(t, 0).Says(t, `"path":"config/app.properties"`, `+greeting=hallo`)
	f.Trikk(t, c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 2).Says(t, append(diff, "write config/app.properties", "/.trikk/kept/2.0-", "1 host", "Not touched:\n  hello on app1")...)
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0)
	load.Clean("2.0")

	if got := two.Run(t, "cat "+file); got != pristine {
		t.Errorf("the file is\n%s\nnot\n%s", got, pristine)
	}
	if got := two.Run(t, "cat "+byTrikk+"/.trikk/kept/2.0-*/config/app.properties.*"); !strings.Contains(got, "greeting=hallo") {
		t.Errorf("kept is %q", got)
	}
	if after := one.Run(t, "cat "+byTrikk+"/shared/hello.pid"); after != before {
		t.Errorf("the other server was restarted: %s, was %s", after, before)
	}
	f.Trikk(t, c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 0)
	f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Lacks(t, "by hand")
}

// An edit that is in the way of nothing stays where it is when a new release comes, and is kept when its release is pruned.
func TestAnEditOfAnOldReleaseIsKept(t *testing.T) {
	e2e.Long(t)
	f, c, _, repo := drifting(t)
	two := f.App[1]
	two.Run(t, "sed -i s/hei/hallo/ "+byTrikk+"/current/config/app.properties")
	repo.Put("/hello-3.0.tar.gz", f.TarGz(t, "hello", "3.0", e2e.Healthy))
	repo.Put("/hello-4.0.tar.gz", f.TarGz(t, "hello", "4.0", e2e.Healthy))
	app := func(version string) string { return processApp(repo.URL, version) + "\n\tlayout: keep: 1" }
	c.App("hello", app("3.0"))
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0).Says(t, "config/app.properties was edited by hand; the edit is not in 3.0-", "stays in ")
	c.App("hello", app("4.0"))
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0)
	if got := two.Run(t, "ls "+byTrikk+"/releases; cat "+byTrikk+"/.trikk/kept/2.0-*/config/app.properties.*"); strings.Contains(got, "2.0-") || !strings.Contains(got, "greeting=hallo") {
		t.Errorf("the release is still there, or its edit is not kept: %s", got)
	}
}

// What somebody did with the link and at the proxy is said, and taken back by the next apply.
func TestLinkAndDrainByHand(t *testing.T) {
	e2e.Long(t)
	f, c, h, repo := drifting(t)
	one := f.App[0]
	relink := "ln -sfn $(ls -d releases/%s-*) current"
	one.Run(t, "cd "+byTrikk+" && "+fmt.Sprintf(relink, "1.0"))
	f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Says(t, "current was switched by hand to 1.0-", "; trikk linked 2.0-")
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0).Says(t, "current was switched by hand to 1.0-")
	installed(t, one, byTrikk+"/current", "2.0")
	f.Trikk(t, c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 0)
	f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Lacks(t, "by hand")

	for state, word := range map[string]string{"drain": "drain", "maint": "maint"} {
		h.Ask(t, "set server hello/app2 state "+state)
		f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Says(t, "held out at lb1 ("+word+")")
		f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0).Says(t, "app2 was held out of rotation at lb1 ("+word+") before this plan, which admits it")
		h.AllUp(t, "hello")
	}

	// What was linked and restarted by hand, and is what the config wants now, is recorded without a restart.
	one.Run(t, "cd "+byTrikk+" && "+fmt.Sprintf(relink, "1.0")+" && "+restartProcess)
	one.Listens(t, port)
	h.AllUp(t, "hello")
	pid := one.Run(t, "cat "+byTrikk+"/shared/hello.pid")
	c.App("hello", processApp(repo.URL, "1.0"))
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0)
	if got := one.Run(t, "cat "+byTrikk+"/shared/hello.pid; cat "+byTrikk+"/.trikk/linked"); !strings.HasPrefix(got, pid+"\n1.0-") {
		t.Errorf("pid and link are %q, the pid was %s", got, pid)
	}
	f.Trikk(t, c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 0)
}

// restartProcess restarts, by hand, what trikk runs itself: the release that is linked.
const restartProcess = `kill -- -$(cat shared/hello.pid); while kill -0 $(cat shared/hello.pid) 2>/dev/null; do sleep 0.05; done
cd -P current && setsid setpriv --reuid=` + e2e.LoginUser + ` --regid=` + e2e.LoginUser + ` --init-groups /bin/sh -c 'echo $$ >../../shared/hello.pid; exec bin/testapp --port=8081' </dev/null >/dev/null 2>&1 &
sleep 0.2`

// An older release that runs though the link is on a newer one is told for every kind of service, and restarted.
func TestAnOlderReleaseRuns(t *testing.T) {
	e2e.Long(t)
	itas := "setpriv --reuid=" + e2e.AppUser + " --regid=" + e2e.AppUser + " --init-groups bin/itas "
	tests := []struct{ kind, root, link, fields, restart string }{
		{"process", byTrikk, "current", "", restartProcess},
		{"systemd", root, "current", `	user: "` + e2e.AppUser + `"
	modes: [{glob: "bin/*.sh", mode: "0755"}]
	service: systemd: {unit: "hello.service", timeout: "10s"}`, "systemctl stop hello.service; systemctl start hello.service"},
		{"commands", root, "current", `	user: "` + e2e.AppUser + `"
	layout: persist: ["logs", "run"]
	modes: [{glob: "bin/*.sh", mode: "0755"}]
	files: "config/itas.properties": properties: "http.port": 8081
	service: commands: {start: "bin/itas start", stop: "bin/itas stop", status: "bin/itas status", timeout: "20s"}`, "cd -P current && " + itas + "stop; " + itas + "start"},
	}
	for _, tt := range e2e.Full(1, tests...) {
		t.Run(tt.kind, func(t *testing.T) {
			f := e2e.Start(t)
			repo := f.Repository(t)
			for _, version := range []string{"1.0", "2.0"} {
				repo.Put("/hello-"+version+".tar.gz", f.TarGz(t, "hello", version, e2e.Healthy))
			}
			h := f.HAProxy(t, f.LB[0], e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:2], ToPort: port})
			c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}"})
			for _, m := range f.App[:2] {
				m.AddUnit(t, e2e.Unit{Name: "hello.service", Dir: root + "/current", Exec: "bin/server.sh 8081"})
			}
			if tt.fields == "" {
				c.App("hello", strings.Replace(processApp(repo.URL, "1.0"), "\tversion: \"1.0\"\n", "", 1))
			} else {
				c.App("hello", "\tartifact: url: {url: \""+repo.URL+"/hello-{version}.tar.gz\", strip: 1}\n"+tt.fields+"\n\ttopology: shared: proxies: [\"lb1\"]\n"+ready+"\n"+rolling+"\n\tenvironments: test: servers: [\"app1\", \"app2\"]")
			}
			for _, version := range []string{"1.0", "2.0"} {
				f.Trikk(t, c, "apply", "hello@"+version, "-e", "test", "--yes").Exit(t, 0)
			}
			one := f.App[0]
			link := "ln -sfn $(ls -d " + tt.root + "/releases/%s-*) " + tt.root + "/" + tt.link
			one.Run(t, fmt.Sprintf(link, "1.0")+"; cd "+tt.root+"; "+tt.restart)
			one.Listens(t, port)
			one.Run(t, "cd "+tt.root+"; ln -sfn $(ls -d releases/2.0-*) "+tt.link)
			serves(t, one, "1.0")
			h.AllUp(t, "hello")

			f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Says(t, "switched but not restarted: it still runs 1.0-")
			f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 2).Says(t, "start", "1 host", "Not touched:\n  hello on app2")
			f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0)
			serves(t, one, "2.0")
			f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)
		})
	}
}
