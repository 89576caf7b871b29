package plan

import "fmt"

// ProbeOp (kind probe) waits until a probe passed.
type ProbeOp struct {
	Name    string `json:"name"`
	App     string `json:"app"`
	Root    string `json:"root"`
	Current string `json:"current"`
	Version string `json:"version,omitempty"`
	Log     string `json:"log,omitempty"` // whose last lines are shown on failure
	Check   Check  `json:"check"`
	// Through is the proxy on whose host, and through which, the app is asked; "": the app is asked on its own server.
	Through string `json:"through,omitempty"`
}

// Kind is "probe".
func (ProbeOp) Kind() string { return "probe" }

// Title says what is done.
func (p ProbeOp) Title() string {
	if p.Through != "" {
		return p.what() + " through " + p.Through
	}
	return p.what()
}

func (p ProbeOp) what() string {
	switch c := p.Check; {
	case c.HTTP != nil:
		return oneLine(fmt.Sprintf("probe http %s:%d%s", c.HTTP.Host, c.HTTP.Port, c.HTTP.Path))
	case c.TCP != nil:
		return oneLine(fmt.Sprintf("probe tcp %s:%d", c.TCP.Host, c.TCP.Port))
	case c.Exec != nil:
		return oneLine("probe exec " + c.Exec.Command)
	}
	return oneLine("probe " + p.Name)
}

// Transport tells how the op reaches its host.
func (ProbeOp) Transport() Transport {
	return Dial
}

// Script is the op's shell.
func (ProbeOp) Script() string { return "" }

func (ProbeOp) op() {}
