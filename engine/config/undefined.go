package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// undefinedField finds a reference to a field that doesn't exist in an error, also where it is part of a string; nil if there
// is none.
func undefinedField(err error) cueerrors.Error {
	for ; err != nil; err = errors.Unwrap(err) {
		e, ok := err.(cueerrors.Error)
		if !ok {
			continue
		}
		if format, args := e.Msg(); strings.HasPrefix(format, "undefined field") && len(args) == 1 {
			return e
		}
	}
	return nil
}

// undefined reports a reference to a field that doesn't exist. Where that can't be decided without the schema, it is left to
// CUE.
func (c *comparison) undefined(e cueerrors.Error, at []string) {
	d := c.one(e)
	d.Path = strings.Join(at, ".")
	ref, missing := c.selected(e.Position())
	if missing < 1 || ref[0].name != c.root {
		if c.really(e, at) {
			c.diags = append(c.diags, d)
			return
		}
		c.perhaps = append(c.perhaps, d)
		return
	}
	in := c.real
	for i, s := range ref[1:] {
		next := in.LookupPath(cue.MakePath(cue.Str(s.name)))
		if next.Exists() {
			in = next
			continue
		}
		if i+1 < missing || i+1 > missing && in.Err() != nil {
			c.perhaps = append(c.perhaps, d)
			return
		}
		c.diags = append(c.diags, c.noSuch(d, s, in))
		return
	}
}

// at is the value with the schema at a path; it may not exist.
func (c *comparison) at(path []string) cue.Value {
	v := c.real
	for _, name := range path {
		v = next(v, name)
	}
	return v
}

// next goes down one field or element, also where there are errors elsewhere.
func next(v cue.Value, name string) cue.Value {
	if w := field(v, name); w.Exists() {
		return w
	}
	for n, w := range children(v) {
		if n == name {
			return w
		}
	}
	return cue.Value{}
}

// settled reports whether the value at a path is sound with the schema.
func (c *comparison) settled(path []string) bool {
	v := c.at(path)
	return v.Exists() && v.Validate(cue.Concrete(true)) == nil
}

// really reports whether the same reference is to nothing with the schema too.
func (c *comparison) really(e cueerrors.Error, at []string) bool {
	v := c.at(at)
	if !v.Exists() {
		return false
	}
	u := undefinedField(v.Err())
	return u != nil && c.pos(u.Position()) == c.pos(e.Position())
}

// inside reports the references to what doesn't exist in a value that the schema doesn't look into, and whether there are any.
func (c *comparison) inside(v cue.Value, path []string) bool {
	before := len(c.diags) + len(c.perhaps)
	for name, w := range children(v) {
		at := append(slices.Clip(path), name)
		if err := w.Err(); err != nil {
			c.broken(w, err, at)
			continue
		}
		c.inside(w, at)
	}
	return len(c.diags)+len(c.perhaps) > before
}

// noSuch words that a struct lacks what a reference selects.
func (c *comparison) noSuch(d Diagnostic, s selection, in cue.Value) Diagnostic {
	d.Pos, d.Message, d.Hint = c.pos(s.pos), "undefined field: "+s.name, ""
	if k := in.IncompleteKind(); k != cue.StructKind && k != cue.BottomKind {
		d.Hint = "what is before it is a " + k.String()
		return d
	}
	var known []string
	for k := range children(in) {
		known = append(known, k)
	}
	if n := nearest(s.name, known); n != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", n)
	}
	return d
}

// redeclared gives the first place of a name that an import takes again.
func redeclared(e cueerrors.Error) (token.Pos, string) {
	format, args := e.Msg()
	if !strings.Contains(format, "redeclared as imported package name") || len(args) != 2 {
		return token.NoPos, ""
	}
	p, ok := args[1].(token.Pos)
	if !ok {
		return token.NoPos, ""
	}
	return p, fmt.Sprint(args[0])
}

// selection is one name of a reference, a.b.c.
type selection struct {
	name string
	pos  token.Pos
}

// selected gives the whole reference that has a name at a place, and which of its names that is; none if it has other parts than
// names.
func (m module) selected(p token.Pos) (ref []selection, i int) {
	if !p.IsValid() || !m.isUser(p.Filename()) {
		return nil, 0
	}
	f, err := parsed(p.Filename())
	if err != nil {
		return nil, 0
	}
	ast.Walk(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && i < 1 {
			ref = selections(s)
			i = slices.IndexFunc(ref, func(s selection) bool { return s.pos.Offset() == p.Offset() })
		}
		return i < 1
	}, nil)
	return ref, i
}

// selections lists the names of a reference; none if it has other parts than names.
func selections(e ast.Expr) []selection {
	switch e := e.(type) {
	case *ast.Ident:
		return []selection{{e.Name, e.Pos()}}
	case *ast.SelectorExpr:
		name, _, err := ast.LabelName(e.Sel)
		if before := selections(e.X); err == nil && before != nil {
			return append(before, selection{name, e.Sel.Pos()})
		}
	}
	return nil
}
