package main

import (
	"io"
	"strings"
)

// paint puts colour around words; the zero value leaves them as they are.
type paint struct{ on bool }

// paint tells whether what goes to w has colour: --color, then NO_COLOR, TERM and what w is.
func (c *cli) paint(w io.Writer) paint {
	switch c.flags.color {
	case "always":
		return paint{true}
	case "never":
		return paint{}
	}
	if c.world.env("NO_COLOR") != "" || c.world.env("TERM") == "dumb" {
		return paint{}
	}
	if s, is := w.(*screen); is {
		w = s.to
	}
	return paint{c.colours != nil && c.colours(w)}
}

func (p paint) good(s string) string { return p.in("32", s) }
func (p paint) bad(s string) string  { return p.in("1;31", s) }
func (p paint) wait(s string) string { return p.in("33", s) }
func (p paint) head(s string) string { return p.in("1", s) }

// in wraps the words of s, not the blanks around them, in one of the terminal's styles.
func (p paint) in(style, s string) string {
	word := strings.TrimRight(s, " ")
	if !p.on || word == "" {
		return s
	}
	return "\x1b[" + style + "m" + word + "\x1b[0m" + s[len(word):]
}
