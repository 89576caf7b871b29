package plan

// FormatVersion is the version of the plan's JSON. Decode refuses others.
const FormatVersion = 1

// Plan is the steps that take the facts to what the config says. It is data: it can be saved, shown and applied once.
type Plan struct {
	Format int `json:"format"`
	// Digest is the SHA-256 of the document with this field empty; Decode refuses an edited plan.
	Digest    string `json:"digest,omitempty"`
	ID        string `json:"id"`                  // unique; a plan is applied once
	CreatedAt string `json:"createdAt,omitempty"` // RFC 3339, UTC
	CreatedBy string `json:"createdBy,omitempty"` // user@host of the controller
	Env       string `json:"env"`
	Protected bool   `json:"protected,omitempty"`
	Offline   bool   `json:"offline,omitempty"` // made without facts: can be shown, not applied
	Release   string `json:"release,omitempty"` // that the versions are of, as its file calls it; ""
	// Facts is the fingerprint of what the plan was decided on.
	Facts string `json:"facts"`
	// Observed is what the plan was decided on, so that a later look can say what changed.
	Observed Facts `json:"observed"`
	// Inventory holds the servers and proxies that the plan names.
	Inventory Environment `json:"inventory"`
	Apps      []AppPlan   `json:"apps,omitempty"`
	Groups    []Group     `json:"groups,omitempty"`
	// Limits are what lanes of different apps share, sorted by name: those that can be full.
	Limits []Limit `json:"limits,omitempty"`
	// Deadline is how long a run may take, from its first step; 0: as long as its steps may. DeadlineBy says who set it.
	Deadline   Duration `json:"deadline,omitempty"`
	DeadlineBy string   `json:"deadlineBy,omitempty"`
	// Skipped are servers that are left out because they could not be reached, sorted by app; the next apply picks them up.
	Skipped []Skipped `json:"skipped,omitempty"`
	// LeftOut are apps that were asked for and can't be planned, sorted by app; KeepGoing is that they may be left out.
	LeftOut   []LeftOut `json:"leftOut,omitempty"`
	KeepGoing bool      `json:"keepGoing,omitempty"`
	// Notes are what a person should know before saying yes: a lowered version, a repair, a recreate.
	Notes []string `json:"notes,omitempty"`
}

// Empty reports whether the plan has nothing to do.
func (p Plan) Empty() bool { return len(p.Apps) == 0 && len(p.Groups) == 0 }

// Intents.
const (
	Deploy   = "deploy"
	Rollback = "rollback"
)

// AppPlan is what happens to one app.
type AppPlan struct {
	App     string   `json:"app"`
	Intent  string   `json:"intent"`
	Route   string   `json:"route"` // "repository" or "local"
	User    string   `json:"user,omitempty"`
	Root    string   `json:"root"`
	From    []string `json:"from,omitempty"` // releases that are live now, sorted
	To      string   `json:"to"`             // release name
	Version string   `json:"version"`
	After   []string `json:"after,omitempty"` // apps of this plan that go first
	// Source is the app as it was compiled, so that facts can be gathered again for a saved plan.
	Source    App      `json:"source"`
	Resolved  Resolved `json:"resolved,omitzero"`
	OnFailure string   `json:"onFailure"`
	Waves     []Wave   `json:"waves,omitempty"`
}

// Wave names.
const (
	WaveInstall  = "install"
	WaveAdopt    = "adopt"
	WaveCanary   = "canary"
	WaveApprove  = "approve"
	WaveRotate   = "rotate"
	WaveRecreate = "recreate"
	WaveStandby  = "standby"
	WaveSettle   = "settle"
	WavePrune    = "prune"
)

// Wave is lanes that run in parallel; waves run one after another.
type Wave struct {
	Name        string `json:"name"`                  // install, canary, approve, rotate 1/3, standby, settle, prune
	MaxParallel int    `json:"maxParallel,omitempty"` // 0: all lanes
	// Revert: a failure in this wave undoes the finished lanes too, whatever the app's OnFailure says.
	Revert bool   `json:"revert,omitempty"`
	Lanes  []Lane `json:"lanes"`
}

// Lane is one host's turn: steps that run in order. A lane that fails is undone.
type Lane struct {
	Host  string   `json:"host"`            // inventory name
	From  string   `json:"from,omitempty"`  // release that is live here now
	Takes []string `json:"takes,omitempty"` // limits of the plan, sorted: each has a place for the lane from its first step to its end
	Steps []Step   `json:"steps"`
}

// Group is work shared by apps, done once after all that need it: one reload of one proxy for many apps.
type Group struct {
	ID    string   `json:"id"`
	Needs []string `json:"needs,omitempty"` // apps
	Lanes []Lane   `json:"lanes"`
}

// Step is one op on one host.
type Step struct {
	ID   string `json:"id"` // unique in the plan, stable: APP/WAVE/HOST/N
	Host string `json:"host"`
	// As is the user that runs the step: "" the login user, else a user reached through sudo -n.
	As      string   `json:"as,omitempty"`
	Title   string   `json:"title"`
	Op      Op       `json:"-"` // written as "op": {"kind": …}
	Timeout Duration `json:"timeout"`
	// Changes: from this step on the host counts as changed (links, services, markers, rotation).
	Changes bool `json:"changes,omitempty"`
	// Undo are the steps that take this one back, in order; empty where there is nothing to take back.
	Undo []Step `json:"undo,omitempty"`
	// NoReturn marks a step that can't be taken back (prune).
	NoReturn bool `json:"noReturn,omitempty"`
}

// Lasting reports that what the step does stays when its lane is undone: a hook, a reload, and what is a point of no return.
func (s Step) Lasting() bool {
	switch op := s.Op.(type) {
	case Run:
		return op.Phase != "build"
	case Reload:
		return true
	}
	return s.NoReturn
}

// Transport is how a step reaches its host.
type Transport string

// Transports.
const (
	Script Transport = "script" // part of one framed shell script
	SFTP   Transport = "sftp"
	Dial   Transport = "dial"  // connections through the host, or a driver's conversation
	Local  Transport = "local" // on the controller
)

// Ref names a segment: all that crosses an engine. Unit is an index into Apps, or len(Apps)+index into Groups.
type Ref struct {
	Plan    string `json:"plan"` // plan ID
	Unit    int    `json:"unit"`
	Wave    int    `json:"wave"`
	Lane    int    `json:"lane"`
	Segment int    `json:"segment"`
	// From steps of the segment were done before, by a driver that died; they are left out.
	From int `json:"from,omitempty"`
	// Undo segments are those of the undo of the lane's first Upto steps, in reverse order.
	Undo bool `json:"undo,omitempty"`
	Upto int  `json:"upto,omitempty"`
}

// Segment is a maximal run of consecutive steps of a lane with the same host, user and transport.
type Segment struct {
	Ref       Ref
	App       string // "" in a group
	Host      string
	As        string
	Transport Transport
	Steps     []Step
}

// Result statuses.
const (
	Changed   = "changed"   // done, and it changed something
	Unchanged = "unchanged" // nothing to do: it was so already
	Failed    = "failed"    // it ran and failed
	Unknown   = "unknown"   // started, and its end is not known
	NotRun    = "not-run"   // it never reached its host: nothing to take back, the lane fails all the same
)

// Result is what became of one step. A business failure is data here; only transport failures are Go errors.
type Result struct {
	Step   string `json:"step"`
	Status string `json:"status"`
	// Exit is the remote exit status of a failed script step.
	Exit   int    `json:"exit,omitempty"`
	Error  string `json:"error,omitempty"`  // one line for people
	Output string `json:"output,omitempty"` // the tail of what it printed
	Millis int64  `json:"millis,omitempty"`
	// Cut counts the requests that a drain ended because its deadline had passed; Left those that a proxy could not end then, and
	// that end with the process.
	Cut  int `json:"cut,omitempty"`
	Left int `json:"left,omitempty"`
}

// Sources are the apps that the plan was made for.
func (p Plan) Sources() []App {
	var out []App
	for _, a := range p.Apps {
		out = append(out, a.Source)
	}
	return out
}
