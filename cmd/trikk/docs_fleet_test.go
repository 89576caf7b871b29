package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"trikk.dev/engine/demo"
)

// program is trikk as a process.
func program(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("trikk")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	nodeOf      = regexp.MustCompile(`(?m)^\s*\w+: \{address: "([^"]+)", port: (\d+), user: "([^"]+)"`)
	portOf      = regexp.MustCompile(`APP_PORT: (\d+)`)
	archivePath = regexp.MustCompile(`^/([a-z]+)-([0-9][0-9A-Za-z.-]*)\.tar\.gz(\.sha256)?$`)
)

// firstStage is what trikk init makes, with servers in this process for those that it names: app01 and app02 in test, with app03 beside them,
// and app11 and app12 in prod. Proxies are driven by commands. Any version of any app can be had: its program answers with the version.
func firstStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	f, err := demo.Start(demo.Options{Program: program(t), Servers: 5, Proxies: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		killApps(t, f.Dir)
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	})
	app, err := os.ReadFile(filepath.Join(f.Config, "hello", "app.cue"))
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := os.ReadFile(filepath.Join(f.Config, "environments", "environment.cue"))
	if err != nil {
		t.Fatal(err)
	}
	port := portOf.FindStringSubmatch(string(app))[1]
	artifacts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { serveArchive(t, w, q, port) }))
	t.Cleanup(artifacts.Close)
	s.env["TRIKK_SSH_CONFIG"] = f.SSHConfig
	s.own = []string{"environments"}
	out := filepath.Join(t.TempDir(), "out")
	s.real = strings.NewReplacer("https://artifacts.example", artifacts.URL, "8080", port, "/tmp/out", out,
		`service: systemd: unit: "hello.service"`, `service: process: command: "exec bin/hello"`)
	s.shown = fleetReplacer(f, s.dir, artifacts.URL, port, program(t))
	hello, err := os.ReadFile(filepath.Join(s.dir, "apps", "hello", "app.cue"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "apps/hello/app.cue", s.real.Replace(string(hello)))
	s.write(t, "build/hello.tar.gz", string(archiveWith(t, "hello", "local", port)))
	s.write(t, "environments/environments.cue", environmentsOf(string(inventory)))
	for i, name := range f.Servers() {
		if err := os.WriteFile(filepath.Join(f.Dir, name, "name"), fmt.Appendf(nil, "%s\n", docsNames()[i]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// docsNames are the names that the docs have for the fleet's machines, servers and then proxies.
func docsNames() []string {
	return []string{"app01", "app02", "app03", "app11", "app12", "lb01", "lb11"}
}

// environmentsOf are test and prod on the machines of a demo's environment.
func environmentsOf(inventory string) string {
	var servers [2]strings.Builder
	var proxies [2]string
	user := ""
	for i, m := range nodeOf.FindAllStringSubmatch(inventory, -1) {
		name, env := docsNames()[i], 0
		if strings.HasSuffix(name[:len(name)-1], "1") {
			env = 1
		}
		user = m[3]
		at := fmt.Sprintf("%s: {address: %q, port: %s, user: %q}\n", name, m[1], m[2], m[3])
		if strings.HasPrefix(name, "app") {
			servers[env].WriteString(at)
			continue
		}
		proxies[env] = at
	}
	return fmt.Sprintf(`package environments

import "trikk.dev/schema"

environments: [string]: schema.#Environment & {
	servers: [_]: user: %q
	proxies: [_]: driver: command: {
		drain:      #"touch "$BACKEND.$MEMBER.out""#
		isDrained:  #"test -e "$BACKEND.$MEMBER.out""#
		admit:      #"rm -f "$BACKEND.$MEMBER.out""#
		isAdmitted: #"! test -e "$BACKEND.$MEMBER.out""#
	}
}
environments: test: {
	servers: {%s}
	proxies: {%s}
}
environments: prod: {
	protected: true
	servers: {%s}
	proxies: {%s}
}
`, user, servers[0].String(), proxies[0], servers[1].String(), proxies[1])
}

// fleetReplacer says what is printed on the fleet as it would be on the servers of the docs.
func fleetReplacer(f *demo.Fleet, dir, artifacts, port, program string) *strings.Replacer {
	user, _, _ := strings.Cut(who(), "@")
	pairs := []string{who(), "anna@desk", program, "/usr/local/bin/trikk", dir, "/home/anna/deploy", artifacts, "https://artifacts.example",
		user + "@", "deploy@", user + " is logged in", "deploy is logged in", " " + user + "  ", " deploy  ", ":" + port, ":8080"}
	for _, name := range append(f.Servers(), f.Proxies()...) {
		pairs = append(pairs, filepath.Join(f.Dir, name), "/home/deploy")
	}
	return strings.NewReplacer(pairs...)
}

// serveArchive serves any version of any app, and its digest.
func serveArchive(t *testing.T, w http.ResponseWriter, q *http.Request, port string) {
	m := archivePath.FindStringSubmatch(q.URL.Path)
	if m == nil {
		http.NotFound(w, q)
		return
	}
	text := archiveWith(t, m[1], m[2], port)
	if m[3] != "" {
		text = fmt.Appendf(nil, "%x  %s-%s.tar.gz\n", sha256.Sum256(text), m[1], m[2])
	}
	_, _ = w.Write(text)
}

// archiveWith is one version of an app. Its program bin/NAME listens on PORT, or on the port that is given here.
func archiveWith(t *testing.T, name, version, port string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	serve := fmt.Sprintf("#!/bin/sh\nexec %s demo-app --listen \"$SERVER_ADDRESS:${PORT:-%s}\" --app-version \"$(cat VERSION)\"\n", program(t), port)
	for _, f := range []struct {
		name, text string
		mode       int64
	}{{"VERSION", version + "\n", 0o644}, {"bin/" + name, serve, 0o755}} {
		if err := tw.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// killApps ends all processes that were deployed to a fleet.
func killApps(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "shared", "*.pid"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
	}
}
