package manual

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
)

// Manual is the whole schema.
type Manual struct{ definitions map[string]Definition }

// Entry is what the manual says at one path.
type Entry struct {
	Path     string // as it was asked for
	Doc      string // of the field, then of its kind
	Kind     string
	Default  string // as in CUE; "": none
	Required bool
	Rule     string // of a scalar
	Fields   []Field
}

// UnknownError is a path that leads to nothing: a name in it is none of those that are known there.
type UnknownError struct {
	Name, In string
	Known    []string
}

// Error says which name is not known where.
func (e *UnknownError) Error() string {
	if e.In == "" {
		return fmt.Sprintf("unknown name %q", e.Name)
	}
	return fmt.Sprintf("unknown field %q of %s", e.Name, e.In)
}

// Open reads all files of the schema.
func Open(dir fs.FS) (Manual, error) {
	names, err := fs.Glob(dir, "*.cue")
	if err != nil {
		return Manual{}, fmt.Errorf("reading the schema: %w", err)
	}
	m := Manual{definitions: map[string]Definition{}}
	for _, n := range names {
		defs, err := Read(dir, n)
		if err != nil {
			return Manual{}, fmt.Errorf("reading the schema: %w", err)
		}
		for _, d := range defs {
			m.definitions[d.Name] = d
		}
	}
	return m, nil
}

// roots are the names that paths begin with, with their definitions.
func roots() []struct{ name, definition string } {
	return []struct{ name, definition string }{
		{"app", "App"}, {"environment", "Environment"}, {"policy", "Policy"}, {"test", "Test"},
	}
}

// Roots are the names that paths begin with.
func Roots() (out []string) {
	for _, r := range roots() {
		out = append(out, r.name)
	}
	return out
}

// Find gives the entry at a dotted path, such as "app.rollout" or "environment.servers.address". The name of an element of a map or a list
// may be there or left out. A definition is found by its name too: "#Wait". The error is an *UnknownError.
func (m Manual) Find(path string) (Entry, error) {
	names := strings.Split(path, ".")
	first := names[0]
	known := Roots()
	for _, r := range roots() {
		if r.name == first {
			first = "#" + r.definition
		}
	}
	d, ok := m.definitions[strings.TrimPrefix(first, "#")]
	if !ok || !strings.HasPrefix(first, "#") {
		return Entry{}, &UnknownError{Name: names[0], Known: known}
	}
	at := place{kind: ast.NewIdent("#" + d.Name), doc: ""}
	seen := names[0]
	for rest := names[1:]; len(rest) > 0; {
		next, used, ok := m.step(at, rest)
		if !ok {
			return Entry{}, &UnknownError{Name: rest[0], In: seen, Known: m.names(at)}
		}
		seen += "." + strings.Join(rest[:used], ".")
		at, rest = next, rest[used:]
	}
	return m.entry(path, at), nil
}

// place is where a path has led.
type place struct {
	kind     ast.Expr
	doc      string
	required bool
}

// step goes from a place to what the next names name, and says how many of them it took.
func (m Manual) step(at place, names []string) (place, int, bool) {
	d, elements := m.definitionOf(at.kind)
	for n := min(2, len(names)); n > 0; n-- {
		for _, f := range m.fields(d) {
			if f.Name == strings.Join(names[:n], ".") {
				return place{f.value, f.Doc, f.Required}, n, true
			}
		}
	}
	if elements != nil { // a name of the user's, or a number
		return place{kind: elements}, 1, true
	}
	return place{}, 0, false
}

// definitionOf gives the definition that values of a kind have, or that the elements of a map or a list have; and what the elements
// are, where there are some.
func (m Manual) definitionOf(e ast.Expr) (d Definition, elements ast.Expr) {
	switch e := e.(type) {
	case *ast.Ident:
		return m.definitions[strings.TrimPrefix(e.Name, "#")], nil
	case *ast.ParenExpr:
		return m.definitionOf(e.X)
	case *ast.BinaryExpr:
		x, of := m.definitionOf(e.X)
		if x.Name != "" || of != nil {
			return x, of
		}
		return m.definitionOf(e.Y)
	case *ast.ListLit:
		elements = element(e)
	case *ast.StructLit:
		_, elements = pattern(e)
	}
	if elements != nil {
		d, _ = m.definitionOf(elements)
	}
	return d, elements
}

// fields are a definition's own ones and those that it embeds.
func (m Manual) fields(d Definition) []Field {
	out := slices.Clone(d.Fields)
	for _, e := range d.Embeds {
		for _, f := range m.fields(m.definitions[e]) {
			if !slices.ContainsFunc(out, func(g Field) bool { return g.Name == f.Name }) {
				out = append(out, f)
			}
		}
	}
	return out
}

func (m Manual) names(at place) (out []string) {
	d, _ := m.definitionOf(at.kind)
	for _, f := range m.fields(d) {
		out = append(out, f.Name)
	}
	return out
}

// Plain writes kinds without any marks.
func Plain() Words {
	same := func(s string) string { return s }
	return Words{Definition: same, Literal: same}
}

func (m Manual) entry(path string, at place) Entry {
	d, elements := m.definitionOf(at.kind)
	e := Entry{Path: path, Doc: at.doc, Kind: Plain().kind(at.kind), Default: defaultOf(at.kind), Required: at.required, Rule: ruleOf(at.kind), Fields: m.fields(d)}
	if e.Rule == "" && elements == nil {
		e.Rule = d.Rule
	}
	if d.Doc != "" && d.Doc != e.Doc {
		e.Doc = strings.TrimSpace(e.Doc + "\n\n" + d.Doc)
	}
	return e
}
