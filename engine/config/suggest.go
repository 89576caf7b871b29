package config

import (
	"fmt"
	"slices"
	"strings"
)

// maxKnown is how many names a hint lists at most.
const maxKnown = 16

// suggest makes a hint for a word that is not among the known ones: the nearest one, else all of them when they are few.
func suggest(word string, known []string) string {
	if n := nearest(word, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return list(known)
}

// list names the known words when they are few enough to read.
func list(known []string) string {
	names := slices.Compact(slices.Sorted(slices.Values(known)))
	if len(names) == 0 || len(names) > maxKnown {
		return ""
	}
	return "known: " + strings.Join(names, ", ")
}

// nearest gives the known word with the fewest mistakes to word, if they are few for its length; "" if none is near.
func nearest(word string, known []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, k := range slices.Sorted(slices.Values(known)) {
		if k == word {
			continue
		}
		if n := mistakes(strings.ToLower(word), strings.ToLower(k)); n < least && n < len(k) {
			best, least = k, n
		}
	}
	return best
}

// mistakes counts the insertions, deletions, changes and swaps of neighbours that make b of a.
func mistakes(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(y)]
}

// Suggestion is the hint for a word that is not among the known ones, to be put behind a message: " (did you mean …?)"; "" where there
// is none.
func Suggestion(word string, known []string) string { return bracket(suggest(word, known)) }
