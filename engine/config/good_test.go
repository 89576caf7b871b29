package config_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cueload "cuelang.org/go/cue/load"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// idioms has every way in which people share values in CUE.
const idioms = `
-- app.cue --
package root

import s "trikk.dev/schema"

app: s.#App & {
	name: "root"
	artifact: file: path: "build/root.jar"
	build: ["make"]
	environments: dev: servers: ["dev01"]
}
-- apps/all.cue --
package apps

import "trikk.dev/schema"

_team: "gis"

app: schema.#App & {
	labels: team: _team
	rollout: onFailure: "revert"
	layout: keep: 7
}
-- apps/a/a.cue --
package apps

app: {
	name: "a"
	artifact: url: url: "https://repo.example/a.zip"
	ports: http: 8080
	environments: {
		for e, s in {prod: ["app01", "app02"], dev: ["dev01"]} {(e): servers: s}
		prod: version: "2.0"
	}
}
-- apps/a/tagged.cue --
@if(never)

package apps

app: rollout: onFailure: "hold"
-- apps/b/b.cue --
package b

import (
	"example.com/conf/lib/java"
	"example.com/conf/apps/b/more"
)

_user: string | *"bb" @tag(user)

app: java.#Service & {
	name: "b"
	user: "\(_user)"
	ports: http: more.port
	environments: prod: {servers: ["app02"], standby: ["app03"]}
}
-- apps/b/more/more.cue --
package more

port: 8081
-- lib/java/java.cue --
package java

import "trikk.dev/schema"

#Service: this={
	schema.#App
	artifact: maven: {repository: "https://repo.example/maven", group: "example", artifact: this.name}
	probes: health: http: port: this.ports.http
}
`

func TestIdioms(t *testing.T) {
	w, err := load(t, idioms)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range w.Apps() {
		got = append(got, a.Name+" "+a.Env)
	}
	if want := "a dev, a prod, b prod, root dev"; strings.Join(got, ", ") != want {
		t.Errorf("apps are %v, want %s", got, want)
	}
	a, err := w.Deployment("a", "prod")
	if err != nil {
		t.Fatal(err)
	}
	if a.Version != "2.0" || a.Labels["team"] != "gis" || a.Rollout.OnFailure != "revert" || a.Layout.Keep != 7 || a.Layout.Root != "~/a" {
		t.Errorf("a is %+v", a)
	}
	b, err := w.Deployment("b", "prod")
	if err != nil {
		t.Fatal(err)
	}
	if b.User != "bb" || b.Ports["http"] != 8081 || b.Probes["health"].HTTP.Port != 8081 || b.Artifact.Maven.Artifact != "b" {
		t.Errorf("b is %+v", b)
	}
	for path, want := range map[string]plan.Pos{
		"":                    {File: "apps/a/a.cue", Line: 9, Column: 3},
		"name":                {File: "apps/a/a.cue", Line: 4, Column: 8},
		"version":             {File: "apps/a/a.cue", Line: 9, Column: 18},
		"ports.http":          {File: "apps/a/a.cue", Line: 6, Column: 15},
		"servers.1":           {File: "apps/a/a.cue", Line: 8, Column: 32},
		"rollout":             {File: "apps/all.cue", Line: 9, Column: 2},
		"rollout.onFailure":   {File: "apps/all.cue", Line: 9, Column: 22},
		"artifact.url.url":    {File: "apps/a/a.cue", Line: 5, Column: 22},
		"labels.team":         {File: "apps/all.cue", Line: 5, Column: 8},
		"hooks.timeout":       {},
		"topology.shared.foo": {},
	} {
		got := a.Places[path]
		if path == "" {
			got = a.Pos
		}
		if got != want {
			t.Errorf("place of %q is %v, want %v", path, got, want)
		}
	}
	r, err := w.Deployment("root", "dev")
	if err != nil {
		t.Fatal(err)
	}
	if r.Dir != w.Root || r.Artifact.File.Path != filepath.Join(w.Root, "build/root.jar") {
		t.Errorf("builds in %q from %q; the root is %q", r.Dir, r.Artifact.File.Path, w.Root)
	}
	e, err := w.Environment("prod")
	if err != nil {
		t.Fatal(err)
	}
	if h := e.Proxies["lb02"]; h.Name != "lb02" || h.Pos != (plan.Pos{File: "inventory/inventory.cue", Line: 17, Column: 4}) || h.Driver.HAProxy == nil || !e.Protected {
		t.Errorf("prod is %+v", e)
	}
}

// TestSameAsCUE compares the deployments with what plain CUE makes of the same files: nothing may get lost or change on
// the way into plan's types.
func TestSameAsCUE(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	w := own(t)
	seen, ctx := 0, cuecontext.New()
	for _, in := range cueload.Instances([]string{"./apps/..."}, &cueload.Config{Dir: root, Env: []string{"CUE_REGISTRY=none"}}) {
		envs, err := ctx.BuildInstance(in).LookupPath(cue.ParsePath("app.environments")).Fields()
		if err != nil {
			continue // the inventory, a library
		}
		for envs.Next() {
			data, err := envs.Value().MarshalJSON()
			if err != nil {
				continue // what parent folders share
			}
			var want map[string]any
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			name, _ := want["name"].(string)
			if name == "" {
				continue // what parent folders share, too
			}
			app, err := w.Deployment(name, envs.Selector().Unquoted())
			if err != nil {
				t.Fatal(err)
			}
			seen++
			same(t, app, want)
		}
	}
	if seen != len(w.Apps()) || seen == 0 {
		t.Errorf("CUE has %d deployments, we have %d", seen, len(w.Apps()))
	}
}

func same(t *testing.T, app plan.App, want map[string]any) {
	t.Helper()
	if f := app.Artifact.File; f != nil {
		app.Artifact.File = &plan.FileArtifact{ArtifactOptions: f.ArtifactOptions, Path: want["artifact"].(map[string]any)["file"].(map[string]any)["path"].(string)}
	}
	app.Dir = ""
	app.Files = maps.Clone(app.Files)
	for path, f := range app.Files {
		f.Secrets = maps.Clone(f.Secrets)
		for name, s := range f.Secrets {
			if s.Ciphertext() != "" && (s.Dir == "" || s.Digest == "") {
				t.Errorf("%s in %s: secret %s has folder %q and digest %q", app.Name, app.Env, s, s.Dir, s.Digest)
			}
			s.Dir, s.Digest = "", "" // what its file is like now
			f.Secrets[name] = s
		}
		app.Files[path] = f
	}
	data, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if g, w := full(got), full(want); !reflect.DeepEqual(g, w) {
		t.Errorf("%s in %s is\n%v\nCUE says\n%v", app.Name, app.Env, g, w)
	}
}

// full drops what is empty, since Go leaves it out, and writes durations in one way.
func full(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if f := full(e); f != nil {
				out[k] = f
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		var out []any
		for _, e := range v {
			out = append(out, full(e))
		}
		if out == nil {
			return nil
		}
		return out
	case string:
		var d plan.Duration
		if b, _ := json.Marshal(v); d.UnmarshalJSON(b) == nil {
			return d.String()
		}
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	}
	return v
}

func TestSubfolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(idioms))
	w, err := config.Load(t.Context(), config.Options{Dir: filepath.Join(dir, "apps", "a")})
	if err != nil {
		t.Fatal(err)
	}
	a, err := w.Deployment("a", "prod")
	if err != nil || a.Pos.File != "a.cue" || w.Root != dir || w.Module != "example.com/conf" {
		t.Errorf("%v, place %v, root %s, module %s", err, a.Pos, w.Root, w.Module)
	}
	if p := a.Places["rollout"]; p.File != "../all.cue" {
		t.Errorf("rollout is at %v", p)
	}
}

func TestOldSchemaInRepository(t *testing.T) {
	w, err := load(t, idioms+"-- cue.mod/pkg/trikk.dev/schema/app.cue --\npackage schema\n\n#App: {...}\n-- cue.mod/pkg/trikk.dev/schema/old.cue --\npackage schema\n\n#App: old!: int\n")
	if err != nil || len(w.Apps()) != 4 {
		t.Errorf("the binary's schema must win: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	w, err := load(t, `
-- apps/a/app.cue --
package a

import "trikk.dev/schema"

app: schema.#App & {
	name: "a"
	artifact: url: url: "https://repo.example/a.zip"
	service: systemd: unit: "a"
	environments: {
		prod: servers: ["app01"]
		dev: servers: ["dev01"]
	}
}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := "apps/a/app.cue:7:22: the URL of app a has no {version}: every version is the same file\n" +
		"apps/a/app.cue:8:2: app a has a service but no probe: nothing proves that a new release works (add probes)"
	if got := told(w.Warnings); got != want {
		t.Errorf("warnings are:\n%s\nwant:\n%s", got, want)
	}
}

func TestInventoryBesideApps(t *testing.T) {
	const app = `
app: schema.#App & {
	name: "NAME"
	artifact: url: url: "https://repo.example/a.zip"
	environments: prod: servers: ["s1"]
}
`
	const envs = `
environments: prod: schema.#Environment & {servers: s1: address: "s1.example"}
`
	head := "package one\n\nimport \"trikk.dev/schema\"\n"
	for name, archive := range map[string]string{
		"in one file":        "-- one.cue --\n" + head + app + envs,
		"in a parent folder": "-- one.cue --\n" + head + envs + "\napp: rollout: onFailure: \"revert\"\n-- x/a.cue --\n" + head + app,
		"computed":           "-- e/e.cue --\n" + head + "\nif true {" + envs + "}\n-- x/a.cue --\n" + head + app,
	} {
		t.Run(name, func(t *testing.T) {
			w, err := load(t, strings.ReplaceAll(archive, "NAME", "a")+"-- inventory/inventory.cue --\npackage inventory\n\nenvironments: {}\n")
			if err != nil || len(w.Apps()) != 1 || len(w.Environments) != 1 {
				t.Errorf("%d apps, %d environments, %v", len(w.Apps()), len(w.Environments), err)
			}
		})
	}
}

// TestOwnDefaults: what docs/config.md says of defaults for fields that have one in the schema.
func TestOwnDefaults(t *testing.T) {
	w, err := load(t, `
-- apps/all.cue --
package apps

import "trikk.dev/schema"

app: schema.#App & {
	_path: *"/up" | string
	_keep: *3 | int
	artifact: url: url: "https://repo.example/a.zip"
	probes: ready: http: {port: 80, path: "\(_path)"}
	layout: keep: _keep + 0
	environments: ["prod"]: ports: http: 80
}
-- apps/a/a.cue --
package apps

app: {name: "a", environments: prod: servers: ["app01"]}
-- apps/b/b.cue --
package apps

app: {name: "b", _path: "/b", _keep: 9, environments: prod: servers: ["app02"]}
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		app, path string
		keep      int
	}{{"a", "/up", 3}, {"b", "/b", 9}} {
		a, err := w.Deployment(want.app, "prod")
		if err != nil {
			t.Fatal(err)
		}
		if a.Probes["ready"].HTTP.Path != want.path || a.Layout.Keep != want.keep {
			t.Errorf("%s: path %q, keep %d; want %q, %d", want.app, a.Probes["ready"].HTTP.Path, a.Layout.Keep, want.path, want.keep)
		}
	}
}

func told(ds []config.Diagnostic) string {
	var out []string
	for _, d := range ds {
		out = append(out, d.String())
	}
	return strings.Join(out, "\n")
}
