package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"cuelang.org/go/cue/ast"
)

const head = `# The schema

Apps and environments are written in [CUE](https://cuelang.org) against ` + "`trikk.dev/schema`" + `. An editor with ` + "`cue lsp`" + ` shows the same texts.
This page is made from the schema's comments by ` + "`go run ./cmd/schemadoc`" + `; don't edit it.

An app is one folder with one package that sets ` + "`app`" + `:

` + "```cue" + `
package status

import "trikk.dev/schema"

app: schema.#App & {
	name:    "status"
	version: "4.2.0"
	artifact: url: url: "https://artifacts.norrhavn.example/status/status-{version}.tar.gz"
	service: systemd: unit: "status"
	environments: prod: servers: ["app06"]
}
` + "```" + `

Write ` + "`app: schema.#App & {…}`" + `: only so is a misspelt field an error. What many apps share goes into a file of the same package in a parent
folder, or into a package that they import; ` + "`apps/`" + ` shows both. What the app sets holds in each environment; an environment adds to it, and sets
what the app left open. It can't change what the app has set. What differs between environments is written for each, or once for all of them with
the environment's own values at hand:

` + "```cue" + `
environments: [_]: E={
	files: "config/itas.properties": properties: "jmx.port": E.ports.jmx
}
` + "```" + `

Where exactly one of several keys must be set, such as ` + "`artifact: maven: {…}`" + `, the text says so. Times are Go durations: "500ms", "30s", "2m30s".
`

// files are the schema's files in the order of the page; scalars come last, in a table of their own.
var files = [...]string{
	"app", "artifact", "layout", "files", "secret", "service", "probe", "hooks", "rollout", "topology",
	"environment", "server", "proxy", "scalars",
}

// render makes the page from the schema's files.
func render(dir fs.FS) ([]byte, error) {
	var page, scalars bytes.Buffer
	page.WriteString(head)
	for _, name := range files {
		defs, err := read(dir, name+".cue")
		if err != nil {
			return nil, err
		}
		for _, d := range defs {
			if d.body == nil {
				fmt.Fprintf(&scalars, "| <a id=%q></a>%s | %s | %s |\n", anchor(d.name), d.name, cell(d.doc), cell(d.rule))
				continue
			}
			d.write(&page)
		}
	}
	page.WriteString("\n## Values\n\n| value | meaning | rule |\n|---|---|---|\n")
	page.Write(scalars.Bytes())
	return page.Bytes(), nil
}

// write adds the definition's section.
func (d definition) write(w *bytes.Buffer) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n", d.name, d.doc)
	for _, e := range d.embeds {
		fmt.Fprintf(w, "\nIt has all fields of %s.\n", link(e))
	}
	if len(d.fields) == 0 {
		return
	}
	w.WriteString("\n| field | type | default | meaning |\n|---|---|---|---|\n")
	for _, f := range d.fields {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", f.name, f.kind, f.standard, cell(f.doc))
	}
}

// typeOf writes an expression as a type for people.
func typeOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return ident(e.Name)
	case *ast.ParenExpr:
		return typeOf(e.X)
	case *ast.ListLit:
		return listOf(e)
	case *ast.StructLit:
		return mapOf(e)
	case *ast.BasicLit:
		return "`" + e.Value + "`"
	case *ast.UnaryExpr:
		return typeOf(e.X)
	case *ast.BinaryExpr:
		return both(typeOf(e.X), typeOf(e.Y))
	}
	return ""
}

// ident writes the name of a type; "_" says nothing.
func ident(name string) string {
	switch {
	case name == "_":
		return "any value"
	case strings.HasPrefix(name, "#"):
		return link(name)
	}
	return name
}

// both joins the sides of & and |: what says nothing is left out.
func both(x, y string) string {
	switch {
	case x == "" || x == "any value" && y != "":
		return y
	case y == "" || y == "any value" || x == y:
		return x
	case x[0] == '`' && y[0] != '`': // a default and its type
		return y
	case y[0] == '`' && x[0] != '`':
		return x
	}
	return x + " or " + y
}

func listOf(l *ast.ListLit) string {
	for _, e := range l.Elts {
		if d, ok := e.(*ast.Ellipsis); ok {
			return strings.TrimSpace("list of " + typeOf(d.Type))
		}
	}
	return "list"
}

// mapOf writes a struct that is a pattern as a map.
func mapOf(s *ast.StructLit) string {
	for _, d := range s.Elts {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if p, ok := f.Label.(*ast.ListLit); ok && len(p.Elts) == 1 {
			key := p.Elts[0]
			if a, ok := key.(*ast.Alias); ok {
				key = a.Expr
			}
			return fmt.Sprintf("map of %s to %s", typeOf(key), typeOf(f.Value))
		}
	}
	return ""
}

// defaultOf writes the default of an expression, "" if it has none.
func defaultOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if lit, ok := e.X.(*ast.BasicLit); ok && e.Op.String() == "*" {
			return "`" + lit.Value + "`"
		}
	case *ast.ParenExpr:
		return defaultOf(e.X)
	case *ast.BinaryExpr:
		if d := defaultOf(e.X); d != "" {
			return d
		}
		return defaultOf(e.Y)
	}
	return ""
}

// ruleOf gives the message of an expression's error(…), "" if it has none.
func ruleOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.Ident); !ok || f.Name != "error" || len(e.Args) != 1 {
			return ""
		}
		return unquote(e.Args[0])
	case *ast.BinaryExpr:
		return ruleOf(e.Y)
	}
	return ""
}

func link(def string) string {
	name := strings.TrimPrefix(def, "#")
	return fmt.Sprintf("[%s](#%s)", name, anchor(name))
}

func anchor(name string) string { return strings.ToLower(name) }

// cell makes a text fit into a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
