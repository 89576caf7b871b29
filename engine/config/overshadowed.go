package config

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
)

// overshadowed finds apps that nothing deploys: a folder of the same package below one makes it what the folders below share. A parent
// that says which app it is must be the app of one of them.
func (m module) overshadowed(all []folder) []Diagnostic {
	imported := m.imported(all)
	var out []Diagnostic
	for _, f := range all {
		if f.kind != parent || f.broken || imported[f.dir] || !f.namesApp() {
			continue
		}
		var rivals []string
		serves := false
		for _, g := range all {
			if !f.above(g) {
				continue
			}
			other := g.appName()
			switch {
			case other != "" && f.appName() != "" && other != f.appName():
				rivals = append(rivals, g.dir)
			case g.broken || m.evaluated(g):
				serves = true
			}
		}
		if len(rivals) > 0 || !serves {
			out = append(out, m.unused(all, f, rivals))
		}
	}
	return out
}

// unused is the mistake of an app that nothing deploys because of folders below it.
func (m module) unused(all []folder, f folder, rivals []string) Diagnostic {
	if len(rivals) == 0 {
		for _, g := range all {
			if f.above(g) {
				rivals = append(rivals, g.dir)
			}
		}
	}
	return Diagnostic{Pos: f.appPos(f.start(m)), Message: fmt.Sprintf("nothing deploys this app: it is only what the folders of package %s below it share, such as %s", f.pkg, rivals[0]),
		Hint: "move the app into a folder of its own, or give the files there another package"}
}

// moved warns of apps that are written in one folder and deployed from one below it whose files say nothing of them.
func (m module) moved(all []folder) []Diagnostic {
	var out []Diagnostic
	for _, f := range all {
		for _, g := range all {
			if f.kind == parent && f.appName() != "" && f.above(g) && g.kind == leaf && !g.broken && !g.has("app") {
				out = append(out, Diagnostic{Pos: g.start(m), Message: fmt.Sprintf("app %s is deployed from this folder, and relative paths start here, since package %s is its own, too", f.appName(), g.pkg),
					Hint: "give these files another package, or move them beside " + f.appPos(f.start(m)).File})
			}
		}
	}
	return out
}

// appName is the name of the app as the folder's own files write it; "" where they don't, or not as a plain string.
func (f folder) appName() string {
	for _, l := range f.labels {
		if l.name == "app" && l.named != "" {
			return l.named
		}
	}
	return ""
}

// namesApp reports whether the folder's own files say which app it is, or where it runs.
func (f folder) namesApp() bool {
	if f.appName() != "" {
		return true
	}
	for path := range f.written {
		if strings.HasPrefix(path, "app.environments.") {
			return true
		}
	}
	return false
}

// nameIn is the plain string that an app's value sets its name to; "" where there is none.
func nameIn(app ast.Expr) string {
	for _, s := range structs(app) {
		i := slices.IndexFunc(s.Elts, func(d ast.Decl) bool {
			f, ok := d.(*ast.Field)
			if !ok {
				return false
			}
			name, _, err := ast.LabelName(f.Label)
			return err == nil && name == "name"
		})
		if i < 0 {
			continue
		}
		if lit, ok := s.Elts[i].(*ast.Field).Value.(*ast.BasicLit); ok {
			name, _ := literal.Unquote(lit.Value)
			return name
		}
	}
	return ""
}
