package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"trikk.dev/engine/manual"
	"trikk.dev/schema"
)

func TestCommittedReferenceIsCurrent(t *testing.T) {
	want, err := render(schema.FS)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/schema.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/schema.md is not what the schema says: go run ./cmd/schemadoc")
	}
}

func TestEveryFileOfTheSchemaIsInTheReference(t *testing.T) {
	entries, err := schema.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range files {
		known[f+".cue"] = true
	}
	for _, e := range entries {
		if !known[e.Name()] {
			t.Errorf("%s has no place in the reference", e.Name())
		}
	}
}

func TestEveryLinkHasATarget(t *testing.T) {
	page, err := render(schema.FS)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, part := range strings.Split(text, "](#")[1:] {
		target, _, _ := strings.Cut(part, ")")
		heading := strings.Contains(strings.ToLower(text), "\n## "+target+"\n")
		if !heading && !strings.Contains(text, `<a id="`+target+`">`) {
			t.Errorf("the link to %s leads nowhere", target)
		}
	}
}

func TestRows(t *testing.T) {
	for name, tc := range map[string]struct{ field, want string }{
		"required":       {`a!: #Name`, "| `a` | [Name](#name) | required | A text. |"},
		"optional":       {`a?: bool`, "| `a` | bool |  | A text. |"},
		"default":        {`a: #Wait & (*"5s" | _)`, "| `a` | [Wait](#wait) | `\"5s\"` | A text. |"},
		"empty default":  {`a: *"" | #User | error("must be a user")`, "| `a` | [User](#user) | `\"\"` | A text. |"},
		"enumeration":    {`a: *"x" | "y" | error("must be x or y")`, "| `a` | `\"x\"` or `\"y\"` | `\"x\"` | A text. |"},
		"list":           {`a!: list.MinItems(1) & [...#Name]`, "| `a` | list of [Name](#name) | required | A text. |"},
		"map":            {`a: [#Name]: #Port`, "| `a` | map of [Name](#name) to [Port](#port) |  | A text. |"},
		"anything":       {`a?: _`, "| `a` | any value |  | A text. |"},
		"path of fields": {`a: b: #Root & (*"x" | _)`, "| `a.b` | [Root](#root) | `\"x\"` | A text. |"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := fstest.MapFS{"x.cue": {Data: []byte("package schema\n\n// X is.\n#X: {\n\t// A\n\t// text.\n\t" + tc.field + "\n}\n")}}
			defs, err := manual.Read(dir, "x.cue")
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			section(&b, defs[0])
			if !strings.Contains(b.String(), tc.want+"\n") {
				t.Errorf("got\n%s\nwant the row\n%s", b.String(), tc.want)
			}
		})
	}
}

func TestWriteSaysWhatFailed(t *testing.T) {
	if err := write(filepath.Join(t.TempDir(), "no", "folder.md")); err == nil {
		t.Error("no error for a folder that does not exist")
	}
	if _, err := render(fstest.MapFS{}); err == nil {
		t.Error("no error for a schema without files")
	}
	if _, err := manual.Read(fstest.MapFS{"x.cue": {Data: []byte("#X: {")}}, "x.cue"); err == nil {
		t.Error("no error for a file that does not parse")
	}
}
