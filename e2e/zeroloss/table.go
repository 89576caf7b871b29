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
		switch {
		case c.naive:
			said = "loses, as it must"
		case c.count.Failed > 0:
			said = "kept: connections that were just opened"
		}
		if v := c.verdict(); v != "" {
			said = "**broken**: " + v
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %.0f | %d | %d | %s |\n", c.driver, c.operation, c.count.Requests,
			c.rate(), c.count.Failed, c.count.Closed, said)
	}
	return b.String()
}

// summary is the line that tools read: hard are all failures but those of naive cells, broken the cells that broke their promise.
func summary(cells []cell) string {
	requests, hard, broken := 0, 0, 0
	for _, c := range cells {
		requests += c.count.Requests
		if !c.naive {
			hard += c.count.Failed
		}
		if c.verdict() != "" {
			broken++
		}
	}
	return fmt.Sprintf("zeroloss: cells=%d requests=%d hard=%d broken=%d", len(cells), requests, hard, broken)
}
