//go:build linux

package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// port is where the app of every test listens.
const port = 8081

// root is where the app is installed when it belongs to the app user.
const root = "/home/" + e2e.AppUser + "/hello"

// itasApp is a Java service as the original script knew them: its own user, a link USER-app, the itas command, properties
// and an enable marker. More fields may be added.
func itasApp(repository string, more ...string) string {
	return fmt.Sprintf(`	user: %q
	artifact: maven: {repository: %q, group: "example.city", artifact: "hello", extension: "zip", classifier: "dist"}
	layout: {current: "%s-app", persist: ["logs", "run"], keep: 3}
	marker: "config/disabled"
	modes: [{glob: "bin/*.sh", mode: "0755"}]
	files: "config/itas.properties": properties: {"http.port": %d, "jmx.port": 2101}
	service: commands: {start: "bin/itas start", stop: "bin/itas stop", status: "bin/itas status", timeout: "20s"}
	ports: {http: %d, jmx: 2101}
	log: "logs/itas.log"
%s`, e2e.AppUser, repository, e2e.AppUser, port, port, strings.Join(more, "\n"))
}

// ready is the probe that tells the new version from the old one, whatever the marker says.
const ready = `	probes: ready: http: {port: 8081, path: "/ready", contains: "ready {version}", interval: "200ms", deadline: "4s"}`

// rolling is one server at a time, with deadlines that a test can wait for.
const rolling = `	rollout: {rolling: maxUnavailable: 1, drainDeadline: "20s", admitDeadline: "15s"}`

// publish puts versions of the app into a Maven repository as hello:VERSION:dist.
func publish(t *testing.T, f *e2e.Fleet, r *e2e.Repository, versions map[string]string) {
	t.Helper()
	for version, behaviour := range versions {
		r.Maven("example.city", "hello", version, "dist", "zip", f.Zip(t, version, behaviour))
	}
}

// installed asserts which version the link of a server points to.
func installed(t *testing.T, m *e2e.Machine, link, version string) {
	t.Helper()
	got := m.Link(link)
	if !strings.HasPrefix(got, "releases/"+version+"-") {
		t.Errorf("%s on %s points to %q, not to %s", link, m.Name, got, version)
	}
}

// answer is what the app of a machine answers; it listens on all of its addresses.
func answer(m *e2e.Machine) (string, error) {
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://%s:%d/", m.Address, port))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return string(out), err
}

// serves asserts which version answers on a machine.
func serves(t *testing.T, m *e2e.Machine, version string) {
	t.Helper()
	if out, err := answer(m); err != nil || !strings.HasPrefix(out, version+" ") {
		t.Errorf("%s serves %q, not %s: %v", m.Name, out, version, err)
	}
}

// silent asserts that nothing answers on a machine.
func silent(t *testing.T, m *e2e.Machine) {
	t.Helper()
	if out, err := answer(m); err == nil {
		t.Errorf("%s serves %q, but should serve nothing", m.Name, out)
	}
}

// owner is who owns a path on a machine.
func owner(t *testing.T, m *e2e.Machine, path string) string {
	t.Helper()
	return m.Run(t, "stat -c %U "+path)
}

// quoted is a CUE list of names.
func quoted(ms ...*e2e.Machine) string {
	names := make([]string, len(ms))
	for i, m := range ms {
		names[i] = fmt.Sprintf("%q", m.Name)
	}
	return "[" + strings.Join(names, ", ") + "]"
}
