package plan

// Event kinds of a journal.
const (
	SegmentStarted  = "segment.started"  // written before the segment is sent
	StepFinished    = "step.finished"    // a step's Result
	SegmentFinished = "segment.finished" // all its results are in; Error set: the transport failed and the rest is unknown
	CancelAsked     = "cancel"           // a person or a signal asked to stop
	StopAsked       = "stop"             // asked a second time: nothing more is started, undos neither
	LockLost        = "lock.lost"        // another run may work on Host now: nothing more is started
	DeadlinePassed  = "deadline"         // the run took too long
	StepNotStarted  = "step.not-started" // told by the host of a step in flight, after its driver died: Result names the step
	Resumed         = "resumed"          // a new driver took the journal over; it runs none of what is in flight
)

// Event is one line of a journal. Seq numbers them from 1.
type Event struct {
	Seq    int     `json:"seq"`
	Time   string  `json:"time,omitempty"` // RFC 3339, for people; nothing is decided on it
	Kind   string  `json:"event"`
	Ref    *Ref    `json:"ref,omitempty"`
	Result *Result `json:"result,omitempty"`
	Error  string  `json:"error,omitempty"`
	Host   string  `json:"host,omitempty"` // lock.lost
}

// Journal is what happened so far, in order. With the plan it says exactly what was done.
type Journal []Event

// Outcomes of a run.
const (
	Done        = "done"        // everything was done
	FailedClean = "failed"      // failed before anything changed
	Partly      = "partly"      // some lanes stay on the new release, some don't
	Reverted    = "reverted"    // failed after changing something; what was changed was undone
	Broken      = "broken"      // an undo failed: a person is needed
	Interrupted = "interrupted" // cancelled; a safe state was reached
)

// Decision is what to do next. It is a function of the plan and the journal alone.
type Decision struct {
	// Start are segments to start now; each must be journaled as started before it is sent.
	Start []Ref
	// Interrupt are running segments whose waiting should end early.
	Interrupt []Ref
	// Finished is set when nothing is left to start or to wait for.
	Finished *Outcome
}

// Outcome is how a run ended.
type Outcome struct {
	Status string         `json:"status"`
	Apps   []AppOutcome   `json:"apps"`
	Groups []GroupOutcome `json:"groups,omitempty"`
	Lanes  []LaneOutcome  `json:"lanes,omitempty"`
	// Skipped are the servers that the plan left out: with them, what is done is done partly.
	Skipped []Skipped `json:"skipped,omitempty"`
	// LeftOut are the apps that the plan left out: nothing of them was changed.
	LeftOut []LeftOut `json:"leftOut,omitempty"`
}

// AppOutcome is how a run ended for one app.
type AppOutcome struct {
	App    string `json:"app"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"` // the first failure, or why it was not started
	// Cut counts the requests that did not end by the drain deadline, and were cut on its servers. Where a proxy counts connections
	// instead of requests, so does Cut.
	Cut int `json:"cut"`
}

// GroupOutcome is how a run ended for work shared by apps.
type GroupOutcome struct {
	Group  string `json:"group"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"` // the first failure, or why it was not started
}

// Lane states.
const (
	LanePending = "pending"
	LaneRunning = "running"
	LaneDone    = "done"
	LaneFailed  = "failed" // failed, its undo not finished yet
	LaneUndone  = "undone" // failed or reverted, and taken back
	LaneStuck   = "stuck"  // its undo failed
)

// LaneOutcome is how a run ended for one host's turn.
type LaneOutcome struct {
	App   string `json:"app,omitempty"`
	Group string `json:"group,omitempty"`
	Wave  string `json:"wave"`
	Host  string `json:"host"`
	State string `json:"state"`
	// Changed: a step that changes the host was started.
	Changed bool `json:"changed,omitempty"`
	// Cut counts the requests that did not end by the drain deadline, and were cut.
	Cut int `json:"cut,omitempty"`
	// Step and Error name the first failure.
	Step  string `json:"step,omitempty"`
	Error string `json:"error,omitempty"`
	// UndoError says why a lane is stuck.
	UndoError string `json:"undoError,omitempty"`
	// Stuck are the titles of the undo steps that failed or were not reached.
	Stuck []string `json:"stuck,omitempty"`
	// Left is what a stuck lane left on its host.
	Left *Left `json:"left,omitempty"`
}
