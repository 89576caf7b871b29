package main

import (
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/manual"
	"trikk.dev/schema"
)

// schemaPaths complete the last name of a path in the schema. A field may have more below it, so nothing follows.
func schemaPaths(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	dot := strings.LastIndex(at.begun, ".")
	if dot < 0 {
		return manual.Roots(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	m, err := manual.Open(schema.FS)
	if err != nil {
		return nothing(at)
	}
	e, err := m.Find(at.begun[:dot])
	if err != nil {
		return nothing(at)
	}
	var out []cobra.Completion
	for _, f := range e.Fields {
		about, _, _ := strings.Cut(f.Doc, "\n")
		out = append(out, described(at.begun[:dot+1]+f.Name, about))
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
