package config

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// exclusion gives the build attribute that keeps CUE from reading a file; nil if it is read. trikk sets no build tags.
func exclusion(f *ast.File) *ast.Attribute {
	if f == nil {
		return nil
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.Attribute:
			key, body := d.Split()
			if key == "ignore" || key == "if" && !holds(body) {
				return d
			}
		case *ast.CommentGroup:
		default:
			return nil // a build attribute is in front of the package clause
		}
	}
	return nil
}

// holds reports whether the condition of an @if is met where no tag is set. What can't be read is CUE's to tell.
func holds(condition string) bool {
	e, err := parser.ParseExpr("", condition)
	return err != nil || met(e)
}

func met(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return false
	case *ast.ParenExpr:
		return met(e.X)
	case *ast.UnaryExpr:
		return e.Op != token.NOT || !met(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.LAND {
			return met(e.X) && met(e.Y)
		}
		return e.Op != token.LOR || met(e.X) || met(e.Y)
	}
	return true
}

// without tells the exclusions of a package of which no file is read.
func (s *scanner) without(f *folder) {
	if len(f.excluded) == 0 || len(f.excluded) < len(f.files) {
		return
	}
	f.broken = true
	s.diags = append(s.diags, f.excluded...)
}
