package config

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"trikk.dev/engine/plan"
)

// side is what the user wrote for one field of the schema: in the value at hand, and in the app around the environment
// that it is of. Either may be missing.
type side struct {
	own, base cue.Value
	at        plan.Pos // the nearest place that the user wrote
}

// child goes down one field.
func (s side) child(c *comparison, name string) side {
	n := side{own: field(s.own, name), base: field(s.base, name), at: s.at}
	if p := c.valuePos(n.base); n.base.Exists() && p.IsValid() && !s.own.Exists() {
		n.at = c.pos(p)
	}
	if p := c.valuePos(n.own); n.own.Exists() && p.IsValid() {
		n.at = c.pos(p)
	}
	return n
}

// app compares an app: its fields, then each environment together with them.
func (c *comparison) app(l language, raw cue.Value) {
	top := shapeOf(l.app)
	deployment := shapeOf(l.deployment)
	s := side{own: raw, at: c.pos(c.valuePos(raw))}
	if c.notStruct(raw, nil) {
		return
	}
	var meant []string
	for name, w := range written(raw) {
		m, ok := top.fields[name]
		if !ok {
			c.unknown(w, []string{name}, top, deployment)
			meant = append(meant, nearest(name, top.names))
			continue
		}
		if name == "environments" {
			continue
		}
		if d, ok := deployment.fields[name]; ok && name != "name" {
			m = d
		}
		c.node(m.value, s.child(c, name), []string{name}, partly)
	}
	if !c.cuts.hides(raw) {
		c.missing(top, s, nil, meant)
	}
	c.shared = top
	c.deployments(top.fields["environments"].value, l.deployment, s)
}

// deployments compares the environments of an app.
func (c *comparison) deployments(schema, deployment cue.Value, s side) {
	envs := s.child(c, "environments")
	if !envs.own.Exists() || c.notStruct(envs.own, []string{"environments"}) {
		return
	}
	sh, n := shapeOf(schema), 0
	d := wholly
	if c.cuts.hides(s.own) {
		d = partly
	}
	for name, w := range written(envs.own) {
		n++
		path := []string{"environments", name}
		if _, ok := c.match(sh, name, w, []string{"environments"}); !ok {
			continue
		}
		c.node(deployment, side{own: w, base: s.own, at: c.pos(c.labelPos(w))}, path, d)
	}
	if n == 0 && !c.cuts.hides(envs.own) {
		c.add(envs.at, []string{"environments"}, "must have at least one environment", "")
	}
}

// environments compares an inventory.
func (c *comparison) environments(l language, raw cue.Value) {
	if c.notStruct(raw, []string{"environments"}) {
		return
	}
	sh := shapeOf(l.inventory)
	for name, w := range written(raw) {
		if _, ok := c.match(sh, name, w, []string{"environments"}); ok {
			c.node(l.environment, side{own: w, at: c.pos(c.labelPos(w))}, []string{"environments", name}, wholly)
		}
	}
}

// depth says how much of a value must be there.
type depth int

const (
	partly depth = iota // an app's own fields, to which environments may add, and structs of which something was taken out
	wholly
)

// node compares one value with its schema.
func (c *comparison) node(schema cue.Value, s side, path []string, d depth) {
	switch k := schema.IncompleteKind(); {
	case k == cue.TopKind:
		c.leaf(schema, s, path)
	case k == cue.StructKind, k == cue.BottomKind && isStruct(schema):
		c.group(schema, s, path, d)
	case s.own.Exists() && s.own.IncompleteKind() == cue.ListKind:
		c.list(schema, s, path)
	default:
		c.leaf(schema, s, path)
	}
}

// written iterates over what the user wrote in a struct, but not over its definitions.
func written(v cue.Value) func(func(string, cue.Value) bool) {
	return func(yield func(string, cue.Value) bool) {
		for name, w := range children(v) {
			if !strings.HasSuffix(name, openedEnd) && !yield(name, w) {
				return
			}
		}
	}
}

// group compares a struct.
func (c *comparison) group(schema cue.Value, s side, path []string, d depth) {
	if s.own.Exists() && c.notStruct(s.own, path) {
		return
	}
	if s.base.Exists() && notBuilt(s.base) {
		return // told at the app
	}
	if c.cuts.hides(s.own) || c.cuts.hides(s.base) {
		d = partly
	}
	sh := shapeOf(schema)
	typos := 0
	var meant []string
	for name, w := range written(s.own) {
		child, ok := c.match(sh, name, w, path)
		if !ok {
			typos++
			meant = append(meant, nearest(name, sh.names))
			continue
		}
		if len(path) == 2 && !c.isShared(name) {
			c.node(child, side{own: s.own, at: s.at}.child(c, name), append(slices.Clip(path), name), d)
			continue
		}
		c.node(child, s.child(c, name), append(slices.Clip(path), name), d)
	}
	for name := range written(s.base) {
		child, ok := sh.schemaOf(name)
		switch {
		case len(path) == 2 && !c.isShared(name):
			if !ok { // told at the app
				meant = append(meant, nearest(name, sh.names))
			}
		case !ok:
			typos++ // told at the app
			meant = append(meant, nearest(name, sh.names))
		case !field(s.own, name).Exists():
			c.node(child, s.child(c, name), append(slices.Clip(path), name), d)
		}
	}
	if d == wholly {
		c.missing(sh, s, path, meant)
	}
	if typos == 0 {
		c.union(sh, s, path, d)
	}
}

// isShared reports whether an app has the field for all of its environments.
func (c *comparison) isShared(name string) bool {
	_, ok := c.shared.fields[name]
	return ok
}

// match finds the schema of a field by its name; there is a mistake when there is none.
func (c *comparison) match(sh shape, name string, w cue.Value, path []string) (cue.Value, bool) {
	if m, ok := sh.fields[name]; ok {
		return m.value, true
	}
	var said string
	for _, p := range sh.patterns {
		err := p.accepts(name)
		if err == nil {
			return p.value, true
		}
		said = saying(err)
	}
	if len(sh.patterns) == 0 {
		c.unknown(w, append(slices.Clip(path), name), sh)
		return cue.Value{}, false
	}
	at := strings.Join(path, ".")
	c.diags = append(c.diags, Diagnostic{Pos: c.pos(c.labelPos(w)), Path: at, Message: fmt.Sprintf("key %q %s", name, said), whole: at + "." + name})
	return cue.Value{}, false
}

// unknown reports a field that the schema doesn't have. The first shape is where it was written, others are where it may
// belong.
func (c *comparison) unknown(w cue.Value, path []string, here shape, elsewhere ...shape) {
	name := path[len(path)-1]
	hint := suggest(name, here.names)
	for _, sh := range elsewhere {
		if _, ok := sh.fields[name]; ok {
			hint = "it belongs in environments: NAME: {…}"
		}
	}
	c.diags = append(c.diags, Diagnostic{Pos: c.pos(c.labelPos(w)), Path: strings.Join(path, "."), Message: fmt.Sprintf("unknown field %q", name), Hint: hint, exact: true})
}

// missing reports the required fields that nobody set, but not those that a misspelt field was meant to be.
func (c *comparison) missing(sh shape, s side, path, meant []string) {
	for _, name := range sh.names {
		m := sh.fields[name]
		if field(s.own, name).Exists() || field(s.base, name).Exists() || slices.Contains(meant, name) {
			continue
		}
		at := s.path(append(slices.Clip(path), name))
		if m.required {
			c.lack(s.at, at, "required field is missing")
			continue
		}
		if arms := shapeOf(m.value); !m.optional && arms.least > arms.fixed() {
			c.lack(s.outer(c), at, "set exactly one of "+strings.Join(arms.arms(), ", "))
		}
	}
}

// lack reports a field that nobody set.
func (c *comparison) lack(pos plan.Pos, path []string, message string) {
	c.diags = append(c.diags, Diagnostic{Pos: pos, Path: strings.Join(path, "."), Message: message, absent: true})
}

// path is where a value is written: in the app itself, if its environment doesn't have it.
func (s side) path(path []string) []string {
	if !s.own.Exists() && len(path) > 2 {
		return path[2:]
	}
	return path
}

// outer is the place of the app around an environment, if there is one.
func (s side) outer(c *comparison) plan.Pos {
	if p := c.valuePos(s.base); p.IsValid() {
		return c.pos(p)
	}
	return s.at
}

// union reports too few or too many arms of a union.
func (c *comparison) union(sh shape, s side, path []string, d depth) {
	arms := sh.arms()
	var set, own []string
	for _, a := range arms {
		if field(s.own, a).Exists() {
			own = append(own, a)
		}
		if field(s.own, a).Exists() || field(s.base, a).Exists() {
			set = append(set, a)
		}
	}
	n := sh.fixed() + len(set)
	exactly := "set exactly one of " + strings.Join(arms, ", ")
	switch {
	case len(arms) == 0:
	case n > sh.most && len(own) == 0: // told at the app
	case n > sh.most && sh.least == 0:
		c.add(s.at, path, "set at most one of "+strings.Join(arms, ", "), strings.Join(set, " and ")+" are set")
	case n > sh.most:
		c.add(s.at, path, exactly, strings.Join(set, " and ")+" are set")
	case n < sh.least && d == wholly && !s.own.Exists():
		c.add(s.outer(c), s.path(path), exactly, "")
	case n < sh.least && d == wholly:
		c.add(s.at, s.path(path), exactly, "")
	}
}

// list compares a list, element by element, then as a whole.
func (c *comparison) list(schema cue.Value, s side, path []string) {
	before := len(c.diags) + len(c.perhaps)
	element := elementOf(schema)
	for i, w := range children(s.own) {
		at := s.at
		if p := c.valuePos(w); p.IsValid() {
			at = c.pos(p)
		}
		if element.Exists() {
			c.node(element, side{own: w, at: at}, append(slices.Clip(path), i), wholly)
		}
	}
	if len(c.diags)+len(c.perhaps) == before {
		c.leaf(schema, s, path)
	}
}
