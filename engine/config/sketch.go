package config

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// sketch is what files write of a field: its parts that are literals. Nothing is evaluated.
type sketch struct {
	fields map[string]*sketch // by name; anyKey for those that a pattern matches
	texts  []string           // strings: its value, or the elements of its list
	truth  bool               // it is true
	// computed: it may have more, which only evaluation tells.
	computed bool
}

// at gives what is written below a path; nothing is an empty one.
func (w *sketch) at(path ...string) *sketch {
	for _, name := range path {
		if w == nil {
			break
		}
		w = w.fields[name]
	}
	if w == nil {
		return &sketch{}
	}
	return w
}

// text is the field's value, if it is one string.
func (w *sketch) text() string {
	if len(w.texts) != 1 {
		return ""
	}
	return w.texts[0]
}

// names are those of the fields that are written by name.
func (w *sketch) names() (out []string) {
	for name := range w.fields {
		if name != anyKey {
			out = append(out, name)
		}
	}
	return out
}

// field gives the field of a name, and makes it if it is not there.
func (w *sketch) field(name string) *sketch {
	if w.fields == nil {
		w.fields = map[string]*sketch{}
	}
	if w.fields[name] == nil {
		w.fields[name] = &sketch{}
	}
	return w.fields[name]
}

// add unifies another one into it.
func (w *sketch) add(v *sketch) {
	w.texts, w.truth, w.computed = append(w.texts, v.texts...), w.truth || v.truth, w.computed || v.computed
	for name, f := range v.fields {
		w.field(name).add(f)
	}
}

// file adds the fields of a file.
func (w *sketch) file(f *ast.File) {
	sketching{schema: schemaName(f)}.decls(f.Decls, w)
}

// sketching reads the fields of one file.
type sketching struct {
	schema string // the name of the schema there: its definitions name nothing of the user's
}

func (r sketching) decls(decls []ast.Decl, into *sketch) {
	for _, d := range decls {
		switch d := d.(type) {
		case *ast.Field:
			r.field(d, into)
		case *ast.EmbedDecl:
			r.expr(d.Expr, into)
		case *ast.Comprehension:
			into.computed = true
		}
	}
}

func (r sketching) field(f *ast.Field, into *sketch) {
	label := f.Label
	if a, ok := label.(*ast.Alias); ok {
		if l, ok := a.Expr.(ast.Label); ok {
			label = l
		}
	}
	switch l := label.(type) {
	case *ast.ListLit:
		r.expr(f.Value, into.field(anyKey))
		return
	case *ast.Ident:
		if strings.HasPrefix(l.Name, "_") || strings.HasPrefix(l.Name, "#") {
			return // only CUE itself sees it
		}
	}
	name, _, err := ast.LabelName(label)
	if err != nil {
		into.computed = true
		return
	}
	r.expr(f.Value, into.field(name))
}

func (r sketching) expr(e ast.Expr, into *sketch) {
	switch e := e.(type) {
	case *ast.StructLit:
		r.decls(e.Elts, into)
		return
	case *ast.ParenExpr:
		r.expr(e.X, into)
		return
	case *ast.ListLit:
		for _, x := range e.Elts {
			r.expr(x, into)
		}
		return
	case *ast.Ellipsis:
		return
	case *ast.BasicLit:
		into.truth = into.truth || e.Kind == token.TRUE
		if text, err := literal.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			into.texts = append(into.texts, text)
		}
		return
	case *ast.BinaryExpr:
		if e.Op == token.AND {
			r.expr(e.X, into)
			r.expr(e.Y, into)
			return
		}
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && x.Name == r.schema && r.schema != "" {
			return
		}
	}
	into.computed = true
}
