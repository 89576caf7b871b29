package plan

import "time"

// Pause (kind pause) watches an admitted release: the probes must go on passing for Seconds.
type Pause struct {
	Seconds int       `json:"seconds"`
	Probes  []ProbeOp `json:"probes,omitempty"`
	Points  []Point   `json:"points,omitempty"` // must stay admitted
}

// Kind is "pause".
func (Pause) Kind() string { return "pause" }

// Title says what is done.
func (p Pause) Title() string {
	return "watch for " + durationText(time.Duration(p.Seconds)*time.Second)
}

// Transport tells how the op reaches its host.
func (Pause) Transport() Transport {
	return Dial
}

// Script is the op's shell.
func (Pause) Script() string { return "" }

func (Pause) op() {}
