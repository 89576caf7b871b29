//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// The repository route behind two shared HAProxies, as another user than the one who logs in: three active servers, one
// standby. Under load it goes from 1.0 to 2.0, a 3.0 that never gets healthy is undone, and it goes back to 1.0.
func TestSharedHAProxy(t *testing.T) {
	f := e2e.Start(t)
	active, standby := f.App[:3], f.App[3]
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy, "3.0": e2e.Broken})
	var lbs []*e2e.HAProxy
	var urls []string
	for _, m := range f.LB {
		h := f.HAProxy(t, m, e2e.Backend{Name: "hello", Port: 80, Check: "/health", To: f.App[:], ToPort: port})
		lbs, urls = append(lbs, h), append(urls, h.URL("hello"))
	}
	c := f.Config(t, e2e.Proxies{"lb1": "driver: haproxy: {}", "lb2": "driver: haproxy: {}"})
	app := func(version, xmx string) string {
		return itasApp(repo.URL, ready, rolling,
			fmt.Sprintf("\tversion: %q\n\tfiles: \"config/itas.properties\": properties: \"jvm.xmx\": %q", version, xmx),
			`	topology: shared: proxies: ["lb1", "lb2"]`,
			`	environments: test: {servers: `+quoted(active...)+`, standby: ["app4"]}`)
	}
	link := root + "/" + e2e.AppUser + "-app"
	allRun := func(version string) {
		t.Helper()
		for _, m := range active {
			installed(t, m, link, version)
			serves(t, m, version)
		}
		installed(t, standby, link, version)
		silent(t, standby)
		for _, h := range lbs {
			h.AllUp(t, "hello", "app4")
		}
	}

	c.App("hello", app("1.0", "512m"))
	f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0).Says(t, "hello runs 1.0-")
	allRun("1.0")
	checkInstalled(t, f, link)
	f.Trikk(t, c, "plan", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 0).Says(t, "Nothing to do")
	f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Says(t, "app1", "app2", "app3", "app4", "1.0-")

	load := f.Load(t, urls...)
	load.Saw("1.0")
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0).Says(t, "hello runs 2.0-")
	allRun("2.0")
	f.Trikk(t, c, "plan", "hello@2.0", "-e", "test", "--detailed-exitcode").Exit(t, 0)

	f.Trikk(t, c, "apply", "hello@3.0", "-e", "test", "--yes").Exit(t, 7).Says(t, "waiting for a database that does not exist", "back on 2.0-", "rolled back")
	allRun("2.0")

	f.Trikk(t, c, "rollback", "hello", "-e", "test", "--yes").Exit(t, 0).Says(t, "hello runs 1.0-")
	allRun("1.0")
	load.Clean("1.0", "2.0")
	if gets := repo.Gets("/example/city/hello/2.0/hello-2.0-dist.zip"); gets != 4 {
		t.Errorf("2.0 was downloaded %d times by 4 servers", gets)
	}

	onlyOnePropertyChanges(t, f, c, app)
}

// checkInstalled asserts what an install leaves on each server: owners, modes, properties, marker.
func checkInstalled(t *testing.T, f *e2e.Fleet, link string) {
	t.Helper()
	for _, m := range f.App {
		if got := owner(t, m, link+"/VERSION"); got != e2e.AppUser {
			t.Errorf("%s: the release belongs to %s", m.Name, got)
		}
		if got := m.Run(t, "stat -c %a "+link+"/bin/server.sh"); got != "755" {
			t.Errorf("%s: bin/server.sh has mode %s", m.Name, got)
		}
		properties := m.Run(t, "cat "+link+"/config/itas.properties")
		for _, line := range []string{"http.port=8081", "jmx.port=2101", "jvm.xmx=512m"} {
			if !strings.Contains(properties, line) {
				t.Errorf("%s: config/itas.properties lacks %s:\n%s", m.Name, line, properties)
			}
		}
		_, err := m.Try("test -e " + link + "/config/disabled")
		if disabled := err == nil; disabled != (m == f.App[3]) {
			t.Errorf("%s: disabled is %v", m.Name, disabled)
		}
	}
}

// onlyOnePropertyChanges asserts that changing one property of one app plans a new release of that app and nothing else.
func onlyOnePropertyChanges(t *testing.T, f *e2e.Fleet, c *e2e.Config, app func(version, xmx string) string) {
	t.Helper()
	c.App("other", strings.NewReplacer("8081", "8082", "2101", "2102").Replace(app("1.0", "512m")))
	c.App("hello", app("1.0", "2g"))
	r := f.Trikk(t, c, "plan", "--json", "hello", "-e", "test", "--detailed-exitcode").Exit(t, 2)
	var p struct {
		Apps []struct {
			App, To string
			From    []string
			Waves   []struct {
				Name  string
				Lanes []struct{ Steps []struct{ Title string } }
			}
		}
	}
	if err := json.Unmarshal([]byte(r.Stdout), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Apps) != 1 || p.Apps[0].App != "hello" || !strings.HasPrefix(p.Apps[0].To, "1.0-") || p.Apps[0].From[0] == p.Apps[0].To {
		t.Fatalf("the plan is for %+v", p.Apps)
	}
	for _, w := range p.Apps[0].Waves {
		for _, l := range w.Lanes {
			for _, s := range l.Steps {
				if strings.HasPrefix(s.Title, "fetch") {
					t.Errorf("the archive is fetched again: %s", s.Title)
				}
			}
		}
	}
}
