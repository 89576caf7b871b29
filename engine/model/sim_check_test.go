package model

import (
	"context"
	"slices"
	"time"

	"trikk.dev/engine/plan"
)

func (w *world) ctx() context.Context { return context.Background() }

// pardon forgets what the past broke, and whom faults took out.
func (f *Fleet) pardon() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = watch{}
	f.begin()
}

// check compares how an operation ended with what it says.
func (w *world) check(what string, res result) {
	w.checkJournal(what, res)
	switch {
	case res.refused != nil:
		w.say("%s refused: %v", what, res.refused)
		if !isRefusal(res.refused) && !res.killed {
			w.breaks("%s was refused with %v", what, res.refused)
		}
		return
	case res.killed:
		return
	case res.plan.Empty():
		w.nothingEdited(what, res)
		return
	}
	t := Trial{Outcome: res.outcome, Hosts: w.f.Hosts()}
	for _, wrong := range append(left(res.before, t), untrue(res.plan, res.before, t)...) {
		w.breaks("%s, %s: %s", what, res.outcome.Status, wrong)
	}
	w.checkUndone(what, res)
	if res.outcome.Status == plan.Done {
		if len(res.plan.Skipped) > 0 {
			w.breaks("%s is done, and left out %v", what, res.plan.Skipped)
		}
		w.served("after it was done", res.plan.Apps[0].To, func(h Host) bool { return w.f.isExcused(h.App, h.Host) || w.f.arrives(h, res.began) })
		w.mended(what, res)
	}
}

// checkUndone: an edit that was there before a turn is there after the turn was undone, unless somebody edited the file again.
func (w *world) checkUndone(what string, res result) {
	now := w.f.inPlace()
	for _, l := range res.outcome.Lanes {
		if l.State != plan.LaneUndone || l.Wave == "prune" { // no edit is where a prune works
			continue
		}
		for where, text := range res.edits {
			if where.host == l.Host && now[where] != text && w.f.lastEdit(where) == text {
				w.breaks("%s: the turn of %s was undone, and the edit of %s is not back", what, l.Host, where)
			}
		}
	}
}

// nothingEdited: a deploy that has nothing to do finds no edit in a live release.
func (w *world) nothingEdited(what string, res result) {
	if res.kind != plan.Deploy {
		return
	}
	now := w.f.inPlace()
	for _, h := range w.f.Hosts() {
		for where, text := range res.edits {
			if where.host == h.Host && where.release == h.Current && now[where] == text && !res.plan.Skips(h.App, h.Host) {
				w.breaks("%s has nothing to do, and %s is edited", what, where)
			}
		}
	}
}

// mended: a deploy that is done left no edit in the release that it deployed.
func (w *world) mended(what string, res result) {
	if res.plan.Apps[0].Intent == plan.Rollback {
		return
	}
	now := w.f.inPlace()
	for where, text := range res.edits {
		if where.release == res.plan.Apps[0].To && now[where] == text {
			w.breaks("%s is done, and %s is still edited", what, where)
		}
	}
}

// checkJournal: what the journal has as done by a script was done by its host, whoever said so.
func (w *world) checkJournal(what string, res result) {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	for _, e := range res.journal {
		if e.Kind != plan.StepFinished || e.Result.Status != plan.Changed && e.Result.Status != plan.Unchanged {
			continue
		}
		if w.f.steps[e.Result.Step].Op.Transport() == plan.Script && !w.f.did[res.plan.ID+" "+e.Result.Step] {
			w.breaks("%s: the journal has %s as %s, and its host did not do it", what, e.Result.Step, e.Result.Status)
		}
	}
}

// served: every active server runs the release and is in rotation, but for those that are excused.
func (w *world) served(when, release string, isExcused func(Host) bool) {
	for _, h := range w.f.Hosts() {
		excused := isExcused(h)
		switch {
		case h.Role == Active && h.Current != release:
			w.breaks("%s %s is on %s, not on %s", when, h.Host, h.Current, release)
		case h.Role == Active && h.Running != release && !excused:
			w.breaks("%s %s runs %q, not %s", when, h.Host, h.Running, release)
		case h.Role == Active && !h.Serves && !excused:
			w.breaks("%s %s serves nothing", when, h.Host)
		}
	}
}

// arrives tells whether all that keeps a server from serving is that proxies have not looked at it again since an earlier run took its drain
// back: the run that began then did not touch it there.
func (f *Fleet) arrives(h Host, began time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	members := f.pointsOf(h.App, h.Host)
	return len(members) > 0 && !slices.ContainsFunc(members, func(m *member) bool {
		arriving := !m.held && !f.isOut(m) && f.up(m) && m.back.Before(began)
		return !f.sends(m) && !arriving
	})
}

func (f *Fleet) isExcused(app, host string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.crashed(app, host)
}

// settle ends all faults; then an apply reaches what is wanted, and one more has nothing to do.
func (w *world) settle() {
	for _, h := range w.s.App.Hosts() {
		w.f.Sicken(w.s.App.Name, h, false)
	}
	time.Sleep(10 * time.Minute)
	w.f.pardonFaults()
	w.f.pace.End = min(w.f.pace.End, 5*time.Second) // the longest requests have ended, too
	w.skew = 2 * time.Hour
	last := round{Version: "9.0"}
	res := w.apply(last)
	w.check("the last apply", res)
	if res.refused != nil || res.outcome.Status != plan.Done {
		w.breaks("with all faults gone, an apply ends %s (%v): %+v", res.outcome.Status, res.refused, res.outcome.Apps)
		return
	}
	w.served("at last", res.plan.Apps[0].To, func(Host) bool { return false })
	if second := w.apply(last); second.refused != nil || !second.plan.Empty() {
		w.breaks("a second apply is not empty: %v, %d steps", second.refused, len(allSteps(second.plan)))
	}
}

// pardonFaults lets crashed processes count as what they are: stopped.
func (f *Fleet) pardonFaults() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.hosts {
		for _, p := range m.places {
			if p.alive(f.now()) == "" {
				p.end()
			}
		}
	}
}
