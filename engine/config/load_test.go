package config_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"trikk.dev/engine/config"
)

// inventory is what the fixtures run on, unless they bring their own.
const inventory = `package inventory

import "trikk.dev/schema"

environments: [string]: schema.#Environment
environments: {
	dev: servers: dev01: address: "dev01.example"
	prod: {
		protected: true
		servers: {
			app01: address: "app01.example"
			app02: address: "app02.example"
			app03: address: "app03.example"
		}
		proxies: {
			lb01: {address: "lb01.example", driver: haproxy: {}}
			lb02: {address: "lb02.example", driver: haproxy: {}}
		}
	}
}
`

const moduleFile = `module: "example.com/conf@v0"
language: version: "v0.17.0"
`

// write lays a fixture out in a folder.
func write(t *testing.T, dir string, a *txtar.Archive) {
	t.Helper()
	files := map[string]string{"cue.mod/module.cue": moduleFile, "inventory/inventory.cue": inventory}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	delete(files, "want")
	for name, data := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func parse(archive string) *txtar.Archive { return txtar.Parse([]byte(archive)) }

// load loads files that are given as a txtar archive.
func load(t *testing.T, archive string) (config.Workspace, error) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, parse(archive))
	return config.Load(t.Context(), config.Options{Dir: dir})
}

var update = flag.Bool("update", false, "write what comes out into the fixtures")

func TestWrongInputs(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d fixtures, %v; want at least 40", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			write(t, dir, a)
			_, err = config.Load(t.Context(), config.Options{Dir: dir})
			var wrong *config.Errors
			if !errors.As(err, &wrong) {
				t.Fatalf("error is %v, want mistakes", err)
			}
			got := strings.ReplaceAll(wrong.Error()+"\n", dir, "DIR")
			want(t, file, a, got)
		})
	}
}

// want compares with the want file of a fixture.
func want(t *testing.T, file string, a *txtar.Archive, got string) {
	t.Helper()
	for i, f := range a.Files {
		if f.Name != "want" {
			continue
		}
		if string(f.Data) == got {
			return
		}
		if !*update {
			t.Fatalf("got:\n%swant:\n%s", got, f.Data)
		}
		a.Files[i].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("the fixture has no want")
}

// own is this repository's own config. It is loaded once, and nobody changes it.
func own(t *testing.T) config.Workspace {
	t.Helper()
	w, err := config.Own()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestOwnApps(t *testing.T) {
	w := own(t)
	names := map[string]bool{}
	for _, a := range w.Apps() {
		names[a.Name] = true
		if a.Pos.File == "" || a.Places["servers"].Line == 0 || a.Places["layout.root"].File != "" && a.Places["layout.root"].Line == 0 {
			t.Errorf("%s in %s has no place", a.Name, a.Env)
		}
		if strings.HasPrefix(a.Pos.File, "../") || filepath.IsAbs(a.Pos.File) {
			t.Errorf("place %v is not relative", a.Pos)
		}
	}
	if len(names) != 60 || len(w.Environments) != 3 {
		t.Errorf("%d apps in %d environments", len(names), len(w.Environments))
	}
}

func TestCancelledLoad(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := config.Load(ctx, config.Options{Dir: "../.."}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
