package model

import (
	"context"
	"errors"
	"fmt"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// Fault is what happens to one step.
type Fault string

// Faults, in the order of a rehearsal. The zero value is none.
const (
	NoFault    Fault = ""
	Fails      Fault = "fails"       // it runs, and fails
	CutBefore  Fault = "cut before"  // the connection breaks, and the step was not done
	CutAfter   Fault = "cut after"   // the connection breaks, and the step was done
	Gone       Fault = "gone"        // the server can't be reached from then on
	KillBefore Fault = "kill before" // the controller dies, and the step was not done; then the run is resumed
	KillAfter  Fault = "kill after"  // the same, and the step was done, and the last results are not in the journal
)

// Faults are all faults of a rehearsal.
func Faults() []Fault { return []Fault{Fails, CutBefore, CutAfter, Gone, KillBefore, KillAfter} }

// Trial is one run of a plan with one fault.
type Trial struct {
	Fault   Fault
	Step    plan.Step // of the plan; zero without a fault
	App     string    // whose step it is; "" of a group
	Outcome plan.Outcome
	Hosts   []Host
	// Broken are the invariants that the plan broke: what must never happen, whatever fails.
	Broken []string
}

// Rehearse runs a plan on the fleet that it was made for: once without a fault, then with each fault at each step in turn. It gives
// each trial to told, in the order of the plan. Nothing is reached or changed but memory. An error says that the plan can't be
// rehearsed, or that ctx ended.
func Rehearse(ctx context.Context, p plan.Plan, told func(Trial)) error {
	first, err := try(ctx, p, Trial{})
	if err != nil {
		return err
	}
	told(first)
	for _, step := range forward(p) {
		for _, fault := range Faults() {
			if err := ctx.Err(); err != nil {
				return err
			}
			t, err := try(ctx, p, Trial{Fault: fault, Step: step.Step, App: step.app})
			if err != nil {
				return fmt.Errorf("rehearsing %s: %w", step.ID, err)
			}
			told(t)
		}
	}
	return nil
}

// forwardStep is a step that is no undo.
type forwardStep struct {
	plan.Step
	app string
}

func forward(p plan.Plan) []forwardStep {
	var out []forwardStep
	add := func(app string, lanes []plan.Lane) {
		for _, l := range lanes {
			for _, s := range l.Steps {
				out = append(out, forwardStep{s, app})
			}
		}
	}
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			add(a.App, w.Lanes)
		}
	}
	for _, g := range p.Groups {
		add("", g.Lanes)
	}
	return out
}

// try runs one trial.
func try(ctx context.Context, p plan.Plan, t Trial) (Trial, error) {
	time := newClock()
	f, err := Of(p, time.now, Pace{})
	if err != nil {
		return t, err
	}
	before := f.Hosts()
	s := &stage{fleet: f, time: time}
	s.meet = s.meets(t)
	j, o, err := s.walk(ctx, p, nil)
	if err != nil {
		return t, err
	}
	if s.dead {
		s = &stage{fleet: f, time: time}
		s.meet = s.meets(Trial{})
		proofs, err := f.prove(p, j)
		if err != nil {
			return t, err
		}
		if _, o, err = s.walk(ctx, p, j, run.Proofs(proofs)); err != nil {
			return t, err
		}
	}
	t.Outcome, t.Hosts, t.Broken = o, f.Hosts(), f.Broken()
	t.Broken = append(append(t.Broken, left(before, t)...), untrue(p, before, t)...)
	return t, nil
}

// meets is what a trial does to steps.
func (s *stage) meets(t Trial) func(plan.Ref, string, plan.Step) (plan.Result, error) {
	gone := ""
	return func(_ plan.Ref, app string, step plan.Step) (plan.Result, error) {
		here := t.Fault != NoFault && step.ID == t.Step.ID
		if here && t.Fault == Gone {
			gone = step.Host
		}
		switch {
		case gone != "" && step.Host == gone:
			return plan.Result{Step: step.ID, Status: plan.NotRun, Error: step.Host + " can't be reached"}, nil
		case !here:
			return s.fleet.Do(app, step), nil
		}
		return s.strike(t.Fault, app, step)
	}
}

var errCut = errors.New("the connection broke")

// strike does what a fault does to the step that it meets.
func (s *stage) strike(fault Fault, app string, step plan.Step) (plan.Result, error) {
	switch fault {
	case Fails:
		return s.fleet.Fail(app, step), nil
	case CutAfter, KillAfter:
		s.fleet.Do(app, step)
	case CutBefore, KillBefore:
		s.fleet.note(app, step, "started")
	}
	if fault == KillBefore || fault == KillAfter {
		s.kill()
		if fault == KillAfter {
			s.forget()
		}
		return plan.Result{}, errKilled
	}
	return plan.Result{}, errCut
}

// left names the servers that are out of rotation at the end, though they were in it before and the outcome does not say so.
func left(before []Host, t Trial) []string {
	said := map[[2]string]bool{}
	for _, l := range t.Outcome.Lanes {
		first := l.State == plan.LaneUndone && l.Changed
		if l.State == plan.LaneStuck || first && find(before, l.App, l.Host).Current == "" {
			said[[2]string{l.App, l.Host}] = true
		}
	}
	var out []string
	for i, h := range t.Hosts {
		if len(h.Drained) > len(before[i].Drained) && !said[[2]string{h.App, h.Host}] {
			out = append(out, fmt.Sprintf("%s on %s is left drained at %v, and the outcome does not say so", h.App, h.Host, h.Drained))
		}
	}
	return out
}

func find(hosts []Host, app, name string) Host {
	for _, h := range hosts {
		if h.App == app && h.Host == name {
			return h
		}
	}
	return Host{}
}

// untrue names the hosts that don't stand as the outcome says.
func untrue(p plan.Plan, before []Host, t Trial) []string {
	var out []string
	for _, l := range t.Outcome.Lanes {
		if !l.Changed || l.App == "" || l.State != plan.LaneDone && l.State != plan.LaneUndone {
			continue
		}
		is, was := find(t.Hosts, l.App, l.Host), find(before, l.App, l.Host)
		back := is.Current == was.Current || was.Running != "" && is.Current == was.Running
		if l.State == plan.LaneUndone && !back {
			out = append(out, fmt.Sprintf("the outcome says that %s on %s was undone, and it is on %s", l.App, l.Host, is.Current))
		}
		if to := target(p, l.App); l.State == plan.LaneDone && is.Current != to {
			out = append(out, fmt.Sprintf("the outcome says that %s on %s is done, and it is on %s", l.App, l.Host, is.Current))
		}
	}
	return out
}

func target(p plan.Plan, app string) string {
	for _, a := range p.Apps {
		if a.App == app {
			return a.To
		}
	}
	return ""
}
