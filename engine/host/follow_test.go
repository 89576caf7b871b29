package host

import "testing"

// TestRedactorTakesTheLongestSecret: of two secrets of which one begins with the other, no rest is left.
func TestRedactorTakesTheLongestSecret(t *testing.T) {
	for range 50 {
		if got := redactor(map[string]string{"a": "hunter2", "b": "hunter2prod", "c": "abc"}).Replace("x hunter2prod, hunter2, abc"); got != "x ***, ***, abc" {
			t.Fatal(got)
		}
	}
}
