package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// maxMends bounds how often a package is built anew: a let clause or an import may be used by nothing but what was taken out.
const maxMends = 8

// mend tells what CUE doesn't build at all, names that don't exist and what nobody uses, and gives the package without it. The
// value is still missing where there is more that CUE doesn't build.
func (r *reader) mend(l loaded) loaded {
	fresh := len(r.cuts) == 0 // later, what was taken out may have been all that used something
	if l.err != nil && len(r.lost) > 0 {
		for _, p := range r.lost {
			r.cuts.add(p)
		}
		l = r.rebuild()
	}
	gone := map[string]bool{} // imports that were taken out: what refers to them is told there
	for round := 0; l.err != nil && round < maxMends; round++ {
		found := faultsOf(l.err)
		r.tell(found, gone, fresh && round == 0)
		if !r.cut(found) {
			return l
		}
		l = r.rebuild()
	}
	return l
}

// rebuild gives the package without what was cut out.
func (r *reader) rebuild() loaded {
	b, err := r.build([]folder{r.folder}, r.cuts.parse)
	if err != nil {
		return loaded{err: err}
	}
	r.language = b.language
	return b.values[0]
}

// cut takes what can be taken out of the files, and reports whether that was anything new.
func (r *reader) cut(found []fault) bool {
	more := false
	for _, f := range found {
		if f.kind != other && r.isUser(f.err.Position().Filename()) && r.cuts.add(f.err.Position()) {
			more = true
		}
	}
	return more
}

// fault is one reason why CUE doesn't build a package.
type fault struct {
	err  errors.Error
	kind faultKind
	name string // that doesn't exist, or that nobody uses
}

type faultKind int

const (
	other     faultKind = iota
	unknown             // a name that doesn't exist
	unused              // an import, an alias or a let clause that nobody uses
	noPackage           // an import of nothing
)

func faultsOf(err error) (out []fault) {
	for _, e := range errors.Errors(err) {
		f := fault{err: e}
		format, args := e.Msg()
		if len(args) > 0 {
			f.name = fmt.Sprint(args[0])
		}
		switch {
		case strings.HasPrefix(format, "reference %q not found"):
			f.kind = unknown
		case strings.HasPrefix(format, "unreferenced alias or let clause"):
			f.kind = unused
		case strings.HasPrefix(format, "imported and not used"):
			f.kind, f.name = unused, importName(f.name)
			if len(args) > 1 {
				f.name = fmt.Sprint(args[1])
			}
		case strings.HasPrefix(format, "builtin package %q undefined"):
			f.kind, f.name = noPackage, importName(f.name)
		}
		out = append(out, f)
	}
	return out
}

// importName is the name by which a file refers to an import.
func importName(path string) string {
	if s, err := strconv.Unquote(path); err == nil {
		path = s
	}
	return ast.ParseImportPath(path).Qualifier
}

// tell reports faults, but not what follows from others: what only a misspelt name would use, or what is left over by a fault of
// an earlier round.
func (r *reader) tell(found []fault, gone map[string]bool, first bool) {
	for _, f := range found {
		if f.kind == noPackage {
			gone[f.err.Position().Filename()+" "+f.name] = true
		}
	}
	for _, f := range found {
		d := r.one(f.err)
		switch f.kind {
		case unused:
			if !first || slices.ContainsFunc(found, func(o fault) bool {
				return o.kind == unknown && (o.name == f.name || nearest(o.name, []string{f.name}) != "")
			}) {
				continue
			}
		case unknown:
			if gone[f.err.Position().Filename()+" "+f.name] {
				continue
			}
			d.Hint = r.hint(f)
		}
		r.add(d)
	}
}

// hint says what a name that doesn't exist was probably meant to be.
func (r *reader) hint(f fault) string {
	if slices.Contains([]string{"list", "math", "net", "path", "regexp", "strconv", "strings", "struct", "time"}, f.name) {
		return fmt.Sprintf("the file lacks: import %q", f.name)
	}
	if n := nearest(f.name, r.inScope(f.err.Position())); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

// inScope lists the names that can be used at a place of a file, but not those of the fields that it is in.
func (r *reader) inScope(p token.Pos) []string {
	out := []string{"string", "int", "number", "bool", "true", "false", "null", "len"}
	f, err := parsed(p.Filename())
	if err != nil {
		return out
	}
	for spec := range f.ImportSpecs() {
		if name := spec.Name; name != nil {
			out = append(out, name.Name)
			continue
		}
		out = append(out, importName(spec.Path.Value))
	}
	for _, l := range r.folder.labels {
		out = append(out, l.name)
	}
	return append(out, namesAround(f.Decls, p.Offset())...)
}

// namesAround lists the names that declarations give to what is at an offset.
func namesAround(decls []ast.Decl, offset int) (out []string) {
	for _, d := range decls {
		in := d.Pos().Offset() <= offset && offset < d.End().Offset()
		switch d := d.(type) {
		case *ast.LetClause:
			out = append(out, d.Ident.Name)
		case *ast.Field:
			label := d.Label
			if a, ok := label.(*ast.Alias); ok {
				out = append(out, a.Ident.Name)
				label, _ = a.Expr.(ast.Label)
			}
			if a, ok := d.Value.(*ast.Alias); ok && in {
				out = append(out, a.Ident.Name)
			}
			if id, ok := label.(*ast.Ident); ok && !in {
				out = append(out, id.Name)
			}
		}
		if !in {
			continue
		}
		ast.Walk(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StructLit:
				out = append(out, namesAround(n.Elts, offset)...)
				return false
			case *ast.ForClause:
				out = append(out, nameOf(n.Key), nameOf(n.Value))
			}
			return true
		}, nil)
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" || s == "_" })
}

func nameOf(id *ast.Ident) string {
	if id == nil {
		return ""
	}
	return id.Name
}
