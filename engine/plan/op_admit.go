package plan

// AdmitOp (kind admit) puts a server back into rotation at every point and waits until each proxy sends traffic.
type AdmitOp struct {
	Points   []Point  `json:"points"`
	Deadline Duration `json:"deadline"`
	// Unproven: the server served nothing at these points before the drain; set them back without waiting for traffic.
	Unproven bool `json:"unproven,omitempty"`
}

// Kind is "admit".
func (AdmitOp) Kind() string { return "admit" }

// Title says what is done.
func (a AdmitOp) Title() string {
	verb := "admit "
	if a.Unproven {
		verb = "set back "
	}
	if proxy, server := outer(a.Points); proxy != "" {
		return verb + proxy + " at its outer balancer, in front of " + server
	}
	return verb + pointsText(a.Points, " at ")
}

// Transport tells how the op reaches its host.
func (AdmitOp) Transport() Transport {
	return Dial
}

// Script is the op's shell.
func (AdmitOp) Script() string { return "" }

func (AdmitOp) op() {}
