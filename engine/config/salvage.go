package config

import (
	"encoding/json"
	"slices"
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
		known := sound(w, deployment, lost, &a)
		if !known["name"] {
			a.Name = r.folder.dir + "/" // no name: no other app has it
		}
		if strings.HasPrefix(a.Layout.Root, "~") && !known["user"] {
			a.Layout.Root = "" // whose home it is in is not known
		}
		a.Env, a.Pos, a.Places = env, r.written("app.environments."+env, w), r.places(w, common)
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
		known := sound(w, one, nil, &e)
		e.Name, e.Pos = name, r.written("environments."+name, w)
		places := r.places(w, nil)
		naming(&e, places)
		r.outcome.place(e, places)
		if !known["approval"] {
			e.Approval = nil
		}
		r.approval(e, places)
		r.hide(e, slices.DeleteFunc([]string{"servers", "proxies"}, func(f string) bool { return known[f] })...)
	}
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
func sound(v cue.Value, s shape, lost map[string]bool, into any) map[string]bool {
	parts, known := soundParts(v, s, lost)
	data, err := json.Marshal(parts)
	if err != nil || unmarshal(data, into) != nil {
		return nil
	}
	return known
}

// soundParts gives what has no mistakes of a struct, as JSON by field, and the fields that are sound as a whole.
func soundParts(v cue.Value, s shape, lost map[string]bool) (parts map[string]json.RawMessage, known map[string]bool) {
	meant := meantBy(v, s)
	parts, known = map[string]json.RawMessage{}, map[string]bool{}
	for name, w := range children(v) {
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
		if _, fixed := s.fields[name]; !fixed || !isGroup(schema) {
			continue // an entry of a map, such as a server, is sound as a whole or not at all; so is one of many kinds
		}
		inner, _ := soundParts(w, shapeOf(schema), nil)
		if data, err := json.Marshal(inner); err == nil && len(inner) > 0 {
			parts[name] = data
		}
	}
	return parts, known
}

// isGroup reports whether a value of the schema is a struct of which more than one field may be set.
func isGroup(schema cue.Value) bool {
	k := schema.IncompleteKind()
	return (k == cue.StructKind || k == cue.BottomKind && isStruct(schema)) && len(shapeOf(schema).arms()) == 0
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
