package artifact

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// compareVersions orders versions as Maven does in the cases that matter here: numbers by value, qualifiers before the
// release they qualify (alpha < beta < milestone < rc < snapshot < release < sp < other words).
func compareVersions(a, b string) int {
	as, bs := tokens(a), tokens(b)
	for i := range max(len(as), len(bs)) {
		if c := compareTokens(at(as, i), at(bs, i)); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b)
}

// tokens splits at dots, dashes and changes between digits and letters.
func tokens(v string) []string {
	var out []string
	start := 0
	cut := func(end int) {
		if end > start {
			out = append(out, strings.ToLower(v[start:end]))
		}
	}
	for i, c := range v {
		switch {
		case c == '.' || c == '-' || c == '_' || c == '+':
			cut(i)
			start = i + 1
		case i > start && unicode.IsDigit(c) != unicode.IsDigit(rune(v[i-1])):
			cut(i)
			start = i
		}
	}
	cut(len(v))
	return out
}

func at(ts []string, i int) string {
	if i < len(ts) {
		return ts[i]
	}
	return ""
}

// compareTokens: a qualifier is less than nothing, nothing equals 0 and is less than another number.
func compareTokens(a, b string) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	if !number(a) || !number(b) {
		return strings.Compare(a, b)
	}
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func rank(t string) int {
	order := []string{"alpha", "a", "beta", "b", "milestone", "m", "rc", "cr", "snapshot"}
	if i := slices.Index(order, t); i >= 0 {
		return i/2 - len(order)
	}
	switch {
	case t == "" || t == "ga" || t == "final" || t == "release" || strings.Trim(t, "0") == "":
		return 0
	case t == "sp":
		return 1
	case number(t):
		return 3
	}
	return 2
}

func number(t string) bool { return t != "" && strings.Trim(t, "0123456789") == "" }

// nearest is the version with the smallest edit distance; of equals the newest.
func nearest(versions []string, want string) string {
	return slices.MinFunc(versions, func(a, b string) int {
		return cmp.Or(cmp.Compare(distance(a, want), distance(b, want)), -compareVersions(a, b))
	})
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
