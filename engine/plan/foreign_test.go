package plan_test

import (
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

func TestForeign(t *testing.T) {
	proxy := plan.Proxy{Host: plan.Host{Name: "lb01", Address: "lb.example"}, Driver: plan.Driver{HAProxy: &plan.HAProxy{Socket: "/s"}}}
	here := func() plan.Environment {
		return plan.Environment{Name: "prod", Servers: map[string]plan.Host{
			"app01": {Name: "app01", Address: "a.example", Port: 22, User: "deploy", Jump: "edge"}, "app02": {Name: "app02", Address: "b.example"},
		}, Proxies: map[string]plan.Proxy{"lb01": proxy}}
	}
	p := plan.Plan{Env: "prod", Inventory: here(), Apps: []plan.AppPlan{{App: "a", Intent: plan.Deploy, Version: "1.0"}, {App: "b", Intent: plan.Rollback}}}
	for name, c := range map[string]struct {
		change func(*plan.Environment)
		want   string
	}{
		"as it is": {func(*plan.Environment) {}, ""},
		"labels": {func(e *plan.Environment) {
			e.Servers["app02"] = plan.Host{Name: "app02", Address: "b.example", Labels: map[string]string{"a": "b"}}
		}, ""},
		"more":    {func(e *plan.Environment) { e.Servers["app03"] = plan.Host{Name: "app03", Address: "c.example"} }, ""},
		"address": {func(e *plan.Environment) { e.Servers["app02"] = plan.Host{Name: "app02", Address: "x.example"} }, "server app02 is x.example, in the plan b.example"},
		"jump": {func(e *plan.Environment) {
			e.Servers["app01"] = plan.Host{Name: "app01", Address: "a.example", Port: 22, User: "root"}
		}, "server app01 is root@a.example:22, in the plan deploy@a.example:22 via edge"},
		"gone":       {func(e *plan.Environment) { delete(e.Servers, "app02") }, "there is no server app02"},
		"proxy gone": {func(e *plan.Environment) { delete(e.Proxies, "lb01") }, "there is no proxy lb01"},
		"driver":     {func(e *plan.Environment) { x := proxy; x.Reload = "reload"; e.Proxies["lb01"] = x }, "proxy lb01 is driven in another way"},
		"protected":  {func(e *plan.Environment) { e.Protected, e.Batch = true, true }, "prod is protected, and the plan says that it is not"},
		"batch":      {func(e *plan.Environment) { e.Protected = true }, "prod is protected, and the plan says that it is not\nprod takes one app a run, and the plan has 2"},
		"digest":     {func(e *plan.Environment) { e.RequireDigest = true }, "prod wants a digest of every artifact, and that of a 1.0 has none"},
	} {
		e := here()
		c.change(&e)
		if got := strings.Join(plan.Foreign(p, e), "\n"); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
