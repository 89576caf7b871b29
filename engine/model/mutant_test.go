package model

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
	"trikk.dev/engine/run"
)

// mutant is a mistake that somebody could make in the engine; the zero value is none. It changes what passes between the engine's
// parts, and no part of it.
type mutant struct {
	onHosts  func(*life, proxy.Hosts) proxy.Hosts
	onPlan   func(plan.Plan)
	onDo     func(*life, run.Do) run.Do
	onProofs func(*plan.Machine, []plan.Event) []plan.Event
	onLost   func(<-chan string) <-chan string
	onEnd    func(*life, run.Do, result)
}

func (m mutant) hosts(l *life, h proxy.Hosts) proxy.Hosts {
	if m.onHosts == nil {
		return h
	}
	return m.onHosts(l, h)
}

func (m mutant) plan(p plan.Plan) plan.Plan {
	if m.onPlan != nil {
		m.onPlan(p)
	}
	return p
}

func (m mutant) do(l *life, d run.Do) run.Do {
	if m.onDo == nil {
		return d
	}
	return m.onDo(l, d)
}

func (m mutant) proven(machine *plan.Machine, e []plan.Event) []plan.Event {
	if m.onProofs == nil {
		return e
	}
	return m.onProofs(machine, e)
}

func (m mutant) lost(c <-chan string) <-chan string {
	if m.onLost == nil {
		return c
	}
	return m.onLost(c)
}

// mutants are mistakes by what they are.
func mutants() map[string]mutant {
	return map[string]mutant{
		"the drain is not verified again before the restart": {onPlan: drop(func(s plan.Step) bool { d, ok := s.Op.(plan.DrainOp); return ok && d.Again })},
		"admit does not wait until the proxy sends":          {onDo: changing(admitBlindly)},
		"an answer without an error is believed":             {onDo: believingDrain},
		"requests in flight are not waited for":              {onHosts: seeingNothingInFlight},
		"a probe passes at once":                             {onDo: instead(func(_ *life, s plan.Step) bool { _, ok := s.Op.(plan.ProbeOp); return ok })},
		"a resumed run skips the bake":                       {onDo: instead(func(l *life, s plan.Step) bool { _, ok := s.Op.(plan.Pause); return ok && l.resumed })},
		"the bake is skipped":                                {onDo: instead(func(_ *life, s plan.Step) bool { _, ok := s.Op.(plan.Pause); return ok })},
		"good is recorded before the bake":                   {onPlan: ahead(isGood, func(s plan.Step) bool { _, ok := s.Op.(plan.Pause); return ok })},
		"the manifest is written first":                      {onPlan: ahead(isComplete, func(s plan.Step) bool { _, ok := s.Op.(plan.Write); return ok })},
		"the link is switched before the stop":               {onPlan: ahead(isSwitch, isStop)},
		"undos go in the wrong order":                        {onPlan: undoBackwards},
		"one server more may be unavailable":                 {onPlan: joinTurns},
		"the current release is pruned":                      {onPlan: pruneCurrent},
		"an unknown end counts as done":                      {onDo: unknownIsDone},
		"a failed turn does not end the rollout":             {onEnd: goOn},
		"the lock is not checked":                            {onHosts: withoutLock, onLost: func(<-chan string) <-chan string { return nil }},
		"what was begun counts as done on resume":            {onProofs: allProven},
		"edits are not seen":                                 {onHosts: seeingNoEdits},
		"a release on trial counts as judged":                {onHosts: seeingNoTrials},
		"an undone turn leaves the edit aside":               {onPlan: undoingNoWrites},
	}
}

// TestMutants: the simulation catches every mutant.
func TestMutants(t *testing.T) {
	most, seed := number("PLANS", 1500), number("SEED", 1)
	all := mutants()
	caught := 0
	for _, name := range sortedKeys(all) {
		n, why := hunt(t, all[name], most, seed)
		if why == "" {
			t.Errorf("not caught in %d plans: %s", most, name)
			continue
		}
		caught++
		t.Logf("caught after %d plans: %s: %s", n, name, why)
	}
	fmt.Printf("mutants: caught=%d total=%d\n", caught, len(all))
}

// hunt simulates until a mutant is caught, and says by what.
func hunt(t *testing.T, m mutant, most, seed int) (plans int, why string) {
	for i := range most {
		_, broken, _ := simulate(t, rapid.Custom(drawScenario).Example(seed+i), m)
		if len(broken) > 0 {
			return i + 1, broken[0]
		}
	}
	return most, ""
}

func eachLane(p plan.Plan, change func(*plan.Lane)) {
	for a := range p.Apps {
		for w := range p.Apps[a].Waves {
			for l := range p.Apps[a].Waves[w].Lanes {
				change(&p.Apps[a].Waves[w].Lanes[l])
			}
		}
	}
}

// drop leaves steps out.
func drop(which func(plan.Step) bool) func(plan.Plan) {
	return func(p plan.Plan) {
		eachLane(p, func(l *plan.Lane) {
			if kept := slices.DeleteFunc(slices.Clone(l.Steps), which); len(kept) > 0 {
				l.Steps = kept
			}
		})
	}
}

// ahead moves a step before another one of its lane.
func ahead(which, before func(plan.Step) bool) func(plan.Plan) {
	return func(p plan.Plan) {
		eachLane(p, func(l *plan.Lane) {
			from, to := slices.IndexFunc(l.Steps, which), slices.IndexFunc(l.Steps, before)
			if to < 0 || from <= to {
				return
			}
			s := l.Steps[from]
			l.Steps = slices.Insert(slices.Delete(slices.Clone(l.Steps), from, from+1), to, s)
		})
	}
}

func isGood(s plan.Step) bool     { r, ok := s.Op.(plan.Record); return ok && r.What == "good" }
func isComplete(s plan.Step) bool { r, ok := s.Op.(plan.Record); return ok && r.What == "complete" }
func isSwitch(s plan.Step) bool   { l, ok := s.Op.(plan.Link); return ok && l.Name != "" }
func isStop(s plan.Step) bool     { o, ok := s.Op.(plan.ServiceOp); return ok && o.Action == plan.Stop }

// undoBackwards gives each step the undo of the one at the other end of its lane.
func undoBackwards(p plan.Plan) {
	eachLane(p, func(l *plan.Lane) {
		steps := slices.Clone(l.Steps)
		for i := range steps {
			steps[i].Undo = l.Steps[len(steps)-1-i].Undo
		}
		l.Steps = steps
	})
}

// joinTurns lets the servers of two waves take their turns together.
func joinTurns(p plan.Plan) {
	for a := range p.Apps {
		waves := p.Apps[a].Waves
		for w := range len(waves) - 1 {
			if strings.HasPrefix(waves[w].Name, plan.WaveRotate) && strings.HasPrefix(waves[w+1].Name, plan.WaveRotate) {
				waves[w].Lanes = append(slices.Clone(waves[w].Lanes), waves[w+1].Lanes...)
				p.Apps[a].Waves = slices.Delete(slices.Clone(waves), w+1, w+2)
				return
			}
		}
	}
}

// undoingNoWrites takes no file back that was written.
func undoingNoWrites(p plan.Plan) {
	eachLane(p, func(l *plan.Lane) {
		l.Steps = slices.Clone(l.Steps)
		for i, s := range l.Steps {
			if _, write := s.Op.(plan.Write); write {
				l.Steps[i].Undo = nil
			}
		}
	})
}

// pruneCurrent adds what becomes live to what is removed.
func pruneCurrent(p plan.Plan) {
	to := p.Apps
	eachLane(p, func(l *plan.Lane) {
		for i, s := range l.Steps {
			if op, ok := s.Op.(plan.Prune); ok {
				op.Releases = append(slices.Clone(op.Releases), to[0].To)
				l.Steps = slices.Clone(l.Steps)
				l.Steps[i].Op = op
			}
		}
	})
}

// changing does other steps than those that it was given.
func changing(change func(plan.Step) plan.Step) func(*life, run.Do) run.Do {
	return func(_ *life, do run.Do) run.Do {
		return func(ctx context.Context, seg plan.Segment, results func(plan.Result)) error {
			seg.Steps = slices.Clone(seg.Steps)
			for i := range seg.Steps {
				seg.Steps[i] = change(seg.Steps[i])
			}
			return do(ctx, seg, results)
		}
	}
}

func admitBlindly(s plan.Step) plan.Step {
	if op, ok := s.Op.(plan.AdmitOp); ok {
		op.Unproven = true
		s.Op = op
	}
	return s
}

// instead claims steps to be done, and does none of them.
func instead(which func(*life, plan.Step) bool) func(*life, run.Do) run.Do {
	return func(l *life, do run.Do) run.Do {
		return oneByOne(do, func(_ context.Context, _ plan.Segment, s plan.Step) (plan.Result, bool) {
			return plan.Result{Step: s.ID, Status: plan.Unchanged}, which(l, s)
		})
	}
}

// oneByOne does the steps of a segment, but those that are done in another way.
func oneByOne(do run.Do, other func(context.Context, plan.Segment, plan.Step) (plan.Result, bool)) run.Do {
	return func(ctx context.Context, seg plan.Segment, results func(plan.Result)) error {
		for _, s := range seg.Steps {
			if r, is := other(ctx, seg, s); is {
				results(r)
				continue
			}
			one, ended := seg, false
			one.Steps = []plan.Step{s}
			err := do(ctx, one, func(r plan.Result) {
				ended = r.Status != plan.Changed && r.Status != plan.Unchanged
				results(r)
			})
			if err != nil || ended {
				return err
			}
		}
		return nil
	}
}

// unknownIsDone reports what was not reported as done.
func unknownIsDone(_ *life, do run.Do) run.Do {
	return func(ctx context.Context, seg plan.Segment, results func(plan.Result)) error {
		n := 0
		err := do(ctx, seg, func(r plan.Result) {
			n++
			if r.Status == plan.Unknown {
				r.Status = plan.Changed
			}
			results(r)
		})
		if err == nil {
			return nil
		}
		for _, s := range seg.Steps[min(n, len(seg.Steps)):] {
			results(plan.Result{Step: s.ID, Status: plan.Changed})
		}
		return nil
	}
}

// goOn does the turns that were not begun because one failed.
func goOn(l *life, do run.Do, res result) {
	if res.killed || res.outcome.Status != plan.Broken && res.outcome.Status != plan.Partly && res.outcome.Status != plan.Reverted {
		return
	}
	for w, wave := range res.plan.Apps[0].Waves {
		if !strings.HasPrefix(wave.Name, plan.WaveRotate) {
			continue
		}
		for n, lane := range wave.Lanes {
			for _, o := range res.outcome.Lanes {
				if o.Wave != wave.Name || o.Host != lane.Host || o.State != plan.LanePending {
					continue
				}
				for i, steps := range plan.Segments(lane) {
					seg := plan.Segment{Ref: plan.Ref{Plan: res.plan.ID, Wave: w, Lane: n, Segment: i}, App: o.App, Host: steps[0].Host, As: steps[0].As,
						Transport: steps[0].Op.Transport(), Steps: steps}
					if do(context.Background(), seg, func(plan.Result) {}) != nil {
						return
					}
				}
			}
		}
	}
}

// allProven claims all steps of scripts that were in flight to be done.
func allProven(m *plan.Machine, _ []plan.Event) []plan.Event {
	var out []plan.Event
	for _, seg := range m.Open() {
		for _, s := range seg.Steps {
			out = append(out, plan.Event{Kind: plan.StepFinished, Ref: &seg.Ref, Result: &plan.Result{Step: s.ID, Status: plan.Changed}})
		}
	}
	return out
}
