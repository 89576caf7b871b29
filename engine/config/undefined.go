package config

import (
	"errors"
	"fmt"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
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
	_, args := e.Msg()
	name := fmt.Sprint(args[0])
	path := c.selected(e.Position())
	if len(path) < 2 || path[0] != c.root {
		c.perhaps = append(c.perhaps, d)
		return
	}
	in := c.real
	for _, p := range path[1 : len(path)-1] {
		in = in.LookupPath(cue.MakePath(cue.Str(p)))
	}
	switch {
	case !in.Exists():
		c.perhaps = append(c.perhaps, d)
		return
	case in.LookupPath(cue.MakePath(cue.Str(name))).Exists():
		return // it comes from the schema
	}
	var known []string
	for k := range children(in) {
		known = append(known, k)
	}
	if n := nearest(name, known); n != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", n)
	}
	c.diags = append(c.diags, d)
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

// selected gives the names of a reference by the place of its last one: a.b.c; none if it is not that simple.
func (m module) selected(p token.Pos) []string {
	if !p.IsValid() || !m.isUser(p.Filename()) {
		return nil
	}
	f, err := parser.ParseFile(p.Filename(), nil)
	if err != nil {
		return nil
	}
	var out []string
	ast.Walk(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Pos().Offset() == p.Offset() {
			out = names(s)
		}
		return out == nil
	}, nil)
	return out
}

// names lists the names of a reference; none if it has other parts than names.
func names(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.Ident:
		return []string{e.Name}
	case *ast.SelectorExpr:
		name, _, err := ast.LabelName(e.Sel)
		if before := names(e.X); err == nil && before != nil {
			return append(before, name)
		}
	}
	return nil
}
