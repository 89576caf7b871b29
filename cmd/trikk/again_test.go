package main

import (
	"testing"

	"trikk.dev/engine/plan"
)

// A rollback that is planned anew goes to the release that was agreed to, not to the one before what is live by then.
func TestAgainKeepsTheTargetOfARollback(t *testing.T) {
	p := plan.Plan{ID: "p", Apps: []plan.AppPlan{{App: "hello", Intent: plan.Rollback, To: "1.0-aa", Version: "1.0", Source: plan.App{Name: "hello"}}}}
	if _, in := again(p); in.Kind != plan.Rollback || in.Versions["hello"] != "1.0-aa" {
		t.Errorf("asked again for %+v", in)
	}
	p.Apps[0].Intent = plan.Deploy
	if _, in := again(p); in.Kind != plan.Deploy || in.Versions["hello"] != "" {
		t.Errorf("a deploy is asked again for %+v", in)
	}
}
