//go:build linux

package zeroloss

import (
	"fmt"
	"strings"
)

// table is the cells as Markdown.
func table(cells []cell) string {
	var b strings.Builder
	b.WriteString("| Driver | Operation | Requests | Per second | Hard failures | Closed idle connections | |\n|---|---|--:|--:|--:|--:|---|\n")
	for _, c := range cells {
		said := "kept"
		if c.naive {
			said = "loses, as it must"
		}
		if v := c.verdict(); v != "" {
			said = "**broken**: " + v
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %.0f | %d | %d | %s |\n", c.driver, c.operation, c.count.Requests,
			c.rate(), c.count.Failed, c.count.Closed, said)
	}
	return b.String()
}

// summary is the line that tools read: hard are the failures where there must be none, broken the cells that broke their promise, and
// those of begun that have no end.
func summary(cells []cell, begun int) string {
	requests, hard, broken := 0, 0, begun-len(cells)
	for _, c := range cells {
		requests += c.count.Requests
		if !c.naive {
			hard += c.count.Failed
		}
		if c.verdict() != "" {
			broken++
		}
	}
	return fmt.Sprintf("zeroloss: cells=%d requests=%d hard=%d broken=%d", begun, requests, hard, broken)
}
