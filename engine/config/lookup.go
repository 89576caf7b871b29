package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// lookup follows the references of one package.
type lookup struct {
	module
	cuts
	mentions
	pkg  cue.Value
	inst *build.Instance
	ctx  *cue.Context
	deep bool // look at all references; otherwise only at those that CUE would let pass
}

// misnamed finds references to what doesn't exist, in a package and in those that it imports. CUE would tell only some of
// them, and not all at their place: where a condition asks whether something exists, or where there is an alternative, it is
// silent.
func (r *reader) misnamed(l loaded) (out []Diagnostic, changed bool) {
	deep := l.value.Validate(cue.Concrete(true)) != nil
	seen, stands := map[*build.Instance]bool{}, standsFor{}
	var at []token.Pos
	var visit func(in *build.Instance, v cue.Value)
	visit = func(in *build.Instance, v cue.Value) {
		if seen[in] || len(in.Files) == 0 || !r.isUser(in.Files[0].Filename) {
			return
		}
		seen[in] = true
		k := lookup{module: r.module, cuts: r.cuts, mentions: mentionsIn(in.Files), pkg: v, inst: in, ctx: l.ctx, deep: deep}
		unfit := k.misfits(r.language, stands)
		out, changed = append(out, unfit...), changed || len(unfit) > 0
		wrong, bad := k.check()
		out, at = append(out, wrong...), append(at, bad...)
		for _, i := range in.Imports {
			visit(i, l.ctx.BuildInstance(i))
		}
	}
	visit(l.inst, l.value)
	for _, p := range at {
		changed = r.cuts.add(p) || changed
	}
	return out, changed
}

// check tells the references that have no value, and gives the places to cut; also of those that only follow from another
// mistake.
func (k lookup) check() (out []Diagnostic, at []token.Pos) {
	for _, ref := range k.found {
		if len(ref.steps) == 0 || !k.deep && !ref.maybe {
			continue
		}
		d, bad := k.follow(ref)
		if bad == nil {
			continue
		}
		if at = append(at, bad.pos); d.Message != "" {
			d.Pos, d.Path = k.pos(bad.pos), shown(ref.path)
			out = append(out, d)
		}
	}
	return out, at
}

// shown writes the path of a field as it is told: in the app.
func shown(path []string) string {
	if len(path) > 0 && (path[0] == "app" || strings.ContainsAny(path[0][:min(2, len(path[0]))], "_#")) {
		path = path[1:]
	}
	return strings.Join(path, ".")
}

// follow gives the step of a reference that leads to nothing, with its words; without words, it is the consequence of another
// mistake. There is none where that can't be known here.
func (k lookup) follow(ref reference) (d Diagnostic, bad *step) {
	if k.rootless(ref) {
		return d, &ref.steps[0]
	}
	v, whole, ok := k.start(ref.root)
	if !ok {
		return d, nil
	}
	meant := false
	for i := range ref.steps {
		s := &ref.steps[i]
		if !v.Exists() && v.Err() != nil || k.hides(v) {
			return d, nil
		}
		f := memberOf(v, *s)
		meant = meant || f.meant
		switch {
		case f.value.Exists() || f.broken:
			v, whole = f.value, false
			continue
		case failed(v):
			return d, nil
		case f.declared && !f.required && (ref.maybe || !ref.sure):
			return d, nil
		case f.declared || f.open && !whole:
			if ref.maybe || !ref.sure {
				return d, nil
			}
		}
		if meant || f.required {
			return d, s
		}
		return f.words(*s), s
	}
	return d, nil
}

// rootless reports whether the first name of a reference is a let clause of what doesn't exist.
func (k lookup) rootless(ref reference) bool {
	let, ok := ref.root.Node.(*ast.LetClause)
	if !ok {
		return false
	}
	if k.lets[let] == nil {
		return k.cuts.at(let.Expr.Pos())
	}
	_, bad := k.follow(*k.lets[let])
	return bad != nil
}

// failed reports whether a value has a mistake of its own, apart from those of its parts.
func failed(v cue.Value) bool {
	if v.IncompleteKind() != cue.BottomKind {
		return false
	}
	for _, w := range parts(v) {
		if w.Err() != nil {
			return false
		}
	}
	return true
}

// start gives the value of a reference's first name, and whether all of it is known: nothing adds to an imported package.
func (k lookup) start(root *ast.Ident) (v cue.Value, whole, ok bool) {
	switch n := root.Node.(type) {
	case *ast.ImportSpec:
		v, ok = k.imported(n)
		return v, true, ok
	case *ast.Alias:
		v, ok = k.at(k.scopes[n])
	case *ast.Field:
		v, ok = k.at(k.scopes[n])
	case *ast.LetClause:
		ref := k.lets[n]
		if ref == nil {
			return v, false, false
		}
		if v, whole, ok = k.start(ref.root); !ok {
			return v, false, false
		}
		for _, s := range ref.steps {
			if v, whole = memberOf(v, s).value, false; !v.Exists() {
				return v, false, false
			}
		}
		return v, whole, true
	case ast.Expr:
		in, known := k.scopes[root.Scope]
		if !known {
			return v, false, false
		}
		in.path = append(slices.Clip(in.path), root.Name)
		v, ok = k.at(in)
	}
	return v, false, ok
}

// at gives the value at a spot.
func (k lookup) at(s spot) (cue.Value, bool) {
	if !s.fixed || !s.exact {
		return cue.Value{}, false
	}
	v := k.pkg
	for _, name := range s.path {
		if name == anyKey {
			v = firstOf(v)
		} else {
			v = memberOf(v, step{name: name, index: -1}).value
		}
		if !v.Exists() {
			return v, false
		}
	}
	return v, true
}

// firstOf gives the first field of a struct, for what holds in all of them.
func firstOf(v cue.Value) cue.Value {
	for _, w := range children(v) {
		return w
	}
	return cue.Value{}
}

// imported gives the value of a package.
func (k lookup) imported(spec *ast.ImportSpec) (cue.Value, bool) {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return cue.Value{}, false
	}
	if in := k.inst.LookupImport(path); in != nil {
		v := k.ctx.BuildInstance(in)
		return v, v.Exists()
	}
	v := k.ctx.CompileString(fmt.Sprintf("import p %q\nx: p", path)).LookupPath(cue.MakePath(cue.Str("x")))
	return v, v.Exists()
}

// found is what a value says about one of its names.
type found struct {
	value    cue.Value
	broken   bool // it is there, with a mistake
	declared bool // it may be set, and is not
	required bool // it must be set, and is not: that is told
	open     bool // any name may be set
	meant    bool // another field, which is not allowed, was probably meant to be this one
	known    []string
	not      string // what the value is that has no names
}

// memberOf looks a step up in a value.
func memberOf(v cue.Value, s step) (m found) {
	if s.index >= 0 {
		return elementAt(v, s)
	}
	if k := v.IncompleteKind(); k&(cue.StructKind|cue.BottomKind) == 0 && k != cue.TopKind && k != cue.BottomKind {
		m.not = "a " + k.String()
		return m
	}
	it, err := v.Fields(cue.All(), cue.Patterns(true), cue.ErrorsAsValues(true))
	if err != nil {
		m.broken = true
		return m
	}
	m.open = !v.IsClosed() && v.IncompleteKind()&cue.StructKind != 0 || v.IncompleteKind() == cue.TopKind
	var wrong []string
	for it.Next() {
		sel := it.Selector()
		if sel.ConstraintType() == cue.PatternConstraint {
			if (pattern{key: sel.Pattern()}).accepts(s.name) == nil {
				m.declared = true
			}
			continue
		}
		name := strings.TrimRight(sel.String(), "?!")
		if sel.LabelType() == cue.StringLabel {
			name = sel.Unquoted()
		}
		w := it.Value()
		if isNotAllowed(w.Err()) {
			wrong = append(wrong, name)
		} else {
			m.known = append(m.known, name)
		}
		if name != s.name {
			continue
		}
		switch sel.ConstraintType() {
		case cue.OptionalConstraint:
			m.declared = true
		case cue.RequiredConstraint:
			m.declared, m.required = true, true
		default:
			m.value, m.broken = w, w.Err() != nil
		}
	}
	m.meant = slices.ContainsFunc(wrong, func(w string) bool { return nearest(w, m.known) == s.name })
	return m
}

// isNotAllowed reports whether a field is one that its struct doesn't have.
func isNotAllowed(err error) bool {
	return slices.ContainsFunc(errors.Errors(err), func(e errors.Error) bool {
		format, _ := e.Msg()
		return format == "field not allowed"
	})
}

// elementAt looks an element of a list up.
func elementAt(v cue.Value, s step) (m found) {
	m.value = v.LookupPath(cue.MakePath(cue.Index(s.index)))
	n, err := v.Len().Int64()
	if m.value.Exists() || err != nil || v.IncompleteKind() != cue.ListKind {
		m.broken = !m.value.Exists()
		return m
	}
	m.not = fmt.Sprintf("a list of %d", n)
	return m
}

// words says that a step leads to nothing.
func (m found) words(s step) Diagnostic {
	if s.index >= 0 {
		return Diagnostic{Message: fmt.Sprintf("there is no element %d", s.index), Hint: "what is before it is " + m.not + "; the first element is 0"}
	}
	d := Diagnostic{Message: "undefined field: " + s.name}
	if m.not != "" {
		d.Hint = "what is before it is " + m.not
		return d
	}
	if n := nearest(s.name, m.known); n != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", n)
	}
	return d
}
