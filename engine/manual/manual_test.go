package manual_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"trikk.dev/engine/manual"
	"trikk.dev/schema"
)

func open(t *testing.T) manual.Manual {
	t.Helper()
	m, err := manual.Open(schema.FS)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFind(t *testing.T) {
	m := open(t)
	for _, c := range []struct {
		path, kind, standard, field string
		required                    bool
	}{
		{"app", "App", "", "environments", false},
		{"app.rollout", "Rollout", "", "rolling", false},
		{"app.rollout.rolling.maxUnavailable", "Count", "1", "", false},
		{"app.layout", "Layout", "", "keep", false},
		{"app.layout.root", "Root", "", "", false},
		{"app.name", "Name", "", "", true},
		{"app.user", "User", `""`, "", false},
		{"app.environments.prod.servers", "list of Name", "", "", true},
		{"app.environments.servers", "list of Name", "", "", true},
		{"app.probes", "map of Name to Probe", "", "http", false},
		{"app.probes.ready.http.port", "Port", "", "", true},
		{"app.modes.0.glob", "ReleasePath", "", "", true},
		{"app.artifact.maven.fetch", `"server" or "controller"`, `"server"`, "", false},
		{"app.files.a.json", "any value", "", "", false},
		{"environment.servers", "map of Name to Server", "", "address", false},
		{"environment.servers.app01.address", "Address", "", "", true},
		{"environment.servers.address", "Address", "", "", true},
		{"test.plan.kinds.drain", "int", "", "", false},
		{"policy.app", "any value", "", "", false},
		{"#Wait", "Wait", "", "", false},
		{"#HTTPProbe.port", "Port", "", "", true},
	} {
		e, err := m.Find(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		has := c.field == "" || slices.ContainsFunc(e.Fields, func(f manual.Field) bool { return f.Name == c.field })
		if e.Kind != c.kind || e.Default != c.standard || e.Required != c.required || !has || e.Doc == "" {
			t.Errorf("%s: %+v", c.path, e)
		}
	}
	if e, _ := m.Find("#Wait"); !strings.Contains(e.Rule, "duration") {
		t.Errorf("the rule of #Wait: %q", e.Rule)
	}
}

func TestFindNothing(t *testing.T) {
	m := open(t)
	for path, want := range map[string]struct{ name, in, knows string }{
		"ap":                      {"ap", "", "app"},
		"App":                     {"App", "", "app"},
		"":                        {"", "", "app"},
		"app.rolout":              {"rolout", "app", "rollout"},
		"app.rollout.rolling.max": {"max", "app.rollout.rolling", "maxUnavailable"},
		"app.name.x":              {"x", "app.name", ""},
		"app.probes.a.b.c":        {"b", "app.probes.a", "http"},
	} {
		_, err := m.Find(path)
		var unknown *manual.UnknownError
		if !errors.As(err, &unknown) || unknown.Name != want.name || unknown.In != want.in || want.knows != "" && !slices.Contains(unknown.Known, want.knows) {
			t.Errorf("%q: %v %+v", path, err, unknown)
		}
	}
	if _, err := manual.Open(fstest.MapFS{"x.cue": {Data: []byte("#X: {")}}); err == nil {
		t.Error("a broken schema is read")
	}
}

// Every field of every definition has an entry with a comment and a kind.
func TestEveryFieldHasAnEntry(t *testing.T) {
	m := open(t)
	count := 0
	var walk func(path string, depth int)
	walk = func(path string, depth int) {
		e, err := m.Find(path)
		if err != nil || e.Doc == "" || e.Kind == "" {
			t.Errorf("%s: %v %+v", path, err, e)
			return
		}
		for _, f := range e.Fields {
			if count++; depth < 6 {
				walk(path+"."+f.Name, depth+1)
			}
		}
	}
	for _, root := range manual.Roots() {
		walk(root, 0)
	}
	if count < 200 {
		t.Errorf("only %d fields", count)
	}
}
