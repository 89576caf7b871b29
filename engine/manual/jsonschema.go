package manual

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// draft is the version of JSON Schema that is written.
const draft = "https://json-schema.org/draft/2020-12/schema"

// object is one JSON Schema, or a part of one.
type object map[string]any

// JSONSchema writes a JSON Schema of what a root name stands for: "app" or "environment". It knows the names, kinds and rules of
// fields, but not what only shows across fields or apps.
func (m Manual) JSONSchema(root string) ([]byte, error) {
	definition := map[string]string{"app": "App", "environment": "Environment"}[root]
	if definition == "" {
		return nil, fmt.Errorf("there is no JSON Schema of %q: it is of app or environment", root)
	}
	g := generator{manual: m, definitions: object{}}
	out := object{"$schema": draft, "$defs": g.definitions}
	maps.Copy(out, g.reference(definition))
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return nil, fmt.Errorf("writing the JSON Schema: %w", err)
	}
	return bytes.TrimSpace(text.Bytes()), nil
}

// generator collects the definitions that are referred to.
type generator struct {
	manual      Manual
	definitions object
}

// reference refers to a definition.
func (g generator) reference(name string) object {
	if _, known := g.definitions[name]; !known {
		g.definitions[name] = object{} // it may refer to itself
		d := g.manual.definitions[name]
		s := g.expression(d.value)
		if !d.Scalar {
			s = g.structure(d)
		}
		if d.Doc != "" {
			s["description"] = d.Doc
		}
		g.definitions[name] = s
	}
	return object{"$ref": "#/$defs/" + name}
}

// structure writes a definition that has fields.
func (g generator) structure(d Definition) object {
	properties, required, arms := object{}, []string{}, []string{}
	fixed := 0
	for _, f := range g.manual.fields(d) {
		if strings.Contains(f.Name, ".") { // it says more of a field that is embedded
			continue
		}
		s := g.expression(f.value)
		if f.Doc != "" {
			s["description"] = f.Doc
		}
		if value, ok := literalOf(defaultOf(f.value)); ok {
			s["default"] = value
		}
		properties[f.Name] = s
		switch {
		case f.optional:
			arms = append(arms, f.Name)
		default:
			fixed++
		}
		if f.Required {
			required = append(required, f.Name)
		}
	}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
	least, most := d.bounds()
	if most-fixed == 1 {
		out["oneOf"] = oneOf(arms, least > fixed)
	}
	return out
}

// oneOf wants exactly one of some fields, or at most one.
func oneOf(names []string, exactly bool) (out []object) {
	for _, n := range names {
		out = append(out, object{"required": []string{n}})
	}
	if !exactly {
		out = append(out, object{"not": object{"anyOf": slices.Clone(out)}})
	}
	return out
}

// bounds are how many fields the definition has at least and at most; 0: any.
func (d Definition) bounds() (least, most int) {
	for _, c := range d.calls {
		switch n := argument(c); called(c) {
		case "struct.MinFields":
			least = n
		case "struct.MaxFields":
			most = n
		}
	}
	return least, most
}

// expression writes what an expression of the schema accepts. What JSON Schema can't say is left out.
func (g generator) expression(e ast.Expr) object {
	switch e := e.(type) {
	case *ast.Ident:
		return g.named(e.Name)
	case *ast.ParenExpr:
		return g.expression(e.X)
	case *ast.Alias:
		return g.expression(e.Expr)
	case *ast.BasicLit:
		if v, ok := literalOf(e.Value); ok {
			return object{"const": v}
		}
	case *ast.UnaryExpr:
		return g.unary(e)
	case *ast.BinaryExpr:
		if e.Op == token.OR {
			return g.union(e)
		}
		return together(g.expression(e.X), g.expression(e.Y))
	case *ast.CallExpr:
		return bound(e)
	case *ast.SelectorExpr: // time.Duration
		return object{"type": "string"}
	case *ast.ListLit:
		out := object{"type": "array"}
		if of := element(e); of != nil {
			out["items"] = g.expression(of)
		}
		return out
	case *ast.StructLit:
		return g.mapping(e)
	}
	return object{}
}

func (g generator) named(name string) object {
	switch name {
	case "string", "number":
		return object{"type": name}
	case "int":
		return object{"type": "integer"}
	case "bool":
		return object{"type": "boolean"}
	}
	if definition, ok := strings.CutPrefix(name, "#"); ok {
		return g.reference(definition)
	}
	return object{}
}

func (g generator) unary(e *ast.UnaryExpr) object {
	lit, ok := e.X.(*ast.BasicLit)
	if !ok {
		return g.expression(e.X)
	}
	v, _ := literalOf(lit.Value)
	switch e.Op {
	case token.MAT:
		return object{"type": "string", "pattern": v}
	case token.NMAT:
		return object{"not": object{"pattern": v}}
	case token.NEQ:
		return object{"not": object{"const": v}}
	case token.GEQ:
		return object{"minimum": v}
	case token.LEQ:
		return object{"maximum": v}
	}
	return object{"const": v} // *"default"
}

// union joins alternatives: error(…) is none, and "_" beside a default accepts all.
func (g generator) union(e *ast.BinaryExpr) object {
	var arms []object
	var collect func(e ast.Expr)
	collect = func(e ast.Expr) {
		if b, ok := e.(*ast.BinaryExpr); ok && b.Op == token.OR {
			collect(b.X)
			collect(b.Y)
			return
		}
		if c, ok := e.(*ast.CallExpr); ok && called(c) == "error" {
			return
		}
		arms = append(arms, g.expression(e))
	}
	collect(e)
	var values []any
	for _, a := range arms {
		if len(a) == 0 {
			return object{}
		}
		if v, ok := a["const"]; ok {
			values = append(values, v)
		}
	}
	switch {
	case len(arms) == 1:
		return arms[0]
	case len(values) == len(arms):
		return object{"enum": values}
	}
	return object{"anyOf": arms}
}

// together joins what must all hold.
func together(x, y object) object {
	switch {
	case len(x) == 0:
		return y
	case len(y) == 0:
		return x
	}
	out := maps.Clone(x)
	for k, v := range y {
		if _, both := out[k]; both {
			return object{"allOf": []object{x, y}}
		}
		out[k] = v
	}
	return out
}

// mapping writes a struct that is a pattern. Other fields of a struct say where their values come from, and accept no others.
func (g generator) mapping(s *ast.StructLit) object {
	out := object{}
	for _, d := range s.Elts {
		if e, ok := d.(*ast.EmbedDecl); ok {
			if c, ok := e.Expr.(*ast.CallExpr); ok {
				out = together(out, bound(c))
			}
		}
	}
	key, value := pattern(s)
	if key == nil {
		return out
	}
	return together(out, object{"type": "object", "propertyNames": g.expression(key), "additionalProperties": g.expression(value)})
}

// bound writes a call that bounds a value.
func bound(c *ast.CallExpr) object {
	word := map[string]string{"list.MinItems": "minItems", "list.MaxItems": "maxItems", "struct.MinFields": "minProperties", "struct.MaxFields": "maxProperties"}[called(c)]
	if word == "" {
		return object{}
	}
	return object{word: argument(c)}
}

// called is the name of what is called: list.MinItems.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		x, _ := f.X.(*ast.Ident)
		name, _, _ := ast.LabelName(f.Sel)
		if x != nil {
			return x.Name + "." + name
		}
	}
	return ""
}

// argument is the number that a call has as its argument.
func argument(c *ast.CallExpr) int {
	if len(c.Args) != 1 {
		return 0
	}
	lit, ok := c.Args[0].(*ast.BasicLit)
	if !ok {
		return 0
	}
	n, _ := strconv.Atoi(lit.Value)
	return n
}

// literalOf reads a literal of CUE.
func literalOf(text string) (any, bool) {
	switch text {
	case "":
		return nil, false
	case "true", "false":
		return text == "true", true
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n, true
	}
	if s := unquote(&ast.BasicLit{Kind: token.STRING, Value: text}); s != "" || text == `""` {
		return s, true
	}
	return nil, false
}
