package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// frozen writes a window that never ends into the environment.
func (b *bench) frozen() {
	b.t.Helper()
	b.edit("environments/environment.cue", "schema.#Environment & {\n",
		"schema.#Environment & {\n\tfreeze: migration: {from: \"2026-01-01\", to: \"2999-12-31\", zone: \"Europe/Vienna\", reason: \"the data center moves\"}\n")
}

// TestFreeze: a frozen environment refuses what was planned before too; who goes on leaves the reason in the run.
func TestFreeze(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := b.path("hello.plan")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", file)
	b.frozen()
	says := "demo is frozen until Wed 1 Jan 3000 00:00 CET: the data center moves (freeze migration, environments/environment.cue:"
	b.trikk(5, "apply", "--plan", file, "--yes").says(says, "nothing was changed (to apply all the same: --override-freeze REASON")
	b.trikk(5, "apply", "hello@1.0", "-e", "demo", "--yes").says(says)
	b.untouched()
	b.trikk(0, "plan", "hello@1.0", "-e", "demo").says("Note:\n  "+says, "trikk apply would be refused, unless it says --override-freeze")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "--format", "markdown").says(says)

	b.trikk(0, "apply", "--plan", file, "--yes", "--override-freeze", "bug 17 loses orders").says(says, "; overridden: bug 17 loses orders", "hello runs 1.0-")
	b.trikk(0, "history").says("hello nothing → 1.0-", "; freeze overridden: bug 17 loses orders")
	run := ""
	for _, e := range b.trikk(0, "history", "--json").events() {
		run = e.Run
		list, _ := e.Fields["overrides"].([]any)
		if len(list) != 1 || list[0].(map[string]any)["reason"] != "bug 17 loses orders" {
			t.Errorf("the history is %s", e.Line)
		}
	}
	b.trikk(0, "show", run).says(says, "; overridden: bug 17 loses orders")
	b.trikk(0, "show", run, "--json").says(`"event":"guard.overridden","guard":"freeze","reason":"bug 17 loses orders"`)
}

// What a guard says at a time, to whom.
func TestGuarded(t *testing.T) {
	env := plan.Environment{Name: "prod", Freeze: map[string]plan.Freeze{"friday": {Name: "friday", Days: []string{"fri"}, From: "14:00", To: "24:00", Zone: "UTC", Reason: "the weekend"}}}
	thursday, friday := time.Date(2026, 11, 26, 15, 0, 0, 0, time.UTC), time.Date(2026, 11, 27, 15, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		at    time.Time
		back  bool
		why   string
		error string
		note  string
	}{
		"not frozen":            {at: thursday},
		"override without need": {at: thursday, why: "haste", note: "prod is not frozen: --override-freeze goes past nothing"},
		"frozen":                {at: friday, error: "prod is frozen until Sat 28 Nov 2026 00:00 UTC: the weekend (freeze friday); nothing was changed (to apply all the same: --override-freeze REASON, which is recorded)"},
		"overridden":            {at: friday, why: "haste", note: "prod is frozen until Sat 28 Nov 2026 00:00 UTC: the weekend (freeze friday); overridden: haste"},
		"rollback":              {at: friday, back: true, note: "prod is frozen until Sat 28 Nov 2026 00:00 UTC: the weekend (freeze friday); a rollback goes all the same"},
	} {
		f := &fleet{cli: &cli{world: world{now: func() time.Time { return tc.at }}}, guard: guard{env: env, back: tc.back, con: consent{freeze: tc.why}}}
		var v planView
		for range 2 { // before the question, and under the locks
			err := f.guarded(&v)
			if got := errorText(err); got != tc.error || tc.error != "" && exitOf(err) != exitRefused {
				t.Errorf("%s: error %q, want %q", name, got, tc.error)
			}
		}
		if got := strings.Join(v.guards, "\n"); got != tc.note {
			t.Errorf("%s: notes %q, want %q", name, got, tc.note)
		}
		if recorded := len(f.meta.Overrides) == 1; recorded != strings.Contains(tc.note, "overridden") {
			t.Errorf("%s: recorded is %v", name, f.meta.Overrides)
		}
	}
}

// TestManyAppsAreRefusedUnasked: where one app a run is allowed, several are refused before any server is asked.
func TestManyAppsAreRefusedUnasked(t *testing.T) {
	f := &fleet{} // nothing in it can ask
	ch := chosen{env: plan.Environment{Name: "prod", Protected: true}, apps: []plan.App{{Name: "hello"}, {Name: "pages"}}}
	_, err := f.plan(t.Context(), ch, plan.Intent{})
	if got := errorText(err); !strings.Contains(got, "prod is protected: one app a run, 2 were asked for") || exitOf(err) != exitRefused {
		t.Errorf("exit code %d, %s", exitOf(err), got)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestGoesBack(t *testing.T) {
	back, forth := plan.AppPlan{Intent: plan.Rollback}, plan.AppPlan{Intent: plan.Deploy}
	for want, apps := range map[bool][][]plan.AppPlan{true: {{back}, {back, back}}, false: {nil, {forth}, {back, forth}}} {
		for _, a := range apps {
			if goesBack(plan.Plan{Apps: a}) != want {
				t.Errorf("%v: %v", a, !want)
			}
		}
	}
}

// twoStages makes app01 the only server of an environment of its own, first, which demo takes versions from.
func (b *bench) twoStages() {
	b.t.Helper()
	was := b.read("environments/environment.cue")
	line := regexp.MustCompile(`(?m)^\t\tapp01: .*\n`).FindString(was)
	was = strings.Replace(was, line, "", 1)
	was = strings.Replace(was, "schema.#Environment & {\n", "schema.#Environment & {\n\tpromote: from: \"first\"\n", 1)
	b.write("environments/environment.cue", was+"\nenvironments: first: schema.#Environment & {servers: {\n"+line+"}}\n")
	b.edit("hello/app.cue", `	topology: shared: proxies: ["lb01"]`+"\n", "")
	b.edit("hello/app.cue", `environments: demo: servers: ["app01", "app02"]`, `environments: {first: servers: ["app01"], demo: {servers: ["app02"], topology: shared: proxies: ["lb01"]}}`)
}

// TestPromotion: a version comes after it is live and good where it has to be first.
func TestPromotion(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	b.twoStages()
	says := "demo takes only what is live and healthy in first"
	b.trikk(0, "plan", "hello@1.0", "-e", "demo").says("Note:\n  " + says + ": hello on app01 in first: nothing is live; trikk apply would be refused")
	b.trikk(5, "apply", "hello@1.0", "-e", "demo", "--yes").says(says + ":\n  hello on app01 in first: nothing is live\n  nothing was changed (to apply all the same: --override-promotion REASON")
	b.trikk(0, "apply", "hello@1.0", "-e", "first", "--yes").says("hello runs 1.0-")
	if told := b.trikk(0, "plan", "hello@1.0", "-e", "demo"); strings.Contains(told.out.String(), says) {
		t.Errorf("what is proven is refused:\n%s", told.out)
	}
	file := b.path("hello.plan")
	b.trikk(0, "plan", "hello@2.0", "-e", "demo", "-o", file).says("hello on app01 in first: 1.0 is live, not 2.0")
	b.trikk(5, "apply", "--plan", file, "--yes").says(says, "1.0 is live, not 2.0")
	if os.Getenv("TRIKK_FULL") == "" {
		return // that the reason is kept is tested with freezes
	}
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes").says("hello runs 1.0-")
	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--yes", "--override-promotion", "first is being rebuilt").says("overridden: first is being rebuilt", "hello runs 2.0-")
	b.trikk(0, "history").says("; promotion overridden: first is being rebuilt")
}
