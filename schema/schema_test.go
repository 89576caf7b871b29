package schema_test

import (
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"
	"trikk.dev/schema"
)

// sources gives the parsed files of the embedded schema.
func sources(t *testing.T) []*ast.File {
	t.Helper()
	entries, err := schema.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var out []*ast.File
	for _, e := range entries {
		data, err := schema.FS.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(e.Name(), data, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// lang is the schema, ready to judge what users write.
type lang struct {
	ctx   *cue.Context
	value cue.Value
}

// compile evaluates a file in the scope of the schema.
func (l lang) compile(text string) cue.Value { return l.ctx.CompileString(text, cue.Scope(l.value)) }

// write evaluates what a user writes against a definition.
func (l lang) write(definition, text string) (cue.Value, error) {
	file := l.compile("it: " + definition + " & {" + text + "\n}")
	return file.LookupPath(cue.ParsePath("it")), file.Validate(cue.Concrete(true), cue.All())
}

func language(t *testing.T) lang {
	t.Helper()
	in := build.NewContext().NewInstance("", nil)
	for _, f := range sources(t) {
		if err := in.AddSyntax(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Complete(); err != nil {
		t.Fatal(err)
	}
	ctx := cuecontext.New()
	v := ctx.BuildInstance(in)
	if err := v.Err(); err != nil {
		t.Fatal(err)
	}
	return lang{ctx, v}
}

func TestEveryFieldOfEveryDefinitionHasAComment(t *testing.T) {
	count := 0
	for _, file := range sources(t) {
		for _, d := range file.Decls {
			def, ok := d.(*ast.Field)
			if !ok {
				continue
			}
			name, _, _ := ast.LabelName(def.Label)
			requireComment(t, name, def)
			for _, f := range fieldsOf(def.Value) {
				label, _, _ := ast.LabelName(f.Label)
				requireComment(t, name+"."+label, f)
				count++
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d fields were looked at", count)
	}
}

func requireComment(t *testing.T, name string, f *ast.Field) {
	t.Helper()
	for _, g := range ast.Comments(f) {
		text := strings.TrimSpace(g.Text())
		first := strings.TrimSpace(strings.Split(text, "\n\n")[0])
		if g.Doc && (strings.HasSuffix(first, ".") || strings.HasSuffix(first, "…") || strings.HasSuffix(first, "none.")) {
			return
		}
	}
	t.Errorf("%s has no comment that is a sentence", name)
}

func fieldsOf(e ast.Expr) (out []*ast.Field) {
	if a, ok := e.(*ast.Alias); ok {
		e = a.Expr
	}
	s, ok := e.(*ast.StructLit)
	if !ok {
		return nil
	}
	for _, d := range s.Elts {
		if f, ok := d.(*ast.Field); ok {
			out = append(out, f)
		}
	}
	return out
}

// An editor shows the comments of a user's own field: they must arrive at the values, through embedding and patterns.
func TestCommentsReachWhatUsersWrite(t *testing.T) {
	v, err := language(t).write("#App", smallest+`
		rollout: rolling: {}
		topology: pairs: {proxies: ["w"], outer: marker: {file: "out", settle: "5s"}}
		probes: up: http: port: 80
		files: a: text: "x"
		artifact: url: auth: token: env: "TOKEN"
		service: commands: {start: "a", stop: "b"}`)
	if err != nil {
		t.Fatal(err)
	}
	requireDocs(t, v, "")
	requireDocs(t, v.LookupPath(cue.ParsePath("environments.prod")), "environments.prod.")
}

// requireDocs walks the structs, except the maps whose keys are the user's.
func requireDocs(t *testing.T, v cue.Value, path string) {
	t.Helper()
	it, err := v.Fields()
	if err != nil {
		t.Fatal(err)
	}
	for it.Next() {
		name := path + it.Selector().String()
		if len(it.Value().Doc()) == 0 {
			t.Errorf("%s shows nothing", name)
		}
		switch it.Selector().String() {
		case "environments", "labels", "ports", "properties", "env":
			continue
		case "files", "probes":
			one, _ := it.Value().Fields()
			for one.Next() {
				requireDocs(t, one.Value(), name+"."+one.Selector().String()+".")
			}
			continue
		}
		if it.Value().IncompleteKind() == cue.StructKind {
			requireDocs(t, it.Value(), name+".")
		}
	}
}
