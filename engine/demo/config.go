package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeConfig writes the config repository that a user would have: one file for the environment, one for the app.
func writeConfig(dir string, f *Fleet) error {
	files := map[string]string{
		"cue.mod/module.cue":           "module: \"demo.example@v0\"\nlanguage: version: \"v0.17.0\"\n",
		"environments/environment.cue": f.environmentCUE(),
		"hello/app.cue":                f.appCUE(),
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fleet) environmentCUE() string {
	var b strings.Builder
	b.WriteString("package environments\n\nimport \"trikk.dev/schema\"\n\nenvironments: demo: schema.#Environment & {\n\tservers: {\n")
	for _, n := range f.servers {
		fmt.Fprintf(&b, "\t\t%s: {address: %q, port: %d, user: %q}\n", n.name, n.ssh.Host(), n.ssh.Port(), f.user)
	}
	b.WriteString("\t}\n\tproxies: {\n")
	for _, n := range f.proxies {
		fmt.Fprintf(&b, "\t\t%s: {address: %q, port: %d, user: %q, driver: marker: {\n", n.name, n.ssh.Host(), n.ssh.Port(), f.user)
		fmt.Fprintf(&b, "\t\t\tfile: \"config/disabled\"\n\t\t\twatch: haproxy: socket: %q\n\t\t}}\n", n.balancer.socket)
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

// appCUE is the app: what a user writes. The servers of the demo share one machine, so each has its own loopback address,
// which the app finds in the environment of its server.
func (f *Fleet) appCUE() string {
	names := make([]string, len(f.servers))
	for i, n := range f.servers {
		names[i] = fmt.Sprintf("%q", n.name)
	}
	proxies := make([]string, len(f.proxies))
	for i, n := range f.proxies {
		proxies[i] = fmt.Sprintf("%q", n.name)
	}
	return fmt.Sprintf(`package hello

import "trikk.dev/schema"

app: schema.#App & {
	name:     "hello"
	artifact: url: {url: "%s/hello-{version}.tar.gz", strip: 1}
	layout:   keep: 3
	marker:   "config/disabled"
	files: "config/app.env": env: {APP_PROGRAM: %q, APP_PORT: %d}
	modes: [{glob: "bin/*.sh", mode: "0755"}]
	service: process: command: "exec bin/serve.sh"
	probes: ready: http: {
		port:     %d
		path:     "/ready"
		contains: "ready {version}"
		interval: "200ms"
		deadline: "3s"
	}
	rollout: {rolling: maxUnavailable: 1, minReadySeconds: 1}
	topology: shared: proxies: [%s]
	environments: demo: servers: [%s]
}
`, f.repository.url(), f.program, f.port, f.port, strings.Join(proxies, ", "), strings.Join(names, ", "))
}
