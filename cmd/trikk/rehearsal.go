package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/model"
	"trikk.dev/engine/plan"
)

// rehearsal collects the trials of a plan; those that end alike are one ending.
type rehearsal struct {
	plan    plan.Plan
	trials  int
	steps   map[string]bool
	endings []*ending
	broken  int // trials in which the plan broke an invariant
}

// ending is how one or more trials end.
type ending struct {
	exit  int
	text  string // what a person would read of it
	cases []faultCase
	count int
}

// faultCase is one fault, and the steps in which it leads to an ending.
type faultCase struct {
	fault model.Fault
	steps []plan.Step
}

// add takes in a trial.
func (r *rehearsal) add(t model.Trial) {
	r.trials++
	if t.Fault != model.NoFault {
		if r.steps == nil {
			r.steps = map[string]bool{}
		}
		r.steps[t.Step.ID] = true
	}
	if len(t.Broken) > 0 {
		r.broken++
	}
	r.ending(t).add(t)
}

// ending finds the one that a trial ends in.
func (r *rehearsal) ending(t model.Trial) *ending {
	var b bytes.Buffer
	showTrial(&b, r.plan, t)
	exit, text := exitOfOutcome(t.Outcome.Status), b.String()
	for _, e := range r.endings {
		if e.exit == exit && e.text == text {
			return e
		}
	}
	e := &ending{exit: exit, text: text}
	r.endings = append(r.endings, e)
	return e
}

func (e *ending) add(t model.Trial) {
	e.count++
	for i := range e.cases {
		if e.cases[i].fault == t.Fault {
			e.cases[i].steps = append(e.cases[i].steps, t.Step)
			return
		}
	}
	e.cases = append(e.cases, faultCase{t.Fault, []plan.Step{t.Step}})
}

// gravity orders exit codes: what is well first, what needs a person last.
func gravity(exit int) int {
	return slices.Index([]int{exitDone, exitFailed, exitReverted, exitPartly, exitInterrupted, exitBroken}, exit)
}

// sorted gives the endings, the gravest last.
func (r *rehearsal) sorted() []*ending {
	out := slices.Clone(r.endings)
	slices.SortStableFunc(out, func(a, b *ending) int { return gravity(a.exit) - gravity(b.exit) })
	return out
}

// counts says how many trials end with which exit code.
func (r *rehearsal) counts() map[int]int {
	out := map[int]int{}
	for _, e := range r.endings {
		out[e.exit] += e.count
	}
	return out
}

// summary is the last line.
func (r *rehearsal) summary() string {
	words := map[int]string{exitDone: "done", exitFailed: "failed without a change", exitReverted: "rolled back", exitPartly: "partly done",
		exitInterrupted: "interrupted", exitBroken: "need a person"}
	counts := r.counts()
	var parts []string
	for _, e := range []int{exitDone, exitFailed, exitReverted, exitPartly, exitInterrupted, exitBroken} {
		if n := counts[e]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, words[e]))
		}
	}
	wrong := "no invariant broken"
	if r.broken > 0 {
		wrong = fmt.Sprintf("an invariant is broken in %d", r.broken)
	}
	return fmt.Sprintf("Rehearsed %s in %s: %s; %s.", plural(len(r.steps), "step"), plural(r.trials, "run"), strings.Join(parts, ", "), wrong)
}
