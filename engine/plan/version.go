package plan

import (
	"cmp"
	"strings"
)

// CompareVersions orders versions as Maven does where it matters to people: numbers by value, pre-release words before the
// release, other words after it. It gives -1, 0 or 1.
func CompareVersions(a, b string) int {
	x, y := versionParts(a), versionParts(b)
	for i := range max(len(x), len(y)) {
		if c := comparePart(partAt(x, i), partAt(y, i)); c != 0 {
			return c
		}
	}
	return 0
}

// versionParts splits at dots, dashes, underscores and between digits and letters.
func versionParts(v string) []string {
	var out []string
	start := 0
	cut := func(i int) {
		if i > start {
			out = append(out, strings.ToLower(v[start:i]))
		}
	}
	for i := range len(v) {
		if strings.IndexByte(".-_+", v[i]) >= 0 {
			cut(i)
			start = i + 1
		} else if i > start && digit(v[i]) != digit(v[i-1]) {
			cut(i)
			start = i
		}
	}
	cut(len(v))
	return out
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func partAt(parts []string, i int) string {
	if i < len(parts) {
		return parts[i]
	}
	return ""
}

func comparePart(a, b string) int {
	x, y := partRank(a), partRank(b)
	switch {
	case x != y:
		return cmp.Compare(x, y)
	case x == rankNumber:
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(a) != len(b) {
			return cmp.Compare(len(a), len(b))
		}
		return strings.Compare(a, b)
	case x == rankWord:
		return strings.Compare(a, b)
	}
	return 0 // another spelling of the same
}

// Ranks of parts that are ordered among themselves.
const (
	rankWord   = 6
	rankNumber = 7
)

// partRank: alpha < beta < milestone < rc < snapshot < release (nothing, or zero) < words < numbers.
func partRank(p string) int {
	switch p {
	case "alpha", "a":
		return 0
	case "beta", "b":
		return 1
	case "milestone", "m":
		return 2
	case "rc", "cr", "pre":
		return 3
	case "snapshot":
		return 4
	case "", "0", "final", "ga", "release":
		return 5
	}
	if digit(p[0]) {
		if strings.Trim(p, "0") == "" {
			return 5
		}
		return rankNumber
	}
	return rankWord
}
