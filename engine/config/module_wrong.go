package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	"trikk.dev/engine/plan"
)

// wrongModule words what CUE says about a module file, each at the field that it is about.
func (m module) wrongModule(name string, data []byte, err error) []Diagnostic {
	f, _ := parser.ParseFile(name, data)
	var out []Diagnostic
	all := errors.Errors(err)
	for _, e := range all {
		format, _ := e.Msg()
		if strings.Contains(format, "empty disjunction") && len(all) > 1 {
			continue // the others say why
		}
		d := m.one(e)
		d.Message, d.Hint = m.wordsOf(name, e)
		if field := about(e.Error()); field != nil && f != nil && format != "field not allowed" {
			if at := valueAt(f.Decls, field); at.IsValid() {
				d.Pos = m.pos(at)
			}
		}
		if d.Pos.Line == 0 {
			d.Pos = plan.Pos{File: m.show(name), Line: 1, Column: 1}
		}
		out = append(out, d)
	}
	return tidy(out)
}

var versionOf = regexp.MustCompile(`make version from module "([^"]+)"`)

// inModuleFile gives the place of a field's value in the module file; its start where there is none.
func (m module) inModuleFile(path ...string) plan.Pos {
	name := filepath.Join(m.root, "cue.mod", "module.cue")
	if f, err := parsed(name); err == nil && len(path) > 0 {
		if at := valueAt(f.Decls, path); at.IsValid() {
			return m.pos(at)
		}
	}
	return plan.Pos{File: m.show(name), Line: 1, Column: 1}
}

// about gives the field of a module file that an error is about; nil where the error has a place itself.
func about(text string) []string {
	if dep := versionOf.FindStringSubmatch(text); dep != nil {
		return []string{"deps", dep[1], "v"}
	}
	switch {
	case strings.Contains(text, "valid semantic version"), strings.Contains(text, "language.version"), strings.Contains(text, "with language version"):
		return []string{"language", "version"}
	case strings.Contains(text, "language"):
		return []string{"language"}
	case strings.Contains(text, "module path"):
		return []string{"module"}
	}
	return nil
}

// wordsOf gives the message and the hint for an error in a module file.
func (m module) wordsOf(name string, e errors.Error) (message, hint string) {
	text := strings.Join(strings.Fields(e.Error()), " ")
	text = strings.ReplaceAll(strings.TrimPrefix(text, "invalid module file "+name+": "), name, m.show(name))
	version := fmt.Sprintf("language: version: %q", cue.LanguageVersion())
	switch format, _ := e.Msg(); {
	case format == "field not allowed":
		message = saying(e)
		path := e.Path()
		if len(path) > 1 {
			return message, formOf(path)
		}
		return message, suggest(bare(path[0]), []string{"module", "language", "source", "deps", "custom"})
	case strings.Contains(text, "valid semantic version"):
		return "language.version is not a version", "write " + version
	case strings.Contains(text, "no language version"):
		return "the module file has no language.version", "write " + version
	case strings.Contains(text, "language version"):
		return strings.TrimPrefix(text, "cannot determine language version: "), "write " + version
	case strings.Contains(text, "mismatched types"):
		return strings.Join(e.Path(), ".") + " has a value of another kind than it needs", formOf(e.Path())
	case strings.Contains(text, "module path"):
		return text, "write a path such as " + moduleForm
	case strings.HasPrefix(text, "invalid module file syntax: "):
		return text, "the file needs two lines, such as " + moduleForm + " and " + version
	}
	return text, ""
}

const moduleForm = `module: "example.com/config@v0"`

// formOf tells how a field of a module file is written.
func formOf(path []string) string {
	form := map[string]string{
		"module":   moduleForm,
		"language": fmt.Sprintf("language: version: %q", cue.LanguageVersion()),
		"source":   `source: kind: "self"`,
		"deps":     `deps: "example.com/other@v0": v: "v0.1.0"`,
		"custom":   `custom: "example.com": {…}`,
	}[path[0]]
	return "the form is " + form
}

// valueAt gives the place of a field's value, or of the nearest one around it.
func valueAt(decls []ast.Decl, path []string) token.Pos {
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(f.Label); err != nil || name != path[0] {
			continue
		}
		s, ok := f.Value.(*ast.StructLit)
		if !ok || len(path) == 1 {
			return f.Value.Pos()
		}
		if p := valueAt(s.Elts, path[1:]); p.IsValid() {
			return p
		}
		return f.Label.Pos()
	}
	return token.NoPos
}
