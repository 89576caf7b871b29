package config

import (
	"bytes"
	"encoding/json"
	"testing"

	"trikk.dev/engine/plan"
)

// What a plan holds of an app, and the schema's defaults, make the app as the config has it: policies see the same of both.
func TestPlansHoldWholeApps(t *testing.T) {
	l, err := loadedOwn()
	if err != nil {
		t.Fatal(err)
	}
	f, ok := policyFolder(l.folders)
	if !ok {
		t.Fatal("there are no policies")
	}
	r := l.rules(f)
	for _, app := range l.Apps() {
		text, err := plainly(app)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := r.defaults(text)
		if err != nil {
			t.Errorf("%s in %s: %v", app.Name, app.Env, err)
			continue
		}
		if same, is := names(t, whole), names(t, l.json[source{app.Name, app.Env}]); !bytes.Equal(same, is) {
			t.Errorf("%s in %s: from a plan\n%s\nfrom the config\n%s", app.Name, app.Env, same, is)
		}
		if own, err := l.appOf(plan.AppPlan{App: app.Name, Source: app, Version: app.Version}, app.Env); err != nil || !bytes.Equal(names(t, own), names(t, whole)) {
			t.Errorf("%s in %s: %v", app.Name, app.Env, err)
		}
	}
}

// names writes JSON without its scalars.
func names(t *testing.T, text []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(hollow(v))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func hollow(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = hollow(v[k])
		}
		return v
	case []any:
		for i := range v {
			v[i] = hollow(v[i])
		}
		return v
	}
	return nil
}
