package hosttest

import (
	"fmt"
	"strings"
)

// Call is one recorded call. Which fields are set depends on Method.
type Call struct {
	Method  string   // "query", "ask", "step", "hold", "upload", "dial" or "close"
	As      string   // query, step, hold: the user; "" is the login user
	ID      string   // step, hold: the step's ID
	Text    string   // query, step, hold: shell text; ask: the question; upload: the file's name; dial: the address
	Args    []string // query: positional arguments
	Network string   // ask, dial
	Address string   // ask, dial
	Digest  string   // upload
	Guard   string   // step, hold: the script's guard
	Secrets []string // step, hold: the sorted names of the script's secrets
}

// String is one line for goldens and messages, with the text as it is.
func (c Call) String() string {
	var b strings.Builder
	b.WriteString(c.Method)
	if c.As != "" {
		fmt.Fprintf(&b, " as %s", c.As)
	}
	if c.ID != "" {
		fmt.Fprintf(&b, " [%s]", c.ID)
	}
	if c.Network != "" {
		fmt.Fprintf(&b, " %s %s", c.Network, c.Address)
	}
	if c.Text != "" {
		fmt.Fprintf(&b, ": %s", c.Text)
	}
	for _, a := range c.Args {
		fmt.Fprintf(&b, " %q", a)
	}
	if c.Digest != "" {
		fmt.Fprintf(&b, " %s", c.Digest)
	}
	return b.String()
}

// mentions tells whether s is part of the call's text, ID or arguments.
func (c Call) mentions(s string) bool {
	if c.ID == s || strings.Contains(c.Text, s) {
		return true
	}
	for _, a := range c.Args {
		if strings.Contains(a, s) {
			return true
		}
	}
	return false
}
