package artifact

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestVersionOrder(t *testing.T) {
	ordered := []string{"0.9", "1.0-alpha-1", "1.0-beta", "1.0-rc1", "1.0-rc2", "1.0-SNAPSHOT", "1.0", "1.0-sp1", "1.0.1", "1.2", "1.9", "1.10", "2.0"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := compareVersions(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("compare(%s, %s) = %d", a, b, got)
			}
		}
	}
}

func TestVersionOrderIsTotal(t *testing.T) {
	version := rapid.StringMatching(`[0-9]{1,3}(\.[0-9]{1,2}){0,2}(-(alpha|rc1|SNAPSHOT|sp|x))?`)
	rapid.Check(t, func(t *rapid.T) {
		vs := rapid.SliceOfN(version, 3, 3).Draw(t, "versions")
		slices.SortFunc(vs, compareVersions)
		if compareVersions(vs[0], vs[2]) > 0 {
			t.Fatalf("%v is not transitive", vs)
		}
		if compareVersions(vs[0], vs[1]) != -compareVersions(vs[1], vs[0]) {
			t.Fatalf("%v is not antisymmetric", vs)
		}
	})
}

func TestNearest(t *testing.T) {
	if got := nearest([]string{"1.9", "1.91", "2.0"}, "1.92"); got != "1.91" {
		t.Errorf("nearest is %s", got)
	}
}
