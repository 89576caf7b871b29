package config

import (
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// cuts are the places of mistakes that are told and taken out of the files, so that CUE evaluates the rest: by file and offset.
type cuts map[string]map[int]bool

// add notes a place, and reports whether it is a new one.
func (c cuts) add(p token.Pos) bool {
	if !p.IsValid() || c.at(p) {
		return false
	}
	if c[p.Filename()] == nil {
		c[p.Filename()] = map[int]bool{}
	}
	c[p.Filename()][p.Offset()] = true
	return true
}

func (c cuts) at(p token.Pos) bool { return p.IsValid() && c[p.Filename()][p.Offset()] }

// caused reports whether an error comes from what was taken out, which is told already.
func (c cuts) caused(err error) bool {
	return err != nil && slices.ContainsFunc(errors.Errors(err), func(e errors.Error) bool {
		return slices.ContainsFunc(errors.Positions(e), c.at)
	})
}

// hides reports whether a value may have fields that are not known, because something was taken out of it.
func (c cuts) hides(v cue.Value) bool {
	if len(c) == 0 || v == (cue.Value{}) {
		return false
	}
	if c.caused(v.Err()) {
		return true
	}
	it, err := v.Fields(cue.Hidden(true), cue.ErrorsAsValues(true))
	for err == nil && it.Next() {
		if it.Selector().String() == gapName {
			return true
		}
	}
	return false
}

// parse is how a file is read of which something was taken out.
func (c cuts) parse(name string, src any, cfg parser.Config) (*ast.File, error) {
	f, err := parser.ParseFile(name, src, cfg)
	if err == nil && len(c[name]) > 0 {
		c.excise(f)
	}
	return f, err
}

// excise takes what was told out of a file. In the place of a value comes one that is never known; in the place of what adds
// fields to a struct, a mark that there may be more of them.
func (c cuts) excise(f *ast.File) {
	local := schemaName(f)
	astutil.Apply(f, func(cur astutil.Cursor) bool {
		switch n := cur.Node().(type) {
		case *ast.ImportDecl:
			n.Specs = slices.DeleteFunc(n.Specs, func(s *ast.ImportSpec) bool { return c.at(s.Pos()) })
			return false
		case *ast.LetClause:
			if _, clause := cur.Parent().Node().(*ast.Comprehension); !clause && c.at(n.Pos()) {
				cur.Delete()
				return false
			}
		case *ast.Field:
			if c.within(unaliased(n.Label)) {
				cur.Replace(&ast.EmbedDecl{Expr: gap(n.Pos())})
				return false
			}
			n.Value = c.value(n.Value, local)
		case *ast.EmbedDecl:
			n.Expr = c.operand(n.Expr, local)
		case *ast.Comprehension:
			return c.comprehension(cur, n)
		case ast.Expr:
			if a, ok := cur.Parent().Node().(*ast.Alias); ok && n == ast.Expr(a.Ident) {
				return false
			}
			if p := c.cutIn(n); p.IsValid() {
				cur.Replace(unknowable(p))
				return false
			}
		}
		return true
	}, func(cur astutil.Cursor) bool {
		if a, ok := cur.Node().(*ast.Alias); ok && c.at(a.Pos()) {
			cur.Replace(a.Expr)
		}
		return true
	})
}

// comprehension takes out one whose clauses have a mistake. It reports whether to go on inside.
func (c cuts) comprehension(cur astutil.Cursor, n *ast.Comprehension) bool {
	n.Clauses = slices.DeleteFunc(n.Clauses, func(k ast.Clause) bool {
		l, ok := k.(*ast.LetClause)
		return ok && c.at(l.Pos())
	})
	if !slices.ContainsFunc(n.Clauses, func(k ast.Clause) bool { return c.within(k) }) {
		return true
	}
	if _, list := cur.Parent().Node().(*ast.ListLit); list {
		cur.Replace(unknowable(c.first(n)))
	} else {
		cur.Replace(&ast.EmbedDecl{Expr: gap(n.Pos())})
	}
	return false
}

// value takes the mistakes out of the parts that are unified to a field's value.
func (c cuts) value(e ast.Expr, schema string) ast.Expr {
	switch x := e.(type) {
	case *ast.Alias:
		x.Expr = c.value(x.Expr, schema)
		return x
	case *ast.BinaryExpr:
		if x.Op == token.AND && len(structs(x)) > 0 {
			return c.operand(x, schema)
		}
	}
	if schema != "" && rootOf(e) == schema && c.cutIn(e).IsValid() {
		return c.operand(e, schema)
	}
	return e
}

// operand takes the mistakes out of what is unified to a struct.
func (c cuts) operand(e ast.Expr, schema string) ast.Expr {
	switch x := e.(type) {
	case *ast.ParenExpr:
		x.X = c.operand(x.X, schema)
		return x
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			x.X, x.Y = c.operand(x.X, schema), c.operand(x.Y, schema)
		}
		return x
	}
	p := c.cutIn(e)
	switch {
	case !p.IsValid():
		return e
	case schema != "" && rootOf(e) == schema: // what it says is known: the schema is held against all of it anyway
		return &ast.StructLit{Lbrace: p, Elts: []ast.Decl{&ast.Ellipsis{}}}
	}
	return gap(p)
}

// unaliased gives the label itself of a label with an alias.
func unaliased(l ast.Label) ast.Node {
	if a, ok := l.(*ast.Alias); ok {
		return a.Expr
	}
	return l
}

// within reports whether a node has a mistake in it.
func (c cuts) within(n ast.Node) bool { return c.first(n).IsValid() }

// first gives the place of the first mistake in a node.
func (c cuts) first(n ast.Node) (found token.Pos) {
	ast.Walk(n, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok && !found.IsValid() {
			found = c.cutIn(e)
		}
		return !found.IsValid()
	}, nil)
	return found
}

// used gives the places of all expressions that have a mistake.
func (c cuts) used(n ast.Node) (out []token.Pos) {
	ast.Walk(n, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok && c.cutIn(e).IsValid() {
			out = append(out, e.Pos())
		}
		return true
	}, nil)
	return out
}

// cutIn gives the place of the mistake in a reference or a call; none in another expression.
func (c cuts) cutIn(e ast.Expr) token.Pos {
	if call, ok := e.(*ast.CallExpr); ok {
		return c.cutIn(call.Fun)
	}
	if x := before(e); x != nil {
		if p := c.cutIn(x); p.IsValid() {
			return p
		}
	}
	switch e := e.(type) {
	case *ast.Ident:
		if spec, ok := e.Node.(*ast.ImportSpec); ok && c.at(spec.Pos()) {
			return spec.Pos()
		}
		return c.ifAt(e.Pos())
	case *ast.SelectorExpr:
		return c.ifAt(e.Sel.Pos())
	case *ast.IndexExpr:
		return c.ifAt(e.Index.Pos())
	}
	return token.NoPos
}

func (c cuts) ifAt(p token.Pos) token.Pos {
	if c.at(p) {
		return p
	}
	return token.NoPos
}

// before gives what a selector, an index or a slice takes from; nil for other expressions.
func before(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.X
	case *ast.IndexExpr:
		return e.X
	case *ast.SliceExpr:
		return e.X
	case *ast.ParenExpr:
		return e.X
	}
	return nil
}

// rootOf gives the first name of a reference; "" if it doesn't start with one.
func rootOf(e ast.Expr) string {
	for x := e; x != nil; x = before(x) {
		if id, ok := x.(*ast.Ident); ok {
			return id.Name
		}
	}
	return ""
}

// unknowable is a value that is never known. CUE's errors about it have its place.
func unknowable(p token.Pos) ast.Expr {
	fn := ast.NewPredeclared("len")
	fn.NamePos = p
	return &ast.CallExpr{Fun: fn, Lparen: p, Args: []ast.Expr{&ast.UnaryExpr{OpPos: p, Op: token.MAT, X: &ast.BasicLit{ValuePos: p, Kind: token.STRING, Value: `"told"`}}}}
}

// gapName is the field of a struct that may have more fields than are known.
const gapName = "_trikkGap"

// gap is a struct that may have any field.
func gap(p token.Pos) ast.Expr {
	mark := &ast.Field{Label: &ast.Ident{Name: gapName, NamePos: p}, Value: &ast.BasicLit{ValuePos: p, Kind: token.TRUE, Value: "true"}}
	return &ast.StructLit{Lbrace: p, Elts: []ast.Decl{mark, &ast.Ellipsis{}}}
}
