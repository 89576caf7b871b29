package config

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue/token"
	"trikk.dev/engine/plan"
)

// classify tells the folders that only serve others from those that must have an app or environments. It notes that in the
// list, and gives the folders that need evaluation.
func (m module) classify(all []folder) []folder {
	imported := m.imported(all)
	for m.spreadSchema(all) {
	}
	var out []folder
	for i, f := range all {
		switch {
		case slices.ContainsFunc(all, f.above):
			f.kind = parent
		case imported[f.dir]:
			f.kind = shared
		}
		for _, g := range all {
			if g.dir == f.dir && g.pkg != f.pkg && g.has("app") && !f.has("app") {
				f.beside = g.pkg
			}
		}
		f.below = slices.ContainsFunc(all, func(g folder) bool { return g.above(f) })
		all[i] = f
		if m.evaluated(f) {
			out = append(out, f)
		}
	}
	return out
}

// imported gives the folders that others import.
func (m module) imported(all []folder) map[string]bool {
	out := map[string]bool{}
	for _, f := range all {
		for _, p := range f.imports {
			if dir, ok := m.dirOf(p.path); ok {
				out[dir] = true
			}
		}
	}
	return out
}

// isLeaf reports whether a place is in a folder that no other rests on. All apps rest on the policies.
func (m module) isLeaf(all []folder, p plan.Pos) bool {
	rel, _ := m.rel(m.file(p))
	dir := path.Dir(rel)
	return !m.imported(all)[dir] && !slices.ContainsFunc(all, func(f folder) bool {
		return f.dir == dir && (f.isInventory() || f.isPolicy() || slices.ContainsFunc(all, f.above))
	})
}

// unresolved finds imports of packages that don't exist, and their places. All that rests on a broken package is marked as
// broken too: the mistake is told once.
func (m module) unresolved(all []folder) (out []Diagnostic, at []token.Pos) {
	dirs := map[string]bool{}
	var known []string
	for _, f := range all {
		dirs[f.dir] = true
		known = append(known, strings.TrimSuffix(m.path+"/"+f.dir, "/."))
	}
	for _, f := range all {
		for _, p := range f.imports {
			dir, own := m.dirOf(p.path)
			switch {
			case p.maybe || own && dirs[dir] || !own && m.provided(p.path):
				continue
			case own:
				out = append(out, Diagnostic{Pos: p.pos, Message: "no package in folder " + dir, Hint: suggest(p.path, known)})
			default:
				out = append(out, Diagnostic{Pos: p.pos, Message: "no package \"" + p.path + "\"", Hint: "nothing is fetched: packages of other modules go under cue.mod/pkg"})
			}
			at = append(at, p.at)
		}
	}
	for m.spread(all) {
	}
	return out, at
}

// provided reports whether a package that is not the module's own exists.
func (m module) provided(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	if !strings.Contains(first, ".") || importPath == schemaImport {
		return true // CUE's own package; a wrong name is CUE's to tell
	}
	for _, sub := range []string{"pkg", "gen", "usr"} {
		if _, err := os.Stat(filepath.Join(m.root, "cue.mod", sub, filepath.FromSlash(importPath))); err == nil {
			return true
		}
	}
	return false
}

// spread marks what imports a broken package or lies below one, and reports whether there was any left to mark.
func (m module) spread(all []folder) bool {
	marked := false
	for i, f := range all {
		if f.broken {
			continue
		}
		rests := func(g folder) bool {
			if !g.broken {
				return false
			}
			return g.above(f) || slices.ContainsFunc(f.imports, func(p imported) bool {
				dir, ok := m.dirOf(p.path)
				return ok && dir == g.dir && !p.maybe
			})
		}
		if slices.ContainsFunc(all, rests) {
			all[i].broken, marked = true, true
		}
	}
	return marked
}

// spreadSchema marks the folders that use the schema, and what rests on them. It reports whether there were more.
func (m module) spreadSchema(all []folder) bool {
	marked := false
	for i, f := range all {
		if !f.schema && m.usesSchema(all, f) {
			all[i].schema, marked = true, true
		}
	}
	return marked
}

func (m module) usesSchema(all []folder, f folder) bool {
	for _, p := range f.imports {
		if p.path == schemaImport {
			return true
		}
	}
	return slices.ContainsFunc(all, func(g folder) bool {
		return g.schema && (g.above(f) || slices.ContainsFunc(f.imports, func(p imported) bool {
			dir, ok := m.dirOf(p.path)
			return ok && dir == g.dir
		}))
	})
}

// evaluated reports whether a folder may hold an app or environments. The app of a folder with folders below it is what
// they share.
func (m module) evaluated(f folder) bool {
	switch {
	case f.broken, f.isPolicy(), m.path+"/"+f.dir == schemaImport:
		return false
	case f.kind == leaf, f.has("environments"):
		return true
	default:
		return f.kind == shared && f.has("app")
	}
}

// above reports whether g is a folder of the same package below f.
func (f folder) above(g folder) bool {
	return g.pkg == f.pkg && g.dir != f.dir && (f.dir == "." || strings.HasPrefix(g.dir, f.dir+"/"))
}

const appForm = "the form is app: schema.#App & {…}"

// form finds what is written beside or instead of app and environments.
func (r *reader) form() []Diagnostic {
	if r.folder.kind != leaf {
		return nil
	}
	known := shapeOf(r.language.app)
	for _, l := range r.folder.labels {
		_, ofApp := known.fields[l.name]
		switch {
		case strings.HasSuffix(l.text, ".#App"):
			return []Diagnostic{{Pos: l.pos, Message: l.text + " is embedded in the file, where it lets misspelt fields through", Hint: appForm}}
		case ofApp && l.name != "environments" && !r.folder.used[l.name]:
			return []Diagnostic{{Pos: l.pos, Message: "field \"" + l.name + "\" is outside of app", Hint: appForm}}
		}
	}
	return append(r.misspelt(), r.folder.lost()...)
}

// misspelt finds top-level fields that nobody refers to and that look like app or environments, or are another app.
func (r *reader) misspelt() []Diagnostic {
	var out []Diagnostic
	for _, l := range r.folder.labels {
		if l.name == "" || strings.ContainsAny(l.name[:1], "_#") || r.folder.used[l.name] || l.name == "app" || l.name == "environments" {
			continue
		}
		if n := nearest(l.name, []string{"app", "environments"}); n != "" {
			out = append(out, Diagnostic{Pos: l.pos, Message: "unknown field \"" + l.name + "\"", Hint: "did you mean \"" + n + "\"?"})
		} else if l.app && r.folder.has("app") {
			out = append(out, Diagnostic{Pos: l.pos, Message: "field \"" + l.name + "\" is an app beside app, which nothing deploys", Hint: "one folder is one app: give it a folder of its own"})
		}
	}
	return out
}

// noApp is the mistake of a folder that has neither an app nor environments.
func (r *reader) noApp() Diagnostic {
	if pkg := r.folder.beside; pkg != "" {
		return Diagnostic{Pos: r.folder.start(r.module), Message: fmt.Sprintf("package %q has no app", r.folder.pkg), Hint: fmt.Sprintf("the app of this folder is in package %q: one folder is one package", pkg)}
	}
	if r.folder.has("release") {
		return Diagnostic{Pos: plan.Pos{File: r.show(r.folder.files[0]), Line: 1, Column: 1}, Message: "the folder has no app, but a release", Hint: "a release file has no package clause: remove it"}
	}
	return Diagnostic{Pos: plan.Pos{File: r.show(r.folder.files[0]), Line: 1, Column: 1}, Message: "the folder has no app", Hint: appForm + "; shared values go in a folder above the apps, or in a package that they import"}
}
