package plan_test

import (
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

func TestCompareVersions(t *testing.T) {
	ordered := []string{"1.0-alpha", "1.0-alpha-2", "1.0-beta1", "1.0-M2", "1.0-rc1", "1.0-rc2", "1.0-SNAPSHOT", "1.0", "1.0-sp1", "1.0.1", "1.2", "1.9", "1.10", "1.10.1",
		"2.0", "10.0", "2026.11.2", "2026.11.10", "20261123061847123456789", "20261123061847123456790"}
	for i, a := range ordered {
		for j, b := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := plan.CompareVersions(a, b); got != want {
				t.Errorf("%s to %s: %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"1", "1.0"}, {"1.0", "1.0.0-GA"}, {"1.0-final", "1.0.RELEASE"}, {"1.0-a1", "1.0-alpha-1"}, {"1.0-cr2", "1.0-RC-2"}, {"1.01", "1.1"}, {"", "0"}, {"1.2_3", "1.2-3"}} {
		if got := plan.CompareVersions(same[0], same[1]); got != 0 {
			t.Errorf("%s to %s: %d, want 0", same[0], same[1], got)
		}
	}
}

func TestVersionsHaveOneOrder(t *testing.T) {
	version := rapid.StringMatching(`([0-9]{1,3}|0|alpha|b|rc|snapshot|ga|x|foo)([.-]?([0-9]{1,2}|0|beta|m|cr|final|x)){0,4}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := version.Draw(t, "a"), version.Draw(t, "b"), version.Draw(t, "c")
		ab, bc, ac := plan.CompareVersions(a, b), plan.CompareVersions(b, c), plan.CompareVersions(a, c)
		if ab != -plan.CompareVersions(b, a) {
			t.Fatalf("%s and %s are each before the other", a, b)
		}
		if ab <= 0 && bc <= 0 && ac > 0 || ab == 0 && bc == 0 && ac != 0 {
			t.Fatalf("%s ≤ %s ≤ %s, but not %s ≤ %s", a, b, c, a, c)
		}
	})
}
