package plan

// Write writes one generated file into a release, atomically.
type Write struct {
	Root    string `json:"root"`
	Release string `json:"release"`
	Path    string `json:"path"` // relative to the release
	Content string `json:"content"`
	Mode    string `json:"mode"` // octal
}

// Kind is "write".
func (Write) Kind() string { return "write" }

// Title says what is done.
func (w Write) Title() string {
	return oneLine("write " + w.Path)
}

// Transport tells how the op reaches its host.
func (Write) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (Write) Script() string { return "set -eu\n" }

func (Write) op() {}
