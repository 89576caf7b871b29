package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"cuelang.org/go/cue"
	"trikk.dev/engine/plan"
)

// reader reads one package.
type reader struct {
	evaluator
	folder   folder
	language language
	outcome  outcome
	envs     []string // the environments of an app with mistakes
	cuts     cuts     // what was taken out of the files
}

func (r *reader) add(ds ...Diagnostic) { r.outcome.diags = append(r.outcome.diags, ds...) }

// read takes the app or the environments out of a package, and tells what keeps CUE from building it.
func (r *reader) read(l loaded) {
	if l = r.mend(l); l.err != nil {
		return
	}
	wrong, cut := r.misnamed(l)
	r.add(wrong...)
	if cut {
		if l = r.mend(r.rebuild()); l.err != nil {
			return
		}
	}
	r.take(l)
}

// take takes the app or the environments out of a package that CUE could build.
func (r *reader) take(l loaded) {
	wrong := r.form()
	r.add(wrong...)
	app := field(l.value, "app")
	inventory := field(l.value, "environments")
	switch {
	case app.Exists() && r.folder.kind != parent:
		r.app(l.value, app)
	case len(wrong) > 0:
	case inventory.Exists() && (r.folder.has("environments") || !r.folder.below):
		r.inventory(l.value, inventory)
	case l.value.Err() != nil:
		r.add(r.plain(l.value.Err())...)
	case r.folder.kind != leaf:
	default:
		r.add(r.noApp())
	}
	if app.Exists() && r.folder.kind != parent && r.folder.has("environments") {
		r.inventory(l.value, inventory)
	}
	if len(r.outcome.diags) == 0 && len(r.folder.labels) > 1 { // what is beside the app must hold too
		r.add(r.plain(l.value.Validate())...)
	}
}

// field looks a field up in a value that may have errors elsewhere.
func field(v cue.Value, name string) cue.Value {
	if v == (cue.Value{}) {
		return v
	}
	it, err := v.Fields(cue.ErrorsAsValues(true))
	if err != nil {
		return v.LookupPath(cue.MakePath(cue.Str(name)))
	}
	for it.Next() {
		if it.Selector().LabelType() == cue.StringLabel && it.Selector().Unquoted() == name {
			return it.Value()
		}
	}
	return cue.Value{}
}

// app reads the deployments of an app.
func (r *reader) app(pkg, v cue.Value) {
	if name := field(v, "name"); name.Exists() {
		if s, err := name.String(); err == nil {
			r.outcome.name = s
		}
	}
	if !r.isJoined(r.folder) {
		v = v.Unify(r.language.app).Unify(r.language.unions)
	}
	if err := v.Validate(cue.Concrete(true), cue.All()); err != nil || pkg.Err() != nil {
		r.add(r.diagnose(subject{real: v, err: firstError(err, pkg.Err()), root: "app"})...)
		r.salvageApp(v)
		return
	}
	common := r.places(v, nil)
	it, err := field(v, "environments").Fields()
	if err != nil {
		r.add(r.plain(err)...)
		return
	}
	for it.Next() {
		r.deployment(it.Selector().Unquoted(), it.Value(), common)
	}
}

// deployment reads one app in one environment.
func (r *reader) deployment(env string, v cue.Value, common map[string]plan.Pos) {
	var a plan.App
	data, err := decode(v, &a)
	if err != nil {
		r.add(Diagnostic{Pos: r.pos(r.valuePos(v)), Path: "environments." + env, Message: err.Error()})
		return
	}
	a.Name, a.Env = r.outcome.name, env
	a.Pos = r.written("app.environments."+env, v)
	a.Places = r.places(v, common)
	dir := filepath.Join(r.root, filepath.FromSlash(r.folder.dir))
	if f := a.Artifact.File; f != nil && !filepath.IsAbs(f.Path) {
		f.Path = filepath.Join(dir, f.Path)
	}
	if len(a.Build) > 0 {
		a.Dir = dir
	}
	r.secrets(&a, dir)
	r.outcome.keep(source{a.Name, env}, data)
	r.outcome.apps = append(r.outcome.apps, a)
}

// inventory reads environments.
func (r *reader) inventory(pkg, v cue.Value) {
	v = v.Unify(r.language.inventory)
	if err := v.Validate(cue.Concrete(true), cue.All()); err != nil || pkg.Err() != nil && !r.folder.has("app") {
		r.add(r.diagnose(subject{real: v, err: firstError(err, pkg.Err()), root: "environments"})...)
		r.salvageInventory(v)
		return
	}
	it, err := v.Fields()
	if err != nil {
		r.add(r.plain(err)...)
		return
	}
	for it.Next() {
		name := it.Selector().Unquoted()
		e := plan.Environment{Name: name}
		data, err := decode(it.Value(), &e)
		if err != nil {
			r.add(Diagnostic{Pos: r.pos(r.valuePos(it.Value())), Path: "environments." + name, Message: err.Error()})
			r.hide(plan.Environment{Name: name, Pos: r.written("environments."+name, it.Value())}, "servers", "proxies")
			continue
		}
		e.Pos = r.written("environments."+name, it.Value())
		places := r.places(it.Value(), nil)
		naming(&e, places)
		r.outcome.place(e, places)
		r.outcome.keep(source{"", name}, data)
		r.approval(e, places)
		r.notifiers(e, places)
		r.freezes(e, places)
		r.outcome.envs = append(r.outcome.envs, e)
	}
}

// written gives the place of an environment.
func (r *reader) written(path string, v cue.Value) plan.Pos {
	if p, ok := r.folder.written[path]; ok {
		return p
	}
	return r.pos(r.valuePos(v))
}

// naming fills in what the inventory says by its keys.
func naming(e *plan.Environment, places map[string]plan.Pos) {
	for name, h := range e.Servers {
		h.Name, h.Pos = name, places["servers."+name]
		e.Servers[name] = h
	}
	for name, p := range e.Proxies {
		p.Name, p.Pos = name, places["proxies."+name]
		e.Proxies[name] = p
	}
	for name, f := range e.Freeze {
		f.Name, f.Pos = name, places["freeze."+name]
		e.Freeze[name] = f
	}
}

// decode reads a value into a Go type that must know all its fields.
func decode(v cue.Value, into any) ([]byte, error) {
	data, err := v.MarshalJSON()
	if err != nil {
		return nil, err
	}
	if len(data) > maxValue {
		return nil, fmt.Errorf("has values of %d MiB; %d are allowed", len(data)>>20, maxValue>>20)
	}
	return data, unmarshal(data, into)
}

// maxValue bounds what a deployment or an environment evaluates to, in bytes of JSON: more is a mistake, or an attack.
const maxValue = 8 << 20

// unmarshal reads what CUE made of a value, strictly.
func unmarshal(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	d.UseNumber() // a large number in a generated file stays what it is
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the schema and this trikk differ: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("the schema and this trikk differ: more than one value")
	}
	return nil
}

// places records where the user set each field of v, by dotted path. Fields that the value took from elsewhere are at
// their place there.
func (r *reader) places(v cue.Value, from map[string]plan.Pos) map[string]plan.Pos {
	out := maps.Clone(from)
	if out == nil {
		out = map[string]plan.Pos{}
	}
	r.collect(v, "", out)
	return out
}

func (r *reader) collect(v cue.Value, prefix string, out map[string]plan.Pos) {
	for name, w := range parts(v) {
		path := prefix + name
		if prefix == "" && name == "environments" {
			continue
		}
		if p := r.valuePos(w); p.IsValid() {
			out[path] = r.pos(p)
		}
		r.collect(w, path+".", out)
	}
}

// children iterates over a struct's fields or a list's elements; scalars have none.
func children(v cue.Value) func(func(string, cue.Value) bool) {
	return func(yield func(string, cue.Value) bool) {
		if v == (cue.Value{}) {
			return
		}
		switch v.IncompleteKind() {
		case cue.StructKind, cue.BottomKind:
			it, err := v.Fields(cue.ErrorsAsValues(true))
			for err == nil && it.Next() {
				if it.Selector().LabelType() == cue.StringLabel && !yield(it.Selector().Unquoted(), it.Value()) {
					return
				}
			}
		case cue.ListKind:
			it, err := v.List()
			for i := 0; err == nil && it.Next(); i++ {
				if !yield(fmt.Sprint(i), it.Value()) {
					return
				}
			}
		}
	}
}

func firstError(errs ...error) error {
	if i := slices.IndexFunc(errs, func(e error) bool { return e != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}
