package plan

// MarkerOp (kind marker) creates or removes the enable marker.
type MarkerOp struct {
	Root    string `json:"root"`
	Path    string `json:"path"` // relative to <root>/shared
	Present bool   `json:"present"`
}

// Kind is "marker".
func (MarkerOp) Kind() string { return "marker" }

// Title says what is done.
func (m MarkerOp) Title() string {
	if m.Present {
		return oneLine("disable: create " + m.Path)
	}
	return oneLine("enable: remove " + m.Path)
}

// Transport tells how the op reaches its host.
func (MarkerOp) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (MarkerOp) Script() string { return "set -eu\n" }

func (MarkerOp) op() {}
