package act_test

import (
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// TestCheck: what a run would miss is told without a run, and who can't be reached is not told here.
func TestCheck(t *testing.T) {
	f := newFleet(t, "app01")
	f.app.Servers = []string{"app01", "app09"}
	f.env.Servers["app09"] = plan.Host{Name: "app09"}
	if got := f.gatherer().Check(t.Context(), f.env, []plan.App{f.app}); len(got) > 0 {
		t.Errorf("all is there, yet %v", got)
	}
	f.sh("app01", "mkdir apps; : >apps/web")
	f.app.Artifact = plan.Artifact{URL: &plan.URLArtifact{URL: "https://x.example/web-{version}.zip?a=b.tar"}}
	got := f.gatherer().Check(t.Context(), f.env, []plan.App{f.app})
	if len(got) == 0 || got[0].Host != "app01" || !strings.Contains(got[0].Err.Error(), "apps/web is not a directory") {
		t.Errorf("problems %v", got)
	}
}
