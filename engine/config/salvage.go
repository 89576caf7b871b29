package config

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"trikk.dev/engine/plan"
)

// salvaged is what is sound of a package with mistakes. It is for checks across packages only: nothing is deployed of it.
type salvaged struct {
	apps []plan.App
	envs []plan.Environment
	// hidden are the fields of environments, by name, of which it is not known what they hold.
	hidden map[string][]string
	// counted: the environments of the inventory are all known by name.
	counted bool
}

// salvageApp takes the sound fields out of an app with mistakes.
func (r *reader) salvageApp(v cue.Value) {
	top, deployment := shapeOf(r.language.app), shapeOf(r.language.deployment)
	lost := meantBy(v, top)
	common := r.places(v, nil)
	for _, env := range r.envs {
		w := v.LookupPath(cue.MakePath(cue.Str("environments"), cue.Str(env))) // a mistake in one keeps CUE from listing them
		if !w.Exists() {
			continue
		}
		var a plan.App
		known := sound(w, v, deployment, lost, &a)
		if !known["name"] {
			a.Name = r.folder.dir + "/" // no name: no other app has it
		}
		if strings.HasPrefix(a.Layout.Root, "~") && !known["user"] {
			a.Layout.Root = "" // whose home it is in is not known
		}
		a.Env, a.Pos, a.Places = env, r.written("app.environments."+env, w), r.places(w, common)
		r.secrets(&a, filepath.Join(r.root, filepath.FromSlash(r.folder.dir)))
		r.outcome.salvaged.apps = append(r.outcome.salvaged.apps, a)
	}
}

// salvageInventory takes the sound environments, and the sound fields of others, out of an inventory with mistakes.
func (r *reader) salvageInventory(v cue.Value) {
	r.outcome.salvaged.counted = !notBuilt(v)
	one := shapeOf(r.language.environment)
	names := shapeOf(r.language.inventory)
	for name, w := range children(v) {
		if _, ok := names.schemaOf(name); !ok {
			r.outcome.salvaged.counted = false // who knows what it was meant to be
			continue
		}
		e := plan.Environment{Name: name}
		known := sound(w, cue.Value{}, one, nil, &e)
		e.Name, e.Pos = name, r.written("environments."+name, w)
		hidden := r.hosts(&e, w, known)
		places := r.places(w, nil)
		naming(&e, places)
		r.outcome.place(e, places)
		if !known["approval"] {
			e.Approval = nil
		}
		r.approval(e, places)
		if known["notify"] {
			r.notifiers(e, places)
		}
		if !known["promote"] {
			e.Promote = nil
		}
		if !known["freeze"] {
			e.Freeze = nil
		}
		r.freezes(e, places)
		r.hide(e, hidden...)
	}
}

// hosts adds the servers and proxies with mistakes to an environment, by name only, and gives the fields of which not all names
// are known.
func (r *reader) hosts(e *plan.Environment, v cue.Value, known map[string]bool) (hidden []string) {
	meant := meantBy(v, shapeOf(r.language.environment))
	for _, f := range []string{"servers", "proxies"} {
		if known[f] && !failed(v) {
			continue
		}
		names, all := r.names(v, f)
		if !all || meant[f] {
			hidden = append(hidden, f)
		}
		for _, n := range names {
			if _, ok := e.Servers[n]; !ok && f == "servers" {
				e.Servers = with(e.Servers, n)
			}
			if _, ok := e.Proxies[n]; !ok && f == "proxies" {
				e.Proxies = with(e.Proxies, n)
			}
		}
	}
	return hidden
}

// with adds a host of which nothing is known.
func with[H any](hosts map[string]H, name string) map[string]H {
	if hosts == nil {
		hosts = map[string]H{}
	}
	var none H
	hosts[name] = none
	return hosts
}

// names lists the keys of a map, and reports whether that is all of them.
func (r *reader) names(v cue.Value, name string) (names []string, all bool) {
	w, sh := field(v, name), shapeOf(shapeOf(r.language.environment).fields[name].value)
	if _, err := w.Fields(cue.ErrorsAsValues(true)); err != nil || failed(v) || failed(w) || r.cuts.hides(v) || r.cuts.hides(w) {
		return nil, false
	}
	all = true
	for n := range children(w) {
		if _, ok := sh.schemaOf(n); !ok {
			all = false
			continue
		}
		names = append(names, n)
	}
	return names, all
}

// hide keeps an environment with mistakes and those of its fields that can't be read.
func (r *reader) hide(e plan.Environment, fields ...string) {
	s := &r.outcome.salvaged
	s.envs = append(s.envs, e)
	if s.hidden == nil {
		s.hidden = map[string][]string{}
	}
	s.hidden[e.Name] = fields
}

// sound decodes what has no mistakes of a struct, and gives the names of the fields that are sound as a whole. A field that a
// misspelt one was meant to be is not sound, nor is one that is lost already.
func sound(v, base cue.Value, s shape, lost map[string]bool, into any) map[string]bool {
	parts, known := soundParts(v, base, s, lost)
	data, err := json.Marshal(parts)
	if err != nil || unmarshal(data, into) != nil {
		return nil
	}
	return known
}

// soundParts gives what has no mistakes of a struct and of what it is based on, as JSON by field, and the fields that are sound as a whole.
func soundParts(v, base cue.Value, s shape, lost map[string]bool) (parts map[string]json.RawMessage, known map[string]bool) {
	meant := meantBy(v, s)
	parts, known = map[string]json.RawMessage{}, map[string]bool{}
	for name, w := range both(v, base) {
		schema, ok := s.schemaOf(name)
		if !ok || meant[name] || lost[name] {
			continue
		}
		if w.Validate(cue.Concrete(true), cue.All()) == nil {
			if data, err := w.MarshalJSON(); err == nil && len(data) <= maxValue {
				parts[name], known[name] = data, true
			}
			continue
		}
		if data := soundTexts(w, schema); data != nil {
			parts[name] = data
			continue
		}
		if _, fixed := s.fields[name]; !fixed || !isGroup(schema, w, field(base, name)) {
			continue // an entry of a map, such as a probe, is sound as a whole or not at all
		}
		inner, _ := soundParts(w, field(base, name), shapeOf(schema), nil)
		if data, err := json.Marshal(inner); err == nil && len(inner) > 0 {
			parts[name] = data
		}
	}
	return parts, known
}

// both iterates over a struct's fields, then over those that only its base has: an environment that takes a struct with mistakes
// from its app has none of its fields for CUE.
func both(v, base cue.Value) func(func(string, cue.Value) bool) {
	return func(yield func(string, cue.Value) bool) {
		seen := map[string]bool{}
		for _, from := range []cue.Value{v, base} {
			if from == (cue.Value{}) {
				continue
			}
			it, err := from.Fields(cue.Hidden(true), cue.ErrorsAsValues(true)) // with hidden fields, CUE lists them all in spite of mistakes
			for err == nil && it.Next() {
				if sel := it.Selector(); sel.LabelType() == cue.StringLabel && !seen[sel.Unquoted()] {
					seen[sel.Unquoted()] = true
					if !yield(sel.Unquoted(), it.Value()) {
						return
					}
				}
			}
		}
	}
}

// parts iterates over a struct's fields or a list's elements, like children, but also where CUE doesn't list them because of a
// mistake.
func parts(v cue.Value) func(func(string, cue.Value) bool) {
	if v.IncompleteKind() != cue.BottomKind {
		return children(v)
	}
	return func(yield func(string, cue.Value) bool) {
		for name, w := range both(v, cue.Value{}) {
			if !yield(name, w) {
				return
			}
		}
		for i, w := range elements(v) {
			if !yield(strconv.Itoa(i), w) {
				return
			}
		}
	}
}

// soundTexts gives the sound elements of a list of texts, each at its place; others are "". It gives nil for all else.
func soundTexts(v, schema cue.Value) json.RawMessage {
	if e := elementOf(schema); !e.Exists() || e.IncompleteKind() != cue.StringKind || failed(v) {
		return nil
	}
	var out []string
	for i, w := range elements(v) {
		for len(out) < i {
			out = append(out, "")
		}
		s, err := w.String()
		if err != nil || w.Validate(cue.Concrete(true)) != nil {
			s = ""
		}
		out = append(out, s)
	}
	data, err := json.Marshal(out)
	if err != nil || len(out) == 0 {
		return nil
	}
	return data
}

// elements iterates over the elements of a list by their numbers, also of a list with mistakes. Elements that are not there at
// all are left out.
func elements(v cue.Value) func(func(int, cue.Value) bool) {
	const gap = 8 // CUE doesn't say how long a list with mistakes is
	return func(yield func(int, cue.Value) bool) {
		for i, last := 0, -1; i <= last+gap; i++ {
			w := v.LookupPath(cue.MakePath(cue.Index(i)))
			if !w.Exists() {
				continue
			}
			if last = i; !yield(i, w) {
				return
			}
		}
	}
}

// isGroup reports whether a value of the schema is a struct of which more than one field may be set, or a union of which
// exactly one is.
func isGroup(schema, v, base cue.Value) bool {
	k := schema.IncompleteKind()
	if k != cue.StructKind && (k != cue.BottomKind || !isStruct(schema)) {
		return false
	}
	arms, set := shapeOf(schema).arms(), 0
	for name := range both(v, base) {
		if slices.Contains(arms, name) {
			set++
		}
	}
	return len(arms) == 0 || set == 1
}

// meantBy gives the fields that misspelt ones were probably meant to be.
func meantBy(v cue.Value, s shape) map[string]bool {
	out := map[string]bool{}
	for name := range children(v) {
		if _, ok := s.fields[name]; !ok {
			out[nearest(name, s.names)] = true
		}
	}
	return out
}
