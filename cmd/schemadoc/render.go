package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"trikk.dev/engine/manual"
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
	"environment", "limits", "freeze", "server", "proxy", "release", "notify", "policy", "test", "plan", "scalars",
}

// render makes the page from the schema's files.
func render(dir fs.FS) ([]byte, error) {
	var page, scalars bytes.Buffer
	page.WriteString(head)
	for _, name := range files {
		defs, err := manual.Read(dir, name+".cue")
		if err != nil {
			return nil, err
		}
		for _, d := range defs {
			if d.Scalar {
				fmt.Fprintf(&scalars, "| <a id=%q></a>%s | %s | %s |\n", anchor(d.Name), d.Name, cell(markdown(d.Doc)), cell(d.Rule))
				continue
			}
			section(&page, d)
		}
	}
	page.WriteString("\n## Values\n\n| value | meaning | rule |\n|---|---|---|\n")
	page.Write(scalars.Bytes())
	return page.Bytes(), nil
}

// section adds a definition's section.
func section(w *bytes.Buffer, d manual.Definition) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n", d.Name, markdown(d.Doc))
	for _, e := range d.Embeds {
		fmt.Fprintf(w, "\nIt has all fields of %s.\n", link(e))
	}
	if len(d.Fields) == 0 {
		return
	}
	w.WriteString("\n| field | type | default | meaning |\n|---|---|---|---|\n")
	for _, f := range d.Fields {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", f.Name, f.Kind(words()), standard(f), cell(markdown(f.Doc)))
	}
}

// words writes kinds as Markdown.
func words() manual.Words {
	return manual.Words{Definition: link, Literal: code}
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// standard writes what holds where a field is left out.
func standard(f manual.Field) string {
	if f.Required {
		return "required"
	}
	return code(f.Default())
}

// markdown fences the indented examples of a comment.
func markdown(text string) string {
	var out []string
	inside := false
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		code := strings.HasPrefix(l, "\t") || inside && l == ""
		switch {
		case code && !inside:
			out = append(out, "```cue")
		case inside && !code:
			out = append(out, "```")
		}
		inside = code
		out = append(out, strings.TrimPrefix(l, "\t"))
	}
	if inside {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}

func link(name string) string {
	return fmt.Sprintf("[%s](#%s)", name, anchor(name))
}

func anchor(name string) string { return strings.ToLower(name) }

// cell makes a text fit into a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
