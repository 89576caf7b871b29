package plan

import "strings"

// Prune removes the named releases and cache files. It refuses what is current and what is outside the app's root.
type Prune struct {
	Root     string   `json:"root"`
	Current  string   `json:"current"`
	Releases []string `json:"releases,omitempty"`
	Cached   []string `json:"cached,omitempty"`
}

// Kind is "prune".
func (Prune) Kind() string { return "prune" }

// Title says what is done.
func (p Prune) Title() string {
	var what []string
	if n := len(p.Releases); n > 0 {
		what = append(what, "old release "+strings.Join(p.Releases, ", "))
	}
	if n := len(p.Cached); n > 0 {
		what = append(what, "cached "+strings.Join(p.Cached, ", "))
	}
	return oneLine("prune " + strings.Join(what, " and "))
}

// Transport tells how the op reaches its host.
func (Prune) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (Prune) Script() string { return "set -eu\n" }

func (Prune) op() {}
