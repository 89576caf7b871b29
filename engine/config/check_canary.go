package config

import (
	"fmt"

	"trikk.dev/engine/plan"
)

// lonely warns of a canary that leaves nobody to follow it.
func lonely(a plan.App) []Diagnostic {
	r := a.Rollout.Rolling
	if r == nil || r.Canary == nil || len(a.Servers) == 0 || r.Canary.Servers < len(a.Servers) {
		return nil
	}
	return []Diagnostic{{Pos: at(a, "rollout.rolling.canary.servers"),
		Message: fmt.Sprintf("the canary of app %s has no effect in %s: it is %d of %d active servers", a.Name, a.Env, r.Canary.Servers, len(a.Servers)),
		Hint:    "a canary is fewer servers than the app has"}}
}
