package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// table lines up columns.
type table struct{ rows [][]string }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// flush writes the rows and forgets them.
func (t *table) flush(w io.Writer) {
	var widths []int
	for _, r := range t.rows {
		for i, cell := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range t.rows {
		var b strings.Builder
		for i, cell := range r {
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		fmt.Fprintln(w, shown(strings.TrimRight(b.String(), " ")))
	}
	t.rows = nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// timeOfRun gives the time that a run's ID holds, RFC 3339, or "".
func timeOfRun(id string) string {
	head, _, _ := strings.Cut(id, "-")
	t, err := time.Parse("20060102T150405", head)
	if err != nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
