package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// several is a config repository with some apps, in which edge can't be planned in stage: it would be down. The folder of its runs is beside it.
func several(t *testing.T) (dir, state string) {
	t.Helper()
	base, err := txtar.ParseFile(filepath.Join(errorsDir, "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir, state = t.TempDir(), t.TempDir()
	lay(t, dir, append(base.Files,
		txtar.File{Name: "environments/stage.cue", Data: []byte("package environments\n\nimport \"trikk.dev/schema\"\n\nenvironments: stage: schema.#Environment & {\n" +
			"\tprotected: true\n\tbatch: true\n\tservers: app21: {address: \"app21.example\", user: \"deploy\"}\n" +
			"\tproxies: lb21: {address: \"lb21.example\", user: \"deploy\", driver: haproxy: {}}\n}\n")},
		txtar.File{Name: "apps/edge/app.cue", Data: []byte("package edge\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"edge\"\n\tversion: \"3.0\"\n" +
			"\tartifact: url: url: \"https://artifacts.example/edge-{version}.tar.gz\"\n\tservice: systemd: unit: \"edge.service\"\n\tprobes: up: http: {port: 9000, path: \"/\"}\n" +
			"\tenvironments: stage: {servers: [\"app21\"], topology: shared: {proxies: [\"lb21\"], backend: \"edge\"}}\n}\n")},
		txtar.File{Name: "apps/late/app.cue", Data: []byte("package late\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"late\"\n\tversion: \"1.0\"\n\tafter: [\"edge\"]\n" +
			"\tartifact: url: url: \"https://artifacts.example/late-{version}.tar.gz\"\n\tenvironments: stage: servers: [\"app21\"]\n}\n")},
		txtar.File{Name: "apps/night/app.cue", Data: []byte("package night\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"night\"\n\tversion: \"1.0\"\n" +
			"\tartifact: url: url: \"https://artifacts.example/night-{version}.tar.gz\"\n\tenvironments: stage: servers: [\"app21\"]\n}\n")},
	))
	return dir, state
}

// expects runs command lines of which each has an exit code and what it says, or with ! does not say.
func expects(t *testing.T, dir, state string, cases []expectation) {
	t.Helper()
	for _, tc := range cases {
		code, out, errs := here(dir, nil, append(strings.Fields(tc.args), "--state", state)...)
		if code != tc.code {
			t.Errorf("%s: exit code %d, want %d:\n%s%s", tc.args, code, tc.code, out, errs)
		}
		for _, text := range tc.says {
			text, not := strings.CutPrefix(text, "!")
			if strings.Contains(out+errs, text) == not {
				t.Errorf("%s: %q is there: %v:\n%s%s", tc.args, text, not, out, errs)
			}
		}
	}
}

type expectation struct {
	args string
	code int
	says []string
}

// offlinePlan gives the plan that a command line makes.
func offlinePlan(t *testing.T, dir, args string) plan.Plan {
	t.Helper()
	_, out, errs := here(dir, nil, append(strings.Fields(args), "--json")...)
	p, err := plan.Decode(strings.NewReader(out))
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", args, err, out, errs)
	}
	return p
}

// past records a run of a plan that ended, of which some apps ended otherwise than well.
func past(t *testing.T, state, id string, p plan.Plan, bad map[string]string) {
	t.Helper()
	log, err := run.Create(filepath.Join(state, "runs"), run.Meta{Run: id, Who: "anna@desk", Started: "2026-11-23T06:19:00Z"}, p)
	if err != nil {
		t.Fatal(err)
	}
	o := plan.Outcome{Status: plan.Done, LeftOut: p.LeftOut}
	for _, a := range p.Apps {
		status := plan.Done
		if bad[a.App] != "" {
			status, o.Status = bad[a.App], plan.Partly
		}
		o.Apps = append(o.Apps, plan.AppOutcome{App: a.App, Status: status})
	}
	if err := log.Finish(o); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFailed: --failed takes the apps that a run did not do, in its versions, and goes with no other choice.
func TestFailed(t *testing.T) {
	t.Parallel()
	dir, state := several(t)
	p := offlinePlan(t, dir, "plan --offline hello@1.4.2 pages@2.0 -e test")
	past(t, state, "20261123T061900-3f2a", p, map[string]string{"hello": plan.Reverted})
	past(t, state, "20261123T062000-3f2b", p, nil)
	batch := offlinePlan(t, dir, "plan --offline --all -e stage --keep-going")
	past(t, state, "20261123T063000-3f2c", batch, nil)
	expects(t, dir, state, []expectation{
		{"plan --offline --failed 20261123T061900-3f2a", 0, []string{"deploy hello in test: nothing → 1.4.2-", "!pages"}},
		{"plan --offline --failed 20261123T061900-3f2a -e test", 0, []string{"deploy hello in test: nothing → 1.4.2-"}},
		{"plan --offline --failed 20261123T061900-3f2a -e prod", 64, []string{"run 20261123T061900-3f2a was in test, not in prod"}},
		{"plan --offline --failed 20261123T061900-3f2a pages", 64, []string{"--failed RUN says which apps"}},
		{"plan --offline --failed 20261123T061900-3f2a --all", 64, []string{"--failed RUN says which apps"}},
		{"plan --offline --failed 20261123T061900-3f2a -f x.cue", 64, []string{"--failed RUN says which apps"}},
		{"apply --failed 20261123T061900-3f2a --plan x.plan", 64, []string{"--plan FILE says it all"}},
		{"apply --failed 20261123T062000-3f2b", 0, []string{"nothing failed in 20261123T062000-3f2b"}},
		{"apply --failed 20261123T062000-3f2b --json", 0, []string{`"event":"nothing.failed"`}},
		{"apply --failed 20261123T061900-3f2", 64, []string{"there is no run 20261123T061900-3f2 on this machine", "did you mean \"20261123T061900-3f2a\"?", "trikk history lists them"}},
		{"plan --offline --failed 20261123T063000-3f2c", 5, []string{"edge would be down while it is replaced", "!night", "!--keep-going"}},
		{"history late", 0, []string{"late left out"}},
	})
	if err := os.RemoveAll(filepath.Join(dir, "apps", "night")); err != nil {
		t.Fatal(err)
	}
	past(t, state, "20261123T064000-3f2d", batch, map[string]string{"night": plan.Reverted})
	expects(t, dir, state, []expectation{
		{"plan --offline --failed 20261123T064000-3f2d", 3, []string{`unknown app "night"`, "run 20261123T064000-3f2d did not do ", "night@1.0; without what is gone, name those that are left: trikk apply APP@VERSION… -e stage"}},
	})
}

// TestKeepGoing: what can't be planned is left out, loudly, and the exit code tells.
func TestKeepGoing(t *testing.T) {
	t.Parallel()
	dir, state := several(t)
	out := "LEFT OUT: edge: edge would be down while it is replaced, and stage is protected (write"
	expects(t, dir, state, []expectation{
		{"plan --offline --all -e stage", 5, []string{"edge would be down", "\n  1 of 3 apps can be planned; to leave out the rest: --keep-going\n", "!deploy night"}},
		{"plan --offline edge -e stage", 5, []string{"edge would be down", "!--keep-going"}},
		{"plan --offline edge late -e stage", 5, []string{"edge would be down", "!--keep-going"}},
		{"plan --offline --all -e stage --keep-going", 6, []string{"Note:\n  no server was asked", out, "LEFT OUT: late: it comes after edge, which is left out", "deploy night in stage", ": 1 app, 1 host"}},
		{"plan --offline edge late -e stage --keep-going", 1, []string{out, "Nothing is planned: none of the apps can be, in stage."}},
		{"plan --offline night -e stage --keep-going", 0, []string{"deploy night in stage", "!LEFT OUT"}},
		{"plan --offline --all -e stage --keep-going --json", 6, []string{`"leftOut": [`, `"keepGoing": true`}},
		{"plan --offline --all -e stage --keep-going --format markdown", 6, []string{out}},
	})
}

// TestFineApps: an app that comes after one that could not be read is not fine, also where there is another one between them.
func TestFineApps(t *testing.T) {
	apps := []plan.App{{Name: "last", After: []string{"next"}}, {Name: "next", After: []string{"gone"}}, {Name: "gone"}, {Name: "own", After: []string{"elsewhere"}}}
	for want, fine := range map[int][]string{1: {"last", "next", "own"}, 0: {"last", "next"}, 3: {"gone", "next", "last"}} {
		if got := fineApps(apps, fmt.Errorf("planning: %w", &act.UnreadError{Fine: fine})); got != want {
			t.Errorf("fine are %v: %d, want %d", fine, got, want)
		}
	}
}

// The end of a run says what was left out, and how all that was not done is tried again.
func TestOutcomeOfKeepGoing(t *testing.T) {
	dir, _ := several(t)
	p := offlinePlan(t, dir, "plan --offline --all -e stage --keep-going")
	o := plan.NewMachine(p).Outcome()
	o.Status, o.Apps[0].Status = plan.Partly, plan.Done
	var b bytes.Buffer
	showOutcome(&b, p, o, "RUN")
	showAgain(&b, p, o, "RUN")
	want := "edge was LEFT OUT, and nothing of it was changed in stage: edge would be down while it is replaced, and stage is protected ("
	if got := b.String(); !strings.Contains(got, want) || !strings.HasSuffix(got, "\nnext: trikk apply --failed RUN tries edge, late again\n") {
		t.Errorf("it says\n%s", got)
	}
	b.Reset()
	o.Status = plan.Broken // something is half done: that comes first
	showAgain(&b, p, o, "RUN")
	if b.Len() > 0 {
		t.Errorf("it says %s", b.String())
	}
}
