//go:build linux

package zeroloss

import (
	"fmt"
	"os"
	"testing"

	"trikk.dev/e2e"
)

func TestMain(m *testing.M) { os.Exit(e2e.Main(m, "caddy")) }

// TestZeroLoss: no driver loses a request in any operation; each loses some where nothing is drained.
func TestZeroLoss(t *testing.T) {
	var cells []cell
	begun := 0
	for _, d := range fronts() {
		t.Run(d.driver, func(t *testing.T) {
			if d.long {
				e2e.Long(t)
			}
			begun++ // the first cell: one that does not come to its end is broken too
			defer func() {
				if t.Skipped() { // the other sandbox has it
					begun--
				}
			}()
			s := newScene(t, d)
			for i, run := range s.operations() {
				if i > 0 {
					begun++
				}
				c := run()
				cells = append(cells, c)
				if why := c.verdict(); why != "" {
					t.Errorf("%s, %s: %s", c.driver, c.operation, why)
				}
			}
		})
	}
	if begun > 0 {
		fmt.Println(table(cells))
		fmt.Println(summary(cells, begun))
	}
}

// TestSummary: what did not come to its end is broken, and no failure of a naive deploy is a hard one.
func TestSummary(t *testing.T) {
	kept := cell{seconds: 1, count: e2e.Count{Requests: 500}}
	lost := cell{seconds: 1, count: e2e.Count{Requests: 500, Failed: 3}}
	naive := lost
	naive.naive = true
	if got, want := summary([]cell{kept, lost, naive}, 5), "zeroloss: cells=5 requests=1500 hard=3 broken=3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
