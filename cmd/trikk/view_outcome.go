package main

import (
	"fmt"
	"io"
	"strings"

	"trikk.dev/engine/plan"
)

// showOutcome says how a run ended, which hosts are in which state, and what to do next. It never says less than the exit
// code.
func showOutcome(w io.Writer, p plan.Plan, o plan.Outcome, runID string) {
	for _, a := range p.Apps {
		showAppOutcome(w, p, a, o, runID)
	}
	for _, g := range o.Groups {
		if g.Status != plan.Done {
			fmt.Fprintf(w, "%s: not done: %s\n", g.Group, g.Reason)
		}
	}
	showSkipped(w, p)
	for _, l := range p.LeftOut {
		fmt.Fprintf(w, "%s was LEFT OUT, and nothing of it was changed in %s: %s\n", l.App, p.Env, firstLine(l.Reason))
	}
	for _, l := range o.Lanes {
		if l.State == plan.LaneStuck || l.State == plan.LaneFailed {
			showStuck(w, p, l, runID)
		}
	}
}

func showAppOutcome(w io.Writer, p plan.Plan, a plan.AppPlan, o plan.Outcome, runID string) {
	status, reason := "", ""
	for _, x := range o.Apps {
		if x.App == a.App {
			status, reason = x.Status, x.Reason
		}
	}
	verb := map[string]string{
		plan.Done:        fmt.Sprintf("%s runs %s in %s", a.App, a.To, p.Env),
		plan.FailedClean: fmt.Sprintf("%s failed, and nothing was changed in %s", a.App, p.Env),
		plan.Partly:      fmt.Sprintf("%s is partly on %s in %s", a.App, a.To, p.Env),
		plan.Reverted:    fmt.Sprintf("%s failed and was rolled back in %s", a.App, p.Env),
		plan.Broken:      fmt.Sprintf("%s %s in %s: a person is needed", a.App, howBroken(a, o), p.Env),
		plan.Interrupted: fmt.Sprintf("%s was interrupted in %s", a.App, p.Env),
	}[status]
	if allButSkipped(a, o, status) {
		verb = fmt.Sprintf("%s runs %s in %s, but not everywhere", a.App, a.To, p.Env)
	}
	if verb == "" {
		verb = fmt.Sprintf("%s: %s", a.App, status)
	}
	if reason != "" {
		verb += ": " + firstLine(reason)
	}
	fmt.Fprintln(w, verb)
	showCut(w, a, o)
	if status == plan.Done {
		return
	}
	if allButSkipped(a, o, status) {
		return
	}
	for _, l := range serverLanes(a, o) {
		fmt.Fprintf(w, "  %s: %s\n", l.Host, laneText(a, l))
	}
	if status != plan.Done {
		showNext(w, p, a, o, status, runID)
	}
}

// showCut says how many requests the drain deadline cut on which server.
func showCut(w io.Writer, a plan.AppPlan, o plan.Outcome) {
	for _, l := range o.Lanes {
		if l.App != a.App || l.Cut == 0 {
			continue
		}
		what := fmt.Sprintf("%d requests were cut: they", l.Cut)
		if l.Cut == 1 {
			what = "1 request was cut: it"
		}
		fmt.Fprintf(w, "  %s: %s did not end within the drain deadline of %s\n", l.Host, what, a.Source.Rollout.DrainDeadline.Short())
	}
}

// allButSkipped tells whether everything was done but for servers that the plan left out.
func allButSkipped(a plan.AppPlan, o plan.Outcome, status string) bool {
	for _, l := range o.Lanes {
		if l.App == a.App && l.State != plan.LaneDone {
			return false
		}
	}
	return status == plan.Partly
}

// showSkipped says which servers were left out, and what brings them up.
func showSkipped(w io.Writer, p plan.Plan) {
	for _, s := range p.Skipped {
		fmt.Fprintf(w, "%s was not deployed to %s, which can't be reached: %s\n", s.App, s.Host, firstLine(s.Reason))
		fmt.Fprintf(w, "  next: %s, when it is back\n", once(p, s.App))
	}
}

// once is the command that does for an app what the plan does.
func once(p plan.Plan, app string) string {
	for _, a := range p.Apps {
		switch {
		case a.App != app:
		case a.Intent == plan.Rollback:
			return fmt.Sprintf("trikk rollback %s -e %s --to %s", app, p.Env, a.Version)
		default:
			return fmt.Sprintf("trikk apply %s -e %s", asked(a, a.Version), p.Env)
		}
	}
	return fmt.Sprintf("trikk apply %s -e %s", app, p.Env)
}

// howBroken tells an undo that failed from one that was never finished.
func howBroken(a plan.AppPlan, o plan.Outcome) string {
	for _, l := range o.Lanes {
		if l.App == a.App && l.UndoError != "" {
			return "failed, and undoing it failed too"
		}
	}
	return "was left half done"
}

// whyStuck is why a lane was left half done.
func whyStuck(l plan.LaneOutcome) string {
	if l.UndoError == "" {
		return "its undo did not end"
	}
	return firstLine(l.UndoError)
}

// serverLanes are the outcomes of one app's turns, without those that only install or prune. A host that failed to install is
// told once, without the turn that it did not take, and so is one whose approval, or the mark of an earlier run that is left there,
// changes nothing about its turn.
func serverLanes(a plan.AppPlan, o plan.Outcome) []plan.LaneOutcome {
	var out []plan.LaneOutcome
	failed := map[string]bool{}
	for _, l := range o.Lanes {
		pending := l.State == plan.LanePending
		failed[l.Host] = failed[l.Host] || l.App == a.App && l.Error != ""
		if pending && failed[l.Host] || (l.Wave == plan.WaveApprove || l.Wave == plan.WaveSettle) && l.Error == "" {
			continue
		}
		if l.App == a.App && (l.Changed || pending && l.Wave != plan.WaveInstall && l.Wave != plan.WavePrune || l.Error != "") {
			out = append(out, l)
		}
	}
	return out
}

func laneText(a plan.AppPlan, l plan.LaneOutcome) string {
	from := laneFrom(a, l)
	switch l.State {
	case plan.LaneDone:
		if l.Wave == plan.WaveInstall || l.Wave == plan.WavePrune {
			return l.Wave + " done"
		}
		return "on " + a.To
	case plan.LaneUndone:
		if l.Wave == plan.WaveApprove {
			return "not approved; " + firstLine(l.Error) // of its turn another line tells
		}
		if !l.Changed {
			return "not changed; " + firstLine(l.Error)
		}
		back := laneBack(a, l, from)
		if back == "" {
			return "left stopped and out of rotation: there was no earlier release"
		}
		return "back on " + back
	case plan.LanePending:
		if from == "" {
			return "not touched"
		}
		return "not touched, on " + from
	case plan.LaneStuck:
		return "half done: " + whyStuck(l)
	}
	return l.State + ": " + firstLine(l.Error)
}

func laneFrom(a plan.AppPlan, l plan.LaneOutcome) string {
	for _, w := range a.Waves {
		for _, lane := range w.Lanes {
			if lane.Host == l.Host && lane.From != "" {
				return lane.From
			}
		}
	}
	return ""
}

// laneBack is the release that undoing a lane left live: what the last of its steps linked. That is not the one before, where somebody had
// switched or removed the link.
func laneBack(a plan.AppPlan, l plan.LaneOutcome, from string) string {
	for _, w := range a.Waves {
		for _, lane := range w.Lanes {
			if w.Name != l.Wave || lane.Host != l.Host {
				continue
			}
			for _, s := range lane.Steps { // steps are undone last first
				for _, undo := range s.Undo {
					if link, ok := undo.Op.(plan.Link); ok && link.Persist == "" {
						return link.Release
					}
				}
				if s.ID == l.Step {
					return from
				}
			}
		}
	}
	return from
}

func showNext(w io.Writer, p plan.Plan, a plan.AppPlan, o plan.Outcome, status, runID string) {
	on := fmt.Sprintf("trikk apply %s -e %s", asked(a, a.Version), p.Env)
	switch {
	case status == plan.Broken:
		fmt.Fprintf(w, "  next: trikk status %s -e %s shows what runs; mend the cause, then trikk resume %s undoes the rest (or trikk apply %s -e %s plans anew)\n", a.App, p.Env, runID, asked(a, versionOf(a)), p.Env)
	case status == plan.Interrupted && !someSwitched(a, o):
		fmt.Fprintf(w, "  next: %s\n", on)
	case status == plan.Partly, status == plan.Interrupted:
		fmt.Fprintf(w, "  next: %s to go on, or trikk rollback %s -e %s to go back\n", on, a.App, p.Env)
	}
}

// asked is the app as it is asked for again. A local build has no version that could be asked for.
func asked(a plan.AppPlan, version string) string {
	if a.Route == "local" {
		return a.App
	}
	return a.App + "@" + version
}

// someSwitched tells whether a host stays on the new release.
func someSwitched(a plan.AppPlan, o plan.Outcome) bool {
	for _, l := range o.Lanes {
		if l.App == a.App && l.Changed && l.State == plan.LaneDone {
			return true
		}
	}
	return false
}

// versionOf is the version to go back to, where one is known.
func versionOf(a plan.AppPlan) string {
	for _, s := range a.From {
		if i := strings.LastIndex(s, "-"); i > 0 {
			return s[:i]
		}
	}
	return a.Version
}

func showStuck(w io.Writer, p plan.Plan, l plan.LaneOutcome, runID string) {
	fmt.Fprintf(w, "%s on %s was left half done by run %s: %s\n", l.App+l.Group, l.Host, runID, whyStuck(l))
	if l.Left != nil && l.Host != "" && l.App != "" {
		fmt.Fprintf(w, "  %s: %s\n", l.Host, *l.Left)
	}
	for _, s := range l.Stuck {
		fmt.Fprintf(w, "  not done: %s\n", s)
	}
}
