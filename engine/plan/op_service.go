package plan

// manager says that it runs, stop until nothing of it runs.
type ServiceOp struct {
	Action  string  `json:"action"` // start, stop
	App     string  `json:"app"`
	Root    string  `json:"root"`
	Current string  `json:"current"`           // name of the link
	Release string  `json:"release,omitempty"` // release that is started or stopped, for people
	Version string  `json:"version,omitempty"`
	Service Service `json:"service"`
}

// Kind is "service".
func (ServiceOp) Kind() string { return "service" }

// Title says what is done.
func (s ServiceOp) Title() string {
	title := s.Action + " " + s.App
	if s.Release != "" {
		title += " " + s.Release
	}
	return oneLine(title)
}

// Transport tells how the op reaches its host.
func (ServiceOp) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (ServiceOp) Script() string { return "set -eu\n" }

func (ServiceOp) op() {}
