package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// governed is a config repository with policies, which stand in for %s.
const governed = `
-- apps/shop/app.cue --
package shop

import "trikk.dev/schema"

app: schema.#App & {
	name: "shop"
	labels: tier: "web"
	version: "1.0"
	artifact: url: url: "https://repo.example/shop-{version}.zip"
	environments: {
		prod: servers: ["app01", "app02"]
		dev: servers: ["dev01"]
	}
}
-- apps/nightly/app.cue --
package nightly

import "trikk.dev/schema"

app: schema.#App & {
	name: "nightly"
	labels: tier: "batch"
	artifact: maven: {repository: "https://repo.example", group: "g", artifact: "nightly", digest: "sha1:0123456789012345678901234567890123456789"}
	environments: prod: servers: ["app01"]
}
-- policy/policy.cue --
package policy

import (
	"list"
	"struct"
	"trikk.dev/schema"
)

_used: [list.MinItems(1), struct.MinFields(1)]

policies: [string]: schema.#Policy & {message: *"so it is" | _}
policies: {
%s
}
`

// vetted vets a config repository with policies, and gives mistakes and warnings.
func vetted(t *testing.T, policies string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, parse(fmt.Sprintf(governed, policies)))
	w, err := config.Vet(t.Context(), config.Options{Dir: dir})
	if err != nil {
		return err.Error()
	}
	return told(w.Warnings)
}

func TestPolicies(t *testing.T) {
	cases := []expectation{
		{`{environments: ["prod"], labels: "tier!=batch", app: servers: list.MinItems(2)}`, ""},
		{`{environments: ["prod"], app: servers: list.MinItems(2)}`, `apps/nightly/app.cue:9:22: policy "p01": so it is: nightly in prod: servers: must have at least 2, found ["app01"] (policy at policy/policy.cue:14:`},
		{`{app: {env: _, if env == "prod" {servers: list.MinItems(2)}}}`, `apps/nightly/app.cue:9:22: policy "p02": so it is: nightly in prod: servers: must have at least 2`},
		{`{labels: "tier=web", environments: ["prod"], app: probes: struct.MinFields(1)}`, `apps/shop/app.cue:11:3: policy "p03": so it is: shop in prod: probes: must have at least 1`},
		{`{labels: "tier=web", environments: ["prod"], app: artifact: {url: digest!: _} | {maven: digest!: _}}`, `policy "p04": so it is: shop in prod: artifact`},
		{`{labels: "tier=batch", app: artifact: {url: digest!: _} | {maven: digest!: _}}`, ""},
		{`{labels: "tier=web", environments: ["prod"], app: artifact: url: digest: "sha1:0123456789012345678901234567890123456789"}`, "artifact.url.digest: is not there"},
		{`{labels: "tier=web", environments: ["dev"], app: topology: shared: {}}`, `apps/shop/app.cue:12:3: policy "p07": so it is: shop in dev: topology.shared: is not there`},
		{`{labels: "tier=batch", plan: {hosts: list.MinItems(2), protected: false}}`, `plan.hosts: must have at least 2`},
		{`{labels: "tier=web", environments: ["prod"], plan: {hosts: list.MinItems(2), waves: ["install", "rotate 1/2", "rotate 2/2"]}}`, ""},
	}
	var text []string
	for i, c := range cases {
		text = append(text, fmt.Sprintf("p%02d: %s", i, c.text))
	}
	got := vetted(t, strings.Join(text, "\n"))
	for i, c := range cases {
		here := ""
		for l := range strings.SplitSeq(got, "\n") {
			if strings.Contains(l, fmt.Sprintf("policy %q", fmt.Sprintf("p%02d", i))) {
				here += l
			}
		}
		if !strings.Contains(here, c.says) || (here == "") != (c.says == "") {
			t.Errorf("%s\n\tgot  %s\n\twant %s", c.text, here, c.says)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestPolicyThatConcernsNothing(t *testing.T) {
	if got := vetted(t, `p: {labels: "tier=none", app: servers: list.MinItems(2)}`); !strings.HasPrefix(got, `policy/policy.cue:13:1: policy "p" concerns no app`) || strings.Contains(got, "\n") {
		t.Errorf("got %s", got)
	}
}

// A policy that can't be evaluated, or is misspelt, is a mistake: it never passes in silence.
func TestPoliciesThatAreWrong(t *testing.T) {
	for _, group := range [][]expectation{
		{
			{`{app: servrs: list.MinItems(2)}`, `unknown field "servrs" (did you mean "servers"?)`},
			{`{app: servrs?: list.MinItems(2)}`, `unknown field "servrs"`},
			{`{app: {env: _, if env == "prod" {servrs?: [_]}}}`, `unknown field "servrs"`},
			{`{app: artifact: {url: digst!: _} | {maven: digest!: _}}`, `unknown field "digst"`},
			{`{app: probes: [string]: {htp?: {}}}`, `unknown field "htp"`},
			{`{plan: stpes?: 1}`, `unknown field "stpes"`},
			{`{enviroments: ["prod"], app: servers: list.MinItems(2)}`, `unknown field "enviroments"`},
		},
		{
			{`{environments: ["prdo"], app: servers: list.MinItems(2)}`, `unknown environment "prdo" (did you mean "prod"?)`},
			{`{labels: "a in b", app: servers: list.MinItems(2)}`, `label selector "a in b"`},
			{`{app: {}}`, "has no condition"},
			{`{app: _, plan: {}}`, "has no condition"},
			{`{labels: "tier=web"}`, "has no condition"},
			{`{app: servers: 2}`, "can be met by no app"},
			{`{app: {X=env: _, user: X.no}}`, `can be met by no app`},
			{`{app: {keep: _, if keep > 3 {servers: list.MinItems(2)}}}`, `unknown field "keep"`},
			{`{message: "", app: servers: list.MinItems(2)}`, "must be a text of one line"},
			{`{app: servrs: list.MinItems(2)}`, `unknown field "servrs"`}, // these hide none of the others
			{`{app: servers: lsit.MinItems(2)}`, `reference "lsit" not found (did you mean "list"?)`},
			{`{app: user: _none.user}`, `reference "_none" not found`},
		},
	} {
		var text []string
		for i, c := range group {
			text = append(text, fmt.Sprintf("p%d: %s", i, c.text))
		}
		if strings.Contains(text[0], "prdo") {
			text[7] = `p7: {app: servers: [...], environments: ["prod", "tset"]}`
			group[7].says = `unknown environment "tset"`
		}
		got := vetted(t, strings.Join(text, "\n"))
		for i, c := range group {
			here := ""
			for l := range strings.SplitSeq(got, "\n") {
				if strings.HasPrefix(l, fmt.Sprintf("policy/policy.cue:%d:", 13+i)) {
					here += l
				}
			}
			if !strings.Contains(here, c.says) || (here == "") != (c.says == "") {
				t.Errorf("%s\n\tgot  %s\n\twant %s", text[i], here, c.says)
			}
		}
	}
	head, _, _ := strings.Cut(governed, "-- policy/policy.cue --")
	for text, says := range map[string]string{
		"policy: {}\n": `field "policy" is no policy`,
		"import \"trikk.dev/schema\"\n\npolicies: x: schema.#Policy & {app: user: \"x\"}\n": "message",
	} {
		if _, err := load(t, head+"-- policy/policy.cue --\npackage policy\n\n"+text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// One run tells the mistakes of policies, those of all else, and what breaks the policies that are right.
func TestPoliciesHideNothing(t *testing.T) {
	archive := fmt.Sprintf(governed, "p0: {app: servers: lsit.MinItems(2)}\np1: {environments: [\"dev\"], app: servers: list.MinItems(2)}\np2: {environments: [\"tset\"], app: servers: list.MinItems(1)}\np3: {app: servers: 2}")
	for _, c := range []struct{ from, to, says string }{
		{"", "", "apps/shop/app.cue:12:8: policy \"p1\": so it is: shop in dev: servers: must have at least 2"},
		{"labels: tier:", "lables: tier:", "apps/shop/app.cue:7:2: unknown field \"lables\""},
	} {
		dir := t.TempDir()
		write(t, dir, parse(strings.Replace(archive, c.from, c.to, 1)))
		w, err := config.Vet(t.Context(), config.Options{Dir: dir})
		if w.Sound != (c.from == "") || err == nil {
			t.Fatalf("%v: %v", w.Sound, err)
		}
		lines := strings.Split(err.Error(), "\n")
		for i, says := range []string{c.says, `policy/policy.cue:13:20: reference "lsit" not found`, `policy/policy.cue:15:1: policy "p2": unknown environment "tset"`, `policy/policy.cue:16:`} {
			if len(lines) < 4 || !strings.HasPrefix(lines[len(lines)-4+i], says) {
				t.Errorf("%s\nlacks %s", err, says)
			}
		}
		there, isolated := config.Vet(t.Context(), config.Options{Dir: dir, Isolation: isolation(t)})
		if isolated == nil || isolated.Error() != err.Error() || there.Sound != w.Sound || there.Sound && len(there.Apps()) != len(w.Apps()) {
			t.Errorf("isolated: %v", isolated)
		}
	}
}

// What is wrong with an environment's name is not told where the environments can't be read, and what is told narrowly has all policies.
func TestPoliciesBesideAnInventory(t *testing.T) {
	archive := fmt.Sprintf(governed, `p: {environments: ["tset"], app: servers: lsit.MinItems(2)}`+"\n"+`q: {environments: ["tset"], app: servers: list.MinItems(2)}`)
	for _, c := range []struct {
		files string
		paths []string
		wants int
	}{
		{"-- more/environments.cue --\npackage more\n\nenvironments: {tset: {\n", nil, 2},
		{"-- more/environments.cue --\npackage more\n\nenvironments: tset: {srvers: 3}\n", nil, 2},
		{"", []string{"apps/shop"}, 2},
		{"-- policy/more.cue --\npackage policy\n\npolicies: {\n", []string{"apps/shop"}, 1},
	} {
		dir := t.TempDir()
		write(t, dir, parse(archive+c.files))
		_, err := config.Vet(t.Context(), config.Options{Dir: dir, Paths: c.paths})
		var wrong *config.Errors
		if !errors.As(err, &wrong) || len(wrong.List) != c.wants || strings.Contains(err.Error(), "unknown environment") != (c.files == "") {
			t.Errorf("%s%v: %v", c.files, c.paths, err)
		}
	}
}

// A plan is judged as it is, whatever the config says now.
func TestJudge(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(fmt.Sprintf(governed, `
p: {labels: "tier=web", environments: ["prod"], app: {artifact: url: _, version: !~"SNAPSHOT"}, plan: steps: <100}
q: {environments: ["dev"], app: servers: list.MinItems(1)}
`)))
	o := config.Options{Dir: dir, Isolation: isolation(t)}
	w, err := config.Vet(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	compiled := func(version string, change func(*plan.App)) plan.Plan {
		app, err := w.Deployment("shop", "prod")
		if err != nil {
			t.Fatal(err)
		}
		env, err := w.Environment("prod")
		if err != nil {
			t.Fatal(err)
		}
		change(&app)
		p, err := plan.Compile(env, []plan.App{app}, plan.Facts{}, plan.Intent{Kind: plan.Deploy, ID: "20261123T120000-0001", Offline: true, Versions: map[string]string{"shop": version}})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer // as a saved plan comes back
		if err := plan.Encode(&text, p); err != nil {
			t.Fatal(err)
		}
		if p, err = plan.Decode(&text); err != nil {
			t.Fatal(err)
		}
		return p
	}
	same := func(*plan.App) {}
	if err := config.Judge(t.Context(), o, w, compiled("1.0", same)); err != nil {
		t.Errorf("a plan that is right: %v", err)
	}
	for _, c := range []struct {
		p    plan.Plan
		says string
	}{
		{compiled("1.0-SNAPSHOT", same), `apps/shop/app.cue:8:11: policy "p": so it is: shop in prod: version: must be !~"SNAPSHOT"`},
		{compiled("1.0", func(a *plan.App) { a.Artifact = plan.Artifact{File: &plan.FileArtifact{Path: "/tmp/x.zip"}} }), `apps/shop/app.cue:9:12: policy "p": so it is: shop in prod: artifact.url: is not there`},
	} {
		err := config.Judge(t.Context(), o, w, c.p)
		var wrong *config.Errors
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got %v\nwant %s", err, c.says)
		}
	}
}

// Endless policies end.
func TestPoliciesAreIsolated(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(fmt.Sprintf(governed, `p: {app: version: "\(len(list.Range(0, 1e9, 1)))"}`)))
	limits := isolation(t)
	limits.Memory = 150 << 20 * memoryFactor
	_, err := config.Load(t.Context(), config.Options{Dir: dir, Isolation: limits})
	if err == nil || !strings.HasPrefix(err.Error(), "policy/policy.cue:1:1: this package") {
		t.Errorf("got %v", err)
	}
}
