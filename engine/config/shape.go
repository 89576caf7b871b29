package config

import (
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
)

// shape is what the schema says about one struct.
type shape struct {
	fields   map[string]member
	names    []string // of fields, in the schema's order
	patterns []pattern
	least    int // fields that must be there, 0: any
	most     int // fields that may be there, 0: any
}

// member is one field of the schema.
type member struct {
	value    cue.Value
	required bool
	optional bool // one arm of a union, or a plain optional field
}

// pattern is one [Key]: Value of the schema.
type pattern struct{ key, value cue.Value }

// accepts says why a key does not fit the pattern; nil if it does.
func (p pattern) accepts(key string) error {
	return cuecontext.New().Encode(key).Unify(p.key).Validate(cue.Concrete(true))
}

// shapeOf reads the shape of a struct of the schema.
func shapeOf(v cue.Value) shape {
	s := shape{fields: map[string]member{}}
	s.least, s.most = bounds(v)
	it, err := v.Fields(cue.Optional(true), cue.Patterns(true), cue.ErrorsAsValues(true))
	if err != nil {
		return s
	}
	for it.Next() {
		sel := it.Selector()
		if sel.ConstraintType() == cue.PatternConstraint {
			s.patterns = append(s.patterns, pattern{key: sel.Pattern(), value: it.Value()})
			continue
		}
		if sel.LabelType() != cue.StringLabel {
			continue
		}
		name := sel.Unquoted()
		s.names = append(s.names, name)
		s.fields[name] = member{value: it.Value(), required: sel.ConstraintType() == cue.RequiredConstraint, optional: sel.ConstraintType() == cue.OptionalConstraint}
	}
	return s
}

// isStruct reports whether a value of the schema that is wrong as it stands, because it lacks what it needs, is a struct and
// not a list.
func isStruct(v cue.Value) bool {
	_, args := v.Expr()
	return !slices.ContainsFunc(args, func(a cue.Value) bool { return a.IncompleteKind() == cue.ListKind })
}

// elementOf gives the schema of a list's elements; no value when any element will do.
func elementOf(v cue.Value) cue.Value {
	if e := v.LookupPath(cue.MakePath(cue.AnyIndex)); e.Exists() {
		return e
	}
	op, args := v.Expr()
	if op != cue.AndOp && op != cue.OrOp {
		return cue.Value{}
	}
	for _, a := range args {
		if e := elementOf(a); e.Exists() {
			return e
		}
	}
	return cue.Value{}
}

// schemaOf gives the schema of a field by its name.
func (s shape) schemaOf(name string) (cue.Value, bool) {
	if m, ok := s.fields[name]; ok {
		return m.value, true
	}
	for _, p := range s.patterns {
		if p.accepts(name) == nil {
			return p.value, true
		}
	}
	return cue.Value{}, false
}

// arms are the fields of which the schema wants one: those that are optional, where the number of fields is bounded.
func (s shape) arms() []string {
	if s.most == 0 {
		return nil
	}
	var out []string
	for n, f := range s.fields {
		if f.optional {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// fixed counts the fields that are always there.
func (s shape) fixed() int {
	n := 0
	for _, f := range s.fields {
		if !f.optional {
			n++
		}
	}
	return n
}

// bounds finds struct.MinFields(n) and struct.MaxFields(n) among the values that make up v.
func bounds(v cue.Value) (least, most int) {
	op, args := v.Expr()
	switch op {
	case cue.AndOp:
		for _, a := range args {
			l, m := bounds(a)
			least, most = max(least, l), max(most, m)
		}
	case cue.SelectorOp:
		if d := cue.Dereference(v); d.Exists() {
			if op, _ := d.Expr(); op != cue.SelectorOp {
				return bounds(d)
			}
		}
	case cue.CallOp:
		return callBound(args)
	}
	return least, most
}

// callBound reads one call of a validator.
func callBound(args []cue.Value) (least, most int) {
	if len(args) != 2 {
		return 0, 0
	}
	_, fn := args[0].Expr()
	n, err := args[1].Int64()
	if err != nil || len(fn) != 2 {
		return 0, 0
	}
	switch name, _ := fn[1].String(); name {
	case "MinFields":
		return int(n), 0
	case "MaxFields":
		return 0, int(n)
	}
	return 0, 0
}
