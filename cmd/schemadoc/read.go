package main

import (
	"fmt"
	"io/fs"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// definition is one #Name of the schema.
type definition struct {
	name   string // without #
	doc    string
	rule   string         // of a scalar: what its error says
	body   *ast.StructLit // nil: a scalar
	embeds []string
	fields []field
}

// field is one field of a definition.
type field struct {
	name     string
	kind     string // markdown
	standard string // markdown: its default, "required" or ""
	doc      string
}

// read gives the definitions of one file, in its order.
func read(dir fs.FS, name string) ([]definition, error) {
	data, err := fs.ReadFile(dir, name)
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(name, data, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", name, err)
	}
	var defs []definition
	for _, d := range f.Decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if label, _, _ := ast.LabelName(field.Label); strings.HasPrefix(label, "#") {
			defs = append(defs, define(label, field))
		}
	}
	return defs, nil
}

func define(label string, f *ast.Field) definition {
	d := definition{name: strings.TrimPrefix(label, "#"), doc: comment(f), rule: ruleOf(f.Value)}
	value := f.Value
	if a, ok := value.(*ast.Alias); ok {
		value = a.Expr
	}
	d.body, _ = value.(*ast.StructLit)
	if d.body == nil {
		return d
	}
	for _, e := range d.body.Elts {
		switch e := e.(type) {
		case *ast.EmbedDecl:
			if i, ok := e.Expr.(*ast.Ident); ok {
				d.embeds = append(d.embeds, i.Name)
			}
		case *ast.Field:
			d.fields = append(d.fields, describe(e))
		}
	}
	return d
}

// describe makes a field's row. A field such as layout: root: … is shown by its whole path.
func describe(f *ast.Field) field {
	name, _, _ := ast.LabelName(f.Label)
	out := field{name: name, doc: comment(f)}
	for {
		inner := only(f.Value)
		if inner == nil {
			break
		}
		name, _, _ := ast.LabelName(inner.Label)
		out.name += "." + name
		f = inner
	}
	out.kind = typeOf(f.Value)
	out.standard = defaultOf(f.Value)
	if f.Constraint == token.NOT {
		out.standard = "required"
	}
	return out
}

// only gives the one named field of a struct without braces.
func only(e ast.Expr) *ast.Field {
	s, ok := e.(*ast.StructLit)
	if !ok || len(s.Elts) != 1 {
		return nil
	}
	f, ok := s.Elts[0].(*ast.Field)
	if !ok {
		return nil
	}
	if _, named := f.Label.(*ast.Ident); !named {
		return nil
	}
	return f
}

// comment gives the doc comment of a field, as markdown.
func comment(f *ast.Field) string {
	for _, g := range ast.Comments(f) {
		if g.Doc {
			return strings.TrimSpace(markdown(g.Text()))
		}
	}
	return ""
}

// markdown fences the indented examples of a comment.
func markdown(text string) string {
	var out []string
	inside := false
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		code := strings.HasPrefix(l, "\t") || inside && l == ""
		switch {
		case code && !inside:
			out = append(out, "```cue")
		case inside && !code:
			out = append(out, "```")
		}
		inside = code
		out = append(out, strings.TrimPrefix(l, "\t"))
	}
	if inside {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}

func unquote(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, err := literal.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}
