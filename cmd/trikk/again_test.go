package main

import (
	"slices"
	"testing"
	"time"

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

// A plan that is made anew keeps the limits of its environment, and the order of apps whose link had nothing to do: neither is in its inventory.
func TestAgainKeepsLimitsAndOrder(t *testing.T) {
	env := plan.Environment{Name: "demo", Limits: plan.Limits{Server: 1, Turns: 1}, Servers: map[string]plan.Host{"app01": {Name: "app01", Address: "app01.example"}}}
	app := func(name string) plan.App {
		return plan.App{
			Name: name, Env: "demo", Version: "1.0", Servers: []string{"app01"}, Layout: plan.Layout{Root: "/opt/" + name, Current: "current", Keep: 2},
			Artifact: plan.Artifact{URL: &plan.URLArtifact{URL: "https://repo.example/" + name + "-{version}.tar.gz"}},
			Service:  plan.Service{Systemd: &plan.Systemd{Unit: name, Timeout: plan.Duration(time.Minute)}},
			Rollout:  plan.Rollout{OnFailure: "hold"},
		}
	}
	p, err := plan.Compile(env, []plan.App{app("first"), app("last")}, plan.Facts{}, plan.Intent{Kind: plan.Deploy, ID: "p", Offline: true})
	if err != nil || len(p.Limits) != 2 {
		t.Fatalf("limits %+v, error %v", p.Limits, err)
	}
	p.Apps[1].Source.After, p.Apps[1].After = []string{"idle"}, []string{"first"} // and idle comes after first

	apps, in := again(p)
	in.Offline = true
	f := &fleet{guard: guard{env: env}}
	next, err := plan.Compile(f.limited(p), apps, plan.Facts{}, in)
	if err != nil {
		t.Fatal(err)
	}
	if !plan.SameSteps(p, next) || !slices.Equal(p.Limits, next.Limits) {
		t.Errorf("limits %+v became %+v", p.Limits, next.Limits)
	}
	if !slices.Equal(next.Apps[1].After, []string{"first"}) {
		t.Errorf("last comes after %q", next.Apps[1].After)
	}
	if next.Inventory.Limits != (plan.Limits{}) || !slices.Equal(p.Apps[1].Source.After, []string{"idle"}) {
		t.Errorf("inventory %+v, source after %q", next.Inventory, p.Apps[1].Source.After)
	}
}
