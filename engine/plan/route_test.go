package plan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// jmsadmin is the app that the original script was written for.
func jmsadmin(version string) plan.App {
	a := hello("app01", "app02")
	a.Name, a.User, a.Version = "jmsadmin", "jmsadmin", version
	a.Artifact = plan.Artifact{URL: &plan.URLArtifact{URL: "https://repo.example/jmsadmin-{version}.tar.gz"}}
	a.Layout = plan.Layout{Root: "~/jmsadmin", Current: "jmsadmin-app", Keep: 2, Persist: []string{"logs"}}
	a.Files = map[string]plan.File{"config/itas.properties": {Properties: map[string]any{"jmx.port": 9001, "jvm.xmx": "512m"}, Mode: "0644"}}
	a.Modes = []plan.Mode{{Glob: "bin/*.sh", Mode: "0755"}}
	a.Marker = "config/disabled"
	a.Service = plan.Service{Commands: &plan.Commands{Start: "itas start", Stop: "itas stop", Timeout: plan.Duration(time.Minute)}}
	a.Standby = []string{"app03"}
	return a
}

func pairs() plan.Topology {
	return plan.Topology{Pairs: &plan.Pairs{Proxies: []string{"lb01", "lb02"}, Backend: "edge", Member: "{proxy}", InstallOnProxies: true,
		Outer: plan.Outer{Marker: &plan.Marking{File: "/var/run/edge/out", Settle: plan.Duration(20 * time.Second)}}}}
}

// TestRepositoryRoute asserts every remote command of a deploy from an artifact repository, in order: on all servers in
// parallel fetch, unpack, configure; then one pair at a time without downtime; then the standby server is disabled.
//
// The deliberate differences from the original script:
//   - the link is switched and the app enabled (the marker removed) in the server's own turn, not while installing: after a crash
//     in between, a restart would start the new version early;
//   - generated files and modes are written before the link is switched, so that current is complete at every moment;
//   - old versions are deleted last, when nothing can fail any more;
//   - a standby server gets the release and its link too, so that it is ready to take over.
func TestRepositoryRoute(t *testing.T) {
	app := jmsadmin("8.0")
	app.Topology = pairs()
	app.Topology.Pairs.InstallOnProxies = false
	f := newFleet(3, 2, haproxy).with(app)
	f.deploy(t, "8.0")
	f.deploy(t, "9.0")
	at := f.facts.Apps["jmsadmin"]["app01"]
	at.Marked = true // somebody disabled it
	f.facts.Apps["jmsadmin"]["app01"] = at
	app.Version = "10.0"
	p := f.with(app).plan(t)
	equal(t, "the commands", commands(p), []string{
		"# install",
		"app01 jmsadmin record: record that plan 2026-0003 is applied here",
		"app01 jmsadmin fetch: fetch jmsadmin-10.0.tar.gz (1.5 MB)",
		"app01 jmsadmin unpack: unpack jmsadmin-10.0.tar.gz into NEW",
		"app01 jmsadmin write: write config/itas.properties",
		"app01 jmsadmin mode: chmod 0755 bin/*.sh",
		"app01 jmsadmin link: link logs → shared/logs",
		"app01 jmsadmin link: link config/disabled → shared/config/disabled",
		"app01 jmsadmin record: record release NEW as complete",
		"app02 jmsadmin record: record that plan 2026-0003 is applied here",
		"app02 jmsadmin fetch: fetch jmsadmin-10.0.tar.gz (1.5 MB)",
		"app02 jmsadmin unpack: unpack jmsadmin-10.0.tar.gz into NEW",
		"app02 jmsadmin write: write config/itas.properties",
		"app02 jmsadmin mode: chmod 0755 bin/*.sh",
		"app02 jmsadmin link: link logs → shared/logs",
		"app02 jmsadmin link: link config/disabled → shared/config/disabled",
		"app02 jmsadmin record: record release NEW as complete",
		"app03 jmsadmin record: record that plan 2026-0003 is applied here",
		"app03 jmsadmin fetch: fetch jmsadmin-10.0.tar.gz (1.5 MB)",
		"app03 jmsadmin unpack: unpack jmsadmin-10.0.tar.gz into NEW",
		"app03 jmsadmin write: write config/itas.properties",
		"app03 jmsadmin mode: chmod 0755 bin/*.sh",
		"app03 jmsadmin link: link logs → shared/logs",
		"app03 jmsadmin link: link config/disabled → shared/config/disabled",
		"app03 jmsadmin record: record release NEW as complete",
		"# rotate 1/2",
		"app01 deploy drain: drain lb01 at its outer balancer, in front of app01",
		"app01 jmsadmin marker: enable: remove config/disabled",
		"app01 deploy drain: check that lb01 is still drained at its outer balancer",
		"app01 jmsadmin service: stop jmsadmin OLD",
		"app01 jmsadmin link: link jmsadmin-app → NEW",
		"app01 jmsadmin service: start jmsadmin NEW",
		"app01 jmsadmin probe: probe http 127.0.0.1:8080/",
		"app01 deploy admit: admit lb01 at its outer balancer, in front of app01",
		"app01 jmsadmin record: record release NEW as good",
		"# rotate 2/2",
		"app02 deploy drain: drain lb02 at its outer balancer, in front of app02",
		"app02 deploy drain: check that lb02 is still drained at its outer balancer",
		"app02 jmsadmin service: stop jmsadmin OLD",
		"app02 jmsadmin link: link jmsadmin-app → NEW",
		"app02 jmsadmin service: start jmsadmin NEW",
		"app02 jmsadmin probe: probe http 127.0.0.1:8080/",
		"app02 deploy admit: admit lb02 at its outer balancer, in front of app02",
		"app02 jmsadmin record: record release NEW as good",
		"# standby",
		"app03 jmsadmin link: link jmsadmin-app → NEW",
		"# prune",
		"app01 jmsadmin prune: prune old release OLDEST and cached jmsadmin-8.0.tar.gz",
		"app02 jmsadmin prune: prune old release OLDEST and cached jmsadmin-8.0.tar.gz",
		"app03 jmsadmin prune: prune old release OLDEST and cached jmsadmin-8.0.tar.gz",
	})
	goldenScripts(t, p, "repository")
}

// TestLocalRoute asserts every remote command of a deploy of a local build, in order: upload to proxies and app servers,
// install, then enable and deploy with downtime on all of them; the standby server is disabled; the proxies are reloaded.
//
// The deliberate differences from the original script:
//   - those of TestRepositoryRoute: link and marker in the host's own turn, files and modes before it, prune last;
//   - where a proxy can be asked, servers are drained before they are stopped and admitted after, though all at once;
//   - the standby server gets the upload too, and is disabled before the proxies are reloaded;
//   - proxies are reloaded last and once, whatever the number of apps in the run (Plan.Groups).
func TestLocalRoute(t *testing.T) {
	app := jmsadmin("")
	app.Artifact = plan.Artifact{File: &plan.FileArtifact{Path: "target/jmsadmin.tar.gz"}}
	app.Topology = pairs()
	f := newFleet(3, 2, haproxy).with(app)
	f.deploy(t, "one")
	for host, at := range f.facts.Apps["jmsadmin"] {
		at.Marked = host == "app01"
		if host == "app03" { // it was an active server until now
			at.Service, at.Running = "active", at.Current
		}
		f.facts.Apps["jmsadmin"][host] = at
	}
	app.Version = "two"
	p := f.with(app).plan(t)
	install := func(host string) []string {
		return []string{
			host + " jmsadmin record: record that plan 2026-0002 is applied here",
			host + " deploy upload: upload jmsadmin-two.tar.gz (1.5 MB)",
			host + " deploy fetch: take jmsadmin-two.tar.gz (1.5 MB) from the upload",
			host + " jmsadmin unpack: unpack jmsadmin-two.tar.gz into NEW",
			host + " jmsadmin write: write config/itas.properties",
			host + " jmsadmin mode: chmod 0755 bin/*.sh",
			host + " jmsadmin link: link logs → shared/logs",
			host + " jmsadmin link: link config/disabled → shared/config/disabled",
			host + " jmsadmin record: record release NEW as complete",
		}
	}
	proxy := func(host string) []string {
		return []string{
			host + " jmsadmin service: stop jmsadmin OLD",
			host + " jmsadmin link: link jmsadmin-app → NEW",
			host + " jmsadmin service: start jmsadmin NEW",
			host + " jmsadmin probe: probe http 127.0.0.1:8080/",
			host + " jmsadmin record: record release NEW as good",
		}
	}
	want := []string{"# install"}
	for _, h := range []string{"app01", "app02", "app03", "lb01", "lb02"} {
		want = append(want, install(h)...)
	}
	want = append(want,
		"# recreate",
		"app01 deploy drain: drain lb01 at its outer balancer, in front of app01",
		"app01 jmsadmin marker: enable: remove config/disabled",
		"app01 deploy drain: check that lb01 is still drained at its outer balancer",
		"app01 jmsadmin service: stop jmsadmin OLD",
		"app01 jmsadmin link: link jmsadmin-app → NEW",
		"app01 jmsadmin service: start jmsadmin NEW",
		"app01 jmsadmin probe: probe http 127.0.0.1:8080/",
		"app01 deploy admit: admit lb01 at its outer balancer, in front of app01",
		"app01 jmsadmin record: record release NEW as good",
		"app02 deploy drain: drain lb02 at its outer balancer, in front of app02",
		"app02 deploy drain: check that lb02 is still drained at its outer balancer",
		"app02 jmsadmin service: stop jmsadmin OLD",
		"app02 jmsadmin link: link jmsadmin-app → NEW",
		"app02 jmsadmin service: start jmsadmin NEW",
		"app02 jmsadmin probe: probe http 127.0.0.1:8080/",
		"app02 deploy admit: admit lb02 at its outer balancer, in front of app02",
		"app02 jmsadmin record: record release NEW as good")
	want = append(want, proxy("lb01")...)
	want = append(want, proxy("lb02")...)
	want = append(want,
		"# standby",
		"app03 jmsadmin marker: disable: create config/disabled",
		"app03 jmsadmin service: stop jmsadmin OLD",
		"app03 jmsadmin link: link jmsadmin-app → NEW",
		"# reload lb01 after jmsadmin",
		"lb01 deploy reload: reload: sudo -n systemctl reload httpd",
		"# reload lb02 after jmsadmin",
		"lb02 deploy reload: reload: sudo -n systemctl reload httpd")
	equal(t, "the commands", commands(p), want)
	goldenScripts(t, p, "local")
}

// commands lists all that a plan does on hosts, in order: host, user, kind and title, with names for what holds a digest.
func commands(p plan.Plan) []string {
	var out []string
	each(p, func(header string, s plan.Step) {
		if header != "" {
			out = append(out, "# "+header)
			return
		}
		user := s.As
		if user == "" {
			user = "deploy"
		}
		out = append(out, fmt.Sprintf("%s %s %s: %s", s.Host, user, s.Op.Kind(), s.Title))
	})
	words := digestNames(p)
	for i := range out {
		out[i] = words.Replace(out[i])
	}
	return out
}

// each calls f with each wave's header, and with each of its steps.
func each(p plan.Plan, f func(header string, s plan.Step)) {
	lanes := func(lanes []plan.Lane) {
		for _, l := range lanes {
			for _, s := range l.Steps {
				f("", s)
			}
		}
	}
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			f(w.Name, plan.Step{})
			lanes(w.Lanes)
		}
	}
	for _, g := range p.Groups {
		f(g.ID+" after "+strings.Join(g.Needs, ", "), plan.Step{})
		lanes(g.Lanes)
	}
}

// digestNames gives the names that stand for what holds a digest.
func digestNames(p plan.Plan) *strings.Replacer {
	a := p.Apps[0]
	at := p.Observed.Apps[a.App]["app01"]
	cached := a.Resolved.Digest[len("sha256:"):][:12] + "-" + a.Resolved.File
	pairs := []string{cached, "CACHED", a.To, "NEW", a.From[0], "OLD"}
	for _, r := range at.Releases {
		if r.Name != a.From[0] {
			pairs = append(pairs, r.Name, "OLDEST", r.Manifest.File, "OLDESTCACHED")
		}
	}
	return strings.NewReplacer(pairs...)
}

// goldenScripts compares the full shell of a plan's script steps with testdata/routes; TRIKK_UPDATE=1 writes it anew.
func goldenScripts(t *testing.T, p plan.Plan, name string) {
	t.Helper()
	var b strings.Builder
	seen := map[string]string{}
	each(p, func(header string, s plan.Step) {
		if header != "" {
			fmt.Fprintf(&b, "######## %s\n", header)
			return
		}
		fmt.Fprintf(&b, "#### %s: %s\n", s.ID, s.Title)
		if s.Op.Transport() != plan.Script {
			fmt.Fprintf(&b, "(%s)\n", s.Op.Transport())
			return
		}
		text := s.Op.Script()
		if same, ok := seen[text]; ok {
			fmt.Fprintf(&b, "(as %s)\n", same)
			return
		}
		seen[text] = s.ID
		b.WriteString(text)
	})
	golden(t, filepath.Join("testdata", "routes", name+".txt"), b.String())
}

// golden compares with a file; TRIKK_UPDATE=1 writes it anew.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("TRIKK_UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it differs from %s; TRIKK_UPDATE=1 writes it anew. It is\n%s", path, got)
	}
}
