package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/config"
)

// tested is an app with a file of tests, in which %s stands for the cases.
const tested = `
-- apps/shop/app.cue --
package shop

import "trikk.dev/schema"

app: schema.#App & {
	name: "shop"
	artifact: url: url: "https://repo.example/shop-{version}.zip"
	service: systemd: unit: "shop"
	probes: up: tcp: port: 8080
	environments: prod: {
		servers: ["app01", "app02"]
		topology: shared: proxies: ["lb01"]
	}
}
-- apps/shop/shop_test.cue --
package shop

import (
	"list"
	"strings"
	"trikk.dev/schema"
)

_used: [list.MinItems, strings.MinRunes]

tests: [string]: schema.#Test & {env: *"prod" | _}
tests: {
%s
}
`

// went runs tests and writes what became of them, a line each.
func went(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, parse(archive))
	return outcomes(t, config.Options{Dir: dir})
}

func outcomes(t *testing.T, o config.Options) string {
	t.Helper()
	found, err := config.Tests(t.Context(), o)
	var wrong *config.Errors
	if err != nil && !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, c := range found.Cases {
		if len(c.Findings) == 0 {
			out = append(out, "ok "+c.Dir+" "+c.Name)
		}
		for _, f := range c.Findings {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s:%d:%d: %s: %s %s", f.Pos.File, f.Pos.Line, f.Pos.Column, f.Path, f.Message, f.Found)))
		}
	}
	return strings.Join(out, "\n")
}

// firstLine is the line of the first case in the file of tests.
const firstLine = 13

// expectation is a case, and what is told at its line: "" when it is right.
type expectation struct{ text, says string }

// requireEach runs all cases in one file, a line each.
func requireEach(t *testing.T, cases []expectation) {
	t.Helper()
	var text []string
	for i, c := range cases {
		text = append(text, fmt.Sprintf("c%02d: %s", i, c.text))
	}
	told := map[int]string{}
	for l := range strings.SplitSeq(went(t, fmt.Sprintf(tested, strings.Join(text, "\n"))), "\n") {
		var line, column int
		if n, _ := fmt.Sscanf(l, "apps/shop/shop_test.cue:%d:%d:", &line, &column); n == 2 {
			told[line-firstLine] += l
		} else if !strings.HasPrefix(l, "ok ") {
			t.Errorf("nowhere: %s", l)
		}
	}
	for i, c := range cases {
		if (told[i] == "") != (c.says == "") || !strings.Contains(told[i], c.says) || strings.Count(told[i], "apps/shop/") > 1 {
			t.Errorf("%s\n\tgot  %s\n\twant %s", c.text, told[i], c.says)
		}
	}
}

func TestCases(t *testing.T) {
	requireEach(t, []expectation{
		{`{version: "2.0", live: version: "1.0", plan: {steps: >10, waves: ["install", "rotate 1/2", "rotate 2/2"], hosts: list.MinItems(2), kinds: {drain: 4, prune: 0}, notes: [], document: env: "prod"}}`, ""},
		{`{version: "2.0", plan: {hosts: _, from: [], kinds: fetch: len(hosts)}}`, ""},
		{`{version: "2.0", live: version: "2.0", plan: empty: true}`, ""},
		{`{plan: refused: =~"no version is given"}`, ""},
		{`{intent: "rollback", live: {version: "2.0", before: ["1.0"]}, plan: {intent: "rollback", version: "1.0"}}`, ""},
		{`{version: "2.0", plan: hosts: app.environments.prod.servers}`, ""},
		{`{version: "2.0", plan: to: "x" | =~"^2.0-"}`, ""},
		{`{version: "2.0", plan: steps: 3}`, "36: plan.steps: must be 3 22"},
		{`{version: "2.0", plan: steps: <3}`, "plan.steps: must be <3 22"},
		{`{version: "2.0", plan: waves: ["install"]}`, `plan.waves: incompatible list lengths (1 and 2) ["install","rotate 1/1"]`},
		{`{version: "2.0", live: version: "1.0", plan: waves: ["install", "rotate 1/1", "rotate 2/2"]}`, `plan.waves.1: must be "rotate 1/1" "rotate 1/2"`},
		{`{version: "2.0", plan: document: apps: [{onFailure: "revert"}]}`, `plan.document.apps.0.onFailure: must be "revert" "hold"`},
		{`{version: "2.0", plan: document: aps: []}`, "plan.document.aps: is not there"},
		{`{version: "2.0", plan: document: {if false {aps: []}, frozen?: true, skipped: _}}`, "plan.document.skipped: is not there"},
		{`{version: "2.0", plan: {X=steps: _, if X > 3 {kinds: write: 7}}}`, "plan.kinds.write: must be 7 0"},
		{`{plan: refused: =~"frozen"}`, `plan.refused: must be =~"frozen" "shop was never`},
		{`{version: "2.0", plan: refused: =~"frozen"}`, `plan.refused: must be =~"frozen" ""`},
		{`{plan: steps: >1}`, "the plan is refused: shop was never deployed to prod"},
		{`{version: "2.0", live: servers: app09: {}, plan: steps: 1}`, "the plan is refused: shop has no server app09 in prod; it has app01, app02"},
	})
}

// CUE lets a misspelt condition pass where it is optional or under a condition.
func TestCasesThatAreMisspelt(t *testing.T) {
	requireEach(t, []expectation{
		{`{version: "2.0", plan: stpes: 3}`, `unknown field "stpes" (did you mean "steps"?)`},
		{`{version: "2.0", plan: stpes?: 3}`, `unknown field "stpes" (did you mean "steps"?)`},
		{`{version: "2.0", plan: {if false {stpes: 3}}}`, `unknown field "stpes" (did you mean "steps"?)`},
		{`{version: "2.0", plan: {steps: 3} | {stpes: 3}}`, `unknown field "stpes" (did you mean "steps"?)`},
		{`{version: "2.0", plan: kinds: dran: 3}`, `unknown field "dran" (did you mean "drain"?)`},
		{`{vresion: "2.0", plan: steps: 3}`, `unknown field "vresion" (did you mean "version"?)`},
	})
}

func TestCasesThatAreWrong(t *testing.T) {
	requireEach(t, []expectation{
		{`{version: "2.0"}`, `nothing is tested`},
		{`{env: "prdo", plan: steps: 1}`, `unknown environment "prdo" (did you mean "prod"?`},
		{`{app: "shpo", plan: steps: 1}`, `unknown app "shpo" (did you mean "shop"?)`},
		{`{version: "2.0", plan: steps: "3"}`, `conflicting values`},
		{`{version: 2.0, plan: steps: 3}`, `must be a version in quotes`},
		{`{version: "2.0", golden: true}, "x y": {version: "2.0", golden: true}, "x-y": {version: "2.0", golden: true}`, "has the golden file of test"},
		{`{version: "2.0", plan: stpes: 3}`, `unknown field "stpes"`}, // these hide none of the others
		{`{version: "2.0", plan: hosts: lsit.MinItems(2)}`, `reference "lsit" not found (did you mean "list"?)`},
	})
}

// Files with tests are nothing to Load, and tests are not run where the config repository has mistakes.
func TestCasesStandApart(t *testing.T) {
	if _, err := load(t, fmt.Sprintf(tested, "nonsense")); err != nil {
		t.Errorf("a file with tests is loaded: %v", err)
	}
	broken := strings.Replace(fmt.Sprintf(tested, `a: plan: empty: true`), "probes:", "prboes:", 1)
	if got := went(t, broken); !strings.Contains(got, `unknown field "prboes"`) {
		t.Errorf("got %s", got)
	}
	for text, want := range map[string]string{
		"test: a: 1\n":                  `apps/shop/shop_test.cue:3:1: field "test" is no test`,
		"app: user: \"x\"\ntests: {}\n": `field "app" is no test`,
		"@extern(embed)\n\ntests: {}\n": "is not allowed",
	} {
		head, _, _ := strings.Cut(tested, "-- apps/shop/shop_test.cue --")
		if got := went(t, head+"-- apps/shop/shop_test.cue --\npackage shop\n\n"+text); !strings.Contains(got, want) {
			t.Errorf("%q: got %s", text, got)
		}
	}
}

// Tests in a folder above the apps are run for each of them.
func TestCasesOfManyApps(t *testing.T) {
	one := func(name string) string {
		return "-- apps/" + name + "/app.cue --\npackage apps\n\napp: {\n\tname: \"" + name + "\"\n\tversion: \"1.0\"\n\tenvironments: prod: servers: [\"app01\"]\n}\n"
	}
	shared := "\n-- apps/all.cue --\npackage apps\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {artifact: url: url: \"https://repo.example/x.zip\"}\n" +
		"-- apps/all_test.cue --\npackage apps\n\nimport \"trikk.dev/schema\"\n\ntests: {for e, _ in app.environments {\"in \\(e)\": schema.#Test & {env: e, plan: to: =~\"^1.0-\", golden: true}}}\n"
	own := "-- apps/b/b_test.cue --\npackage apps\n\ntests: again: {env: \"prod\", plan: empty: false}\n"
	got := went(t, shared+one("a")+one("b")+own)
	if want := "ok apps/a in prod\nok apps/b in prod\nok apps/b again"; got != want && got != "ok apps/a in prod\nok apps/b again\nok apps/b in prod" {
		t.Errorf("got %s", got)
	}
}

// Tests come through the pipe of the isolated process as they are here, and endless ones end.
func TestCasesAreIsolated(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(fmt.Sprintf(tested, "a: {version: \"2.0\", plan: steps: 3}\nb: {version: \"1.0\", golden: true}")))
	here := outcomes(t, config.Options{Dir: dir})
	if there := outcomes(t, config.Options{Dir: dir, Isolation: isolation(t)}); there != here || !strings.Contains(here, "ok apps/shop b") {
		t.Errorf("here\n%s\nisolated\n%s", here, there)
	}
	bomb := "package shop\n\nimport \"list\"\n\n_r: list.Range(0, 1e9, 1)\ntests: a: {env: \"prod\", version: \"1\", plan: steps: len(_r)}\n"
	if err := os.WriteFile(filepath.Join(dir, "apps", "shop", "shop_test.cue"), []byte(bomb), 0o644); err != nil {
		t.Fatal(err)
	}
	limits := isolation(t)
	limits.Memory = 150 << 20 * memoryFactor
	if got := outcomes(t, config.Options{Dir: dir, Isolation: limits}); !strings.HasPrefix(got, "apps/shop/shop_test.cue:1:1: this package") {
		t.Errorf("got %s", got)
	}
}
