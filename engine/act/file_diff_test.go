package act_test

import (
	"strings"
	"testing"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// TestFileDiffs: each file that is the same on several hosts is read once, on the first; what may not be shown is not read.
func TestFileDiffs(t *testing.T) {
	f := newFleet(t, "app01")
	f.sh("app01", generate+`generate 1.0-a same changed gone odd secret
r=apps/web/releases/1.0-a
mkdir -p $r/.trikk/generated
cp $r/same $r/changed $r/gone $r/.trikk/generated
printf 'password=hush\n' >$r/secret
printf 'password=hush\n' >$r/odd
`)
	live := plan.InstalledRelease{Name: "1.0-a", Complete: true, Manifest: plan.Manifest{
		Files:   map[string]string{"same": "0", "changed": "0", "gone": "0", "odd": "0", "secret": "0"},
		Secrets: map[string]map[string]string{"secret": {"db": "age:x"}},
	}}
	text := func(s string) plan.File { return plan.File{Text: &s, Mode: "0644"} }
	app := f.app
	app.Files = map[string]plan.File{"same": text("a=1\n"), "changed": text("a=2\n"), "odd": text("x\n"), "secret": text("x\n"), "new": text("x\n")}
	app.Servers = []string{"app01", "app02"}
	at := plan.Installed{Current: "1.0-a", Releases: []plan.InstalledRelease{live}}
	p := plan.Plan{Env: "test", Inventory: f.env, Observed: plan.Facts{Apps: map[string]map[string]plan.Installed{app.Name: {"app01": at, "app02": at}}},
		Apps: []plan.AppPlan{{App: app.Name, Intent: plan.Deploy, To: "2.0-b", Source: app}}}
	g := act.Gatherer{Readers: proxy.ReadersOf(f.pool)}
	all, err := g.FileDiffs(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range all {
		if strings.Contains(d.Diff, "hush") || len(d.Hosts) != 2 {
			t.Errorf("%+v", d)
		}
		got[d.Path] = d.Diff + d.Why
	}
	for path, want := range map[string]string{
		"same": "its text stays as it is", "changed": "--- changed in 1.0-a\n+++ changed in 2.0-b\n@@ -1 +1 @@\n-a=1\n+a=2\n", "gone": "not in 2.0-b", "new": "new",
		"odd": "trikk keeps no copy of what it wrote, so it is not shown", "secret": "holds secrets, so it is not shown",
	} {
		if got[path] != want {
			t.Errorf("%s: %q, want %q", path, got[path], want)
		}
	}

	// A host that does not answer is told, and is no error.
	p.Apps[0].Source.Servers = []string{"app02"}
	if all, err = g.FileDiffs(t.Context(), p); err != nil || !strings.Contains(all[0].Why, "what is live was not read: ") {
		t.Errorf("%v %+v", err, all)
	}
}
