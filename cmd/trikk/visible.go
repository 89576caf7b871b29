package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// visible writes text that others may have written so that a terminal shows all of it: what would move the cursor, hide or turn
// around what stands beside it becomes an escape. A write must hold whole characters.
type visible struct{ to io.Writer }

func (v visible) Write(text []byte) (int, error) {
	if _, err := io.WriteString(v.to, shown(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// shown is a text with escapes for what can't be seen.
func shown(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n', r == '\t', !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
