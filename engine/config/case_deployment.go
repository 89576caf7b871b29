package config

import (
	"path"

	"trikk.dev/engine/plan"
)

// deployments adds a case for each app in each environment, where the folder of the app is asked about: its plan as if nothing were
// installed.
func (found *Tested) deployments(t *tester, within limits, golden string) {
	for _, a := range t.Apps() {
		c := Case{Name: "plan of " + a.Name + " in " + a.Env, App: a.Name, Env: a.Env, Pos: a.Pos, Deployment: true}
		c.Golden = path.Join(golden, a.Name+"."+a.Env+".txt")
		found.Goldens = append(found.Goldens, c.Golden)
		home := t.loading.Workspace.packages[t.homes[source{a.Name, a.Env}]].Dir
		if !within.covers(home) {
			continue
		}
		c.Dir = t.show(home)
		found.Cases = append(found.Cases, t.offlinePlan(c, a))
	}
}

// offlinePlan makes the plan of a case without facts. Nothing in it depends on where the config repository is.
func (t *tester) offlinePlan(c Case, a plan.App) Case {
	env, err := t.Environment(a.Env)
	if err != nil {
		return c.failed(err.Error())
	}
	in := plan.Intent{Kind: plan.Deploy, ID: testID, CreatedAt: testMoment, CreatedBy: testAuthor, Offline: true}
	p, err := plan.Compile(env, []plan.App{placeless(a, t.module.root)}, plan.Facts{}, in)
	if err != nil {
		c.Refused = plan.Refused(err).Refused
		return c.failed("the plan is refused, so that there is none for " + c.Golden + ": " + c.Refused)
	}
	return c.encoded(p)
}
