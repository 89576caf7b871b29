package plan

// Chmod (kind mode) sets permissions on what a glob matches; a glob without a match is no error.
type Chmod struct {
	Root    string `json:"root"`
	Release string `json:"release"`
	Glob    string `json:"glob"`
	Mode    string `json:"mode"`
}

// Kind is "mode".
func (Chmod) Kind() string { return "mode" }

// Title says what is done.
func (c Chmod) Title() string {
	return oneLine("chmod " + c.Mode + " " + c.Glob)
}

// Transport tells how the op reaches its host.
func (Chmod) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (Chmod) Script() string { return "set -eu\n" }

func (Chmod) op() {}
