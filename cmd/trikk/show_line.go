package main

import (
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// lineOfRun prints how a run stands, or ended, in one line for a status bar.
func (c *cli) lineOfRun(id string) error {
	saved, err := run.Load(c.runs(), id)
	if err != nil {
		return c.noSuchRun(id, err)
	}
	m, err := plan.Replay(saved.Plan, saved.Journal)
	if err != nil {
		return fmt.Errorf("run %s: %w", id, err)
	}
	result, standing := c.resultOf(saved), m.Standing()
	about := ""
	switch {
	case result != runGoesOn:
	case asksForApproval(m):
		about = "waits for: trikk approve " + id
	default:
		about = c.newETA(id, saved.Plan, saved.Journal).about(c.now())
	}
	if c.flags.json {
		return writeEvent(c.out, eventLine{stamp(c.now()), id, "run.line"}, lineFields{saved.Plan.Env, result, standing, about})
	}
	_, err = fmt.Fprintln(visible{c.out}, strings.Join(c.lineParts(saved, result, standing, about), ", "))
	return err
}

// asksForApproval tells whether a run waits for a person's yes.
func asksForApproval(m *plan.Machine) bool {
	return slices.ContainsFunc(m.Open(), func(s plan.Segment) bool {
		_, asks := s.Steps[0].Op.(plan.ApproveOp)
		return asks
	})
}

// lineFields are the same as an object.
type lineFields struct {
	Env    string `json:"env"`
	Result string `json:"result"` // as in the history
	plan.Standing
	About string `json:"about,omitempty"` // how long it still takes, or what it waits for
}

func (c *cli) lineParts(s run.Saved, result string, at plan.Standing, about string) []string {
	apps := "apps"
	if at.Apps == 1 {
		apps = "app"
	}
	parts := []string{fmt.Sprintf("%s %d/%d %s done", s.Plan.Env, at.Done, at.Apps, apps)}
	if at.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", at.Failed))
	}
	switch result {
	case runCutOff:
		return append(parts, "cut off: trikk resume "+s.Meta.Run)
	case runGoesOn:
		if at.InHand > 0 {
			parts = append(parts, fmt.Sprintf("%d in hand", at.InHand))
		}
		if about != "" {
			parts = append(parts, about)
		}
		return parts
	}
	return append(parts, fmt.Sprintf("%s with exit code %d", result, exitOfOutcome(result)), "took "+shortTook(c.lasted(s, result)))
}
