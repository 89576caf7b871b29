package config

import (
	"fmt"

	"trikk.dev/engine/plan"
)

// lonely warns of a canary that nobody follows and nobody judges, and of one that may wait for longer than its run.
func lonely(a plan.App) []Diagnostic {
	r := a.Rollout.Rolling
	if r == nil || r.Canary == nil || len(a.Servers) == 0 {
		return nil
	}
	canary := *r.Canary
	var out []Diagnostic
	if canary.Servers >= len(a.Servers) && !canary.Approve && canary.BakeSeconds <= a.Rollout.MinReadySeconds {
		out = append(out, Diagnostic{Pos: at(a, "rollout.rolling.canary.servers"),
			Message: fmt.Sprintf("the canary of app %s has no effect in %s: it is %d of %d active servers", a.Name, a.Env, canary.Servers, len(a.Servers)),
			Hint:    "a canary is fewer servers than the app has"})
	}
	if canary.Approve && a.Rollout.Deadline > 0 && canary.ApproveWithin >= a.Rollout.Deadline {
		out = append(out, Diagnostic{Pos: at(a, "rollout.rolling.canary.approveWithin"),
			Message: fmt.Sprintf("approveWithin of app %s has no effect: a run ends after %s", a.Name, a.Rollout.Deadline.Short()),
			Hint:    "raise rollout.deadline, or wait for a shorter time"})
	}
	return out
}
