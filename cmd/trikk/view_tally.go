package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"trikk.dev/engine/plan"
)

// tally counts what a run did, for its end. The zero value is none.
type tally struct {
	began   time.Time
	did     int // steps that changed something
	same    int // steps that found all as it should be
	slowest plan.Step
	took    time.Duration // of the slowest
}

func (t *tally) add(s plan.Step, r *plan.Result) {
	switch r.Status {
	case plan.Changed:
		t.did++
	case plan.Unchanged:
		t.same++
	}
	if took := time.Duration(r.Millis) * time.Millisecond; took > t.took {
		t.slowest, t.took = s, took
	}
}

// show says where a run changed something, how long it took, and what comes next where all is done. What comes next else is part of
// the outcome. Each is one line that begins with its word, and there is nothing else to see.
func (t *tally) show(w io.Writer, p plan.Plan, o plan.Outcome, now time.Time) {
	for _, a := range p.Apps {
		if hosts := changedHosts(a, o); len(hosts) > 0 {
			fmt.Fprintf(w, "changed: %s on %s\n", a.App, hostsText(hosts))
		}
	}
	fmt.Fprintf(w, "took %s, %s changed something, %d did not", shortTook(now.Sub(t.began)), plural(t.did, "step"), t.same)
	if t.took > 0 {
		fmt.Fprintf(w, "; slowest: %s on %s, %s", t.slowest.Title, t.slowest.Host, shortTook(t.took))
	}
	fmt.Fprintln(w)
	if o.Status == plan.Done && len(p.Apps) > 0 {
		fmt.Fprintf(w, "next: trikk status %s-e %s%s\n", namedApps(p), p.Env, wayBack(p))
	}
}

// namedApps is the apps as arguments; nothing, which is all of the environment, where they are too many for a line.
func namedApps(p plan.Plan) string {
	if len(p.Apps) > 8 {
		return ""
	}
	return strings.Join(appNames(p), " ") + " "
}

// wayBack is how to go back; nothing where there was nothing before, or where many apps would have to.
func wayBack(p plan.Plan) string {
	if len(p.Apps) != 1 || len(p.Apps[0].From) == 0 || p.Apps[0].Intent != plan.Deploy {
		return ""
	}
	return fmt.Sprintf("; to go back: trikk rollback %s -e %s", p.Apps[0].App, p.Env)
}

// changedHosts are the hosts where an app was changed and stays so, in the app's order.
func changedHosts(a plan.AppPlan, o plan.Outcome) []string {
	return slices.DeleteFunc(slices.Clone(a.Source.Hosts()), func(host string) bool {
		return !slices.ContainsFunc(o.Lanes, func(l plan.LaneOutcome) bool {
			return l.App == a.App && l.Host == host && l.Changed && l.State == plan.LaneDone
		})
	})
}

// shortTook is a duration for people, to a tenth of a second below a minute.
func shortTook(d time.Duration) string {
	if d < time.Minute {
		return max(0, d).Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
