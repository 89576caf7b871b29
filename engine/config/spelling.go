package config

import (
	"cmp"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
	"trikk.dev/engine/plan"
)

// spelling checks the names of fields as they are written, where CUE lets some pass: it ignores an optional field that a closed struct
// doesn't have, an arm of an alternative that can't hold, and what a condition leaves out.
type spelling struct {
	module
	files []*ast.File // of the package: definitions are followed
	seen  map[ast.Node]bool
	diags []Diagnostic
}

// misnamedFields gives the mistakes in the names below a top-level field of a package, held against a value of the schema.
func (m module) misnamedFields(files []*ast.File, root string, schema cue.Value) []Diagnostic {
	n := &spelling{module: m, files: files, seen: map[ast.Node]bool{}}
	for _, f := range n.declared(root) {
		n.look(f.Value, schema)
	}
	return n.diags
}

// spoilt are the names below a top-level field within which there are mistakes, or from which something was taken out; ok is that
// there is nothing such elsewhere.
func (m module) spoilt(files []*ast.File, root string, unknown []Diagnostic, c cuts) (names map[string]bool, ok bool) {
	var at []plan.Pos
	for _, d := range unknown {
		at = append(at, d.Pos)
	}
	if len(c) > 0 {
		files = m.asWritten(files)
	}
	for _, f := range files {
		for _, p := range c.used(f) {
			at = append(at, m.pos(p))
		}
	}
	n, found := &spelling{module: m, files: files}, map[plan.Pos]bool{}
	names = map[string]bool{}
	for _, top := range n.declared(root) {
		for _, s := range structs(top.Value) {
			for _, d := range s.Elts {
				f, is := d.(*ast.Field)
				if !is {
					continue
				}
				name, _, err := ast.LabelName(f.Label)
				for _, p := range at {
					if err == nil && between(p, m.pos(f.Pos()), m.pos(f.End())) {
						names[name], found[p] = true, true
					}
				}
			}
		}
	}
	return names, !slices.ContainsFunc(at, func(p plan.Pos) bool { return !found[p] })
}

// asWritten reads the user's files again, without anything taken out of them.
func (m module) asWritten(files []*ast.File) (out []*ast.File) {
	for _, f := range files {
		if !m.isUser(f.Filename) {
			continue
		}
		if again, err := parsed(f.Filename); err == nil {
			out = append(out, again)
		}
	}
	return out
}

// between tells whether a place is between two others of its file.
func between(at, from, to plan.Pos) bool {
	order := func(a, b plan.Pos) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) }
	return at.File == from.File && order(from, at) <= 0 && order(at, to) < 0
}

// declared lists the top-level fields of the user's files that have a name.
func (n *spelling) declared(name string) (out []*ast.Field) {
	for _, file := range n.files {
		if !n.isUser(file.Filename) {
			continue
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.Field); ok {
				if label, _, err := ast.LabelName(f.Label); err == nil && label == name {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// look checks an expression.
func (n *spelling) look(e ast.Expr, schema cue.Value) {
	if !schema.Exists() || n.seen[e] {
		return
	}
	n.seen[e] = true
	switch e := e.(type) {
	case *ast.StructLit:
		n.fields(e, shapeOf(schema), schema)
	case *ast.ListLit:
		for _, x := range e.Elts {
			if rest, ok := x.(*ast.Ellipsis); ok {
				x = rest.Type
			}
			if x != nil {
				n.look(x, elementOf(schema))
			}
		}
	case *ast.BinaryExpr:
		if e.Op == token.AND || e.Op == token.OR {
			n.look(e.X, schema)
			n.look(e.Y, schema)
		}
	case *ast.ParenExpr:
		n.look(e.X, schema)
	case *ast.UnaryExpr:
		n.look(e.X, schema)
	case *ast.Alias:
		n.look(e.Expr, schema)
	case *ast.Comprehension:
		n.look(e.Value, schema)
	case *ast.Ident:
		for _, f := range n.declared(e.Name) {
			n.look(f.Value, schema)
		}
	case *ast.CallExpr:
		n.call(e, schema)
	}
}

// call checks the arguments of those calls that put conditions on the value itself, or on the elements of a list.
func (n *spelling) call(e *ast.CallExpr, schema cue.Value) {
	switch name := embedded(e.Fun); name {
	case "close", "and", "or", "matchN", "matchIf":
		for _, a := range e.Args {
			if l, ok := a.(*ast.ListLit); ok && name != "close" {
				for _, x := range l.Elts {
					n.look(x, schema)
				}
				continue
			}
			n.look(a, schema)
		}
	case "list.MatchN":
		for _, a := range e.Args {
			n.look(a, elementOf(schema))
		}
	}
}

// fields checks the fields of a struct.
func (n *spelling) fields(s *ast.StructLit, known shape, schema cue.Value) {
	for _, d := range s.Elts {
		switch d := d.(type) {
		case *ast.EmbedDecl:
			n.look(d.Expr, schema)
		case *ast.Comprehension:
			n.look(d.Value, schema)
		case *ast.Field:
			n.field(d, known, schema)
		}
	}
}

func (n *spelling) field(f *ast.Field, known shape, schema cue.Value) {
	if _, pattern := patternOf(f.Label); pattern {
		for _, name := range known.names {
			n.look(f.Value, known.fields[name].value)
		}
		for _, p := range known.patterns {
			n.look(f.Value, p.value)
		}
		return
	}
	label := f.Label
	if a, ok := label.(*ast.Alias); ok {
		if inner, ok := a.Expr.(ast.Label); ok {
			label = inner
		}
	}
	name, quoted, err := ast.LabelName(label)
	if err == nil && name != "" && (name[0] == '_' || name[0] == '#') && !quoted {
		return
	}
	if err != nil || name == "" {
		for _, p := range known.patterns { // its name is not known here, so it may be any
			n.look(f.Value, p.value)
		}
		return
	}
	value, ok := known.schemaOf(name)
	switch {
	case ok:
		n.look(f.Value, value)
	case kindOf(schema) != cue.StructKind, schema.IncompleteKind() == cue.StructKind && schema.Allows(cue.AnyString) && len(known.patterns) == 0:
	default:
		n.diags = append(n.diags, Diagnostic{Pos: n.pos(f.Label.Pos()), Message: "unknown field \"" + name + "\"", Hint: suggest(name, known.names)})
	}
}

// patternOf gives the pattern of a label, where it is one.
func patternOf(l ast.Label) (ast.Expr, bool) {
	if a, ok := l.(*ast.Alias); ok {
		if inner, ok := a.Expr.(*ast.ListLit); ok {
			return inner, true
		}
	}
	p, ok := l.(*ast.ListLit)
	return p, ok
}
