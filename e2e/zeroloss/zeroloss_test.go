//go:build linux

package zeroloss

import (
	"fmt"
	"os"
	"testing"

	"trikk.dev/e2e"
)

func TestMain(m *testing.M) {
	var programs []string
	if e2e.Everything() {
		programs = []string{"caddy"} // it takes minutes to build
	}
	os.Exit(e2e.Main(m, programs...))
}

// TestZeroLoss: no driver loses a request in any operation; each loses some where nothing is drained.
func TestZeroLoss(t *testing.T) {
	var cells []cell
	for _, d := range fronts() {
		t.Run(d.driver, func(t *testing.T) {
			if d.long {
				e2e.Long(t)
			}
			s := newScene(t, d)
			for _, run := range s.operations() {
				c := run()
				cells = append(cells, c)
				if why := c.verdict(); why != "" {
					t.Errorf("%s, %s: %s", c.driver, c.operation, why)
				}
			}
		})
	}
	if len(cells) > 0 {
		fmt.Println(table(cells))
		fmt.Println(summary(cells))
	}
}
