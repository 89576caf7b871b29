package config

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
	"trikk.dev/engine/plan"
)

// subject is a value with mistakes.
type subject struct {
	real cue.Value // unified with the schema
	err  error     // what CUE says about it
	root string    // its field in the package: app or environments
}

// diagnose finds every mistake in a value. CUE stops at the first one in many places, so what the user wrote is compared
// with the schema field by field, apart from it; what CUE alone found is added.
func (r *reader) diagnose(s subject) []Diagnostic {
	said := r.explain(s)
	b, err := r.build([]folder{r.folder}, raw{module: r.module, cuts: r.cuts}.parse)
	if err != nil || b.values[0].err != nil || notBuilt(b.values[0].value) {
		return said
	}
	c := comparison{module: r.module, cuts: r.cuts, real: s.real, root: s.root, home: r.show(filepath.Join(r.root, filepath.FromSlash(r.folder.dir)))}
	raw := field(b.values[0].value, s.root)
	switch s.root {
	case "app":
		for env := range written(field(raw, "environments")) {
			r.envs = append(r.envs, env)
		}
		c.app(b.language, raw)
	default:
		c.environments(b.language, raw)
	}
	out := c.with(said)
	for i, d := range out {
		out[i] = r.home(d, s.root, raw)
	}
	return merge(out)
}

// home moves what nobody set from a shared package, which may well leave it open, to the app that lacks it.
func (r *reader) home(d Diagnostic, root string, raw cue.Value) Diagnostic {
	own := r.show(filepath.Join(r.root, filepath.FromSlash(r.folder.dir)))
	if !d.absent || path.Dir(d.Pos.File) == own {
		return d
	}
	best := plan.Pos{}
	for _, l := range r.folder.labels {
		if l.name == root {
			best = l.pos
		}
	}
	for i, v, names := 0, raw, strings.Split(d.Path, "."); i < len(names) && v.Exists(); i++ {
		if p, ok := r.folder.written[root+"."+strings.Join(names[:i+1], ".")]; ok {
			best = p
		}
		if v = next(v, names[i]); v.Exists() {
			if p := r.pos(r.labelPos(v)); path.Dir(p.File) == own {
				best = p
			}
		}
	}
	if best.File != "" {
		d.Hint = "it is left open at " + place(d.Pos)
		d.Pos = best
	}
	return d
}

// notBuilt reports whether a package refers to what doesn't exist: its fields can't be looked at then.
func notBuilt(v cue.Value) bool {
	_, err := v.Fields(cue.ErrorsAsValues(true))
	return err != nil
}

// comparison holds what the user wrote against the schema.
type comparison struct {
	module
	real   cue.Value // unified with the schema
	root   string    // its field in the package: app or environments
	home   string    // the package's folder, as positions show it
	shared shape     // the fields of an app, which hold in its environments
	diags  []Diagnostic
	cuts   cuts     // what was taken out of the files
	sound  []string // the paths of sound values that are made of others
	// perhaps are mistakes only if CUE finds one at the same path: what is missing may come from the schema.
	perhaps []Diagnostic
}

func (c *comparison) add(pos plan.Pos, path []string, message, hint string) {
	c.diags = append(c.diags, Diagnostic{Pos: pos, Path: strings.Join(path, "."), Message: message, Hint: hint})
}

// with adds those of CUE's own findings that concern other fields.
func (c *comparison) with(said []Diagnostic) []Diagnostic {
	out := merge(c.diags)
	known := out
	for _, d := range merge(c.withoutEchoes(said)) {
		if i := slices.IndexFunc(c.perhaps, func(p Diagnostic) bool { return common(p.Path) == common(d.Path) }); i >= 0 {
			d = c.perhaps[i]
		}
		echo := func(o Diagnostic) bool { // of the app, met again in an environment
			return o.Message == d.Message && o.Path != d.Path && o.Path == common(d.Path)
		}
		if slices.ContainsFunc(out, echo) {
			continue
		}
		if !covered(d, known) && !(d.vague && len(known) > 0) {
			out = append(out, d)
		}
	}
	return out
}

// covered reports whether a mistake is another view of one that is known already.
func covered(d Diagnostic, known []Diagnostic) bool {
	p := common(d.Path)
	for _, k := range known {
		q := common(k.Path)
		if k.whole != "" && strings.HasPrefix(d.Path+".", k.whole+".") {
			return true
		}
		if k.Pos == d.Pos || p == q || strings.HasPrefix(p, q+".") || strings.HasPrefix(q, p+".") {
			return true
		}
	}
	return false
}

// common is a path without the environment in which it was met.
func common(path string) string {
	rest, ok := strings.CutPrefix(path, "environments.")
	if !ok {
		return path
	}
	_, rest, _ = strings.Cut(rest, ".")
	return rest
}

// merge joins the same mistake met in several environments into one.
func merge(ds []Diagnostic) []Diagnostic {
	type key struct {
		pos                  plan.Pos
		field, message, hint string
	}
	at := map[key]int{}
	var out []Diagnostic
	for _, d := range ds {
		k := key{pos: d.Pos, message: d.Message, hint: d.Hint}
		if d.absent { // its place is what is around it
			k.field = common(d.Path)
		}
		i, ok := at[k]
		if !ok {
			at[k] = len(out)
			out = append(out, d)
			continue
		}
		out[i].Path = join(out[i].Path, d.Path)
	}
	return out
}

// join makes one path of two that differ in the environment.
func join(a, b string) string {
	switch {
	case a == b:
		return a
	case common(a) != common(b):
		return a
	case !strings.HasPrefix(a, "environments."):
		return a
	case !strings.HasPrefix(b, "environments."):
		return b
	default:
		return "environments.*." + common(a)
	}
}

// plain gives CUE's errors without a value to look them up in: syntax, imports, references.
func (m module) plain(err error) []Diagnostic {
	if err == nil {
		return nil
	}
	var out []Diagnostic
	for _, e := range errors.Errors(err) {
		out = append(out, m.one(e))
	}
	return out
}
