package plan

// Reload reloads a proxy gracefully.
type Reload struct {
	Command string `json:"command"`
}

// Kind is "reload".
func (Reload) Kind() string { return "reload" }

// Title says what is done.
func (r Reload) Title() string {
	return oneLine("reload: " + r.Command)
}

// Transport tells how the op reaches its host.
func (Reload) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (Reload) Script() string { return "set -eu\n" }

func (Reload) op() {}
