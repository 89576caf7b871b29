package config

import (
	"path"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/parser"
)

// raw reads files without the schema and without what is told already.
type raw struct {
	module
	cuts cuts
}

// parse parses a file and takes the schema out of it: every reference to a definition of the schema becomes "_", and the
// users' own definitions become open. What users wrote can then be looked at field by field; with the schema in it, one
// mistake hides others from CUE.
func (m raw) parse(name string, src any, cfg parser.Config) (*ast.File, error) {
	f, err := m.cuts.parse(name, src, cfg)
	if err != nil || m.isSchema(name) {
		return f, err
	}
	local := schemaName(f)
	foreign := m.foreign(f)
	astutil.Apply(f, func(c astutil.Cursor) bool {
		switch n := c.Node().(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && x.Name == local {
				c.Replace(&ast.Ident{Name: "_", NamePos: n.Pos()})
				return false
			}
			return !(ok && foreign[x.Name])
		case *ast.Ident:
			n.Name = opened(n.Name)
		}
		return true
	}, nil)
	if local != "" { // the import stays used
		f.Decls = append(f.Decls, &ast.Field{Label: ast.NewIdent("_schemaIsUsed"), Value: &ast.Ident{Name: local, Node: schemaSpec(f)}})
	}
	return f, nil
}

// openedEnd ends the name of a regular field that stands for a definition.
const openedEnd = "__definition"

// opened gives the name of a regular field for that of a definition: regular fields are open, so that what a definition
// doesn't mention is not yet wrong.
func opened(name string) string {
	hidden, rest, ok := strings.Cut(name, "#")
	if !ok || hidden != "" && hidden != "_" {
		return name
	}
	return hidden + rest + openedEnd
}

// foreign lists the names of imported packages that are not read raw, CUE's own and the schema: their definitions
// keep their names.
func (m module) foreign(f *ast.File) map[string]bool {
	out := map[string]bool{}
	for spec := range f.ImportSpecs() {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		ip := ast.ParseImportPath(p)
		first, _, _ := strings.Cut(ip.Path, "/")
		_, own := m.dirOf(ip.Path)
		if (own || strings.Contains(first, ".")) && ip.Path != schemaImport {
			continue
		}
		name := ip.Qualifier
		if spec.Name != nil {
			name = spec.Name.Name
		}
		out[name] = true
	}
	return out
}

// schemaSpec finds the import of the schema.
func schemaSpec(f *ast.File) *ast.ImportSpec {
	for spec := range f.ImportSpecs() {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil && ast.ParseImportPath(p).Path == schemaImport {
			return spec
		}
	}
	return nil
}

// schemaName is the name under which a file imports the schema; "" if it doesn't.
func schemaName(f *ast.File) string {
	spec := schemaSpec(f)
	switch {
	case spec == nil:
		return ""
	case spec.Name != nil:
		return spec.Name.Name
	default:
		return path.Base(schemaImport)
	}
}
