package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

// planView says how much of a plan is shown. The zero value is an overview: a line a wave.
type planView struct {
	full    bool           // every step of every host
	scripts bool           // the exact shell of each step
	whole   bool           // no step leaves anything out: also how it is taken back, its secrets and, with scripts, what is no shell
	format  string         // formatText, formatMarkdown or formatMermaid; "": text
	files   []act.FileDiff // what becomes of generated files
	usually string         // how long it usually takes; ""
	guards  []string       // what guards of the environment say now; it is no part of the plan
	moving  []string       // what has nothing to do while another run works there; it is no part of the plan
}

// noted is a plan with all that a person must know first.
func (v planView) noted(p plan.Plan) plan.Plan {
	p.Notes = slices.Concat(leftOutNotes(p), v.guards, v.moving, p.Notes)
	return p
}

// steps tells whether single steps are shown.
func (v planView) steps() bool { return v.full || v.scripts }

// showPlan writes a plan for people: what they must know first, then each app, what stays as it is, and the totals last.
func showPlan(to io.Writer, p plan.Plan, v planView) {
	w := visible{to}
	p = v.noted(p)
	showNotes(w, p)
	if p.Empty() {
		fmt.Fprintln(w, nothingToDo(p))
		return
	}
	for i, a := range p.Apps {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if v.steps() {
			showAppSteps(w, p, a, v)
		} else {
			showAppOverview(w, p, a)
		}
		showFiles(w, a, v.files)
	}
	if v.steps() {
		showGroupSteps(w, p.Groups, v)
	} else if len(p.Groups) > 0 {
		fmt.Fprintln(w)
		showRows(w, groupRows(p.Groups))
	}
	showUntouched(w, p)
	showLimits(w, p)
	fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(summary(p)+" "+v.usually))
}

func nothingToDo(p plan.Plan) string {
	switch {
	case len(p.LeftOut) == 0:
	case othersPlanned(p):
		return fmt.Sprintf("Nothing to do: what can be planned of %s is as the config says.", p.Env)
	default:
		return fmt.Sprintf("Nothing is planned: none of the apps can be, in %s.", p.Env)
	}
	if len(p.Skipped) > 0 {
		return fmt.Sprintf("Nothing to do: what can be reached of %s is as the config says.", p.Env)
	}
	return fmt.Sprintf("Nothing to do: %s is as the config says.", p.Env)
}

// headline says in one line what happens to an app.
func headline(p plan.Plan, a plan.AppPlan) string {
	from := strings.Join(a.From, ", ")
	if from == "" {
		from = "nothing"
	}
	verb := "deploy"
	if a.Intent == plan.Rollback {
		verb = "roll back"
	}
	return fmt.Sprintf("%s %s in %s: %s → %s%s", verb, a.App, p.Env, from, a.To, order(a))
}

// order says which apps of the plan go first.
func order(a plan.AppPlan) string {
	if len(a.After) == 0 {
		return ""
	}
	return " (after " + strings.Join(a.After, ", ") + ")"
}

func parallel(w plan.Wave) string {
	n := len(w.Lanes)
	if w.MaxParallel > 0 {
		n = min(n, w.MaxParallel)
	}
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d at once)", n)
}

// showNotes says first what a person must know before reading on, as that a version goes down.
func showNotes(w io.Writer, p plan.Plan) {
	notes := p.Notes
	if p.Offline {
		notes = append([]string{"no server was asked (--offline): this is the whole way, as if nothing were installed; it can't be applied"}, notes...)
	}
	if len(notes) == 0 {
		return
	}
	fmt.Fprintln(w, "Note:")
	for _, n := range notes {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(n, "\n", "\n    "))
	}
	fmt.Fprintln(w)
}

// summary counts what a plan does.
func summary(p plan.Plan) string {
	hosts, steps := figures(p)
	within := ""
	if p.Deadline > 0 && p.Deadline != plan.DefaultDeadline {
		within = fmt.Sprintf(", within %s", p.Deadline.Short())
	}
	return fmt.Sprintf("Plan %s%s: %s, %s, %s%s.", p.ID, ofRelease(p), plural(len(p.Apps), "app"), plural(hosts, "host"), plural(steps, "step"), within)
}

// ofRelease says which release a plan is of.
func ofRelease(p plan.Plan) string {
	if p.Release == "" {
		return ""
	}
	return fmt.Sprintf(" of release %q", p.Release)
}

// figures counts the hosts and the steps of a plan.
func figures(p plan.Plan) (hosts, steps int) {
	seen := map[string]bool{}
	count := func(lanes []plan.Lane) {
		for _, l := range lanes {
			seen[l.Host] = true
			steps += len(l.Steps)
		}
	}
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			count(w.Lanes)
		}
	}
	for _, g := range p.Groups {
		count(g.Lanes)
	}
	return len(seen), steps
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
