package plan_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// awkward are values that each format has its own trouble with.
var awkward = map[string]string{
	"words": "hunter two", "start": " starts with a space", "quotes": `"it's" $HOME \x ` + "`id`", "equals": "a=b:c#d!e", "json": `{"a": [1]}`,
	"unicode": "grün 🚋", "placeholder": "{secret:db} {secret::db}", "end": `ends with \`,
}

// fill puts one value into a rendered file, as the server does.
func fill(t *testing.T, f plan.File, value string) (string, error) {
	t.Helper()
	files, err := plan.Render(plan.App{Files: map[string]plan.File{"a": f}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := plan.Needed{Secret: plan.Secret{Env: "DB"}, Format: files[0].Format}.Value(value)
	text := strings.ReplaceAll(files[0].Content, "{secret::", "\x00")
	return strings.ReplaceAll(strings.ReplaceAll(text, "{secret:db}", v), "\x00", "{secret:"), err
}

func db(f plan.File) plan.File {
	f.Secrets = map[string]plan.Secret{"db": {Env: "DB"}}
	return f
}

func TestSecretsAreReadBackFromEachFormat(t *testing.T) {
	text := "x {secret:db}y{secret::db}"
	values := map[string]string{"lines": "one\ntwo\r\n\tthree"}
	for name, v := range awkward {
		values[name] = v
	}
	for name, v := range values {
		props, err := fill(t, db(plan.File{Properties: map[string]any{"a": "{secret:db}", "b": "x {secret:db}/{secret:db}", "c": "{secret::db} é"}}), v)
		if err != nil {
			t.Fatal(err)
		}
		got := loadProperties(props)
		if got["a"] != v || got["b"] != "x "+v+"/"+v || got["c"] != "{secret:db} é" {
			t.Errorf("%s: properties %q give %q", name, props, got)
		}
		doc, err := fill(t, db(plan.File{JSON: map[string]any{"a": []any{"{secret:db}", "<{secret:db}>", 1}}}), v)
		if err != nil {
			t.Fatal(err)
		}
		var read struct{ A []any }
		if err := json.Unmarshal([]byte(doc), &read); err != nil || read.A[0] != v || read.A[1] != "<"+v+">" {
			t.Errorf("%s: JSON %q gives %q, %v", name, doc, read, err)
		}
		if got, err := fill(t, db(plan.File{Text: &text}), v); err != nil || got != "x "+v+"y{secret:db}" {
			t.Errorf("%s: text %q, %v", name, got, err)
		}
	}
}

// What the server writes is the template with the values, byte for byte, and these go nowhere else: no child process has one in its
// arguments or its environment, and the file is private from its first moment.
func TestWriteWithSecrets(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		makeRelease(t, s)
		for _, child := range []string{"chmod", "mv", "mkdir", "sha256sum"} {
			spy(t, s, child)
		}
		s.env = append(s.env, "content=exported", "PATH="+s.home+"/bin:"+os.Getenv("PATH"))
		all := "canary"
		for _, v := range awkward {
			all += v
		}
		text := "x {secret:db}y{secret::db}it's"
		for name, f := range map[string]plan.File{"text": {Text: &text}, "properties": {Properties: map[string]any{"a": "{secret:db}"}}, "json": {JSON: []any{"{secret:db}"}},
			"env": {Env: map[string]any{"A": "{secret:db}"}}} {
			v := all
			if name != "env" {
				v += "\ntwo"
			}
			want, err := fill(t, db(f), v)
			check(t, err)
			r, err := plan.Render(plan.App{Files: map[string]plan.File{"config/a": db(f)}})
			check(t, err)
			op := plan.Write{Root: s.root, Release: "1.0-aa", Path: "config/a", Content: r[0].Content, Mode: r[0].Mode, Format: r[0].Format, Secrets: r[0].Secrets}
			n := plan.SecretsOf(op)[0]
			value, err := n.Value(v)
			check(t, err)
			s.secrets = map[string]string{n.Variable: value}
			if strings.Contains(op.Script(), "canary") {
				t.Error("the script holds the value")
			}
			s.twice(op)
			got, err := os.ReadFile(s.root + "/releases/1.0-aa/config/a")
			check(t, err)
			info, err := os.Stat(s.root + "/releases/1.0-aa/config/a")
			check(t, err)
			if string(got) != want || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: wrote %q with mode %o, want %q", name, got, info.Mode().Perm(), want)
			}
		}
		seen, err := os.ReadFile(s.home + "/seen")
		check(t, err)
		if strings.Contains(string(seen), "canary") || !strings.Contains(string(seen), "config/.a.trikk") {
			t.Errorf("a child saw\n%s", seen)
		}
		if !strings.Contains(string(seen), "part: 600") || strings.Count(string(seen), "part: ") != strings.Count(string(seen), "part: 600") {
			t.Errorf("the file was not private at once:\n%s", seen)
		}
	})
}

func makeRelease(t *testing.T, s *server) {
	t.Helper()
	check(t, os.MkdirAll(s.root+"/releases/1.0-aa", 0o755))
}

// spy puts a program before the real one that notes its arguments, its environment and the mode of the file on its way.
func spy(t *testing.T, s *server, name string) {
	t.Helper()
	check(t, os.MkdirAll(s.home+"/bin", 0o755))
	text := "#!/bin/sh\n{ printf '%s\\n' \"$0\" \"$@\"; env; /usr/bin/stat -c 'part: %a' " + s.root + "/releases/1.0-aa/config/.a.trikk; } >>" + s.home + "/seen 2>/dev/null\nexec /usr/bin/" + name + " \"$@\"\n"
	check(t, os.WriteFile(filepath.Join(s.home, "bin", name), []byte(text), 0o755))
}

func TestValuesThatAFormatCanNotHold(t *testing.T) {
	for _, tt := range []struct{ format, value, says string }{
		{"text", "canary\x00", "NUL"}, {"properties", "canary\xff", "UTF-8"}, {"json", "canary\xff", "UTF-8"}, {"env", "canary\r", "line break"}, {"", "canary\n", "line break"},
	} {
		_, err := plan.Needed{Secret: plan.Secret{Sops: &plan.SopsSecret{File: "s.yaml", Key: "db"}}, Format: tt.format}.Value(tt.value)
		if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "sops s.yaml db") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s %q: %v", tt.format, tt.value, err)
		}
	}
	if v, err := (plan.Needed{Format: "text"}).Value("\xff"); err != nil || v != "\xff" {
		t.Errorf("text holds any bytes: %q, %v", v, err)
	}
}

func TestMistakenPlaceholdersAreRefused(t *testing.T) {
	text := "{secret:other}"
	app := plan.App{Files: map[string]plan.File{"a": db(plan.File{Text: &text})}, Places: map[string]plan.Pos{"files.a.text": {File: "app.cue", Line: 7, Column: 3}}}
	_, err := plan.Render(app)
	var r *plan.Refusal
	if !errors.As(err, &r) || r.Pos.Line != 7 || !strings.Contains(r.Text, `unknown secret "other"`) {
		t.Errorf("got %v", err)
	}
}

// A release changes with its secrets' ciphertext and revision, and with nothing of the controller that it is planned on.
func TestSecretsMakeReleases(t *testing.T) {
	sealed := plan.Secret{Age: &plan.AgeSecret{File: "db.age", Identity: "~/key"}, Dir: "/home/anna/conf", Digest: "sha256:" + strings.Repeat("a", 64)}
	name := func(change func(*plan.Secret)) string {
		a := smallApp()
		s := sealed
		if change != nil {
			change(&s)
		}
		a.Files = map[string]plan.File{"a": {Properties: map[string]any{"x": "{secret:db}"}, Secrets: map[string]plan.Secret{"db": s}}}
		p, err := plan.Compile(plan.Environment{Name: a.Env, Servers: map[string]plan.Host{"app01": {Name: "app01"}}}, []plan.App{a}, plan.Facts{}, plan.Intent{Kind: plan.Deploy, Offline: true})
		check(t, err)
		var doc strings.Builder
		check(t, plan.Encode(&doc, p))
		if _, err := plan.Decode(strings.NewReader(doc.String())); err != nil {
			t.Error(err)
		}
		return p.Apps[0].To
	}
	first := name(nil)
	for what, change := range map[string]func(*plan.Secret){
		"another folder":   func(s *plan.Secret) { s.Dir = "/ci/42" },
		"another identity": func(s *plan.Secret) { s.Age = &plan.AgeSecret{File: "db.age"} },
	} {
		if got := name(change); got != first {
			t.Errorf("%s: release %s, not %s", what, got, first)
		}
	}
	for what, change := range map[string]func(*plan.Secret){
		"another ciphertext": func(s *plan.Secret) { s.Digest = "sha256:" + strings.Repeat("b", 64) },
		"a revision":         func(s *plan.Secret) { s.Rev = "2" },
		"another file":       func(s *plan.Secret) { s.Age = &plan.AgeSecret{File: "other.age"} },
		"another kind":       func(s *plan.Secret) { *s = plan.Secret{Env: "DB"} },
	} {
		if got := name(change); got == first {
			t.Errorf("%s: the release is the same", what)
		}
	}
}

func smallApp() plan.App {
	return plan.App{Name: "hello", Env: "test", Version: "1.0", Servers: []string{"app01"}, Layout: plan.Layout{Root: "~/hello", Current: "current", Keep: 2},
		Artifact: plan.Artifact{URL: &plan.URLArtifact{URL: "https://repo.example/hello-{version}.zip"}}}
}
