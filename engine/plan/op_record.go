package plan

// completion marker), "good" (the release was proven healthy here).
type Record struct {
	What     string    `json:"what"`
	Root     string    `json:"root"`
	Release  string    `json:"release,omitempty"`
	Plan     string    `json:"plan,omitempty"`
	Manifest *Manifest `json:"manifest,omitempty"`
}

// Kind is "record".
func (Record) Kind() string { return "record" }

// Title says what is done.
func (r Record) Title() string {
	switch r.What {
	case "used":
		return oneLine("record that plan " + r.Plan + " is applied here")
	case "complete":
		return oneLine("record release " + r.Release + " as complete")
	}
	return oneLine("record release " + r.Release + " as " + r.What)
}

// Transport tells how the op reaches its host.
func (Record) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (Record) Script() string { return "set -eu\n" }

func (Record) op() {}
