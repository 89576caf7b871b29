package config

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	"trikk.dev/engine/plan"
)

// folder is one package: the files of one folder with one package name.
type folder struct {
	dir     string // relative to the module's root, with slashes; "." is the root
	pkg     string
	files   []string // absolute
	imports []imported
	labels  []label             // top-level fields of its own files
	used    map[string]bool     // identifiers that its own files refer to
	written map[string]plan.Pos // where its own files write environments, by dotted path
	// unwritten are the fields of generated files that CUE leaves out.
	unwritten []label
	broken    bool // a file has a syntax error
	// excluded are the files that a build attribute keeps from being read, as mistakes.
	excluded []Diagnostic
	kind     kind
	below    bool   // there is a parent, so that not all fields are its own
	schema   bool   // it uses the schema, itself or in what it rests on
	beside   string // the package in the same folder that has the app, if this one has none
}

// kind is what a folder is for.
type kind int

const (
	leaf   kind = iota // an app or environments
	shared             // imported by others
	parent             // shared by the folders below it
)

// label is one top-level field or embedded value.
type label struct {
	name string // "" for an embedded value
	text string // what is embedded
	app  bool   // the value is #App & something
	// named is the plain string that the value sets its field name to.
	named string
	pos   plan.Pos
}

// has reports whether the folder's own files set the top-level field.
func (f folder) has(name string) bool {
	return slices.ContainsFunc(f.labels, func(l label) bool { return l.name == name })
}

// isInventory reports whether the folder's own files set environments, or try to.
func (f folder) isInventory() bool {
	return slices.ContainsFunc(f.labels, func(l label) bool {
		return l.name == "environments" || nearest(l.name, []string{"environments"}) != ""
	})
}

// mayBeApp reports whether the folder may have an app, as far as its kind and its own files tell.
func (f folder) mayBeApp() bool {
	return f.has("app") && f.kind != parent || f.kind == leaf && !f.isInventory()
}

// start is where a mistake of the folder as a whole is reported.
func (f folder) start(m module) plan.Pos {
	return plan.Pos{File: m.show(f.files[0]), Line: 1, Column: 1}
}

// scan finds all packages of a module, without evaluating anything.
func (m module) scan(ctx context.Context) ([]folder, []Diagnostic, error) {
	return m.scanFor(ctx, isSource)
}

// scanFor finds the files whose names are wanted, as packages.
func (m module) scanFor(ctx context.Context, wanted func(base string) bool) ([]folder, []Diagnostic, error) {
	s := scanner{module: m, wanted: wanted, found: map[string]*folder{}, spoilt: map[string]bool{}}
	err := filepath.WalkDir(m.root, func(name string, e fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			s.refuse(name, fmt.Sprintf("can't be read: %v", err), "")
			return nil
		}
		return s.visit(name, e)
	})
	if err != nil {
		return nil, nil, err
	}
	var out []folder
	for _, f := range s.found {
		s.without(f)
		f.broken = f.broken || s.spoilt["cue.mod"] || s.spoilt[f.dir]
		out = append(out, *f)
	}
	for dir := range s.spoilt {
		if dir != "cue.mod" && !slices.ContainsFunc(out, func(f folder) bool { return f.dir == dir }) {
			out = append(out, folder{dir: dir, files: []string{filepath.Join(m.root, filepath.FromSlash(dir))}, broken: true})
		}
	}
	slices.SortFunc(out, func(a, b folder) int { return cmp.Or(cmp.Compare(a.dir, b.dir), cmp.Compare(a.pkg, b.pkg)) })
	return out, s.diags, nil
}

type scanner struct {
	module
	wanted func(base string) bool
	found  map[string]*folder // by folder and package name
	spoilt map[string]bool    // folders with a file that is refused; "cue.mod" for all that is in there
	diags  []Diagnostic
}

// refuse reports a file that is not read; its folder can't be evaluated then.
func (s *scanner) refuse(name, message, hint string) {
	if rel, ok := s.rel(name); ok {
		dir := path.Dir(rel)
		if strings.HasPrefix(rel, "cue.mod/") {
			dir = "cue.mod"
		}
		s.spoilt[dir] = true
	}
	s.diags = append(s.diags, Diagnostic{Pos: plan.Pos{File: s.show(name), Line: 1, Column: 1}, Message: message, Hint: hint})
}

// visit looks at one entry of the tree.
func (s *scanner) visit(name string, e fs.DirEntry) error {
	if e.IsDir() {
		return s.enter(name)
	}
	if e.Type()&fs.ModeSymlink != 0 {
		s.link(name)
		return nil
	}
	if !s.wanted(e.Name()) {
		return nil
	}
	data, ok := s.read(name, e)
	if rel, _ := s.rel(name); ok && !strings.HasPrefix(rel, "cue.mod/") {
		s.parse(name, data)
	}
	return nil
}

// enter skips the folders that CUE skips too.
func (s *scanner) enter(dir string) error {
	if dir == s.root {
		return nil
	}
	base := filepath.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "cue.mod")); err == nil {
		return fs.SkipDir // another module
	}
	return nil
}

// noLinks is what to do about a symbolic link: it could lead out of the repository.
const noLinks = "a config repository has no symbolic links: copy the file, or import the package"

// link refuses symbolic links that would bring in CUE files, or hide them.
func (s *scanner) link(name string) {
	rel, _ := s.rel(name)
	if s.wanted(filepath.Base(name)) || strings.HasPrefix(rel, "cue.mod/") {
		s.refuse(name, "is a symbolic link", noLinks)
		return
	}
	entries, err := os.ReadDir(name)
	if err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return s.wanted(e.Name()) }) {
		s.refuse(name, "is a symbolic link to a folder with CUE files", noLinks)
	}
}

// read gives a file's data if it may be evaluated.
func (s *scanner) read(name string, e fs.DirEntry) ([]byte, bool) {
	fi, err := e.Info()
	if err != nil {
		s.refuse(name, fmt.Sprintf("can't be read: %v", err), "")
		return nil, false
	}
	if !fi.Mode().IsRegular() {
		s.refuse(name, "is not a regular file", "")
		return nil, false
	}
	if fi.Size() > s.maxFile {
		s.refuse(name, s.tooLarge(fi.Size()), "split the file, or raise --cue-file")
		return nil, false
	}
	data, err := os.ReadFile(name)
	if err != nil {
		s.refuse(name, fmt.Sprintf("can't be read: %v", err), "")
	}
	return unmarked(data), err == nil
}

// unmarked takes off the byte order mark, which the loader of CUE takes off too: places count from behind it.
func unmarked(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\ufeff")) }

// parsed reads a file as it is written.
func parsed(name string) (*ast.File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parser.ParseFile(name, unmarked(data))
}

// parse files a file under its package.
func (s *scanner) parse(name string, data []byte) {
	rel, _ := s.rel(name)
	defer s.begin(work{File: s.show(name)})()
	f, err := parser.ParseFile(name, data)
	s.diags = append(s.diags, assigned(withoutEcho(s.plain(err)), data)...)
	pkg := ""
	if f != nil {
		pkg = f.PackageName()
	}
	if pkg == "" && err == nil && s.isRelease(f) {
		return
	}
	if pkg == "" && err == nil {
		s.refuse(name, "has no package clause", "start the file with: package "+packageName(path.Dir(rel)))
		return
	}
	if f != nil {
		s.extern(f)
	}
	key := path.Dir(rel) + ":" + pkg
	p := s.found[key]
	if p == nil {
		p = &folder{dir: path.Dir(rel), pkg: pkg, used: map[string]bool{}, written: map[string]plan.Pos{}}
		s.found[key] = p
	}
	p.files = append(p.files, name)
	p.broken = p.broken || err != nil
	if a := exclusion(f); a != nil {
		p.excluded = append(p.excluded, Diagnostic{Pos: s.pos(a.Pos()), Message: a.Text + " excludes the file", Hint: "trikk reads no build tags: remove it"})
	}
	if f != nil {
		p.imports = append(p.imports, s.imports(f)...)
		p.labels = append(p.labels, s.labels(f)...)
		p.unwritten = append(p.unwritten, s.unwritten(f)...)
		references(f, p.used)
		s.environments(f.Decls, "", p.written)
	}
}

// extern refuses files that would read other files.
func (s *scanner) extern(f *ast.File) {
	if a := hasAttribute(f, "@extern("); a != nil {
		s.diags = append(s.diags, Diagnostic{Pos: s.pos(a.Pos()), Message: a.Text + " is not allowed in a config repository", Hint: "write the text into the CUE file"})
	}
}

// hasAttribute gives a file's attribute that starts with a text, or nil.
func hasAttribute(f *ast.File, start string) *ast.Attribute {
	for _, d := range f.Decls {
		if a, ok := d.(*ast.Attribute); ok && strings.HasPrefix(a.Text, start) {
			return a
		}
	}
	return nil
}

// imported is one import of a file, without version and qualifier.
type imported struct {
	path string
	pos  plan.Pos
	at   token.Pos
	// maybe: the file has a build attribute, so that it may not count.
	maybe bool
}

// imports lists what a file imports.
func (m module) imports(f *ast.File) (out []imported) {
	maybe := hasAttribute(f, "@if(") != nil || exclusion(f) != nil
	for spec := range f.ImportSpecs() {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			out = append(out, imported{path: ast.ParseImportPath(p).Path, pos: m.pos(spec.Path.Pos()), at: spec.Pos(), maybe: maybe})
		}
	}
	return out
}

// labels lists the top-level fields and embedded values of a file.
func (m module) labels(f *ast.File) (out []label) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.Field:
			if name, _, err := ast.LabelName(d.Label); err == nil {
				out = append(out, label{name: name, app: joinsApp(d.Value), named: nameIn(d.Value), pos: m.pos(d.Pos())})
			}
		case *ast.EmbedDecl:
			out = append(out, label{text: embedded(d.Expr), pos: m.pos(d.Pos())})
		}
	}
	return out
}

// joinsApp reports whether an expression is the schema's App joined with something.
func joinsApp(e ast.Expr) bool {
	b, ok := e.(*ast.BinaryExpr)
	if !ok || b.Op != token.AND {
		return strings.HasSuffix(embedded(e), ".#App")
	}
	return joinsApp(b.X) || joinsApp(b.Y)
}

// references collects the identifiers that a file, or a part of one, refers to. Labels refer to nothing.
func references(of ast.Node, into map[string]bool) {
	ast.Walk(of, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			if _, plain := n.Label.(*ast.Ident); plain {
				references(n.Value, into)
				return false
			}
		case *ast.Ident:
			into[n.Name] = true
		}
		return true
	}, nil)
}

// environments records where "app", "environments" and what is directly in the latter are written. CUE's values tell it
// too, but slowly.
func (m module) environments(decls []ast.Decl, prefix string, into map[string]plan.Pos) {
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, _, err := ast.LabelName(f.Label)
		if err != nil || prefix == "" && name != "app" && name != "environments" || prefix == "app." && name != "environments" {
			continue
		}
		path := prefix + name
		if _, ok := into[path]; !ok {
			into[path] = m.pos(f.Label.Pos())
		}
		if name == "app" || name == "environments" {
			for _, s := range structs(f.Value) {
				m.environments(s.Elts, path+".", into)
			}
		}
	}
}

// structs lists the struct literals that are unified in an expression.
func structs(e ast.Expr) []*ast.StructLit {
	switch e := e.(type) {
	case *ast.StructLit:
		return []*ast.StructLit{e}
	case *ast.ParenExpr:
		return structs(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.AND {
			return append(structs(e.X), structs(e.Y)...)
		}
	}
	return nil
}

// embedded writes a reference, as schema.#App; "" for all else.
func embedded(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.BinaryExpr:
		return embedded(e.X)
	case *ast.SelectorExpr:
		if l, ok := e.Sel.(*ast.Ident); ok {
			return embedded(e.X) + "." + l.Name
		}
	}
	return ""
}
