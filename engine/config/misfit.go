package config

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
)

// standsFor says which definitions of packages are an app or environments: the paths in which they are used, by package and name.
type standsFor map[*build.Instance]map[string][]string

// note keeps where a definition is used.
func (s standsFor) note(in *build.Instance, name string, path []string) {
	if s[in] == nil {
		s[in] = map[string][]string{}
	}
	if s[in][name] == nil {
		s[in][name] = path
	}
}

// misfits tells definitions of the schema that are used where it wants another one: CUE would tell all of their fields. They are
// cut out.
func (k lookup) misfits(l language, stands standsFor) (out []Diagnostic) {
	for range 2 { // a definition may be used before it is defined
		for _, ref := range k.found {
			if path, ok := k.usedAt(ref, stands); ok && len(ref.steps) < 2 {
				k.noteUse(ref, path, stands)
			}
		}
	}
	for _, ref := range k.found {
		path, ok := k.usedAt(ref, stands)
		if !ok || len(ref.steps) != 1 || !k.isOfSchema(ref.root) {
			continue
		}
		want := l.wanted(path)
		if want == "" || !k.deep && len(path) > 1 || l.fits(ref.steps[0].name, want) {
			continue
		}
		d := Diagnostic{Pos: k.pos(ref.root.Pos()), Path: shown(path), Message: fmt.Sprintf("%s.%s does not belong here", ref.root.Name, ref.steps[0].name), Hint: fmt.Sprintf("%s.%s does", ref.root.Name, want)}
		if len(path) == 1 && path[0] == "app" {
			d.Hint = appForm
		}
		out = append(out, d)
		k.cuts.add(ref.steps[0].pos)
	}
	return out
}

// usedAt gives the path of the app or of the environments that a reference is the value of.
func (k lookup) usedAt(ref reference, stands standsFor) ([]string, bool) {
	if !ref.exact || len(ref.path) == 0 {
		return nil, false
	}
	if base, ok := stands[k.inst][ref.path[0]]; ok {
		return append(slices.Clip(base), ref.path[1:]...), true
	}
	return ref.path, ref.path[0] == "app" || ref.path[0] == "environments"
}

// noteUse keeps where the definition is used that a reference is to.
func (k lookup) noteUse(ref reference, path []string, stands standsFor) {
	switch n := ref.root.Node.(type) {
	case *ast.ImportSpec:
		if in := k.inst.LookupImport(strings.Trim(n.Path.Value, `"`)); in != nil && len(ref.steps) == 1 {
			stands.note(in, ref.steps[0].name, path)
		}
	case ast.Expr:
		if _, top := ref.root.Scope.(*ast.File); top && len(ref.steps) == 0 && ref.root.Name != path[0] {
			stands.note(k.inst, ref.root.Name, path)
		}
	}
}

func (k lookup) isOfSchema(root *ast.Ident) bool {
	spec, ok := root.Node.(*ast.ImportSpec)
	return ok && strings.Trim(spec.Path.Value, `"`) == schemaImport
}

// wanted names the definition that the schema has at a path; "" where there is none.
func (l language) wanted(path []string) string {
	v := l.inventory
	if path[0] == "app" {
		v = l.app
	}
	if len(path) == 1 {
		return map[string]string{"app": "#App"}[path[0]]
	}
	for _, name := range path[1:] {
		if name == anyKey {
			name = "x"
		}
		w, ok := shapeOf(v).schemaOf(name)
		if !ok {
			return ""
		}
		v = w
	}
	return definition(v)
}

// definition names the definition that a value of the schema is made of.
func definition(v cue.Value) string {
	if _, p := v.ReferencePath(); len(p.Selectors()) == 1 {
		return p.String()
	}
	if op, args := v.Expr(); op == cue.AndOp {
		for _, a := range args {
			if n := definition(a); n != "" {
				return n
			}
		}
	}
	return ""
}

// fits reports whether a definition of the schema does where another is wanted: where it has the same fields, or none.
func (l language) fits(name, want string) bool {
	v, w := l.definition(name), l.definition(want)
	if name == want || !v.Exists() || v.IncompleteKind() != cue.StructKind {
		return true
	}
	return slices.Equal(slices.Sorted(slices.Values(shapeOf(v).names)), slices.Sorted(slices.Values(shapeOf(w).names)))
}

// definition looks a definition of the schema up.
func (l language) definition(name string) cue.Value {
	return l.schema.LookupPath(cue.MakePath(cue.Def(strings.TrimPrefix(name, "#"))))
}
