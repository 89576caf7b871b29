package host

import "fmt"

// capped keeps the first and the last bytes of what is written to it, and counts the rest.
type capped struct {
	headMax, tailMax int

	head    []byte
	tail    []byte // at most twice tailMax, so that it is seldom moved
	dropped int64
}

// outputCap is kept of a step's output at each end.
const outputCap = 32 << 10

func newCapped() *capped { return &capped{headMax: outputCap, tailMax: outputCap} }

// Write never fails.
func (c *capped) Write(p []byte) (int, error) {
	n := len(p)
	take := min(n, c.headMax-len(c.head))
	c.head = append(c.head, p[:take]...)
	p = p[take:]
	if over := len(p) - c.tailMax; over > 0 {
		c.dropped += int64(over + len(c.tail))
		c.tail = append(c.tail[:0], p[over:]...)
		return n, nil
	}
	c.tail = append(c.tail, p...)
	if len(c.tail) > 2*c.tailMax {
		c.trim()
	}
	return n, nil
}

func (c *capped) trim() {
	if over := len(c.tail) - c.tailMax; over > 0 {
		c.dropped += int64(over)
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
}

// bytes is what was kept, with a line that says how much is left out. The result is a copy.
func (c *capped) bytes() []byte {
	c.trim()
	out := append([]byte(nil), c.head...)
	if c.dropped > 0 {
		out = fmt.Appendf(out, "\n[%d bytes left out]\n", c.dropped)
	}
	return append(out, c.tail...)
}
