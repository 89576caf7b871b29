package main

import (
	"fmt"
	"strings"

	"trikk.dev/engine/config"
)

// showCases prints how tests went, a line each, and gives the exit code.
func (c *cli) showCases(cases []config.Case) error {
	failed := 0
	for _, t := range cases {
		if len(t.Findings) > 0 {
			failed++
		}
		c.showCase(t)
	}
	switch {
	case c.flags.json:
		_ = c.event("test.finished", map[string]any{"passed": len(cases) - failed, "failed": failed})
	case failed > 0:
		fmt.Fprintf(c.out, "%s, %d failed\n", plural(len(cases), "test"), failed)
	case !c.flags.quiet:
		fmt.Fprintf(c.out, "%s: all right\n", plural(len(cases), "test"))
	}
	if failed > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}

func (c *cli) showCase(t config.Case) {
	p := c.paint(c.out)
	switch {
	case c.flags.json:
		_ = c.event("test", caseEvent(t))
	case len(t.Findings) > 0:
		fmt.Fprintf(c.out, "%s  %s\n", p.bad("FAIL"), caseName(t))
		for _, f := range t.Findings {
			fmt.Fprintf(c.out, "      %s\n", strings.ReplaceAll(strings.TrimRight(findingLine(f), "\n"), "\n", "\n        "))
		}
	case !c.flags.quiet:
		fmt.Fprintf(c.out, "%s    %s\n", p.good("ok"), caseName(t))
	}
}

// findingLine says where a condition is, what it wants and what there is.
func findingLine(f config.Finding) string {
	line := fmt.Sprintf("%s:%d:%d: ", f.Pos.File, f.Pos.Line, f.Pos.Column)
	if f.Path != "" {
		line += f.Path + ": "
	}
	line += f.Message
	if f.Found != "" {
		line += ", found " + f.Found
	}
	return line
}

func caseEvent(t config.Case) map[string]any {
	findings := []map[string]any{}
	for _, f := range t.Findings {
		findings = append(findings, map[string]any{"file": f.Pos.File, "line": f.Pos.Line, "column": f.Pos.Column, "path": f.Path, "message": f.Message, "found": f.Found})
	}
	return map[string]any{
		"dir": t.Dir, "name": t.Name, "app": t.App, "env": t.Env, "file": t.Pos.File, "line": t.Pos.Line, "column": t.Pos.Column,
		"passed": len(t.Findings) == 0, "findings": findings,
	}
}
