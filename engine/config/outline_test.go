package config_test

import (
	"context"
	"reflect"
	"testing"

	"golang.org/x/tools/txtar"
	"trikk.dev/engine/config"
)

// sketched is a config repository whose names are all written out, if not in one place.
const sketched = `
-- gis/defaults.cue --
package gis

app: {
	labels: team: "gis"
	environments: ["prod"]: labels: tier: "public"
}
-- gis/map/app.cue --
package gis

import s "trikk.dev/schema"

app: s.#App & ({
	name: "map"
	artifact: url: url: "https://example.com/map.zip"
	environments: dev: servers: ["dev01"]
} & {environments: prod: {servers: ["app01", "app02"], standby: ["app03"]}})
-- web/app.cue --
package web

import "trikk.dev/schema"

app: schema.#App & {
	name: "web"
	labels: team: "web"
	artifact: url: url: "https://example.com/web.zip"
	for e in ["dev"] {labels: (e): "yes"}
	environments: dev: servers: ["dev01"]
	environments: "prod": {servers: ["app02"], labels: tier: "tools"}
}
`

// TestSketch: what files write is what evaluating them gives, and there also where they have mistakes.
func TestSketch(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, txtar.Parse([]byte(sketched)))
	got, err := config.Sketch(context.Background(), config.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	w, err := config.Load(context.Background(), config.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := w.Outline()
	for i, folder := range []string{"gis/map", "web"} {
		want.Apps[i].Folder = folder
	}
	delete(want.Apps[1].Labels, "dev") // computed
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Sketch gives\n%+v\nLoad\n%+v", got, want)
	}
	if len(got.Apps) != 2 || len(got.Apps[0].Hosts["prod"]) != 3 || len(got.Environments) != 2 || !got.Environments[1].Protected {
		t.Errorf("Sketch gives %+v", got)
	}
	write(t, dir, &txtar.Archive{Files: []txtar.File{
		{Name: "web/more.cue", Data: []byte("package web\n\napp: ports: {{\n")},
		{Name: "bad/app.cue", Data: []byte("package bad\n\napp: {\n\tname: \"bad\"\n\tenvironments: dev: servers: [\"dev01\"]\n\tports: http: \"eighty\n}\n")},
		{Name: "big/app.cue", Data: append([]byte("package big\n\napp: name: \"big\"\n"), make([]byte, 40<<10)...)},
	}})
	if got, err = config.Sketch(context.Background(), config.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range got.Apps {
		names = append(names, a.Name)
	}
	if want := []string{"bad", "map", "web"}; !reflect.DeepEqual(names, want) {
		t.Errorf("beside mistakes Sketch gives %q, not %q", names, want)
	}
	if _, err := config.Sketch(context.Background(), config.Options{Dir: t.TempDir()}); err == nil {
		t.Error("a folder that is no config repository has an outline")
	}
}

// TestSketchIsPartial where only evaluation tells a name.
func TestSketchIsPartial(t *testing.T) {
	for what, test := range map[string]struct {
		partial    bool
		file, text string
	}{
		"a name from elsewhere":               {true, "a/app.cue", `app: {name: _name, environments: dev: servers: ["dev01"]}`},
		"environments by a loop":              {true, "a/app.cue", `app: {name: "a", environments: {for e in ["dev"] {(e): servers: ["dev01"]}}}`},
		"environments from elsewhere":         {true, "a/app.cue", `app: _base & {name: "a"}`},
		"no environment is written":           {false, "a/app.cue", `app: {name: "a"}`},
		"some, and others from elsewhere":     {false, "a/app.cue", `app: _base & {name: "a", environments: dev: servers: ["dev01"]}`},
		"what else is computed is not a name": {false, "a/app.cue", `app: {name: "a", environments: dev: {servers: _all, topology: _behind}}`},
		"servers by a loop":                   {true, "inventory/more.cue", `environments: test: servers: {for n in ["a"] {(n): address: n}}`},
		"an environment from elsewhere":       {true, "inventory/more.cue", `environments: test: _prod`},
	} {
		dir := t.TempDir()
		pkg := map[string]string{"a": "a", "i": "inventory"}[test.file[:1]]
		write(t, dir, &txtar.Archive{Files: []txtar.File{{Name: test.file, Data: []byte("package " + pkg + "\n\n" + test.text + "\n")}}})
		got, err := config.Sketch(context.Background(), config.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if got.Partial != test.partial {
			t.Errorf("%s: Partial is %v", what, got.Partial)
		}
	}
}

// TestLoadApp: neither mistakes of others keep an app from being read nor what it is only beside them.
func TestLoadApp(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, txtar.Parse([]byte(`
-- a/app.cue --
package a

import "trikk.dev/schema"

app: schema.#App & {
	name: "a"
	artifact: url: url: "https://example.com/a.zip"
	after: ["b"]
	environments: dev: servers: ["dev01"]
}
-- b/app.cue --
package b

import "trikk.dev/schema"

app: schema.#App & {name: "b", prot: 8080}
-- c/app.cue --
package c

app: {{
`)))
	w, err := config.LoadApp(context.Background(), config.Options{Dir: dir}, "a")
	if err != nil {
		t.Fatal(err)
	}
	if apps := w.Apps(); len(apps) != 1 || apps[0].Name != "a" || apps[0].Artifact.URL == nil {
		t.Errorf("LoadApp gives %+v", apps)
	}
	if _, err := config.LoadApp(context.Background(), config.Options{Dir: dir}, "b"); err == nil {
		t.Error("an app with a mistake is read")
	}
}
