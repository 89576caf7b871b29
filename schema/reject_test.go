package schema_test

import (
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue/errors"
)

// app gives the smallest app with its parts exchanged: what starts with a part's name takes its place.
func app(change string) string {
	var lines []string
	for _, part := range []string{`name: "a"`, `artifact: url: url: "https://repo.example/{version}.zip"`, `environments: prod: servers: ["s1"]`} {
		label, _, _ := strings.Cut(part, ":")
		if !strings.HasPrefix(change, label+":") && change != "no "+label {
			lines = append(lines, part)
		}
	}
	if !strings.HasPrefix(change, "no ") {
		lines = append(lines, change)
	}
	return strings.Join(lines, "\n")
}

// texts gives all errors as "path: message".
func texts(err error) (out []string) {
	for _, e := range errors.Errors(err) {
		out = append(out, e.Error())
	}
	return out
}

func mentions(found []string, path, message string) bool {
	return slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, "it."+path) && strings.Contains(s, message) })
}

type wrong struct{ text, path, message string }

func requireRefusals(t *testing.T, definition string, whole func(string) string, table []wrong) {
	t.Helper()
	l := language(t)
	for _, w := range table {
		_, err := l.write(definition, whole(w.text))
		if err == nil {
			t.Errorf("%s: accepted", w.text)
			continue
		}
		if found := texts(err); !mentions(found, w.path, w.message) {
			t.Errorf("%s: want %q at %s, got\n\t%s", w.text, w.message, w.path, strings.Join(found, "\n\t"))
		}
	}
}

func TestWrongStructureIsRefused(t *testing.T) {
	const unknown, missing = "field not allowed", "required"
	requireRefusals(t, "#App", app, []wrong{
		{`serivce: {}`, "serivce", unknown},
		{`servers: ["s1"]`, "servers", unknown},
		{`environments: prod: {servers: ["s1"], serivce: {}}`, "environments.prod.serivce", unknown},
		{`environments: prod: {servers: ["s1"], layout: kepe: 1}`, "environments.prod.layout.kepe", unknown},
		{`artifact: maven: {gruop: "g"}`, "artifact.maven.gruop", unknown},
		{`probes: up: htpp: port: 80`, "probes.up.htpp", unknown},
		{`rollout: recreate: x: 1`, "rollout.recreate.x", unknown},
		{`files: a: {text: "x", own: "me"}`, "files.a.own", unknown},
		{`no name`, "name", missing},
		{`no environments`, "environments", missing},
		{`environments: {}`, "environments", "MinFields(1)"},
		{`environments: dev: {}`, "environments.dev.servers", missing},
		{`environments: dev: servers: []`, "environments.dev.servers", "MinItems(1)"},
		{`artifact: maven: {repository: "https://r.example", group: "g"}`, "environments.prod.artifact.maven.artifact", missing},
		{`artifact: url: {}`, "artifact.url.url", missing},
		{`artifact: file: {}`, "artifact.file.path", missing},
		{`service: commands: start: "a"`, "service.commands.stop", missing},
		{`service: systemd: {}`, "service.systemd.unit", missing},
		{`probes: up: tcp: {}`, "probes.up.tcp.port", missing},
		{`topology: shared: {}`, "topology.shared.proxies", missing},
		{`topology: shared: proxies: []`, "topology.shared.proxies", "MinItems(1)"},
		{`topology: pairs: proxies: ["w1"]`, "topology.pairs.outer", missing},
		{`topology: pairs: {proxies: ["w1"], outer: command: drain: "x"}`, "topology.pairs.outer.command.isDrained", missing},
		{`modes: [{glob: "bin/*.sh"}]`, "modes.0.mode", missing},
		{`files: a: {text: "x", secrets: db: vault: "x"}`, "files.a.secrets.db.vault", unknown},
		{`files: a: {text: "x", secrets: db: age: {}}`, "files.a.secrets.db.age.file", missing},
		{`files: a: {text: "x", secrets: db: age: {file: "a", key: "b"}}`, "files.a.secrets.db.age.key", unknown},
		{`files: a: {text: "x", secrets: db: sops: file: "a"}`, "files.a.secrets.db.sops.key", missing},
	})
}

func TestUnionsHaveExactlyOneKey(t *testing.T) {
	const none, two = "MinFields", "MaxFields"
	url := `url: {url: "https://r.example/a.zip", auth: `
	pairs := `topology: pairs: {proxies: ["w1"], outer: `
	requireRefusals(t, "#App", app, []wrong{
		{`no artifact`, "environments.prod.artifact", none},
		{`artifact: {}`, "environments.prod.artifact", none},
		{`artifact: {url: url: "https://r.example/a.zip", file: path: "a.zip"}`, "artifact", two},
		{`artifact: ` + url + `{}}`, "artifact.url.auth", none},
		{`artifact: ` + url + `{token: env: "A", basic: {user: "u", password: env: "B"}}}`, "artifact.url.auth", two},
		{`artifact: ` + url + `token: {}}`, "artifact.url.auth.token", none},
		{`artifact: ` + url + `token: {env: "A", file: "/a"}}`, "artifact.url.auth.token", two},
		{`artifact: ` + url + `token: {age: file: "/a", sops: {file: "/b", key: "c"}}}`, "artifact.url.auth.token", two},
		{`files: a: {text: "x", secrets: db: {}}`, "files.a.secrets.db", none},
		{`files: a: {text: "x", secrets: db: rev: "2"}`, "files.a.secrets.db", none},
		{`files: a: {text: "x", secrets: db: {env: "A", file: "/a", rev: "2"}}`, "files.a.secrets.db", two},
		{`files: a: secrets: db: env: "A"`, "files.a", none},
		{`files: a: {text: "x", json: {}, secrets: db: env: "A"}`, "files.a", two},
		{`files: a: {}`, "files.a", none},
		{`files: a: {text: "x", json: {}}`, "files.a", two},
		{`service: {systemd: unit: "a", process: command: "a"}`, "service", two},
		{`probes: up: {}`, "probes.up", none},
		{`probes: up: {tcp: port: 1, exec: command: "true"}`, "probes.up", two},
		{`rollout: {rolling: {}, recreate: {}}`, "rollout", two},
		{`topology: {shared: proxies: ["w1"], pairs: {proxies: ["w1"], outer: marker: {file: "out", settle: "1s"}}}`, "topology", two},
		{pairs + `{}}`, "topology.pairs.outer", none},
		{pairs + `marker: file: "out"}`, "topology.pairs.outer.marker", none},
		{pairs + `marker: {file: "out", settle: "1s", watch: haproxy: {}}}`, "topology.pairs.outer.marker", two},
		{pairs + `marker: {file: "out", watch: {}}}`, "topology.pairs.outer.marker.watch", none},
		{pairs + `marker: {file: "out", watch: {haproxy: {}, httpd: url: "http://a/b"}}}`, "topology.pairs.outer.marker.watch", two},
		{`artifact: url: url: "https://r.example/a.zip", environments: dev: {servers: ["s1"], artifact: file: path: "a"}`, "environments.dev.artifact", two},
	})
}

func TestWrongValuesAreRefused(t *testing.T) {
	requireRefusals(t, "#App", app, []wrong{
		{`name: "Jms"`, "name", "must be a name"},
		{`name: "-a"`, "name", "must be a name"},
		{`name: "a-"`, "name", "must be a name"},
		{`name: "` + strings.Repeat("a", 64) + `"`, "name", "must be a name"},
		{`name: ""`, "name", "must be a name"},
		{`version: "1/2"`, "version", "must be a version"},
		{`version: "1 2"`, "version", "must be a version"},
		{`version: "$(id)"`, "version", "must be a version"},
		{`version: "-rf"`, "version", "must be a version"},
		{`version: ".."`, "version", "must be a version"},
		{`version: 10.41`, "version", "must be a version in quotes"},
		{`user: "a b"`, "user", "must be a user name"},
		{`user: "-u"`, "user", "must be a user name"},
		{`ports: http: 0`, "ports.http", "must be a port number from 1 to 65535"},
		{`ports: http: 65536`, "ports.http", "must be a port number"},
		{`ports: http: "80"`, "ports.http", "must be a port number"},
		{`ports: HTTP: 80`, "ports.HTTP", "not allowed"},
		{`environments: Prod: servers: ["s1"]`, "environments.Prod", "not allowed"},
		{`environments: prod: servers: ["App01"]`, "environments.prod.servers.0", "must be a name"},
		{`layout: keep: 0`, "layout.keep", "at least 1"},
		{`layout: current: "a/b"`, "layout.current", "must be a file name"},
		{`layout: current: ".."`, "layout.current", "must be a file name"},
		{`layout: current: "releases"`, "layout.current", "must be a file name"},
		{`layout: current: ".trikk"`, "layout.current", "must be a file name"},
		{`files: a: {text: "x", secrets: db: {env: "A", rev: 2}}`, "files.a.secrets.db.rev", "must be a text of one line in quotes"},
		{`files: a: {text: "x", secrets: "a b": env: "A"}`, "files.a.secrets", "not allowed"},
		{`files: a: {text: "x", secrets: db: age: file: "a\nb"}`, "files.a.secrets.db.age.file", "one line"},
		{`files: a: {text: "x", mode: "rw"}`, "files.a.mode", "must be an octal mode"},
		{`modes: [{glob: "a", mode: "999"}]`, "modes.0.mode", "must be an octal mode"},
		{`modes: [{glob: "a", mode: 0o755}]`, "modes.0.mode", "must be an octal mode"},
		{`artifact: url: url: "ftp://a/b"`, "artifact.url.url", "must be a URL"},
		{`artifact: url: url: "https://a/b c"`, "artifact.url.url", "must be a URL"},
		{`artifact: url: {url: "https://a/b", fetch: "client"}`, "artifact.url.fetch", `must be "server" or "controller"`},
		{`artifact: url: {url: "https://a/b", strip: -1}`, "artifact.url.strip", "whole number"},
		{`artifact: url: {url: "https://a/b", as: "x/y"}`, "artifact.url.as", "must be a file name"},
		{`artifact: url: {url: "https://a/b", digest: "md5:00"}`, "artifact.url.digest", "must be sha256:"},
		{`artifact: url: {url: "https://a/b", digest: "sha256:` + strings.Repeat("A", 64) + `"}`, "artifact.url.digest", "lower-case"},
		{`artifact: url: {url: "https://a/b", auth: token: env: "A-B"}`, "artifact.url.auth.token.env", "environment variable"},
		{`artifact: maven: {repository: "https://r", group: "a/b", artifact: "a"}`, "artifact.maven.group", "Maven coordinate"},
		{`artifact: maven: {repository: "https://r", group: "g", artifact: "a", extension: "../x"}`, "artifact.maven.extension", "Maven coordinate"},
		{`files: a: properties: x: [1]`, "files.a.properties.x", "a string, a number or a boolean"},
		{`files: a: ini: x: [1]`, "files.a.ini.x", "a string, a number, a boolean, or a section of them"},
		{`files: a: ini: x: y: z: 1`, "files.a.ini.x.y", "a string, a number or a boolean"},
		{`files: a: env: "A-B": 1`, `files.a.env."A-B"`, "not allowed"},
		{`service: process: command: " "`, "service.process.command", "must be a shell command"},
		{`service: systemd: unit: "a b"`, "service.systemd.unit", "systemd unit"},
		{`service: systemd: unit: "-a"`, "service.systemd.unit", ""},
		{`probes: up: http: {port: 80, path: "x"}`, "probes.up.http.path", "starts with /"},
		{`probes: up: http: {port: 80, path: "/a\"b"}`, "probes.up.http.path", "%22"},
		{`probes: up: http: {port: 80, path: "/a#b"}`, "probes.up.http.path", "%23"},
		{`probes: up: http: {port: 80, path: "/a\nb"}`, "probes.up.http.path", "starts with /"},
		{`probes: up: http: {port: 80, status: [99]}`, "probes.up.http.status.0", "HTTP status"},
		{`probes: up: http: {port: 80, success: 0}`, "probes.up.http.success", "at least 1"},
		{`hooks: timeout: "0s"`, "hooks.timeout", "longer than 0"},
		{`hooks: timeout: "-5s"`, "hooks.timeout", "must be a duration"},
		{`hooks: timeout: "5"`, "hooks.timeout", "must be a duration"},
		{`hooks: timeout: 5`, "hooks.timeout", "must be a duration"},
		{`hooks: timeout: "99999999999h"`, "hooks.timeout", "must be a duration"},
		{`hooks: before: [""]`, "hooks.before.0", "must be a shell command"},
		{`rollout: onFailure: "retry"`, "rollout.onFailure", `must be "hold" or "revert"`},
		{`rollout: unreachable: "wait"`, "rollout.unreachable", `must be "fail" or "skip"`},
		{`rollout: deadline: "0s"`, "rollout.deadline", "must be a duration longer than 0"},
		{`rollout: onDrainTimeout: "wait"`, "rollout.onDrainTimeout", `must be "abort" or "cut"`},
		{`rollout: minReadySeconds: -1`, "rollout.minReadySeconds", "whole number of seconds"},
		{`rollout: rolling: maxUnavailable: 0`, "rollout.rolling.maxUnavailable", "at least 1"},
		{`topology: shared: {proxies: ["w1"], installOnProxies: "yes"}`, "topology.shared.installOnProxies", "bool"},
		{`labels: "a b": "x"`, `labels."a b"`, "not allowed"},
		{`labels: a: "x y"`, "labels.a", "must be a label value"},
		{`after: ["A"]`, "after.0", "must be a name"},
	})
}

func TestPathsThatLeaveTheirPlaceAreRefused(t *testing.T) {
	table := []wrong{}
	for _, p := range []string{``, `/etc/passwd`, `..`, `../x`, `a/../x`, `a/..`, `./a`, `a//b`, `a/`, `.trikk/manifest.json`, `.trikk`, `a\nb`, `a\u0000b`} {
		table = append(table,
			wrong{`layout: persist: ["` + p + `"]`, "layout.persist.0", "inside the release"},
			wrong{`modes: [{glob: "` + p + `", mode: "0755"}]`, "modes.0.glob", "inside the release"},
			wrong{`files: "` + p + `": text: "x"`, "files.", "not allowed"},
		)
		if p != "" {
			table = append(table, wrong{`marker: "` + p + `"`, "marker", "inside the release"})
		}
	}
	for _, p := range []string{``, `/`, `~`, `~/`, `//a`, `srv/a`, `~bob/a`, `/srv/../etc`, `/srv/..`, `~/..`, `/srv/a/`, `/srv/./a`, `/a\nb`} {
		table = append(table, wrong{`layout: root: "` + p + `"`, "layout.root", "must be a directory"})
	}
	for _, p := range []string{`../a`, `/var/../etc/x`, `a\nb`, `/`} {
		table = append(table, wrong{`log: "` + p + `"`, "log", "must be a path"})
	}
	requireRefusals(t, "#App", app, table)
}

func TestOrdinaryValuesAreAccepted(t *testing.T) {
	l := language(t)
	for _, text := range []string{
		`version: "10.42.0-SNAPSHOT"`, `version: "latest"`, `version: "2026.11.2+build.7"`, `version: ""`,
		`user: "svc_jms-1"`, `user: "Anna.Olsen"`, `user: ""`, `marker: ""`, `marker: "config/disabled"`,
		`layout: root: "/opt/a b"`, `layout: root: "~/a/b"`, `layout: current: "jms-app"`, `layout: persist: ["logs", ".config/x", "..a/b"]`,
		`files: {"config/a.properties": properties: {}, ".env": env: A: 1, "a.json": json: [1, {a: null}], "b": text: ""}`,
		`files: {"a.yaml": yaml: [1, {a: null}], "a.toml": toml: {}, "b.toml": toml: a: b: [1, {c: 2}], "a.ini": ini: {a: 1, s: {b: "x", c: true}}}`,
		`files: a: {text: "{secret:db}", secrets: db: {env: "A", rev: "2"}}`, `files: a: {text: "x", secrets: {a: file: "~/a", b: age: {file: "b.age", identity: "~/k"}, c: sops: {file: "s.yaml", key: "a.b"}}}`,
		`files: a: {text: "x", mode: "2755"}`, `modes: [{glob: "bin/*.sh", mode: "755"}]`,
		`hooks: timeout: "1h30m"`, `hooks: timeout: "1.5s"`, `rollout: {rolling: {}, minReadySeconds: 10}`, `rollout: recreate: {}`,
		`service: systemd: unit: "tomcat@a.service"`, `service: {}`, `topology: {}`, `log: "/var/log/a.log"`,
		`artifact: maven: {repository: "http://r.example:8081/a", group: "org.x", artifact: "a_b", extension: "tar.gz", unpack: false}`,
		`artifact: url: {url: "https://a/{version}", digest: "sha1:` + strings.Repeat("0", 40) + `"}`,
		`artifact: url: {url: "https://a/{version}", digest: "sha512:` + strings.Repeat("f", 128) + `"}`,
		`topology: pairs: {proxies: ["w1"], outer: command: {drain: "a", isDrained: "b", admit: "c", isAdmitted: "d"}}`,
		`topology: pairs: {proxies: ["w1"], outer: marker: {file: "/srv/out", watch: http: {on: "w2", url: "http://a/b", up: "{member} UP"}}}`,
	} {
		if _, err := l.write("#App", app(text)); err != nil {
			t.Errorf("%s: %s", text, strings.Join(texts(err), "\n\t"))
		}
	}
}

func TestWrongEnvironmentsAreRefused(t *testing.T) {
	requireRefusals(t, "#Environment", func(s string) string { return s }, []wrong{
		{`protcted: true`, "protcted", "not allowed"},
		{`servers: a: adress: "x"`, "servers.a.adress", "not allowed"},
		{`servers: a: {}`, "servers.a.address", "required"},
		{`servers: A: address: "x"`, "servers.A", "not allowed"},
		{`servers: a: address: "me@x"`, "servers.a.address", "must be a DNS name"},
		{`servers: a: address: "-oProxyCommand=x"`, "servers.a.address", "must be a DNS name"},
		{`servers: a: address: ""`, "servers.a.address", "must be a DNS name"},
		{`servers: a: address: "x:2222"`, "servers.a.address", "a port goes into the field port"},
		{`servers: a: address: "10.0.0.1:22"`, "servers.a.address", "a port goes into the field port"},
		{`servers: a: {address: "x", port: 70000}`, "servers.a.port", "must be a port"},
		{`servers: a: {address: "x", jump: "a b"}`, "servers.a.jump", "must be the name of a host"},
		{`servers: a: {address: "x", driver: haproxy: {}}`, "servers.a.driver", "not allowed"},
		{`proxies: a: address: "x"`, "proxies.a.driver", "required"},
		{`proxies: a: {address: "x", driver: {}}`, "proxies.a.driver", "MinFields"},
		{`proxies: a: {address: "x", driver: {haproxy: {}, marker: {file: "m", settle: "1s"}}}`, "proxies.a.driver", "MaxFields"},
		{`proxies: a: {address: "x", driver: haproxy: socket: "admin.sock"}`, "proxies.a.driver.haproxy.socket", "absolute path of a socket"},
		{`proxies: a: {address: "x", driver: haproxy: stateFile: "state"}`, "proxies.a.driver.haproxy.stateFile", "must be the absolute path of a file"},
		{`proxies: a: {address: "x", driver: haproxy: stateFile: "/a/../b"}`, "proxies.a.driver.haproxy.stateFile", "must be the absolute path of a file"},
		{`proxies: a: {address: "x", driver: haproxy: stateFile: "/a b"}`, "proxies.a.driver.haproxy.stateFile", "must be the absolute path of a file"},
		{`proxies: a: {address: "x", driver: marker: {file: "m", settle: "0s"}}`, "proxies.a.driver.marker.settle", "longer than 0"},
		{`proxies: a: {address: "x", driver: command: drain: "d"}`, "proxies.a.driver.command.admit", "required"},
		{`protected: "yes"`, "protected", "bool"},
		{`freeze: a: {from: "2026-12-23", to: "2026-12-24"}`, "freeze.a.reason", "required"},
		{`freeze: a: {from: "23.12.2026", to: "2026-12-24", reason: "x"}`, "freeze.a.from", "must be a time"},
		{`freeze: a: {from: "14:00", to: "15:00", days: ["friday"], reason: "x"}`, "freeze.a.days.0", "must be one of mon"},
		{`freeze: a: {from: "14:00", to: "15:00", days: [], reason: "x"}`, "freeze.a.days", "MinItems"},
		{`freeze: a: {from: "14:00", to: "15:00", zone: "../etc/passwd", reason: "x"}`, "freeze.a.zone", "must be the name of a time zone"},
	})
}
