package config

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// reference is a name and what is selected from it, such as app.ports.http, and where it stands.
type reference struct {
	root  *ast.Ident
	steps []step
	spot
}

// step is one name, or one index of a list, that a reference selects.
type step struct {
	name  string
	index int // -1: a name
	pos   token.Pos
}

// spot is where an expression stands.
type spot struct {
	path  []string // of the field around it; anyKey is a pattern's
	exact bool     // it is the value at path, or a part that is unified to it; otherwise it is somewhere inside of that
	fixed bool     // all of path is known by name
	// sure: it is evaluated as it stands. Otherwise it may be in a definition, in a pattern, or behind a condition.
	sure bool
	// maybe: it may well be absent, since it is compared to _|_ or has an alternative.
	maybe bool
}

// maxPath bounds the paths that are kept, in names: what is deeper is in no schema.
const maxPath = 64

// anyKey stands in a path for all keys that a pattern matches.
const anyKey = "*"

// mentions is what the files of a package refer to, and where.
type mentions struct {
	found  []reference
	scopes map[ast.Node]spot // of structs, files, fields and aliases
	lets   map[*ast.LetClause]*reference
}

func mentionsIn(files []*ast.File) mentions {
	r := mentions{scopes: map[ast.Node]spot{}, lets: map[*ast.LetClause]*reference{}}
	for _, f := range files {
		top := spot{exact: true, fixed: true, sure: true}
		r.scopes[f] = top
		r.decls(f.Decls, top)
	}
	return r
}

func (r *mentions) decls(decls []ast.Decl, in spot) {
	for _, d := range decls {
		switch d := d.(type) {
		case *ast.Field:
			r.field(d, in)
		case *ast.EmbedDecl:
			r.expr(d.Expr, in)
		case *ast.Comprehension:
			r.comprehension(d, in)
		case *ast.LetClause:
			r.let(d, in)
		case *ast.Ellipsis:
		}
	}
}

// field goes into a field: its label, then its value.
func (r *mentions) field(f *ast.Field, in spot) {
	at := in
	if len(in.path) > maxPath {
		at.exact, at.fixed, at.sure = false, false, false
		r.scopes[f] = at
		if f.Value != nil {
			r.expr(f.Value, at)
		}
		return
	}
	label := f.Label
	if a, ok := label.(*ast.Alias); ok {
		label, _ = a.Expr.(ast.Label)
	}
	name, _, err := ast.LabelName(label)
	switch l := label.(type) {
	case *ast.ListLit: // a pattern
		at.path, at.sure = append(slices.Clip(in.path), anyKey), false
		for _, e := range l.Elts {
			r.expr(e, in.inside())
		}
	case ast.Expr:
		if err != nil { // computed
			r.expr(l, in.inside())
			at.path, at.fixed = append(slices.Clip(in.path), anyKey), false
			break
		}
		at.path = append(slices.Clip(in.path), name)
		at.sure = in.sure && f.Constraint == token.ILLEGAL && !strings.Contains(strings.TrimPrefix(name, "_"), "#")
	}
	r.scopes[f] = at
	if f.Value != nil {
		r.expr(f.Value, at)
	}
}

// inside is the spot of what an expression is made of.
func (s spot) inside() spot {
	s.exact = false
	return s
}

func (r *mentions) let(l *ast.LetClause, in spot) {
	at := in.inside()
	at.sure = false
	if ref, ok := referenceOf(l.Expr); ok {
		ref.spot = at
		r.lets[l] = &ref
	}
	r.expr(l.Expr, at)
}

// comprehension goes into the clauses, of which the first is always evaluated, and into what they yield.
func (r *mentions) comprehension(c *ast.Comprehension, in spot) {
	at := in.inside()
	for _, k := range c.Clauses {
		switch k := k.(type) {
		case *ast.ForClause:
			r.expr(k.Source, at)
		case *ast.IfClause:
			r.expr(k.Condition, at)
		case *ast.LetClause:
			r.let(k, at)
		}
		at.sure = false
	}
	body := in
	body.sure = false
	r.expr(c.Value, body)
}

// expr collects the references of an expression.
func (r *mentions) expr(e ast.Expr, at spot) {
	if ref, ok := referenceOf(e); ok {
		ref.spot = at
		r.found = append(r.found, ref)
		return
	}
	switch e := e.(type) {
	case *ast.Alias:
		r.scopes[e] = at
		r.expr(e.Expr, at)
	case *ast.ParenExpr:
		r.expr(e.X, at)
	case *ast.StructLit:
		r.scopes[e] = at
		if !at.exact {
			at.fixed = false
			r.scopes[e] = at
		}
		r.decls(e.Elts, at)
	case *ast.ListLit:
		r.list(e, at)
	case *ast.UnaryExpr:
		r.expr(e.X, at)
	case *ast.BinaryExpr:
		r.binary(e, at)
	default:
		r.parts(e, at.inside())
	}
}

func (r *mentions) binary(e *ast.BinaryExpr, at spot) {
	switch e.Op {
	case token.AND:
	case token.OR:
		at.maybe, at.sure, at.fixed = true, false, false
	case token.EQL, token.NEQ:
		at = at.inside()
		at.maybe = at.maybe || isBottom(e.X) || isBottom(e.Y)
	default:
		at = at.inside()
	}
	r.expr(e.X, at)
	r.expr(e.Y, at)
}

func isBottom(e ast.Expr) bool { _, ok := e.(*ast.BottomLit); return ok }

// list goes into the elements of a list, whose numbers are known up to the first comprehension.
func (r *mentions) list(l *ast.ListLit, at spot) {
	known := at.fixed && at.exact
	for i, e := range l.Elts {
		in := at
		in.path = append(slices.Clip(at.path), strconv.Itoa(i))
		in.fixed = known
		switch e := e.(type) {
		case *ast.Comprehension:
			known = false
			in = at.inside()
			in.fixed = false
			r.comprehension(e, in)
		case *ast.Ellipsis:
			in.sure = false
			if e.Type != nil {
				r.expr(e.Type, in.inside())
			}
		default:
			r.expr(e, in)
		}
	}
}

// parts goes into the parts of all other expressions.
func (r *mentions) parts(e ast.Expr, at spot) {
	if e == nil {
		return
	}
	ast.Walk(e, func(n ast.Node) bool {
		part, ok := n.(ast.Expr)
		if !ok || n == ast.Node(e) {
			return true
		}
		r.expr(part, at)
		return false
	}, nil)
}

// referenceOf reads an expression that is a name and what is selected from it.
func referenceOf(e ast.Expr) (reference, bool) {
	switch e := e.(type) {
	case *ast.Ident:
		return reference{root: e}, true
	case *ast.ParenExpr:
		return referenceOf(e.X)
	case *ast.SelectorExpr:
		ref, ok := referenceOf(e.X)
		name, _, err := ast.LabelName(e.Sel)
		ref.steps = append(ref.steps, step{name: name, index: -1, pos: e.Sel.Pos()})
		return ref, ok && err == nil
	case *ast.IndexExpr:
		ref, ok := referenceOf(e.X)
		by, literal := e.Index.(*ast.BasicLit)
		if !ok || !literal {
			return reference{}, false
		}
		s, ok := indexOf(by)
		ref.steps = append(ref.steps, s)
		return ref, ok
	}
	return reference{}, false
}

// indexOf reads a literal index.
func indexOf(l *ast.BasicLit) (step, bool) {
	switch l.Kind {
	case token.STRING:
		name, err := literal.Unquote(l.Value)
		return step{name: name, index: -1, pos: l.Pos()}, err == nil
	case token.INT:
		n, err := strconv.Atoi(l.Value)
		return step{name: l.Value, index: n, pos: l.Pos()}, err == nil
	}
	return step{}, false
}
