package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// changed says what becomes of the files of a plan, one a line.
func changed(t *testing.T, p plan.Plan) string {
	t.Helper()
	all, err := plan.FileChanges(p)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range all {
		line := fmt.Sprintf("%s %s on %s", c.State, c.Path, strings.Join(c.Hosts, " "))
		if c.Secret {
			line += " secret"
		}
		if c.Stored {
			line += " stored"
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

func TestFileChanges(t *testing.T) {
	f := drifting(t)
	app := f.apps[0]
	old := f.facts.Apps["hello"]["app01"].Current
	app.Version = "2.0"
	app.Files = map[string]plan.File{"config/app.properties": {Properties: map[string]any{"jmx.port": 9002}, Mode: "0644"}, "new.properties": {Properties: map[string]any{"a": 1}, Mode: "0644"}}
	f.with(app)
	p := f.plan(t)
	if got := changed(t, p); got != "changed config/app.properties on app01 app02; new new.properties on app01 app02" {
		t.Error(got)
	}
	all, _ := plan.FileChanges(p)
	if all[0].From != old || all[0].To != p.Apps[0].To || all[0].Content != "jmx.port=9002\n" {
		t.Errorf("%+v", all[0])
	}

	// An edit is one of its own, also where the text would stay the same.
	f.edit(app, "app02", old)
	if got := changed(t, f.plan(t)); got != "changed config/app.properties on app01; changed config/app.properties on app02; new new.properties on app01 app02" {
		t.Error(got)
	}
	f.facts.Apps["hello"]["app02"] = f.facts.Apps["hello"]["app01"]

	// What held secrets stays hidden, and files can go.
	for _, host := range []string{"app01", "app02"} {
		at := f.facts.Apps["hello"][host]
		at.Releases = slices.Clone(at.Releases)
		at.Releases[index(&at, old)].Manifest.Secrets = map[string]map[string]string{"config/app.properties": {"db": "x"}}
		f.facts.Apps["hello"][host] = at
	}
	delete(app.Files, "new.properties")
	f.with(app)
	if got := changed(t, f.plan(t)); got != "changed config/app.properties on app01 app02 secret" {
		t.Error(got)
	}
	app.Files = nil
	f.with(app)
	if got := changed(t, f.plan(t)); got != "gone config/app.properties on app01 app02 secret" {
		t.Error(got)
	}
}

func TestFileChangesOfARollback(t *testing.T) {
	f := drifting(t)
	app := f.apps[0]
	app.Files = map[string]plan.File{"config/app.properties": {Properties: map[string]any{"jmx.port": 9002}, Mode: "0644"}}
	f.with(app)
	f.deploy(t, "2.0")
	in := plan.Intent{Kind: plan.Rollback, ID: "R9"}
	p, err := plan.Compile(f.env, f.apps, f.facts, in)
	if err != nil {
		t.Fatal(err)
	}
	if got := changed(t, p); got != "changed config/app.properties on app01 app02 stored" {
		t.Error(got)
	}
}
