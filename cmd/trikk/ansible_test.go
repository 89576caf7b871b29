package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"trikk.dev/engine/config"
)

// importedFrom gives what the inventory of a case becomes: the servers and the notes, or the mistakes.
func importedFrom(t *testing.T, files []txtar.File) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inv, err := readAnsible(filepath.Join(dir, files[0].Name), files[0].Name)
	if err != nil {
		return err.Error() + "\n"
	}
	servers, notes, err := importServers(inv)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, s := range servers {
		b.WriteString(s.name + ": {" + s.fields() + "}\n")
	}
	for _, n := range notes {
		b.WriteString("note: " + n + "\n")
	}
	return b.String()
}

// TestAnsible reads each inventory of testdata/ansible; the section want holds what comes of it.
func TestAnsible(t *testing.T) {
	paths, err := filepath.Glob("testdata/ansible/*.txtar")
	if err != nil || len(paths) < 10 {
		t.Fatal(len(paths), err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if last := a.Files[len(a.Files)-1]; last.Name == "want" {
			want = string(last.Data)
			a.Files = a.Files[:len(a.Files)-1]
		}
		got := importedFrom(t, a.Files)
		for _, secret := range []string{"hunter", "6162"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s: a secret is told\n%s", path, got)
			}
		}
		a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
		if os.Getenv("TRIKK_UPDATE") == "1" {
			if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got != want {
			t.Errorf("%s: got\n%s", path, got)
		}
	}
}

// TestInitFromAnsible: what trikk init makes of an inventory is right for trikk vet and for plain CUE, and nothing is written of one
// with mistakes.
func TestInitFromAnsible(t *testing.T) {
	dir := t.TempDir()
	a, err := txtar.ParseFile("testdata/ansible/ini.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(a.Files, txtar.File{Name: "bad/hosts", Data: []byte("Web01\n")}) {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	call := func(code int, words ...string) string {
		t.Helper()
		var out bytes.Buffer
		w := world{in: strings.NewReader(""), out: &out, err: &out, env: func(string) string { return "" }, now: time.Now, dir: dir}
		if got := Main(words, w); got != code {
			t.Errorf("%q ends with %d\n%s", words, got, out.String())
		}
		return out.String()
	}
	said := call(exitDone, "init", "--from", "ansible", "prod/hosts", "deploy", "-q")
	if !strings.HasPrefix(said, "note: prod/") || strings.Contains(said, "made") {
		t.Errorf("with --quiet it says\n%s", said)
	}
	text, err := os.ReadFile(filepath.Join(dir, "deploy", "environments", "prod.cue"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "ansible/prod.cue", text)
	w, err := config.Load(t.Context(), config.Options{Dir: filepath.Join(dir, "deploy")})
	if err != nil || len(w.Apps()) != 1 {
		t.Errorf("it is not right: %v", err)
	}
	if err := plainCUE(filepath.Join(dir, "deploy")); err != nil {
		t.Errorf("plain CUE does not take it: %v", err)
	}
	if said := call(exitDone, "init", "--from", "ansible", "prod/hosts", "deploy"); said != "environments/prod.cue exists and is left alone: nothing of the inventory was taken over\n" {
		t.Errorf("a second time it says %q", said)
	}
	if said := call(exitConfig, "init", "--from", "ansible", "bad/hosts", "new"); !strings.HasPrefix(said, "trikk: bad/hosts:1: host \"Web01\": ") {
		t.Errorf("of a mistake it says %q", said)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("something was made of an inventory with mistakes")
	}
	call(exitUsage, "init", "--from", "ansible")
	call(exitUsage, "init", "--from", "puppet", "prod/hosts")
	call(exitUsage, "init", "--from", "ansible", "prod/hosts", "new", "-e", "Not a name")
	call(exitFailed, "init", "--from", "ansible", "nowhere", "new")
	call(exitConfig, "init", "--from", "ansible", "prod", "new")
}
