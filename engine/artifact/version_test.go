package artifact

import "testing"

func TestNearest(t *testing.T) {
	if got := nearest([]string{"1.9", "1.91", "2.0"}, "1.92"); got != "1.91" {
		t.Errorf("nearest is %s", got)
	}
}
