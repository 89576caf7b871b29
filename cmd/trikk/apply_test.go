package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// TestApply follows one app from its first release on: each part needs what the one before left. At the end it runs, and the commands for
// servers look at it.
func TestApply(t *testing.T) {
	t.Parallel()
	b := newBench(t)

	b.trikk(0, "status", "-e", "demo").says("hello in demo", "app01")
	b.trikk(5, "plan", "hello", "-e", "demo").says("was never deployed to demo and no version is given", "hello@VERSION")

	// Reading can be stopped at any moment.
	reading := b.begin(&call{args: []string{"plan", "hello@1.0", "-e", "demo"}})
	reading.signals <- os.Interrupt
	reading.wait(130)
	if reading.err.String() != "trikk: stopped by interrupt; nothing was changed\n" {
		t.Errorf("more is told than the cause: %s", reading)
	}

	// Nothing is applied that nobody agreed to.
	b.trikk(5, "apply", "hello@1.0", "-e", "demo").says("add --yes")
	b.typing(5, "n\n", "apply", "hello@1.0", "-e", "demo").says("Apply this to demo? [y/N]", "declined; nothing was changed")
	b.typing(5, "\n", "apply", "hello@1.0", "-e", "demo")
	b.typing(5, "y\n", "apply", "hello@1.0", "-e", "demo", "--no-input").says("add --yes")

	first := b.typing(0, "y\n", "apply", "hello@1.0", "-e", "demo")
	golden(t, "run/first.out.txt", []byte(b.scrub(first.out.String())))
	golden(t, "run/first.err.txt", []byte(b.scrub(byHost(first.err.String()))))

	// What is there needs no second time.
	b.trikk(0, "plan", "hello", "-e", "demo", "--detailed-exitcode").says("Nothing to do: demo is as the config says.")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "--detailed-exitcode").says("Nothing to do")
	b.trikk(0, "apply", "hello@1.0", "-e", "demo").says("Nothing to do")
	end := last(b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--json").events())
	if end.Event != "run.finished" || end.Fields["exit"] != 0.0 {
		t.Errorf("applying nothing ends with %s", end.Line)
	}
	golden(t, "run/status.txt", []byte(b.scrub(b.trikk(0, "status", "hello", "-e", "demo").out.String())))
	for _, e := range b.trikk(0, "status", "-e", "demo", "--json").events() {
		if e.Event != "status" || e.Fields["version"] != "1.0" || e.Fields["good"] != true || e.Fields["role"] != "active" {
			t.Errorf("status: %s", e.Line)
		}
	}

	// The next version, with no person there.
	b.trikk(2, "plan", "hello@2.0", "-e", "demo", "--detailed-exitcode")
	second := b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--yes")
	golden(t, "run/second.out.txt", []byte(b.scrub(second.out.String())))
	golden(t, "run/second.err.txt", []byte(b.scrub(byHost(second.err.String()))))
	back := b.trikk(0, "plan", "hello@1.0", "-e", "demo")
	golden(t, "run/lower.out.txt", []byte(b.scrub(back.out.String())))

	// A version that never gets healthy is undone.
	broken := b.trikk(7, "apply", "hello@3.0", "-e", "demo", "--yes")
	golden(t, "run/broken.out.txt", []byte(b.scrub(broken.out.String())))
	golden(t, "run/broken.err.txt", []byte(b.scrub(byHost(withoutWaiting(broken.err.String())))))
	b.runs("2.0")
	b.past()
	b.rollsBack()
	b.servers()
}

// rollsBack is about rollback, with 2.0 live and 1.0 the good release before it.
func (b *bench) rollsBack() {
	b.trikk(5, "rollback", "hello", "-e", "demo", "--to", "9.9", "--yes").says("9.9")
	b.trikk(64, "rollback", "hello", "-e", "demo", "--to", "../x", "--yes").says(`"../x" is no version`)
	b.trikk(64, "rollback", "hello@1.0", "-e", "demo", "--yes").says("--to")
	b.trikk(5, "rollback", "hello", "-e", "demo").says("roll back hello in demo: 2.0-", "add --yes")
	b.trikk(0, "rollback", "hello", "-e", "demo", "--yes").says("hello runs 1.0-")
	b.runs("1.0")
	quiet := b.trikk(0, "rollback", "hello", "-e", "demo", "--to", "2.0", "--yes", "-q")
	if quiet.err.String() != "" || b.scrub(quiet.out.String()) != "hello runs 2.0-DIGEST in demo\n" {
		b.t.Errorf("with -q there is more than the result: %s", quiet)
	}
	b.runs("2.0")
}

// runs fails unless every server runs the version and gets traffic.
func (b *bench) runs(version string) {
	b.t.Helper()
	for _, e := range b.trikk(0, "status", "-e", "demo", "--json").events() {
		in, _ := e.Fields["rotation"].(map[string]any)
		if e.Fields["version"] != version || e.Fields["service"] != "active" || e.Fields["lockedBy"] != nil || len(in) != 1 || in["lb01"] != "in" {
			b.t.Errorf("status: %s", e.Line)
		}
	}
}

// TestBrokenEvents: the last line of --json says what the exit code says.
func TestBrokenEvents(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes", "--json")
	broken := b.trikk(7, "apply", "hello@3.0", "-e", "demo", "--yes", "--json")
	if broken.err.String() != "" {
		t.Errorf("all was told, yet there is more: %s", broken.err)
	}
	events := broken.events()
	if events[0].Event != "plan" || events[1].Event != "run.started" {
		t.Errorf("the first events are %s and %s", events[0].Line, events[1].Line)
	}
	for _, e := range events {
		if e.Run != events[0].Run || e.Run == "" {
			t.Errorf("another run: %s", e.Line)
		}
	}
	end := last(events)
	outcome, _ := json.Marshal(end.Fields["outcome"])
	if end.Event != "run.finished" || end.Fields["exit"] != 7.0 || end.Fields["status"] != "reverted" || !strings.Contains(string(outcome), `"status":"reverted"`) {
		t.Errorf("it ends with %s", end.Line)
	}
	var failed int
	for _, e := range events {
		if r, ok := e.Fields["result"].(map[string]any); ok && r["status"] == "failed" {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d steps failed, one did", failed)
	}
	b.runs("1.0")
}

func last(events []event) event {
	return events[len(events)-1]
}

// TestSavedPlan: a plan is applied once, unedited, and only while it fits.
func TestSavedPlan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	offline, one, other, edited := b.path("offline.plan"), b.path("one.plan"), b.path("other.plan"), b.path("edited.plan")

	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "--offline", "-o", offline)
	b.trikk(5, "apply", "--plan", offline, "--yes").says("was made offline: it is for reading, not for applying")

	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", one).says("to apply exactly this plan: trikk apply --plan " + one)
	b.trikk(0, "plan", "hello@2.0", "-e", "demo", "-o", other)
	text, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(edited, []byte(strings.Replace(string(text), `"current"`, `"currant"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.trikk(5, "apply", "--plan", edited, "--yes").says("edited")
	b.trikk(5, "apply", "--plan", filepath.Join(b.fleet.Config, "hello", "app.cue"), "--yes").says("not a plan")
	b.trikk(1, "apply", "--plan", b.path("none.plan"), "--yes").says("no such file")
	b.trikk(64, "apply", "--plan", one, "hello", "--yes").says("name no apps beside it")
	b.trikk(64, "apply", "--plan", one, "-e", "prod", "--yes").says("the plan is for demo, not for prod")

	b.trikk(0, "apply", "--plan", one, "--yes").says("hello runs 1.0-")
	b.trikk(5, "apply", "--plan", one, "--yes").says("was already applied")
	b.state = t.TempDir() // as on another machine
	b.trikk(5, "apply", "--plan", one, "--yes").says("was already applied", "app01, app02")
	stale := b.trikk(5, "apply", "--plan", other, "--yes").says("is stale", "app01", "1.0-")
	golden(t, "run/stale.err.txt", []byte(b.scrub(stale.err.String())))
	b.runs("1.0")
}

func (b *bench) path(name string) string { return filepath.Join(b.fleet.Dir, name) }

// second is an app without a service, beside hello.
const second = `package pages

import "trikk.dev/schema"

app: schema.#App & {
	name:     "pages"
	artifact: url: {url: "REPOSITORY/hello-{version}.tar.gz", strip: 1}
	files: "config/pages.properties": properties: colour: "blue"
	environments: demo: servers: ["app01"]
}
`

// TestConfigChange: one property of one app makes a new release of that app, and nothing else.
func TestConfigChange(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	b.write("pages/app.cue", b.pages())
	b.trikk(0, "apply", "hello@1.0", "pages@2.0", "-e", "demo", "--yes")
	b.trikk(0, "plan", "--all", "-e", "demo", "--detailed-exitcode").says("Nothing to do")

	b.edit("pages/app.cue", "blue", "green")
	b.trikk(2, "plan", "--all", "-e", "demo", "--detailed-exitcode")
	p := b.trikk(0, "plan", "--all", "-e", "demo")
	golden(t, "run/config.out.txt", []byte(b.scrub(p.out.String())))
	ran := b.trikk(0, "apply", "--all", "-e", "demo", "--yes")
	if strings.Contains(ran.err.String(), "app02") || strings.Contains(ran.String(), "hello runs") {
		t.Errorf("more than one app was touched: %s", ran)
	}
	text, err := os.ReadFile(filepath.Join(b.fleet.Dir, "app01", "pages", "current", "config", "pages.properties"))
	if err != nil || !strings.Contains(string(text), "green") {
		t.Errorf("the file is %q: %v", text, err)
	}
	b.trikk(0, "plan", "--all", "-e", "demo", "--detailed-exitcode")
}

// TestProtected: a protected environment wants its name, typed or in --confirm; a yes is not enough.
func TestProtected(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.edit("environments/environment.cue", "servers: {", "protected: true\n\tservers: {")
	b.trikk(5, "apply", "hello@1.0", "-e", "demo", "--yes").says("demo is protected and nobody can be asked here: add --confirm demo")
	b.trikk(5, "apply", "hello@1.0", "-e", "demo", "--confirm", "dmeo").says(`--confirm says "dmeo"`)
	b.typing(5, "y\n", "apply", "hello@1.0", "-e", "demo", "--yes").says("Type its name", `"y" is not "demo"`)
	b.typing(5, "demo\n", "apply", "hello@1.0", "-e", "demo", "--no-input").says("--confirm demo")
	saved := b.path("protected.plan")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", saved)
	b.trikk(5, "apply", "--plan", saved, "--yes").says("add --confirm demo")
	if _, err := os.Stat(filepath.Join(b.fleet.Dir, "app01", "hello", "releases")); !os.IsNotExist(err) {
		t.Errorf("something was installed: %v", err)
	}
	b.typing(0, "demo\n", "apply", "--plan", saved)
	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--confirm", "demo")
	b.runs("2.0")
}

// TestLockAndInterrupt: a second run is refused while one runs; a signal ends that one safely.
func TestLockAndInterrupt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
	b.edit("hello/app.cue", `deadline: "3s"`, `deadline: "60s"`)
	run := b.begin(&call{args: []string{"apply", "hello@3.0", "-e", "demo", "--yes"}})
	run.shows("waiting  503")

	refused := b.trikk(5, "apply", "hello@2.0", "-e", "demo", "--yes").says("locked", who())
	golden(t, "run/locked.err.txt", []byte(strings.ReplaceAll(b.scrub(refused.err.String()), who(), "WHO")))
	b.trikk(0, "status", "-e", "demo").says("locked by " + who())
	b.trikk(2, "plan", "hello@2.0", "-e", "demo", "--detailed-exitcode")

	run.signals <- os.Interrupt
	run.signals <- os.Interrupt // at once: the same one
	run.wait(130).says("interrupted: nothing new is started", "hello was interrupted in demo", "back on 1.0-")
	b.runs("1.0")
}

// TestSecondSignal: a second signal stops at once, and says what was left and what mends it.
func TestSecondSignal(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
	b.edit("hello/app.cue", `deadline: "3s"`, `deadline: "60s"`)
	run := b.begin(&call{args: []string{"apply", "hello@3.0", "-e", "demo", "--yes"}})
	run.shows("waiting  503")
	go run.insist()
	run.wait(8).says("in demo: a person is needed: the run was ", "hello on app01 was left half done by run ", "  not done: start hello 1.0-",
		"(or trikk apply hello@1.0 -e demo plans anew)")
	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--yes")
	b.runs("2.0")
}

// insist sends signals until the call has ended.
func (c *call) insist() {
	for {
		select {
		case <-c.ended:
			return
		case c.signals <- os.Interrupt:
		}
		select {
		case <-c.ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// byHost sorts the lines of each wave by host, since hosts are worked on at the same time.
func byHost(text string) string {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		j := i
		for j < len(lines) && strings.HasPrefix(lines[j], "  app") {
			j++
		}
		sort.SliceStable(lines[i:j], func(a, b int) bool { return lines[i+a][:7] < lines[i+b][:7] })
		i = max(j, i+1)
	}
	return strings.Join(lines, "\n")
}

// withoutWaiting leaves out what depends on how long a probe took.
func withoutWaiting(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, "  waiting  ") }), "\n")
}
