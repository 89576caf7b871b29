package plan

// ApproveOp (kind approve) waits until a person says that a run may go on: `trikk approve RUN`. A no, and the end of Within without an
// answer, fail the step.
type ApproveOp struct {
	Root   string   `json:"root"`
	Plan   string   `json:"plan"` // ID of the plan, which is the run's
	Within Duration `json:"within"`
}

// Kind is "approve".
func (ApproveOp) Kind() string { return "approve" }

// Title says what is done.
func (a ApproveOp) Title() string {
	return "wait for approval, for " + durationText(a.Within.D()) + " at most"
}

// Transport tells how the op reaches its host.
func (ApproveOp) Transport() Transport { return Dial }

// Script is the op's shell.
func (ApproveOp) Script() string { return "" }

func (ApproveOp) op() {}
