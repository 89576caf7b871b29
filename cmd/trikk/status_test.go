package main

import (
	"slices"
	"testing"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

// TestStatusTellsWhatIsNotProven: a live release that was not watched to its end is told, on servers that it serves from; its SINCE is
// when it was installed.
func TestStatusTellsWhatIsNotProven(t *testing.T) {
	t.Parallel()
	const run = "20261123T061900-3f2a"
	at := plan.Installed{Current: "2.0-aa", Service: "active", Releases: []plan.InstalledRelease{
		{Name: "2.0-aa", Complete: true, Manifest: plan.Manifest{Version: "2.0", Run: run}},
	}}
	proven := at
	proven.Releases = []plan.InstalledRelease{{Name: "2.0-aa", Complete: true, Good: true, GoodSeq: run, Manifest: at.Releases[0].Manifest}}
	app := plan.App{Name: "hello", Servers: []string{"app01", "app02"}, Standby: []string{"app03"}}
	v := act.View{Facts: plan.Facts{Apps: map[string]map[string]plan.Installed{"hello": {"app01": at, "app02": proven, "app03": at}}}}
	for _, l := range statusLines(chosen{apps: []plan.App{app}}, v) {
		if told := slices.Contains(l.Notes, "not proven good yet"); told != (l.Host == "app01") || l.Since == "" {
			t.Errorf("%s since %q: %q", l.Host, l.Since, l.Notes)
		}
	}
}
