package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// scenes are the stages that the docs' commands are typed on, by the names that marks give.
func scenes() map[string]func(*testing.T) *stage {
	return map[string]func(*testing.T) *stage{
		"empty":       emptyStage,       // a folder with an Ansible inventory
		"new":         newStage,         // what trikk init makes; nothing is reached
		"typo":        typoStage,        // the same, with a misspelt field
		"canary":      canaryStage,      // the same, whose app has a canary
		"frozen":      frozenStage,      // the same, in a freeze of test
		"notifying":   notifyingStage,   // the same, with a chat that is told of runs
		"mistakes":    mistakesStage,    // an app that does everything wrong
		"repository":  repositoryStage,  // the examples of this repository
		"ci":          ciStage,          // a config repository in the folder deploy of a larger one, with a mistake and a warning
		"checks":      checksStage,      // the page's app and tests, one of which is wrong
		"fleet":       fleetStage,       // what trikk init makes, with servers, where hello 1.0 and then 2.0 was deployed to test
		"first":       firstStage,       // the same, and nothing was deployed
		"unreachable": unreachableStage, // the same, and app02 can't be reached
		"approval":    approvalStage,    // the same, where anna and bob sign plans
		"cut":         cutStage,         // the same, where 1.0 was deployed, and a run to 2.0 was killed
		"city":        cityStage,        // an environment of more apps
		"missing":     missingStage,     // the same, and the artifact of roads is missing
		"lunch":       lunchStage,       // the same after a run that left it out, and it is there now
		"tutorial":    tutorialStage,    // a home, where a fleet is kept
	}
}

// stageIn makes a stage whose reader stands in a folder.
func stageIn(t *testing.T, dir string) *stage {
	t.Helper()
	return &stage{dir: dir, env: map[string]string{"TRIKK_STATE": t.TempDir(), "TRIKK_SSH_CONFIG": "none", "XDG_CACHE_HOME": t.TempDir()},
		real: strings.NewReplacer("/tmp/out", filepath.Join(t.TempDir(), "out")), shown: strings.NewReplacer(dir, "/home/anna/deploy")}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deploy")
	if _, err := initialise(dir); err != nil {
		t.Fatal(err)
	}
	s := stageIn(t, dir)
	s.files = dir
	return s
}

// edit replaces text in a file of the reader's folder.
func (s *stage) edit(t *testing.T, name, old, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	was, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(was), old) {
		t.Fatalf("%s does not contain %q: %v\n%s", name, old, err, was)
	}
	s.write(t, name, strings.Replace(string(was), old, text, 1))
}

// write writes a file of the reader's folder.
func (s *stage) write(t *testing.T, name, text string) {
	t.Helper()
	lay(t, s.dir, []txtar.File{{Name: name, Data: []byte(text)}})
}

// calls runs a command line of trikk that the docs don't show.
func (s *stage) calls(t *testing.T, line string) {
	t.Helper()
	if code, out, err := here(s.dir, s.env, words(t, line)...); code != exitDone {
		t.Fatalf("trikk %s ends with %d\n%s%s", line, code, out, err)
	}
}

func typoStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.edit(t, "apps/hello/app.cue", "probes:", "prboes:")
	return s
}

func notifyingStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.write(t, "environments/notify.cue", `package environments

environments: prod: notify: chat: slack: {channel: "C0123456789", token: env: "SLACK_TOKEN"}
`)
	s.shown = strings.NewReplacer(who(), "anna@desk")
	return s
}

func canaryStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.write(t, "apps/hello/canary.cue", "package hello\n\napp: rollout: rolling: canary: {servers: 1, bakeSeconds: 300, approve: true}\n")
	return s
}

func frozenStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.write(t, "environments/freeze.cue", `package environments

environments: test: freeze: migration: {from: "2026-01-01", to: "2999-12-31", zone: "Europe/Vienna", reason: "the data center moves"}
`)
	return s
}

func mistakesStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.write(t, "apps/hello/app.cue", `package hello

import "trikk.dev/schema"

app: schema.#App & {
	name: "hello"
	version: "1.2.0"
	artifact: url: url: "https://artifacts.example/hello-{version}.tar.gz"
	service: {systemd: unit: "hello.service", process: command: "exec bin/hello"}
	ports: http: 80800
	rollout: onFailure: "revrt"
	probes: ready: htpp: port: 8080
	environments: test: {
		version: "1.3.0"
		servers: ["app01"]
	}
}
`)
	return s
}

func repositoryStage(t *testing.T) *stage {
	t.Helper()
	dir, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	return stageIn(t, dir)
}

func ciStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	if err := os.Mkdir(filepath.Join(filepath.Dir(s.dir), ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.edit(t, "apps/hello/app.cue", "probes:", "prboes:")
	s.write(t, "apps/pages/app.cue", `package pages

import "trikk.dev/schema"

app: schema.#App & {
	name: "pages"
	artifact: url: url: "https://artifacts.example/pages.tar.gz"
	environments: test: servers: ["app01"]
}
`)
	return s
}

func checksStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.ready = func() {
		if err := os.RemoveAll(filepath.Join(s.dir, "apps", "hello")); err != nil {
			t.Fatal(err)
		}
		s.calls(t, "test --update")
		s.edit(t, "apps/shop/shop_test.cue", "unpack: 2", "unpack: 1")
	}
	return s
}

func emptyStage(t *testing.T) *stage {
	t.Helper()
	dir := t.TempDir()
	s := stageIn(t, dir)
	s.write(t, "inventories/prod/hosts", "[web]\nweb01 ansible_host=10.1.0.7 ansible_user=deploy\n")
	return s
}

// tutorialStage is a reader's home. The docs' /tmp/fleet is elsewhere, for tests that go on at the same time.
func tutorialStage(t *testing.T) *stage {
	t.Helper()
	home := t.TempDir()
	fleet := filepath.Join(home, "fleet")
	s := stageIn(t, home)
	s.env = map[string]string{"XDG_CACHE_HOME": t.TempDir()}
	s.real = strings.NewReplacer("/tmp/fleet", fleet)
	user, _, _ := strings.Cut(who(), "@")
	s.shown = strings.NewReplacer(`user: "`+user+`"`, `user: "anna"`, fleet, "/tmp/fleet", home, "/home/anna", who(), "anna@desk", program(t), "/usr/local/bin/trikk")
	return s
}

func fleetStage(t *testing.T) *stage {
	t.Helper()
	s := firstStage(t)
	s.calls(t, "apply hello@1.0 -e test --yes")
	s.calls(t, "apply hello@2.0 -e test --yes")
	return s
}

// cutStage has a run that was killed in its first turn. The docs call it 20261123T061900-3f2a.
func cutStage(t *testing.T) *stage {
	t.Helper()
	s := firstStage(t)
	s.calls(t, "apply hello@1.0 -e test --yes")
	run := s.killed(t, "rotate 1/2", "apply", "hello@2.0", "-e", "test", "--yes")
	s.real = strings.NewReplacer("20261123T061900-3f2a", run)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, out, _ := here(s.dir, s.env, "status", "hello", "-e", "test")
		if strings.Count(out, "was cut off here") == 2 && !strings.Contains(out, "locked by") {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("the servers don't know that %s was cut off:\n%s", run, out)
		}
	}
}

// killed starts trikk as a process, kills it when it has said something, and gives the run's ID.
func (s *stage) killed(t *testing.T, moment string, args ...string) string {
	t.Helper()
	said := &output{}
	cmd := exec.Command("trikk", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = s.dir, said, said, os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(said.String(), "\n"+moment+"\n") && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	found := regexp.MustCompile(`(?m)^run (\S+)$`).FindStringSubmatch(said.String())
	if found == nil || !strings.Contains(said.String(), "\n"+moment+"\n") {
		t.Fatalf("%q did not come to %s:\n%s", args, moment, said)
	}
	return found[1]
}

func unreachableStage(t *testing.T) *stage {
	t.Helper()
	s := firstStage(t)
	inventory, err := os.ReadFile(filepath.Join(s.dir, "environments", "environments.cue"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(string(inventory), "app02: {")
	_, port, _ = strings.Cut(port, "port: ")
	port, _, _ = strings.Cut(port, ",")
	s.edit(t, "environments/environments.cue", "port: "+port+",", "port: 1,")
	return s
}

func approvalStage(t *testing.T) *stage {
	t.Helper()
	s := firstStage(t)
	var rules, allowed strings.Builder
	for _, name := range []string{"anna", "bob"} {
		key := filepath.Join(s.dir, name)
		keygen(t, nil, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key)
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		rules.WriteString(name + ": [\"" + strings.TrimSpace(string(public)) + "\"]\n")
		allowed.WriteString(name + " namespaces=\"trikk-plan\" " + string(public))
	}
	private, err := os.ReadFile(filepath.Join(s.dir, "anna"))
	if err != nil {
		t.Fatal(err)
	}
	ssh := filepath.Join(s.dir, ".ssh")
	if err := os.Mkdir(ssh, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ssh, "id_ed25519"), private, 0o600); err != nil {
		t.Fatal(err)
	}
	s.write(t, "allowed_signers", allowed.String())
	s.edit(t, "environments/environments.cue", "environments: test: {\n", "environments: test: {\n\tapproval: {signers: {\n"+rules.String()+"}, notAuthor: true}\n")
	return s
}

// cityStage has two apps of a team without a process, and one that has its own servers in prod.
func cityStage(t *testing.T) *stage {
	t.Helper()
	s := idleCity(t)
	s.calls(t, "apply jmsadmin@10.40.2 -e prod --confirm prod")
	return s
}

// idleCity is the city before anything runs in it.
func idleCity(t *testing.T) *stage {
	t.Helper()
	s := firstStage(t)
	s.edit(t, "apps/hello/app.cue", `name: "hello"`, "name: \"hello\"\n\tversion: \"1.1.0\"")
	for _, name := range []string{"roads", "geocode"} {
		s.write(t, "apps/gis/"+name+"/app.cue", s.real.Replace(`package `+name+`

import "trikk.dev/schema"

app: schema.#App & {
	name: "`+name+`"
	artifact: url: url: "https://artifacts.example/`+name+`-{version}.tar.gz"
	labels: team: "gis"
	environments: test: {version: "1.0", servers: ["app01"]}
}
`))
	}
	s.write(t, "apps/platform/jmsadmin/app.cue", s.real.Replace(`package jmsadmin

import "trikk.dev/schema"

app: schema.#App & {
	name: "jmsadmin"
	artifact: url: url: "https://artifacts.example/jmsadmin-{version}.tar.gz"
	service: process: command: "PORT=8101 exec bin/jmsadmin"
	probes: health: http: {port: 8101, path: "/ready", contains: "{version}"}
	environments: test: {version: "10.41.0", servers: ["app01", "app02"]}
	environments: prod: {version: "10.40.2", servers: ["app11", "app12"]}
}
`))
	s.write(t, "apps/platform/status/app.cue", s.real.Replace("package status\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"status\"\n"+
		"\tartifact: url: url: \"https://artifacts.example/status-{version}.tar.gz\"\n\tenvironments: test: {version: \"4.2.0\", servers: [\"app02\"]}\n}\n"))
	s.write(t, "apps/platform/status/status_test.cue", "package status\n\nimport \"trikk.dev/schema\"\n\n"+
		"tests: \"the way back\": schema.#Test & {\n\tenv: \"test\"\n\tintent: \"rollback\"\n\tlive: {version: \"2.0\", before: [\"1.0\"]}\n\tplan: version: \"1.0\"\n}\n")
	s.write(t, "inventories/prod/hosts", "[web]\nweb01 ansible_host=10.1.0.7 ansible_user=deploy\n")
	return s
}

func missingStage(t *testing.T) *stage {
	t.Helper()
	s := idleCity(t)
	s.edit(t, "apps/gis/roads/app.cue", "/roads-{version}", "/gone/roads-{version}")
	return s
}

// lunchStage has a run that left roads out. The docs call it 20261123T061900-3f2a.
func lunchStage(t *testing.T) *stage {
	t.Helper()
	s := missingStage(t)
	code, out, err := here(s.dir, s.env, "apply", "--all", "-e", "test", "--keep-going", "--yes")
	id := regexp.MustCompile(`(?m)^run (\S+)$`).FindStringSubmatch(err)
	if code != exitPartly || id == nil || !strings.Contains(err, "next: trikk apply --failed "+id[1]+" tries roads again") {
		t.Fatalf("it ends with %d\n%s%s", code, out, err)
	}
	s.real = strings.NewReplacer("20261123T061900-3f2a", id[1])
	s.edit(t, "apps/gis/roads/app.cue", "/gone/roads-{version}", "/roads-{version}")
	return s
}
