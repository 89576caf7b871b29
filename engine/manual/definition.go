// Package manual is the schema's documentation, read from its source: what each field is, its default and its comment. It parses
// CUE and evaluates none.
package manual

import (
	"fmt"
	"io/fs"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// Definition is one #Name of the schema.
type Definition struct {
	Name   string // without #
	Doc    string // its comment; lines that begin with a tab are examples
	Rule   string // of a scalar: what its error says
	Scalar bool
	Embeds []string // definitions whose fields it has too, without #
	Fields []Field

	value ast.Expr
	calls []*ast.CallExpr // that are embedded: struct.MaxFields(1)
}

// Field is one field of a definition.
type Field struct {
	Name     string // dotted where the schema writes layout: root: …
	Doc      string
	Required bool
	optional bool
	value    ast.Expr
}

// Read gives the definitions of one file of the schema, in its order.
func Read(dir fs.FS, name string) ([]Definition, error) {
	data, err := fs.ReadFile(dir, name)
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(name, data, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", name, err)
	}
	var defs []Definition
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

func define(label string, f *ast.Field) Definition {
	d := Definition{Name: strings.TrimPrefix(label, "#"), Doc: comment(f), Rule: ruleOf(f.Value), value: f.Value}
	value := f.Value
	if a, ok := value.(*ast.Alias); ok {
		value = a.Expr
	}
	body, ok := value.(*ast.StructLit)
	if !ok {
		d.Scalar = true
		return d
	}
	for _, e := range body.Elts {
		switch e := e.(type) {
		case *ast.EmbedDecl:
			switch x := e.Expr.(type) {
			case *ast.Ident:
				d.Embeds = append(d.Embeds, strings.TrimPrefix(x.Name, "#"))
			case *ast.CallExpr:
				d.calls = append(d.calls, x)
			}
		case *ast.Field:
			d.Fields = append(d.Fields, describe(e))
		}
	}
	return d
}

// describe makes a field. One such as layout: root: … has its whole path as its name.
func describe(f *ast.Field) Field {
	name, _, _ := ast.LabelName(f.Label)
	out := Field{Name: name, Doc: comment(f)}
	for {
		inner := only(f.Value)
		if inner == nil {
			break
		}
		name, _, _ := ast.LabelName(inner.Label)
		out.Name += "." + name
		f = inner
	}
	out.value, out.Required, out.optional = f.Value, f.Constraint == token.NOT, f.Constraint == token.OPTION
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

// comment gives the doc comment of a field.
func comment(f *ast.Field) string {
	for _, g := range ast.Comments(f) {
		if g.Doc {
			return strings.TrimSpace(g.Text())
		}
	}
	return ""
}

// ruleOf gives the message of an expression's error(…), "" if it has none.
func ruleOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.Ident); !ok || f.Name != "error" || len(e.Args) != 1 {
			return ""
		}
		return unquote(e.Args[0])
	case *ast.BinaryExpr:
		return ruleOf(e.Y)
	}
	return ""
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
