package config

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// Package is the files that one package of a config repository is made of.
type Package struct {
	Dir       string   // absolute
	Files     []string // absolute, sorted: its own, those of the folders above that belong to it, and of all that these import
	Root      string   // of the module, absolute
	Modules   bool     // it imports packages of other modules, which are under cue.mod
	Inventory bool     // it defines environments
	Policies  bool     // it is the policies
	Above     bool     // packages of folders below rest on it
}

// id names a package in its module.
func (f folder) id() string { return f.dir + ":" + f.pkg }

// Packages lists the packages of a config repository, by id. It evaluates nothing, and mistakes are no error: what can't be read
// has no package.
func Packages(ctx context.Context, o Options) (map[string]Package, error) {
	if o.Isolation == nil {
		return packagesHere(ctx, o)
	}
	a, err := isolated(ctx, o, request{Task: listingTask})
	if err != nil {
		return nil, err
	}
	return a.Packages, a.err()
}

// packagesHere is Packages in this process.
func packagesHere(ctx context.Context, o Options) (map[string]Package, error) {
	e, err := o.evaluator()
	if err != nil {
		return nil, err
	}
	folders, _, err := e.scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for CUE files: %w", err)
	}
	return e.packages(folders), nil
}

// packages are the folders with what each rests on.
func (m module) packages(folders []folder) map[string]Package {
	at := map[string][]folder{}
	for _, f := range folders {
		at[f.dir] = append(at[f.dir], f)
	}
	out := map[string]Package{}
	for _, f := range folders {
		p := Package{Dir: filepath.Join(m.root, filepath.FromSlash(f.dir)), Root: m.root, Inventory: f.isInventory(), Policies: f.isPolicy(), Above: slices.ContainsFunc(folders, f.above)}
		files := map[string]bool{}
		for _, g := range m.restsOn(at, f) {
			for _, name := range g.files {
				files[name] = true
			}
			if slices.ContainsFunc(g.imports, m.isOfAnotherModule) {
				p.Modules = true
			}
		}
		p.Files = slices.Sorted(maps.Keys(files))
		out[f.id()] = p
	}
	return out
}

// restsOn gives a folder, those above it that belong to its package, and all that these import, also by way of others. Folders are
// given by where they are.
func (m module) restsOn(at map[string][]folder, f folder) []folder {
	out, known := []folder{f}, map[string]bool{f.id(): true}
	add := func(g folder) {
		if !known[g.id()] {
			known[g.id()] = true
			out = append(out, g)
		}
	}
	for i := 0; i < len(out); i++ {
		of := out[i]
		for dir := of.dir; dir != "."; {
			dir = path.Dir(dir)
			for _, g := range at[dir] {
				if g.above(of) {
					add(g)
				}
			}
		}
		for _, p := range of.imports {
			dir, own := m.dirOf(p.path)
			if !own {
				continue
			}
			for _, g := range at[dir] {
				add(g)
			}
		}
	}
	return out
}

// isOfAnotherModule reports whether an import is found under cue.mod. The schema is not: it is the program's own.
func (m module) isOfAnotherModule(p imported) bool {
	first, _, _ := strings.Cut(p.path, "/")
	_, own := m.dirOf(p.path)
	return !own && p.path != schemaImport && strings.Contains(first, ".")
}

// Concerned gives those of packages that changed files are a part of, or lie in the folder of, by ID. Files are absolute; a folder stands
// for all in it.
func Concerned(packages map[string]Package, changed []string) (ids []string) {
	nearest := map[string]bool{}
	for _, c := range changed {
		in := ""
		for _, p := range packages {
			if len(p.Dir) > len(in) && liesIn(c, p.Dir) {
				in = p.Dir
			}
		}
		nearest[in] = true
	}
	for _, id := range slices.Sorted(maps.Keys(packages)) {
		p := packages[id]
		if nearest[p.Dir] && !p.Above || slices.ContainsFunc(changed, p.touchedBy) {
			ids = append(ids, id)
		}
	}
	return ids
}

// touchedBy reports whether the package is made of a changed file.
func (p Package) touchedBy(changed string) bool {
	dir, base := filepath.Split(changed)
	dir = filepath.Clean(dir)
	switch {
	case slices.ContainsFunc(p.Files, func(f string) bool { return liesIn(f, changed) }):
		return true
	case changed == filepath.Join(p.Root, "cue.mod", "module.cue"):
		return true
	case p.Modules && liesIn(changed, filepath.Join(p.Root, "cue.mod")) && !strings.HasSuffix(filepath.ToSlash(dir), "/"+schemaImport):
		return true
	case !isSource(base) || !liesIn(changed, p.Root):
		return false
	case dir == p.Dir:
		return true
	}
	// Nobody knows which package a file was of that is gone: each that its folder has, or that lies below, may have lost something.
	return gone(changed) && (liesIn(p.Dir, dir) || slices.ContainsFunc(p.Files, func(f string) bool { return filepath.Dir(f) == dir }))
}

// liesIn reports whether a path is a folder or file, or lies in it.
func liesIn(name, in string) bool {
	in = strings.TrimSuffix(in, string(filepath.Separator))
	return name == in || strings.HasPrefix(name, in+string(filepath.Separator))
}

func gone(name string) bool {
	_, err := os.Lstat(name)
	return err != nil
}

// Touched gives those of changed files that a deployment of the workspace is made of: CUE files of its package and of its
// environment's, and files that it names. They are absolute; a folder stands for all in it.
func (w Workspace) Touched(a plan.App, changed []string) (out []string) {
	own, inventory := w.packages[w.homes[source{a.Name, a.Env}]], w.packages[w.homes[source{"", a.Env}]]
	named := namedFiles(a)
	for _, c := range changed {
		if own.touchedBy(c) || inventory.touchedBy(c) || slices.ContainsFunc(named, func(f string) bool { return liesIn(f, c) }) || a.Dir != "" && liesIn(c, a.Dir) {
			out = append(out, c)
		}
	}
	return out
}

// namedFiles are the files beside CUE that an app is made of: encrypted secrets and a local artifact.
func namedFiles(a plan.App) (out []string) {
	if f := a.Artifact.File; f != nil {
		out = append(out, f.Path)
	}
	eachSecret(&a, func(_ string, s *plan.Secret) {
		for _, p := range s.Paths() {
			if !filepath.IsAbs(p) {
				p = filepath.Join(s.Dir, filepath.FromSlash(path.Clean(p)))
			}
			out = append(out, p)
		}
	})
	return out
}
