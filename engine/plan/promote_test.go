package plan

import (
	"strings"
	"testing"
)

func TestUnproven(t *testing.T) {
	const digest, other = "sha256:aaaaaaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbbbbbb"
	good := func() Installed {
		return Installed{Current: "1.4-x", Running: "1.4-x", Service: "active",
			Releases: []InstalledRelease{{Name: "1.4-x", Complete: true, Good: true, Manifest: Manifest{Version: "1.4", Artifact: digest}}}}
	}
	for name, tc := range map[string]struct {
		change func(at *Installed, f *Facts, p *Plan)
		want   string
	}{
		"proven":          {func(*Installed, *Facts, *Plan) {}, ""},
		"nothing live":    {func(at *Installed, _ *Facts, _ *Plan) { at.Current = "" }, "map on t1 in test: nothing is live"},
		"unknown release": {func(at *Installed, _ *Facts, _ *Plan) { at.Current = "by-hand" }, "map on t1 in test: by-hand is live, which trikk did not complete"},
		"incomplete":      {func(at *Installed, _ *Facts, _ *Plan) { at.Releases[0].Complete = false }, "map on t1 in test: 1.4-x is live, which trikk did not complete"},
		"another version": {func(at *Installed, _ *Facts, _ *Plan) { at.Releases[0].Manifest.Version = "1.3" }, "map on t1 in test: 1.3 is live, not 1.4"},
		"another artifact": {func(at *Installed, _ *Facts, _ *Plan) { at.Releases[0].Manifest.Artifact = other },
			"map on t1 in test: 1.4 is live with another artifact, sha256:bbbbbbbbbbbb… instead of sha256:aaaaaaaaaaaa…"},
		"another kind of digest":  {func(_ *Installed, _ *Facts, p *Plan) { p.Apps[0].Resolved.Digest = "sha1:cc" }, ""},
		"no digest":               {func(_ *Installed, _ *Facts, p *Plan) { p.Apps[0].Resolved.Digest = "" }, ""},
		"an identity":             {func(at *Installed, _ *Facts, _ *Plan) { at.Releases[0].Manifest.Artifact = "abcdef" }, ""},
		"not proven":              {func(at *Installed, _ *Facts, _ *Plan) { at.Releases[0].Good = false }, "map on t1 in test: 1.4-x is live and not proven good yet"},
		"not restarted":           {func(at *Installed, _ *Facts, _ *Plan) { at.Running = "1.3-y" }, "map on t1 in test: 1.4-x is live, and 1.3-y still runs"},
		"stopped":                 {func(at *Installed, _ *Facts, _ *Plan) { at.Service = "inactive" }, "map on t1 in test: 1.4-x is live and stopped"},
		"no service":              {func(at *Installed, _ *Facts, _ *Plan) { at.Service, at.Running = "", "" }, ""},
		"disabled":                {func(at *Installed, _ *Facts, _ *Plan) { at.Marked = true }, "map on t1 in test: 1.4-x is live and disabled by its marker"},
		"down":                    {func(_ *Installed, f *Facts, _ *Plan) { f.Rotation = at1(RotationIn, RotationDown) }, "map on t1 in test: 1.4-x is live, and the server is down at lb2"},
		"held":                    {func(_ *Installed, f *Facts, _ *Plan) { f.Rotation = at1(RotationHeld) }, "map on t1 in test: 1.4-x is live, and the server is held at lb1"},
		"nobody knows whether in": {func(_ *Installed, f *Facts, _ *Plan) { f.Rotation = at1(RotationUnknown) }, ""},
		"unreachable":             {func(_ *Installed, f *Facts, _ *Plan) { f.Unreachable = map[string]string{"t1": "timeout"} }, "map on t1 in test: can't be reached: timeout"},
		"unread":                  {func(_ *Installed, f *Facts, _ *Plan) { delete(f.Apps["map"], "t1") }, "map on t1 in test: could not be read"},
		"not there":               {func(_ *Installed, _ *Facts, p *Plan) { p.Apps[0].App = "roads" }, "roads is not deployed in test"},
		"excepted":                {func(_ *Installed, _ *Facts, p *Plan) { p.Apps[0].App = "search" }, ""},
		"rollback":                {func(_ *Installed, _ *Facts, p *Plan) { p.Apps[0].App, p.Apps[0].Intent = "roads", Rollback }, ""},
	} {
		first, second := good(), good()
		f := Facts{Apps: map[string]map[string]Installed{"map": {"t2": second, "standby": {}}}}
		p := Plan{Apps: []AppPlan{{App: "map", Intent: Deploy, Version: "1.4", Resolved: Resolved{Digest: digest}}}}
		f.Apps["map"]["t1"] = first
		tc.change(&first, &f, &p)
		if _, read := f.Apps["map"]["t1"]; read {
			f.Apps["map"]["t1"] = first
		}
		apps := []App{{Name: "map", Servers: []string{"t1", "t2"}, Standby: []string{"standby"}}}
		if got := strings.Join(Promote{From: "test", Except: []string{"search"}}.Unproven(p, apps, f), "\n"); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// at1 is what lb1, lb2 … say of t1.
func at1(states ...string) map[string]map[string][]Rotation {
	var out []Rotation
	for i, s := range states {
		out = append(out, Rotation{Proxy: "lb" + string(rune('1'+i)), State: s})
	}
	return map[string]map[string][]Rotation{"map": {"t1": out}}
}
