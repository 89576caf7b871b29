//go:build linux

package batch

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// app is one app of the city.
type app struct {
	name    string
	port    int            // where it listens on its servers
	front   int            // where its clients come in at the proxies
	servers []*e2e.Machine // it is active on
	after   string         // the app that it waits for; "": none
}

// Apps that are not like the others, by index.
const (
	base     = 0 // waiting waits for it
	waiting  = 1
	broken   = 2 // its new version never answers; stranded waits for it
	stranded = 3
)

// fewest is how many apps a city needs to have all of these, and others.
const fewest = 8

// The names of the apps are a noun and a kind: roads-api, water-api, ….
var (
	nouns = [...]string{"roads", "water", "parking", "booking", "permits", "archive", "geocode", "mail", "parcels", "schools",
		"waste", "transit", "lights", "trees", "events", "library", "tax", "cards", "survey", "alerts"}
	kinds = [...]string{"api", "web", "sync"}
)

// most is how many apps have a name.
const most = len(nouns) * len(kinds)

// city is the first n apps, each on two or three of the servers.
func city(n int, servers []*e2e.Machine) []app {
	out := make([]app, n)
	for i := range out {
		out[i] = app{name: nouns[i%len(nouns)] + "-" + kinds[i/len(nouns)], port: 9000 + i, front: 8000 + i}
		stride := 1 + i/len(servers)%5
		for k := range 2 + i%2 {
			out[i].servers = append(out[i].servers, servers[(i+k*stride)%len(servers)])
		}
	}
	out[waiting].after, out[stranded].after = out[base].name, out[broken].name
	return out
}

// Versions of every app.
const (
	before = "1.0"
	wanted = "2.0"
)

// home is where an app is on its servers.
func (a app) home() string { return "/home/" + e2e.AppUser + "/" + a.name }

// names are the app's servers in CUE.
func (a app) names() string {
	var out []string
	for _, m := range a.servers {
		out = append(out, strconv.Quote(m.Name))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// file is the app's own file: what no other app has.
func (a app) file(version string) string {
	after := ""
	if a.after != "" {
		after = fmt.Sprintf("\tafter: [%q]\n", a.after)
	}
	return fmt.Sprintf(`package city

import "trikk.dev/schema"

app: schema.#App & {
	name:    %q
	version: %q
	ports: http: %d
%s	environments: [string]: servers: %s
}
`, a.name, version, a.port, after, a.names())
}

// defaults is what all apps have in common.
const defaults = `// Package city is the city's services: each is a tarball with bin/run, behind both HAProxies. An app says its name, its version, its port
// and its servers.
package city

app: {
	name: string
	user: %q
	artifact: url: {url: "%s/\(app.name)-{version}.tar.gz", strip: 1}
	layout: persist: ["logs"]
	ports: http: int
	files: "config/app.env": env: {
		APP_NAME: app.name
		APP_PORT: "\(app.ports.http)"
	}
	service: process: command: "bin/run"
	probes: ready: http: {port: app.ports.http, path: "/ready", contains: "ready {version}", interval: "300ms", deadline: "30s"}
	rollout: {rolling: maxUnavailable: 1, drainDeadline: "60s", admitDeadline: "60s"}
	environments: test: topology: shared: proxies: ["lb1", "lb2"]
	environments: prod: topology: shared: proxies: ["lb1", "lb2"]
}
`

// sharedFile is the file of what all apps have in common.
func sharedFile(r *e2e.Repository) string { return fmt.Sprintf(defaults, e2e.AppUser, r.URL) }

// limits are what people set whose servers have little to spare: all servers of this fleet share the processors of one machine.
const limits = `package environments

environments: test: limits: {turns: 6, repository: 6}
`

// production is the same machines under another environment's rules. It calls them by their names, because apps of two environments can't
// have the same ports on one machine.
func production(f *e2e.Fleet) string {
	var b strings.Builder
	b.WriteString("package environments\n\nimport \"trikk.dev/schema\"\n\nenvironments: prod: schema.#Environment & {\n\tprotected: true\n")
	for _, m := range f.App {
		fmt.Fprintf(&b, "\tservers: %s: {address: %q, user: %q}\n", m.Name, m.Name, e2e.LoginUser)
	}
	for _, m := range f.LB {
		fmt.Fprintf(&b, "\tproxies: %s: {address: %q, user: %q, driver: haproxy: {}}\n", m.Name, m.Name, e2e.LoginUser)
	}
	return b.String() + "}\n"
}

// write writes the apps' files with a version.
func write(c *e2e.Config, apps []app, version string) {
	for _, a := range apps {
		c.Write("apps/"+a.name+"/app.cue", a.file(version))
	}
}

// publish puts both versions of every app into the repository. The broken one's new version runs, and never answers.
func publish(t *testing.T, f *e2e.Fleet, r *e2e.Repository, apps []app) {
	t.Helper()
	const answers, mute = `. config/app.env; exec testapp --port="$APP_PORT"`, `exec sleep 100000`
	for i, a := range apps {
		for _, version := range []string{before, wanted} {
			run := answers
			if i == broken && version == wanted {
				run = mute
			}
			r.Put("/"+a.name+"-"+version+".tar.gz", f.Small(t, a.name, version, run))
		}
	}
}
