package config

import (
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
)

// computed notes a sound value that is made of others: what CUE says about it comes from a mistake elsewhere.
func (c *comparison) computed(v cue.Value, path []string) {
	if f, ok := v.Source().(*ast.Field); ok && refers(f.Value) {
		c.sound = append(c.sound, strings.Join(path, "."))
	}
}

// soundByItself reports whether what a value comes to fits its schema: together with it, CUE computes the value again, and fails
// where what it is made of has a mistake elsewhere.
func soundByItself(schema, v cue.Value) bool {
	f, ok := v.Source().(*ast.Field)
	if !ok || !refers(f.Value) {
		return false
	}
	var value any
	if err := v.Decode(&value); err != nil {
		return false
	}
	return schema.FillPath(cue.Path{}, value).Validate(cue.Concrete(true)) == nil
}

// refers reports whether an expression takes something from another field.
func refers(e ast.Expr) bool {
	found := false
	ast.Walk(e, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.SelectorExpr, *ast.Interpolation:
			found = true
		}
		return !found
	}, nil)
	return found
}

// withoutEchoes drops what CUE says about sound values, if there is a mistake left that it can come from.
func (c *comparison) withoutEchoes(said []Diagnostic) []Diagnostic {
	rest := slices.DeleteFunc(slices.Clone(said), c.isEcho)
	if len(c.diags)+len(rest) == 0 {
		return said
	}
	return rest
}

// isEcho reports whether a mistake is told of a sound value that is made of others.
func (c *comparison) isEcho(d Diagnostic) bool {
	return slices.ContainsFunc(c.sound, func(path string) bool {
		return strings.HasPrefix(d.Path+".", path+".") || strings.HasPrefix(common(d.Path)+".", path+".")
	})
}
