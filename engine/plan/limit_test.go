package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// twins adds apps a, b, … which are like hello, each with a root of its own.
func (f *fleet) twins(n int, change func(*plan.App)) *fleet {
	for i := range n {
		app := hello("app01", "app02")
		app.Name = string(rune('a' + i))
		app.Layout.Root = "/opt/" + app.Name
		change(&app)
		f.with(app)
	}
	return f
}

// takers lists "APP WAVE HOST" of the lanes that take a limit.
func takers(p plan.Plan, limit string) []string {
	var out []string
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			for _, l := range w.Lanes {
				if slices.Contains(l.Takes, limit) {
					out = append(out, a.App+" "+w.Name+" "+l.Host)
				}
			}
		}
	}
	return out
}

func TestLimitsOfServers(t *testing.T) {
	f := newFleet(2, 0, haproxy).twins(3, func(*plan.App) {})
	f.env.Limits = plan.Limits{Server: 2}
	s := f.env.Servers["app02"]
	s.Turns = 1
	f.env.Servers["app02"] = s
	p := f.plan(t)
	want := []plan.Limit{{Name: "server app01", Most: 2}, {Name: "server app02", Most: 1}}
	if !slices.Equal(p.Limits, want) {
		t.Fatalf("limits %+v, want %+v", p.Limits, want)
	}
	got := takers(p, "server app02")
	if !slices.Equal(got, []string{"a rotate 1/1 app02", "b rotate 1/1 app02", "c rotate 1/1 app02"}) {
		t.Errorf("taken by %q", got)
	}
}

func TestLimitsThatBindNobody(t *testing.T) {
	f := newFleet(2, 1, haproxy).twins(2, func(a *plan.App) { a.Topology = shared("lb01") })
	f.env.Limits = plan.Limits{Server: 2, Repository: 4, Proxy: 4, Turns: 4}
	p := f.plan(t)
	if len(p.Limits) > 0 {
		t.Errorf("limits %+v", p.Limits)
	}
	for _, l := range []string{"server app01", "proxy lb01", "turns", "repository https://repo.example"} {
		if got := takers(p, l); len(got) > 0 {
			t.Errorf("%s is taken by %q", l, got)
		}
	}
}

func TestLimitsOfProxiesRepositoriesAndAll(t *testing.T) {
	f := newFleet(2, 1, haproxy).twins(2, func(a *plan.App) { a.Topology = shared("lb01") })
	f.env.Limits = plan.Limits{Repository: 3, Proxy: 1, Turns: 1}
	p := f.plan(t)
	want := []plan.Limit{{Name: "proxy lb01", Most: 1}, {Name: "repository https://repo.example", Most: 3}, {Name: "turns", Most: 1}}
	if !slices.Equal(p.Limits, want) {
		t.Fatalf("limits %+v, want %+v", p.Limits, want)
	}
	if got := takers(p, "repository https://repo.example"); len(got) != 4 || !strings.Contains(got[0], "install") {
		t.Errorf("the repository is taken by %q", got)
	}
}

func TestRepositoryNames(t *testing.T) {
	f := newFleet(2, 0, haproxy).twins(1, func(*plan.App) {})
	f.env.Limits.Repository = 1
	for url, want := range map[string]string{
		"https://user:secret@repo.example:8443/a/b": "repository https://repo.example:8443",
		"http://repo.example":                       "repository http://repo.example",
		"https://repo.example/a@b":                  "repository https://repo.example",
	} {
		r := f.facts.Artifacts["a"]
		r.URL = url
		f.facts.Artifacts["a"] = r
		if p := f.plan(t); len(p.Limits) != 1 || p.Limits[0].Name != want {
			t.Errorf("%s: %+v, want %s", url, p.Limits, want)
		}
	}
}

// Apps whose pairs share proxies take them out of their outer balancer together, so they spare one another.
func TestLimitsOfSharedPairs(t *testing.T) {
	pairs := func(proxies ...string) plan.Topology {
		return plan.Topology{Pairs: &plan.Pairs{Proxies: proxies, Outer: plan.Outer{Marker: byMarker("/srv/out").Marker}, Member: "{proxy}"}}
	}
	f := newFleet(3, 3, haproxy)
	for i, x := range []struct {
		servers, proxies []string
		spare            int
	}{
		{[]string{"app01", "app02", "app03"}, []string{"lb01", "lb02", "lb03"}, 2},
		{[]string{"app01", "app02"}, []string{"lb01", "lb02"}, 1},
		{[]string{"app03"}, []string{"lb03"}, 1},
	} {
		app := hello(x.servers...)
		app.Name = string(rune('a' + i))
		app.Layout.Root = "/opt/" + app.Name
		app.Topology = pairs(x.proxies...)
		app.Rollout.Rolling = &plan.Rolling{MaxUnavailable: x.spare}
		f.with(app)
		for _, s := range x.servers {
			f.rotate(app, s, plan.RotationIn)
			f.facts.Apps[app.Name][s] = plan.Installed{Current: "0", Service: "active", Running: "0", Releases: []plan.InstalledRelease{{Name: "0", Complete: true, Good: true}}}
		}
	}
	p := f.plan(t)
	want := []plan.Limit{{Name: "pairs lb01 lb02 lb03", Most: 1, Kept: true}}
	if !slices.Equal(p.Limits, want) {
		t.Fatalf("limits %+v, want %+v", p.Limits, want)
	}
	got := fmt.Sprint(takers(p, want[0].Name))
	if got != "[a rotate 1/2 app01 a rotate 1/2 app02 a rotate 2/2 app03 b rotate 1/2 app01 b rotate 2/2 app02 c rotate 1/1 app03]" {
		t.Errorf("taken by %s", got)
	}
}

// The order of apps stays where one between them has nothing to do.
func TestAfterSkipsWhatHasNothingToDo(t *testing.T) {
	f := newFleet(1, 0, haproxy).twins(3, func(a *plan.App) {
		a.Servers = []string{"app01"}
		a.Rollout.Recreate = &plan.Recreate{}
		a.After = map[string][]string{"b": {"a"}, "c": {"b"}}[a.Name]
	})
	p := f.plan(t)
	if got := p.Apps[2].After; !slices.Equal(got, []string{"b"}) {
		t.Fatalf("c goes after %q", got)
	}
	b := p.Apps[1]
	f.facts.Apps["b"]["app01"] = plan.Installed{Current: b.To, Service: "active", Running: b.To, Releases: []plan.InstalledRelease{{Name: b.To, Complete: true, Good: true}}}
	p = f.plan(t)
	if len(p.Apps) != 2 || !slices.Equal(p.Apps[1].After, []string{"a"}) {
		t.Errorf("%d apps, the last goes after %q", len(p.Apps), p.Apps[len(p.Apps)-1].After)
	}
}
