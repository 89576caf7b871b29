package notify

import (
	"slices"
	"time"

	"trikk.dev/engine/plan"
)

// Running is the status of a report whose run has not ended. The other statuses are those of plan.Outcome.
const Running = "running"

// Server states.
const (
	OnNew    = "new"      // changed, and on the release that was deployed
	Same     = "same"     // it had nothing to do
	Back     = "back"     // changed, and taken back
	Kept     = "kept"     // not touched, on what it had
	HalfDone = "halfdone" // its undo failed or did not end
	LeftOut  = "leftout"  // it could not be reached
)

// Report is what notifiers tell of a run: what really happened. It is made of the plan and the final outcome, and of nothing else. As JSON
// it is the body of a webhook: fields are added, never renamed.
type Report struct {
	Format   int      `json:"format"` // 1
	Test     bool     `json:"test,omitempty"`
	Run      string   `json:"run"`
	Env      string   `json:"env"`
	Who      string   `json:"who"`              // user@host of the controller
	Status   string   `json:"status"`           // running, or that of the outcome
	Progress string   `json:"-"`                // of a run that goes on: its wave
	Started  string   `json:"started"`          // RFC 3339, UTC
	Ended    string   `json:"ended,omitempty"`  // RFC 3339, UTC
	Seconds  float64  `json:"seconds"`          // from start to end
	Changed  bool     `json:"changed"`          // something was changed on a server
	Apps     []App    `json:"apps"`             // in the plan's order, then those that it left out
	Problems []string `json:"problems"`         // what is about no app in particular, a line each
	Issues   []string `json:"issues,omitempty"` // keys that the command line named
}

// App is what a run did to one app.
type App struct {
	App     string   `json:"app"`
	Intent  string   `json:"intent"` // deploy or rollback
	From    []string `json:"from"`   // releases that were live
	To      string   `json:"to"`     // the release; "" of an app that was left out, because it could not be planned
	Version string   `json:"version"`
	Status  string   `json:"status"`
	Reason  string   `json:"reason,omitempty"` // the first failure, in one line
	Cut     int      `json:"cut"`              // requests that a drain deadline cut
	Servers []Server `json:"servers"`          // in the app's order
}

// Server is how a run left one server of an app.
type Server struct {
	Server string `json:"server"`
	State  string `json:"state"` // new, same, back, kept, halfdone or leftout
	Before string `json:"before,omitempty"`
	// Now is the release that runs; "" where nothing does, or where it is not known.
	Now   string `json:"now,omitempty"`
	Error string `json:"error,omitempty"`
}

// Ending is what New needs of a run beside its plan.
type Ending struct {
	Run, Who string
	Began    time.Time
	Ended    time.Time
	Outcome  plan.Outcome
	Trouble  error // the run's journal could not be kept
	Issues   []string
}

// New makes the report of a run that ended.
func New(p plan.Plan, e Ending) Report {
	r := begun(p, e)
	r.Status, r.Ended, r.Seconds = e.Outcome.Status, e.Ended.UTC().Format(time.RFC3339), e.Ended.Sub(e.Began).Round(100*time.Millisecond).Seconds()
	r.Changed = slices.ContainsFunc(e.Outcome.Lanes, func(l plan.LaneOutcome) bool { return l.Changed })
	for i, a := range p.Apps {
		r.Apps[i].Servers = servers(p, a, e.Outcome)
		for _, o := range e.Outcome.Apps {
			if o.App == a.App {
				r.Apps[i].Status, r.Apps[i].Reason, r.Apps[i].Cut = o.Status, line(o.Reason), o.Cut
			}
		}
	}
	for _, g := range e.Outcome.Groups {
		if g.Status != plan.Done {
			r.Problems = append(r.Problems, g.Group+" was not done: "+line(g.Reason))
		}
	}
	if e.Trouble != nil {
		r.Problems = append(r.Problems, "the run could not be recorded: "+line(e.Trouble.Error()))
	}
	return r
}

// Start makes the report of a run that begins.
func Start(p plan.Plan, e Ending) Report {
	r := begun(p, e)
	r.Status = Running
	for i := range p.Apps {
		r.Apps[i].Status = Running
	}
	return r
}

func begun(p plan.Plan, e Ending) Report {
	r := Report{Format: 1, Run: e.Run, Env: p.Env, Who: e.Who, Started: e.Began.UTC().Format(time.RFC3339), Apps: []App{}, Problems: []string{}, Issues: e.Issues}
	for _, a := range p.Apps {
		r.Apps = append(r.Apps, App{App: a.App, Intent: a.Intent, From: append([]string{}, a.From...), To: a.To, Version: a.Version, Servers: []Server{}})
	}
	for _, l := range p.LeftOut {
		r.Apps = append(r.Apps, App{App: l.App, Intent: plan.Deploy, From: []string{}, Version: l.Version, Status: plan.FailedClean, Reason: line("left out: " + l.Reason), Servers: []Server{}})
	}
	return r
}

// Only is the report with some of its apps; its status is theirs. Without any the second value is false.
func (r Report) Only(fits func(app string) bool) (Report, bool) {
	all := len(r.Apps)
	r.Apps = slices.DeleteFunc(slices.Clone(r.Apps), func(a App) bool { return !fits(a.App) })
	if len(r.Apps) == all || len(r.Apps) == 0 || r.Status == Running {
		return r, len(r.Apps) > 0
	}
	r.Status, r.Changed = statusOf(r.Apps), slices.ContainsFunc(r.Apps, App.changed)
	return r, true
}

// changed: something was changed on a server of the app.
func (a App) changed() bool {
	return slices.ContainsFunc(a.Servers, func(s Server) bool { return s.State == OnNew || s.State == Back || s.State == HalfDone })
}

// statusOf is the status of some of a run's apps: the gravest, but partly where they differ otherwise.
func statusOf(apps []App) string {
	for _, grave := range []string{plan.Broken, plan.Interrupted} {
		if slices.ContainsFunc(apps, func(a App) bool { return a.Status == grave }) {
			return grave
		}
	}
	if slices.ContainsFunc(apps, func(a App) bool { return a.Status != apps[0].Status }) {
		return plan.Partly
	}
	return apps[0].Status
}

// Told says whether a notifier is told of the run by its condition.
func (r Report) Told(on string) bool {
	switch on {
	case plan.OnChange:
		return r.Changed
	case plan.OnFailure:
		return r.Status != plan.Done
	}
	return true
}

// servers says how the run left each host of an app.
func servers(p plan.Plan, a plan.AppPlan, o plan.Outcome) []Server {
	out := []Server{}
	for _, host := range a.Source.Hosts() {
		s := Server{Server: host, State: Same, Before: p.Observed.Apps[a.App][host].Current}
		s.Now = s.Before
		for _, l := range o.Lanes {
			if l.App == a.App && l.Host == host {
				s.add(a, l)
			}
		}
		for _, skip := range p.Skipped {
			if skip.App == a.App && skip.Host == host {
				s.State, s.Before, s.Now, s.Error = LeftOut, "", "", line(skip.Reason)
			}
		}
		out = append(out, s)
	}
	return out
}

// add takes one turn of the server into account.
func (s *Server) add(a plan.AppPlan, l plan.LaneOutcome) {
	if s.Error == "" {
		s.Error = line(l.Error)
	}
	if s.State == HalfDone {
		return
	}
	turn := l.Wave != plan.WaveInstall && l.Wave != plan.WavePrune
	switch {
	case l.State == plan.LaneStuck || l.State == plan.LaneFailed:
		s.State, s.Now = HalfDone, ""
		if l.UndoError != "" {
			s.Error = line(l.UndoError)
		}
	case l.State == plan.LaneUndone && l.Changed:
		s.State, s.Now = Back, s.Before
	case turn && l.State == plan.LaneDone && l.Changed:
		s.State, s.Now = OnNew, a.To
	case turn && s.State == Same && (l.State == plan.LanePending || l.State == plan.LaneUndone || l.State == plan.LaneRunning):
		s.State = Kept
	}
}
