package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// covered is what tests know of one kind of op. Each is demanded by TestEveryKind.
type covered struct {
	golden map[string]plan.Op // by name of the golden file
	// titles are what a person reads, by the op.
	titles map[string]plan.Op
	again  func(*testing.T) // the second run finds nothing to do
	fails  func(*testing.T)
}

func service(action string, s plan.Service) plan.ServiceOp {
	return plan.ServiceOp{Action: action, App: "hello", Root: "~/hello", Current: "current", Release: "1.0-3f2a8b1c", Version: "1.0", Service: s}
}

func kinds() map[string]covered {
	root, release := "/srv/hello", "1.0-3f2a8b1c"
	url := "https://repo.example.org/org/hello/1.0/hello-1.0.tar.gz"
	digest := "sha256:" + strings.Repeat("3f2a", 16)
	jar := "3f2a3f2a3f2a-hello-1.0.tar.gz"
	fetch := plan.Fetch{URL: url, Root: root, File: jar, Digest: digest, Size: 12_345_678}
	basic, token, staged := fetch, plan.Fetch{URL: url, Root: root, File: jar, Size: 800}, plan.Fetch{Staged: jar, User: "itas", Root: "~/hello", File: jar, Digest: digest}
	basic.Auth = &plan.Auth{Basic: &plan.BasicAuth{User: "ci", Password: plan.Secret{Env: "P"}}}
	token.Auth = &plan.Auth{Token: &plan.Secret{File: "t"}}
	local := fetch
	local.Controller = true
	unpack := func(format string, strip int) plan.Unpack {
		return plan.Unpack{Root: root, File: jar, Release: release, Format: format, Strip: strip}
	}
	systemd := plan.Service{Systemd: &plan.Systemd{Unit: "hello.service", Timeout: plan.Duration(30 * time.Second)}}
	commands := plan.Service{Commands: &plan.Commands{Start: "itas start", Stop: "itas stop", Status: "itas status", Timeout: plan.Duration(time.Minute)}}
	bare := plan.Service{Commands: &plan.Commands{Start: "itas start", Stop: "itas stop", Timeout: plan.Duration(time.Minute)}}
	process := plan.Service{Process: &plan.Process{Command: "exec bin/hello --port 8080", Timeout: plan.Duration(10 * time.Second)}}
	points := []plan.Point{{Proxy: "lb01", Server: "app01"}, {Proxy: "lb02", Server: "app01"}}
	pair := []plan.Point{{Proxy: "lb01", Server: "app01", Target: "lb01"}}
	secretive := plan.Write{Root: root, Release: release, Path: "config/db.properties", Content: "db.password={secret:db}\ndb.text={secret::db} it's\n", Mode: "0600",
		Format: "properties", Secrets: map[string]plan.Secret{"db": {Age: &plan.AgeSecret{File: "db.age"}, Dir: "/home/anna/apps/hello", Digest: digest}}}
	m := plan.Manifest{App: "hello", Release: release, Version: "1.0", Artifact: digest, Digest: digest}

	return map[string]covered{
		"fetch": {again: TestFetch, fails: TestFetchFails,
			golden: map[string]plan.Op{"fetch": fetch, "fetch-basic": basic, "fetch-token": token, "fetch-staged": staged},
			titles: map[string]plan.Op{"fetch hello-1.0.tar.gz (12 MB)": fetch, "fetch hello-1.0.tar.gz (800 B)": token,
				"fetch hello-1.0.tar.gz (12 MB) to the controller": local, "take hello-1.0.tar.gz from the upload": staged}},
		"upload": {titles: map[string]plan.Op{"upload hello.zip (1.2 GB)": plan.Upload{File: "hello.zip", Size: 1_234_567_890}}},
		"unpack": {again: TestUnpack, fails: TestFault30UnpackRefuses,
			golden: map[string]plan.Op{"unpack-zip": unpack("zip", 0), "unpack-tar": unpack("tar", 1), "unpack-tar-gz": unpack("tar.gz", 0), "unpack-tar-xz": unpack("tar.xz", 0), "unpack-tar-zst": unpack("tar.zst", 1),
				"unpack-none": plan.Unpack{Root: root, File: "3f2a-hello.jar", Release: release, Format: "none", As: "hello.jar"}},
			titles: map[string]plan.Op{"unpack hello-1.0.tar.gz into " + release: unpack("zip", 0),
				"copy hello.jar into " + release: plan.Unpack{File: "3f2a-hello.jar", Release: release, Format: "none", As: "hello.jar"}}},
		"write": {again: TestWrite, fails: TestWriteFails,
			golden: map[string]plan.Op{"write": plan.Write{Root: root, Release: release, Path: "config/itas.properties", Content: "jmx.port=7070\njvm.xmx=512m\n", Mode: "0644", Keep: "20260101-1"},
				"write-back":   plan.Write{Root: root, Release: release, Path: "config/itas.properties", Keep: "20260101-1", Back: true},
				"write-secret": secretive},
			titles: map[string]plan.Op{"write config/itas.properties": plan.Write{Path: "config/itas.properties"},
				"put back the edit of config/itas.properties": plan.Write{Path: "config/itas.properties", Back: true},
				"write config/db.properties with secret db":   secretive,
				"write a with secrets x, y":                   plan.Write{Path: "a", Secrets: map[string]plan.Secret{"y": {}, "x": {}}}}},
		"mode": {again: TestMode, fails: TestModeFails,
			golden: map[string]plan.Op{"mode": plan.Chmod{Root: root, Release: release, Glob: "bin/*.sh", Mode: "0755"}},
			titles: map[string]plan.Op{"chmod 0755 bin/*.sh": plan.Chmod{Glob: "bin/*.sh", Mode: "0755"}}},
		"link": {again: TestLinkCurrent, fails: TestLinkFails,
			golden: map[string]plan.Op{"link": plan.Link{Root: root, Name: "current", Release: release}, "link-remove": plan.Link{Root: root, Name: "current"},
				"link-persist": plan.Link{Root: root, Release: release, Persist: "var/data"}, "link-persist-file": plan.Link{Root: root, Release: release, Persist: "config/disabled", File: true}},
			titles: map[string]plan.Op{"link current → " + release: plan.Link{Name: "current", Release: release}, "remove link current": plan.Link{Name: "current"},
				"link data → shared/data": plan.Link{Release: release, Persist: "data"}}},
		"service": {again: TestServiceProcess, fails: TestServiceProcessFails,
			golden: map[string]plan.Op{"service-systemd-start": service("start", systemd), "service-systemd-stop": service("stop", systemd),
				"service-commands-start": service("start", commands), "service-commands-stop": service("stop", commands), "service-commands-stop-without-status": service("stop", bare),
				"service-process-start": service("start", process), "service-process-stop": service("stop", process), "service-none": service("start", plan.Service{})},
			titles: map[string]plan.Op{"start hello " + release: service("start", systemd), "stop hello": plan.ServiceOp{Action: "stop", App: "hello"}}},
		"run": {again: TestRun, fails: TestRunFails,
			golden: map[string]plan.Op{"run": plan.Run{Command: "bin/migrate --all", Phase: "before", App: "hello", Root: root, Release: release, Version: "1.0"}},
			titles: map[string]plan.Op{"run hook before: bin/migrate --all": plan.Run{Command: "bin/migrate\n--all", Phase: "before"}, "build: make": plan.Run{Command: "make", Phase: "build"}}},
		"marker": {again: TestMarker, fails: TestMarkerFails,
			golden: map[string]plan.Op{"marker-create": plan.MarkerOp{Root: root, Path: "config/disabled", Present: true}, "marker-remove": plan.MarkerOp{Root: root, Path: "config/disabled"}},
			titles: map[string]plan.Op{"disable: create config/disabled": plan.MarkerOp{Path: "config/disabled", Present: true}, "enable: remove config/disabled": plan.MarkerOp{Path: "config/disabled"}}},
		"drain": {titles: map[string]plan.Op{"drain app01 at lb01, lb02": plan.DrainOp{Points: points},
			"check that app01 is still drained at lb01, lb02":        plan.DrainOp{Points: points, Again: true},
			"drain lb01 at its outer balancer, in front of app01":    plan.DrainOp{Points: pair},
			"check that lb01 is still drained at its outer balancer": plan.DrainOp{Points: pair, Again: true}}},
		"admit": {titles: map[string]plan.Op{"admit app01 at lb01, lb02": plan.AdmitOp{Points: points},
			"admit lb01 at its outer balancer, in front of app01":    plan.AdmitOp{Points: pair},
			"set back lb01 at its outer balancer, in front of app01": plan.AdmitOp{Points: pair, Unproven: true}}},
		"reload": {again: TestReload, fails: TestReloadFails,
			golden: map[string]plan.Op{"reload": plan.Reload{Command: "sudo -n apachectl graceful"},
				"reload-state": plan.Reload{Command: "sudo -n systemctl reload haproxy", Socket: "/run/haproxy/admin.sock", StateFile: "/var/lib/haproxy-state/servers"}},
			titles: map[string]plan.Op{"reload: sudo -n apachectl graceful": plan.Reload{Command: "sudo -n apachectl graceful"},
				"reload, with the servers' state in /x: reload": plan.Reload{Command: "reload", StateFile: "/x"}}},
		"probe": {titles: map[string]plan.Op{"probe http 127.0.0.1:8080/health": plan.ProbeOp{Check: plan.Check{HTTP: &plan.HTTPCheck{Host: "127.0.0.1", Port: 8080, Path: "/health"}}},
			"probe tcp 127.0.0.1:7070":            plan.ProbeOp{Check: plan.Check{TCP: &plan.TCPCheck{Host: "127.0.0.1", Port: 7070}}},
			"probe tcp 127.0.0.1:80 through lb01": plan.ProbeOp{Through: "lb01", Check: plan.Check{TCP: &plan.TCPCheck{Host: "127.0.0.1", Port: 80}}},
			"probe exec bin/check":                plan.ProbeOp{Check: plan.Check{Exec: &plan.ExecCheck{Command: "bin/check"}}}, "probe ready": plan.ProbeOp{Name: "ready"}}},
		"approve": {titles: map[string]plan.Op{"wait for approval, for 1h at most": plan.ApproveOp{Root: root, Plan: "20260101-1", Within: plan.Duration(time.Hour)}}},
		"pause":   {titles: map[string]plan.Op{"watch for 1m30s": plan.Pause{Seconds: 90}, "watch for 1m": plan.Pause{Seconds: 60}, "watch for 1h": plan.Pause{Seconds: 3600}}},
		"prune": {again: TestPrune, fails: TestPruneFails,
			golden: map[string]plan.Op{"prune": plan.Prune{Root: root, Current: "current", Releases: []string{"0.8-aa", "0.9-bb"}, Cached: []string{"hello-0.8.tar.gz"}, Keep: "20260101-1"}},
			titles: map[string]plan.Op{"prune old releases 0.8-aa, 0.9-bb and cached hello-0.8.tar.gz": plan.Prune{Releases: []string{"0.8-aa", "0.9-bb"}, Cached: []string{"3f2a3f2a3f2a-hello-0.8.tar.gz"}},
				"prune old release 0.8-aa": plan.Prune{Releases: []string{"0.8-aa"}}}},
		"record": {again: TestRecord, fails: TestRecord,
			golden: map[string]plan.Op{"record-used": plan.Record{What: "used", Root: root, Plan: "20260101-1"}, "record-good": plan.Record{What: "good", Root: root, Release: release, Plan: "20260101-1"},
				"record-complete": plan.Record{What: "complete", Root: root, Release: release, Manifest: &m}, "record-settled": plan.Record{What: "settled", Root: root, Run: "20260101-1"},
				"record-trial": plan.Record{What: "trial", Root: root, Release: release}, "record-judged": plan.Record{What: "judged", Root: root, Release: release}},
			titles: map[string]plan.Op{"record that plan 20260101-1 is applied here": plan.Record{What: "used", Plan: "20260101-1"},
				"record that nothing of run 20260101-1 is left half done": plan.Record{What: "settled", Run: "20260101-1"},
				"record release " + release + " as complete":              plan.Record{What: "complete", Release: release}, "record release " + release + " as on trial": plan.Record{What: "trial", Release: release},
				"record that the trial of release " + release + " is over": plan.Record{What: "judged", Release: release}, "record release " + release + " as good": plan.Record{What: "good", Release: release}}},
	}
}

// TestEveryKind fails when a kind of op lacks its titles, a row in the docs or, where it has a script, a golden, an
// idempotence test or a failure test.
func TestEveryKind(t *testing.T) {
	docs, err := os.ReadFile("../../docs/ops.md")
	check(t, err)
	tests := kinds()
	for _, op := range plan.Kinds() {
		kind := op.Kind()
		c, ok := tests[kind]
		delete(tests, kind)
		if !ok || len(c.titles) == 0 {
			t.Errorf("%s has no titles", kind)
		}
		if !strings.Contains(string(docs), "\n| "+kind+" |") {
			t.Errorf("%s has no row in docs/ops.md", kind)
		}
		scripted := len(c.golden) > 0 && c.again != nil && c.fails != nil
		if (op.Transport() == plan.Script) != scripted {
			t.Errorf("%s: transport %s, with golden, idempotence and failure test: %v", kind, op.Transport(), scripted)
		}
		if op.Transport() != plan.Script && op.Script() != "" {
			t.Errorf("%s has a script, but goes by %s", kind, op.Transport())
		}
	}
	for kind := range tests {
		t.Errorf("Kinds lacks %s", kind)
	}
}

func TestTitles(t *testing.T) {
	for kind, c := range kinds() {
		for want, op := range c.titles {
			if got := op.Title(); got != want || op.Kind() != kind {
				t.Errorf("%s %q, want %s %q", op.Kind(), got, kind, want)
			}
		}
	}
	long := plan.Run{Command: strings.Repeat("åäö ", 100), Phase: "after"}.Title()
	if n := len([]rune(long)); n > 100 || !strings.HasSuffix(long, "…") {
		t.Errorf("a long title has %d characters: %s", n, long)
	}
}

func TestTransports(t *testing.T) {
	for _, c := range []struct {
		op   plan.Op
		want plan.Transport
	}{
		{plan.Fetch{URL: "x"}, plan.Script}, {plan.Fetch{Staged: "x"}, plan.Script}, {plan.Fetch{Controller: true}, plan.Local}, {plan.Upload{}, plan.SFTP},
		{plan.Run{Phase: "before"}, plan.Script}, {plan.Run{Phase: "build"}, plan.Local}, {plan.DrainOp{}, plan.Dial}, {plan.AdmitOp{}, plan.Dial}, {plan.ProbeOp{}, plan.Dial}, {plan.Pause{}, plan.Dial},
	} {
		if got := c.op.Transport(); got != c.want {
			t.Errorf("%s goes by %s, want %s", c.op.Kind(), got, c.want)
		}
		if c.want != plan.Script && c.op.Script() != "" {
			t.Errorf("%s has a script, but goes by %s", c.op.Kind(), c.want)
		}
	}
}

// TestScripts compares each script with testdata/scripts; TRIKK_UPDATE=1 writes them anew.
func TestScripts(t *testing.T) {
	wanted := map[string]bool{}
	for _, c := range kinds() {
		for name, op := range c.golden {
			path := filepath.Join("testdata", "scripts", name+".sh")
			wanted[path] = true
			got := op.Script()
			if !strings.HasPrefix(got, "set -eu\n") || !strings.HasSuffix(got, "\n") || strings.Contains(got, "\n\n\n") {
				t.Errorf("%s: a script starts with set -eu, ends its last line and has no two empty lines:\n%s", name, got)
			}
			if os.Getenv("TRIKK_UPDATE") != "" {
				check(t, os.MkdirAll(filepath.Dir(path), 0o755))
				check(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			check(t, err)
			if got != string(want) {
				t.Errorf("%s differs from %s; TRIKK_UPDATE=1 writes it anew. It is\n%s", name, path, got)
			}
		}
	}
	paths, err := filepath.Glob("testdata/scripts/*.sh")
	check(t, err)
	for _, path := range paths {
		if !wanted[path] {
			t.Errorf("%s belongs to no op", path)
		}
	}
}

// What stays when a lane is undone is marked: hooks, reloads and the point of no return, and nothing else.
func TestLasting(t *testing.T) {
	for step, want := range map[*plan.Step]bool{
		{Op: plan.Run{Phase: "before"}}:            true,
		{Op: plan.Run{Phase: "build"}}:             false,
		{Op: plan.Reload{}}:                        true,
		{Op: plan.Prune{}, NoReturn: true}:         true,
		{Op: plan.Link{Name: "current"}}:           false,
		{Op: plan.DrainOp{Again: true}}:            false,
		{Op: plan.Unpack{Release: "1.0-00000000"}}: false,
	} {
		if step.Lasting() != want {
			t.Errorf("%s: lasting is %v", step.Op.Kind(), !want)
		}
	}
}
