package config

import (
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
)

// contents are the forms of generated files whose fields are keys of the file.
var contents = []string{"properties", "env", "json", "yaml", "toml", "ini"}

// How deep in a generated file a field is.
const (
	noFile    = iota
	ofFiles   // a file's path
	ofFile    // a form
	inContent // a key
)

// unwritten lists the hidden fields in the contents of generated files. CUE leaves them out: what people write so is a name such as
// _JAVA_OPTIONS, unless something refers to it.
func (m module) unwritten(f *ast.File) (out []label) {
	var walk func(n ast.Node, depth int)
	walk = func(n ast.Node, depth int) {
		ast.Walk(n, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok {
				return true
			}
			id, plain := field.Label.(*ast.Ident)
			if depth == inContent && plain && strings.ContainsAny(id.Name[:1], "_#") {
				out = append(out, label{name: id.Name, pos: m.pos(id.Pos())})
				return false
			}
			walk(field.Value, deeper(depth, field.Label))
			return false
		}, nil)
	}
	walk(f, noFile)
	return out
}

// deeper is how deep what a field holds is.
func deeper(depth int, of ast.Label) int {
	name, _, err := ast.LabelName(of)
	switch {
	case depth == noFile && err == nil && name == "files":
		return ofFiles
	case depth == ofFiles:
		return ofFile
	case depth == ofFile && err == nil && slices.Contains(contents, name), depth == inContent:
		return inContent
	}
	return noFile
}

// lost are the keys of generated files that would not be written.
func (f folder) lost() (out []Diagnostic) {
	for _, l := range f.unwritten {
		if !f.used[l.name] {
			out = append(out, Diagnostic{Pos: l.pos, Message: l.name + " is a hidden field, which would not be written to the file", Hint: "write it in quotes: \"" + l.name + "\""})
		}
	}
	return out
}
