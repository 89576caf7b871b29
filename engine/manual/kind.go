package manual

import (
	"fmt"
	"strings"

	"cuelang.org/go/cue/ast"
)

// Words says how the parts of a kind are written.
type Words struct {
	Definition func(name string) string // a name of the schema, without #
	Literal    func(text string) string // a value as in CUE
}

// Kind writes the kind of the field's values for people.
func (f Field) Kind(w Words) string { return w.kind(f.value) }

// Default gives the field's default as in CUE, "" if it has none.
func (f Field) Default() string { return defaultOf(f.value) }

func (w Words) kind(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return w.ident(e.Name)
	case *ast.ParenExpr:
		return w.kind(e.X)
	case *ast.ListLit:
		return w.list(e)
	case *ast.StructLit:
		return w.mapping(e)
	case *ast.BasicLit:
		return w.Literal(e.Value)
	case *ast.UnaryExpr:
		return w.kind(e.X)
	case *ast.BinaryExpr:
		return w.both(e)
	}
	return ""
}

// ident writes the name of a kind; "_" says nothing.
func (w Words) ident(name string) string {
	switch {
	case name == "_":
		return anyValue
	case strings.HasPrefix(name, "#"):
		return w.Definition(name[1:])
	}
	return name
}

const anyValue = "any value"

// both joins the sides of & and |: what says nothing is left out, and a default where its kind is said.
func (w Words) both(e *ast.BinaryExpr) string {
	x, y := w.kind(e.X), w.kind(e.Y)
	switch {
	case x == "" || x == anyValue && y != "":
		return y
	case y == "" || y == anyValue || x == y:
		return x
	case isLiteral(e.X) && !isLiteral(e.Y):
		return y
	case isLiteral(e.Y) && !isLiteral(e.X):
		return x
	}
	return x + " or " + y
}

// isLiteral tells whether an expression begins with a value.
func isLiteral(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.UnaryExpr:
		return isLiteral(e.X)
	case *ast.ParenExpr:
		return isLiteral(e.X)
	case *ast.BinaryExpr:
		return isLiteral(e.X)
	}
	return false
}

func (w Words) list(l *ast.ListLit) string {
	if of := element(l); of != nil {
		return strings.TrimSpace("list of " + w.kind(of))
	}
	return "list"
}

// element is what a list is of.
func element(l *ast.ListLit) ast.Expr {
	for _, e := range l.Elts {
		if d, ok := e.(*ast.Ellipsis); ok {
			return d.Type
		}
	}
	return nil
}

// mapping writes a struct that is a pattern as a map.
func (w Words) mapping(s *ast.StructLit) string {
	key, value := pattern(s)
	if key == nil && len(s.Elts) == 1 {
		if _, open := s.Elts[0].(*ast.Ellipsis); open {
			return "any struct"
		}
	}
	if key == nil {
		return ""
	}
	return fmt.Sprintf("map of %s to %s", w.kind(key), w.kind(value))
}

// pattern is the key and the value of a struct's first pattern; nil if it has none.
func pattern(s *ast.StructLit) (key, value ast.Expr) {
	for _, d := range s.Elts {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if p, ok := f.Label.(*ast.ListLit); ok && len(p.Elts) == 1 {
			key := p.Elts[0]
			if a, ok := key.(*ast.Alias); ok {
				key = a.Expr
			}
			return key, f.Value
		}
	}
	return nil, nil
}

// defaultOf writes the default of an expression, "" if it has none.
func defaultOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if lit, ok := e.X.(*ast.BasicLit); ok && e.Op.String() == "*" {
			return lit.Value
		}
	case *ast.ParenExpr:
		return defaultOf(e.X)
	case *ast.BinaryExpr:
		if d := defaultOf(e.X); d != "" {
			return d
		}
		return defaultOf(e.Y)
	}
	return ""
}
