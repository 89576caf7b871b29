package plan_test

import (
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

func TestStale(t *testing.T) {
	tests := map[string]struct {
		change func(f *fleet, at *plan.Installed)
		want   []string
	}{
		"nothing":          {func(*fleet, *plan.Installed) {}, nil},
		"the link":         {func(_ *fleet, at *plan.Installed) { at.Current = "" }, []string{"hello on app01: current is none, was OLD"}},
		"the service":      {func(_ *fleet, at *plan.Installed) { at.Service = "inactive" }, []string{"hello on app01: service is inactive, was active"}},
		"the process":      {func(_ *fleet, at *plan.Installed) { at.Running = "x" }, []string{"hello on app01: running release is x, was OLD"}},
		"the marker":       {func(_ *fleet, at *plan.Installed) { at.Marked = true }, []string{"hello on app01: the enable marker is there, was not there"}},
		"a release":        {func(_ *fleet, at *plan.Installed) { at.Releases = nil }, []string{"hello on app01: what is installed is none, was OLD (good)"}},
		"a good mark":      {func(_ *fleet, at *plan.Installed) { at.Releases[0].Good = false }, []string{"hello on app01: what is installed is OLD, was OLD (good)"}},
		"a damaged one":    {func(_ *fleet, at *plan.Installed) { at.Releases[0].Good, at.Releases[0].Complete = false, false }, []string{"hello on app01: what is installed is OLD (incomplete), was OLD (good)"}},
		"when it was good": {func(_ *fleet, at *plan.Installed) { at.Releases[0].GoodSeq = "2027" }, []string{"hello on app01: OLD was proven good by 2027, was by 2026-0001"}},
		"the cache":        {func(_ *fleet, at *plan.Installed) { at.Cached = nil }, []string{"hello on app01: the archive cache is none, was CACHED"}},
		"the rotation":     {func(f *fleet, _ *plan.Installed) { f.rotate(f.apps[0], "app02", plan.RotationOut) }, []string{"hello on app02: out at lb01, was in at lb01"}},
		"the artifact":     {func(f *fleet, _ *plan.Installed) { f.resolve(f.apps[0], "x") }, []string{"hello: the artifact of 2.0 is another one: DIGEST-X, was DIGEST-2"}},
		"not decided on":   {func(_ *fleet, at *plan.Installed) { at.Home, at.Used = "/elsewhere", []string{"2025-1"} }, nil},
		"another app":      {func(f *fleet, at *plan.Installed) { f.facts.Apps["other"] = map[string]plan.Installed{"app01": *at} }, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := hello("app01", "app02")
			app.Topology = shared("lb01")
			f := newFleet(2, 1, haproxy).with(app)
			old := f.deploy(t, "1.0").Apps[0].To
			app.Version = "2.0"
			p := f.with(app).plan(t)
			g := f.copy()
			at := g.facts.Apps["hello"]["app01"]
			test.change(g, &at)
			g.facts.Apps["hello"]["app01"] = at
			var got []string
			for _, c := range plan.Stale(p, g.facts) {
				got = append(got, c.String())
			}
			for i := range test.want {
				test.want[i] = strings.NewReplacer("OLD", old, "CACHED", f.facts.Apps["hello"]["app01"].Cached[0],
					"DIGEST-X", digest("hello-x.tar.gz"), "DIGEST-2", digest("hello-2.0.tar.gz")).Replace(test.want[i])
			}
			equal(t, "stale", got, test.want)
			again, err := plan.Compile(g.env, g.apps, g.facts, plan.Intent{Kind: plan.Deploy, ID: p.ID})
			if err != nil {
				t.Fatal(err)
			}
			if differs := again.Facts != p.Facts; differs != (len(test.want) > 0) && name != "another app" {
				t.Errorf("the fingerprint differs: %v", differs)
			}
		})
	}
}

// Everything that an applied plan changed makes it stale, and its hosts know that it was used.
func TestAppliedPlansAreUsedAndStale(t *testing.T) {
	app := hello("app01", "app02")
	f := newFleet(2, 0, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	p := f.with(app).plan(t)
	if u := plan.Used(p, f.facts); len(u) != 0 {
		t.Errorf("used on %q before it was applied", u)
	}
	g := f.copy()
	if err := g.apply(p); err != nil {
		t.Fatal(err)
	}
	equal(t, "used", plan.Used(p, g.facts), []string{"app01", "app02"})
	if len(plan.Stale(p, g.facts)) == 0 {
		t.Error("an applied plan is not stale")
	}
	if err := g.apply(p); err == nil {
		t.Error("it was applied a second time")
	}
}
