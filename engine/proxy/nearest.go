package proxy

import (
	"fmt"
	"slices"
	"strings"
)

// suggest ends an error about a name that is not known: the nearest known one, and all when they are few.
func suggest(got string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	known = slices.Compact(slices.Sorted(slices.Values(known)))
	best := slices.MinFunc(known, func(a, b string) int { return distance(got, a) - distance(got, b) })
	switch {
	case distance(got, best) <= 1+len(got)/3:
		return fmt.Sprintf(" (did you mean %q?)", best)
	case len(known) <= 8:
		return " (it has " + strings.Join(known, ", ") + ")"
	}
	return fmt.Sprintf(" (it has %s and %d others)", strings.Join(known[:8], ", "), len(known)-8)
}

// distance counts the edits that make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
