//go:build linux

package zeroloss

import (
	"fmt"

	"trikk.dev/e2e"
)

// cell is what one driver lost in one operation.
type cell struct {
	driver, operation string
	count             e2e.Count
	seconds           float64
	closes            bool // kept connections that are idle may be closed
	drops             bool // connections that were just opened may end without an answer, but few
	naive             bool // it must lose requests
	sticky            bool // clients stick to servers
}

// least is how many requests a second a load must have, or it proves little.
const least = 300

// mostDropped: one in so many requests may be lost on a connection that was just opened, where a driver can't help it.
const mostDropped = 2000

// hard is how many requests failed that must not.
func (c cell) hard() int {
	if c.drops {
		return c.count.Failed - c.count.Dropped
	}
	return c.count.Failed
}

// rate is the requests a second.
func (c cell) rate() float64 { return float64(c.count.Requests) / c.seconds }

// verdict is "" for a promise that was kept, else what was broken.
func (c cell) verdict() string {
	switch {
	case c.naive && c.count.Failed == 0:
		return "lost nothing, so the count proves nothing"
	case c.naive:
		return ""
	case c.hard() > 0:
		return fmt.Sprintf("%d requests failed", c.hard())
	case c.count.Dropped*mostDropped > c.count.Requests:
		return fmt.Sprintf("%d connections that were just opened ended without an answer", c.count.Dropped)
	case c.count.Closed > 0 && !c.closes:
		return fmt.Sprintf("%d idle connections were closed", c.count.Closed)
	case c.rate() < least:
		return fmt.Sprintf("%.0f requests/s are too few", c.rate())
	case c.sticky && c.count.Moved == 0:
		return "no sticky client had to move, so nothing is proven of them"
	case c.sticky && c.count.Moved*20 > c.count.Sticky:
		return fmt.Sprintf("of %d requests of sticky clients, %d went to another server than the one before", c.count.Sticky, c.count.Moved)
	}
	return ""
}
