package main

import (
	"slices"
	"strings"
)

// How a plan is shown, beside formatText.
const (
	formatMarkdown = "markdown"
	formatMermaid  = "mermaid"
)

func (c *cli) checkFormat(format string) error {
	all := []string{formatText, formatMarkdown, formatMermaid}
	if !slices.Contains(all, format) {
		return usage("--format %s: it is %s", format, strings.Join(all, ", "))
	}
	if c.flags.json && format != formatText {
		return usage("--format %s and --json are two formats: give one", format)
	}
	return nil
}
