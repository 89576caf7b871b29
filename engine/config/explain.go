package config

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
	"trikk.dev/engine/plan"
)

// leaf compares one value that is not a struct.
func (c *comparison) leaf(schema cue.Value, s side, path []string) {
	if !s.own.Exists() {
		return
	}
	if c.cuts.caused(s.own.Err()) {
		return
	}
	if err := s.own.Err(); err != nil {
		c.broken(s.own, err, path)
		return
	}
	pos := c.pos(c.valuePos(s.own))
	if s.base.Exists() && s.base.Err() == nil && s.own.Unify(s.base).Err() != nil {
		c.add(pos, path, twice(s.own, s.base), c.other(c.valuePos(s.base)))
		return
	}
	u := schema.Unify(s.own)
	err := u.Validate(cue.Concrete(true))
	if c.cuts.caused(err) {
		return
	}
	if err == nil || soundByItself(schema, s.own) {
		c.computed(s.own, path)
		return
	}
	if u.Err() == nil && s.own.Validate(cue.Concrete(true)) != nil {
		if c.settled(path) || c.inside(s.own, path) {
			return
		}
		c.lack(pos, path, noValue(s.own))
		return
	}
	if u.Err() == nil {
		c.add(pos, path, "has more than one default", "the schema has one already: set the value itself, or make it of a hidden field that has a default")
		return
	}
	message, hint := reason(schema, s.own, err)
	c.add(pos, path, message, hint)
}

// broken reports a value that is wrong without any schema. What can't be decided without the schema is left to CUE.
func (c *comparison) broken(v cue.Value, err error, at []string) {
	for _, e := range errors.Errors(err) {
		format, args := e.Msg()
		if u := undefinedField(e); u != nil {
			c.undefined(u, at)
		}
		if strings.Contains(e.Error(), "cycle with field") {
			c.perhaps = append(c.perhaps, Diagnostic{Pos: c.pos(c.valuePos(v)), Path: strings.Join(at, "."), Message: "depends on itself"})
		}
		if text := cause(e); text != "" && !c.settled(at) {
			d := c.one(e)
			d.Path, d.Message = strings.Join(within(at, e.Path()), "."), text
			c.diags = append(c.diags, d)
			return
		}
		in := c.users(e)
		if !strings.HasPrefix(format, "conflicting values %s and %s") || len(in) < 2 {
			continue
		}
		here, there := in[0], in[1]
		if c.isHome(there) && (!c.isHome(here) || here.Compare(there) < 0) {
			here, there = there, here
		}
		c.add(c.pos(here), at, fmt.Sprintf("set twice: %s and %s", clip(fmt.Sprint(args[0])), clip(fmt.Sprint(args[1]))), c.other(there))
		return
	}
}

// within gives the path of an error inside of a value: its own, where that goes deeper.
func within(at, of []string) []string {
	if len(of) > 0 && of[0] == "app" {
		of = of[1:]
	}
	if len(of) <= len(at) {
		return at
	}
	out := slices.Clone(at)
	for _, name := range of[len(at):] {
		out = append(out, bare(name))
	}
	return out
}

// isHome reports whether a place is in the package's own folder.
func (c *comparison) isHome(p token.Pos) bool { return path.Dir(c.pos(p).File) == c.home }

// notStruct reports a value that should be a struct and is not.
func (c *comparison) notStruct(v cue.Value, path []string) bool {
	switch k := v.IncompleteKind(); k {
	case cue.StructKind, cue.TopKind:
		return false
	case cue.BottomKind:
		if _, err := v.Fields(cue.ErrorsAsValues(true)); err == nil {
			return false
		}
		c.broken(v, v.Err(), path)
		return true
	default:
		c.add(c.pos(c.valuePos(v)), path, "must be "+kindWords(cue.StructKind)+", not "+short(v), "")
		return true
	}
}

// reason says why a value doesn't fit its schema.
func reason(schema, v cue.Value, err error) (message, hint string) {
	words := alternatives(schema)
	if s, e := v.String(); e == nil && len(words) > 0 {
		if n := nearest(s, words); n != "" {
			hint = fmt.Sprintf("did you mean %q?", n)
		}
	}
	kind := kindOf(schema)
	if custom := custom(err); custom != "" {
		if is := kindWords(v.IncompleteKind()); hint == "" && is != "" && kind&v.IncompleteKind() == 0 {
			hint = "it is " + is
		}
		return custom, hint
	}
	if kind&v.IncompleteKind() == 0 {
		return "must be " + kindWords(kind) + ", not " + short(v), ""
	}
	if len(words) > 0 {
		return fmt.Sprintf("%s is not one of %s", short(v), quoted(words)), hint
	}
	return saying(err), ""
}

// kindOf gives the kinds that the schema allows, also of a value that is wrong as it stands because it lacks elements.
func kindOf(schema cue.Value) cue.Kind {
	k := schema.IncompleteKind()
	if k != cue.BottomKind {
		return k
	}
	if isStruct(schema) {
		return cue.StructKind
	}
	return cue.ListKind
}

// custom gives the schema's own words: those of its error() calls.
func custom(err error) string {
	var out []string
	for _, e := range errors.Errors(err) {
		if f, args := e.Msg(); f == "%s" && len(args) == 1 {
			out = append(out, fmt.Sprint(args[0]))
		}
	}
	return strings.Join(slices.Compact(out), ", or ")
}

// saying puts CUE's words for an error on one line, the schema's own words first.
func saying(err error) string {
	if s := custom(err); s != "" {
		return s
	}
	es := errors.Errors(err)
	if len(es) == 0 {
		return err.Error()
	}
	e := es[len(es)-1]
	format, args := e.Msg()
	if path := e.Path(); format == "field not allowed" && len(path) > 0 {
		return fmt.Sprintf("unknown field %q", bare(path[len(path)-1]))
	}
	if format == "import failed" {
		return importFailed(e)
	}
	if format == "invalid value %s (does not satisfy %s)" && len(args) == 2 {
		return limit(fmt.Sprint(args[1]), fmt.Sprint(args[0]))
	}
	if text := strings.TrimSuffix(fmt.Sprintf(format, printable(args)...), ":"); text != "" && !strings.Contains(text, "%!") {
		return text
	}
	return clip(err.Error())
}

// printable shortens the arguments of an error, as far as that is safe for its format.
func printable(args []any) []any {
	out := slices.Clone(args)
	for i, a := range out {
		switch a := a.(type) {
		case string:
			out[i] = clip(a)
		case fmt.Stringer:
			out[i] = clip(a.String())
		}
	}
	return out
}

// importFailed words an import that can't be resolved.
func importFailed(e errors.Error) string {
	_, text, ok := strings.Cut(e.Error(), "cannot find package ")
	name, _, _ := strings.Cut(text, ":")
	if !ok {
		return strings.ReplaceAll(strings.Join(strings.Fields(e.Error()), " "), "import failed: ", "")
	}
	return "no package " + name + "; nothing is fetched"
}

// bare takes the quotes from an element of a path.
func bare(name string) string {
	if s, err := strconv.Unquote(name); err == nil {
		return s
	}
	return name
}

// limit words a validator that a value doesn't satisfy.
func limit(validator, value string) string {
	switch name, rest, _ := strings.Cut(validator, "("); name {
	case "list.MinItems", "struct.MinFields":
		return "must have at least " + strings.TrimSuffix(rest, ")")
	case "list.MaxItems", "struct.MaxFields":
		return "must have at most " + strings.TrimSuffix(rest, ")")
	case "list.UniqueItems":
		return "has an element twice"
	}
	return clip(value) + " doesn't satisfy " + validator
}

// alternatives lists the words of an enumeration in the schema.
func alternatives(v cue.Value) []string {
	op, args := v.Expr()
	if op == cue.SelectorOp {
		return nil
	}
	if op != cue.OrOp && op != cue.AndOp {
		return nil
	}
	var out []string
	for _, a := range args {
		if s, err := a.String(); err == nil && a.IsConcrete() {
			out = append(out, s)
			continue
		}
		out = append(out, alternatives(a)...)
	}
	slices.Sort(out)
	return slices.Compact(slices.DeleteFunc(out, func(s string) bool { return s == "" }))
}

// one explains one error of CUE's by itself.
func (m module) one(e errors.Error) Diagnostic {
	d := Diagnostic{Message: saying(e)}
	if format, args := e.Msg(); strings.HasPrefix(format, "undefined field") && len(args) == 1 {
		if n := nearest(fmt.Sprint(args[0]), []string{"#App", "#Environment"}); n != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", n)
		}
	}
	if other, name := redeclared(e); other.IsValid() {
		d.Message, d.Hint = fmt.Sprintf("%s is also the name of something else in this file", name), m.other(other)
	}
	if p := e.Position(); p.IsValid() && m.isUser(p.Filename()) {
		d.Pos = m.pos(p)
	} else if in := m.users(e); len(in) > 0 {
		d.Pos = m.pos(in[0])
	} else if ps := errors.Positions(e); len(ps) > 0 {
		d.Pos = m.pos(ps[0])
	}
	return d
}

// users lists the places in users' files that took part in an error.
func (m module) users(e errors.Error) (out []token.Pos) {
	for _, p := range e.InputPositions() {
		if m.isUser(p.Filename()) {
			out = append(out, p)
		}
	}
	return out
}

// explain gives CUE's own findings about a value, one for each path.
func (r *reader) explain(s subject) []Diagnostic {
	var out []Diagnostic
	at := map[string]int{}
	for _, e := range errors.Errors(s.err) {
		if r.cuts.caused(e) {
			continue
		}
		path := e.Path()
		if len(path) > 0 && path[0] == "app" {
			path = path[1:]
		}
		d := r.one(e)
		names := make([]string, len(path))
		for i, p := range path {
			names[i] = bare(p)
		}
		d.Path = strings.Join(names, ".")
		f, _ := e.Msg()
		if f == "field is required but not present" {
			d.Message, d.absent = "required field is missing", true
		}
		d.exact = f == "field not allowed"
		d.vague = strings.HasPrefix(f, "incomplete value")
		if d.exact && len(r.cuts) > 0 {
			continue // not allowed by what something was taken out of; what the schema doesn't allow is found without CUE
		}
		if !r.mine(d.Pos) {
			d.Pos, d.vague = r.enclosing(s.real, names), true
		}
		i, ok := at[d.Path]
		switch {
		case !ok || d.Path == "":
			at[d.Path] = len(out)
			out = append(out, d)
		case custom(e) != "":
			out[i].Message = d.Message
		}
	}
	return out
}

// mine reports whether a position is in a file of the user's.
func (m module) mine(p plan.Pos) bool {
	return p.File != "" && m.isUser(m.file(p))
}

// enclosing gives the place of the nearest field around a path that the user wrote.
func (r *reader) enclosing(v cue.Value, path []string) plan.Pos {
	best := r.pos(r.valuePos(v))
	for _, name := range path {
		v = field(v, name)
		if !v.Exists() {
			break
		}
		if p := r.valuePos(v); p.IsValid() {
			best = r.pos(p)
		}
	}
	if best.File != "" {
		return best
	}
	for _, l := range r.folder.labels {
		if l.name == "app" || l.name == "environments" {
			return l.pos
		}
	}
	return r.folder.start(r.module)
}

// noValue says that a value is not known, and what is.
func noValue(v cue.Value) string {
	if s := short(v); s != "_" {
		return "has no value yet, only " + s
	}
	return "has no value yet"
}

// other points to the second place of a mistake.
func (m module) other(p token.Pos) string {
	if !p.IsValid() {
		return ""
	}
	return "the other is at " + place(m.pos(p))
}

func twice(a, b cue.Value) string { return fmt.Sprintf("set twice: %s and %s", short(a), short(b)) }
