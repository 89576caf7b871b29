package main

import (
	"fmt"
	"strings"

	"trikk.dev/engine/manual"
)

// showRoots lists what paths begin with.
func (c *cli) showRoots(m manual.Manual) error {
	for _, name := range manual.Roots() {
		e, err := m.Find(name)
		if err != nil {
			return err
		}
		if c.flags.json {
			if err := c.event("schema", entryEvent(e)); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(c.out, "%-12s %s\n", name, firstSentence(e.Doc))
	}
	return nil
}

// showEntry prints the documentation of one field.
func (c *cli) showEntry(e manual.Entry) error {
	if c.flags.json {
		return c.event("schema", entryEvent(e))
	}
	fmt.Fprintf(c.out, "%s: %s%s\n", e.Path, e.Kind, presence(e.Required, e.Default))
	if e.Rule != "" {
		fmt.Fprintf(c.out, "  %s\n", e.Rule)
	}
	fmt.Fprintf(c.out, "\n%s\n", e.Doc)
	if len(e.Fields) == 0 {
		return nil
	}
	width := 0
	for _, f := range e.Fields {
		width = max(width, len(f.Name))
	}
	fmt.Fprintln(c.out, "\nFields:")
	for _, f := range e.Fields {
		fmt.Fprintf(c.out, "  %-*s  %s%s\n", width, f.Name, f.Kind(manual.Plain()), presence(f.Required, f.Default()))
		fmt.Fprintf(c.out, "  %-*s  %s\n", width, "", firstSentence(f.Doc))
	}
	return nil
}

// presence says what holds where a field is left out.
func presence(required bool, standard string) string {
	switch {
	case required:
		return ", required"
	case standard != "":
		return ", default " + standard
	}
	return ""
}

// firstSentence is a text up to its first full stop, on one line.
func firstSentence(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	if head, _, more := strings.Cut(line, ". "); more {
		return head + "."
	}
	return line
}

func entryEvent(e manual.Entry) map[string]any {
	fields := []map[string]any{}
	for _, f := range e.Fields {
		fields = append(fields, map[string]any{"name": f.Name, "type": f.Kind(manual.Plain()), "default": f.Default(), "required": f.Required, "doc": f.Doc})
	}
	return map[string]any{"path": e.Path, "type": e.Kind, "default": e.Default, "required": e.Required, "rule": e.Rule, "doc": e.Doc, "fields": fields}
}
