package plan

// Point is one server at one proxy: where it is drained and admitted.
type Point struct {
	Proxy  string `json:"proxy"`  // inventory name of the proxy's host
	Server string `json:"server"` // inventory name of the server whose turn it is
	// Target is the host that the marker of a marking driver is on: the server, or with an outer balancer the proxy.
	Target  string `json:"target"`
	As      string `json:"as,omitempty"`      // user that owns a marker relative to Root
	Root    string `json:"root,omitempty"`    // app root, for a relative marker
	Address string `json:"address,omitempty"` // of the server
	Backend string `json:"backend"`
	Member  string `json:"member"`
	Driver  Driver `json:"driver"`
}

// DrainOp (kind drain) takes a server out of rotation at every point, in parallel, and waits until its requests ended.
type DrainOp struct {
	Points    []Point  `json:"points"`
	Deadline  Duration `json:"deadline"`
	OnTimeout string   `json:"onTimeout"` // cut, abort
	// Again: the server was drained earlier in the lane; prove that it still is, right before the restart.
	Again bool `json:"again,omitempty"`
}

// Kind is "drain".
func (DrainOp) Kind() string { return "drain" }

// Title says what is done.
func (d DrainOp) Title() string {
	proxy, server := outer(d.Points)
	switch {
	case proxy != "" && d.Again:
		return "check that " + proxy + " is still drained at its outer balancer"
	case proxy != "":
		return "drain " + proxy + " at its outer balancer, in front of " + server
	case d.Again:
		return "check that " + pointsText(d.Points, " is still drained at ")
	}
	return "drain " + pointsText(d.Points, " at ")
}

// Transport tells how the op reaches its host.
func (DrainOp) Transport() Transport {
	return Dial
}

// Script is the op's shell.
func (DrainOp) Script() string { return "" }

func (DrainOp) op() {}
