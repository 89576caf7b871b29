package artifact

import (
	"cmp"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// newest is the last version that was published, by Maven's order.
func newest(versions []string, releasesOnly bool) string {
	if releasesOnly {
		versions = slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return strings.HasSuffix(v, "-SNAPSHOT") })
	}
	if len(versions) == 0 {
		return ""
	}
	return slices.MaxFunc(versions, plan.CompareVersions)
}

// nearest is the version with the smallest edit distance; of equals the newest.
func nearest(versions []string, want string) string {
	return slices.MinFunc(versions, func(a, b string) int {
		return cmp.Or(cmp.Compare(distance(a, want), distance(b, want)), -plan.CompareVersions(a, b))
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
