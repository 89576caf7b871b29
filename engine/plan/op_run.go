package plan

// Run runs a user's command: a hook on a server, or a build on the controller.
type Run struct {
	Command string `json:"command"`
	Phase   string `json:"phase"` // before, after, build
	App     string `json:"app"`
	Root    string `json:"root,omitempty"`
	Release string `json:"release,omitempty"` // the working directory
	Version string `json:"version,omitempty"`
	Dir     string `json:"dir,omitempty"` // build: the app's folder on the controller
}

// Kind is "run".
func (Run) Kind() string { return "run" }

// Title says what is done.
func (r Run) Title() string {
	if r.Phase == "build" {
		return oneLine("build: " + r.Command)
	}
	return oneLine("run hook " + r.Phase + ": " + r.Command)
}

// Transport tells how the op reaches its host.
func (r Run) Transport() Transport {
	if r.Phase == "build" {
		return Local
	}
	return Script
}

// Script is the op's shell.
func (Run) Script() string { return "set -eu\n" }

func (Run) op() {}
