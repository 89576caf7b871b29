package config

import (
	"path"
	"strconv"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// parseRaw parses a file and takes the schema out of it: every reference to a definition of the schema becomes "_". What
// users wrote can then be looked at field by field; with the schema in it, one mistake hides others from CUE.
func (m module) parseRaw(name string, src any, cfg parser.Config) (*ast.File, error) {
	f, err := parser.ParseFile(name, src, cfg)
	if err != nil || m.isSchema(name) {
		return f, err
	}
	local := schemaName(f)
	if local == "" {
		return f, nil
	}
	astutil.Apply(f, nil, func(c astutil.Cursor) bool {
		s, ok := c.Node().(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
			top := ast.NewIdent("_")
			top.NamePos = s.Pos()
			c.Replace(top)
		}
		return true
	})
	// The import stays used.
	f.Decls = append(f.Decls, &ast.Field{Label: ast.NewIdent("_schemaIsUsed"), Value: &ast.Ident{Name: local, Node: schemaSpec(f)}, TokenPos: token.NoPos})
	return f, nil
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
