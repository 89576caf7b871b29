package configtest

import (
	"fmt"
	"strings"
)

// shape is a kind of app: what its apps are called, and the file of one.
type shape struct{ kind, file string }

// shapes are the kinds, in the order in which apps have them.
func shapes() []shape {
	return []shape{
		{"service", serviceApp}, {"waiting", waitingApp}, {"daemon", daemonApp}, {"job", jobApp},
		{"site", siteApp}, {"jar", jarApp}, {"inner", innerApp}, {"pair", pairApp},
	}
}

func shapeOf(app int) shape { return shapes()[app%len(shapes())] }

// app is an app's name.
func (s shape) app(i int) string { return fmt.Sprintf("%s%04d", s.kind, i) }

// text is an app's file.
func (s shape) text(i int) string {
	before := ""
	if i > 0 {
		before = shapeOf(i - 1).app(i - 1)
	}
	own := strings.NewReplacer("NAME", s.app(i), "BEFORE", before, "PORT", fmt.Sprint(10000+i))
	return named(i / perTeam).Replace(own.Replace(s.file))
}

// A service behind both HAProxys.
const serviceApp = `package TEAM

import "large.example/shared/service"

app: service.#Service & {
	name:    "NAME"
	version: "1.4.0"
	ports: http: PORT
	environments: ["test" | "prod"]: topology: shared: proxies: ["lb1", "lb2"]
}
`

// A service with a standby server in prod.
const waitingApp = `package TEAM

import "large.example/shared/service"

app: service.#Service & {
	name:    "NAME"
	version: "2.0.1"
	marker:  "config/disabled"
	ports: http: PORT
	after: ["BEFORE"]
	environments: ["test" | "prod"]: topology: shared: proxies: ["lb1", "lb2"]
	environments: prod: standby: ["prodSPARE"]
}
`

// A program in a tarball, behind nginx.
const daemonApp = `package TEAM

import "trikk.dev/schema"

app: schema.#App & {
	name:    "NAME"
	version: "0.9.7"
	user:    "NAME"
	artifact: url: {url: "https://artifacts.example/daemons/NAME-{version}.tar.gz", strip: 1}
	layout: {root: "/srv/NAME", persist: ["cache"]}
	service: systemd: {unit: "NAME", timeout: "90s"}
	ports: http: PORT
	files: "etc/NAME.env": env: LISTEN: ":\(app.ports.http)"
	probes: ready: http: {port: app.ports.http, path: "/ready"}
	environments: ["test" | "prod"]: topology: shared: proxies: ["web1"]
	environments: prod: files: "etc/NAME.env": env: WORKERS: 8
}
`

// A batch job.
const jobApp = `package TEAM

import "large.example/shared/job"

app: job.#Job & {
	name:    "NAME"
	version: "2026.11"
	after: ["BEFORE"]
}
`

// Files, without a process.
const siteApp = `package TEAM

import "trikk.dev/schema"

app: schema.#App & {
	name:    "NAME"
	version: "3.2.0"
	artifact: maven: {repository: "https://artifacts.example/repository/releases", group: "example.large", artifact: "NAME", extension: "zip"}
	layout: {root: "/var/www/NAME", current: "html", keep: 10}
	files: "version.txt": text: "NAME\n"
}
`

// A jar that trikk starts, with nothing in front.
const jarApp = `package TEAM

import "trikk.dev/schema"

app: schema.#App & {
	name:    "NAME"
	version: "5.0.0"
	user:    "NAME"
	artifact: maven: {repository: "https://artifacts.example/repository/releases", group: "example.large", artifact: "NAME", as: "NAME.jar"}
	ports: mail: PORT
	service: process: command: "exec java -Xmx256m -jar NAME.jar --port=\(app.ports.mail)"
	probes: mail: tcp: port: app.ports.mail
}
`

// A service behind httpd, with a file that differs from one environment to the next.
const innerApp = `package TEAM

import "large.example/shared/service"

app: service.#Service & {
	name:    "NAME"
	version: "1.0.3"
	ports: http: PORT
	environments: [_]: E={files: "config/NAME.json": json: {environment: E.env, seeds: [for s in E.servers {"\(s):\(E.ports.http)"}]}}
	environments: ["test" | "prod"]: topology: shared: {proxies: ["inner1"], member: "http://{address}:\(app.ports.http)"}
}
`

// A service of which each proxy has its own.
const pairApp = `package TEAM

import "large.example/shared/service"

app: service.#Service & {
	name:    "NAME"
	version: "7.1.0"
	ports: http: PORT
	after: ["BEFORE"]
	environments: ["test" | "prod"]: topology: pairs: {
		proxies: ["lb1", "lb2"]
		outer: marker: {file: "/var/lib/edge/NAME.out", settle: "20s"}
	}
}
`
