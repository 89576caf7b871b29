package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// TestFault32PruneProperty: whatever a server says that it has, a plan never removes the release that is live, that becomes live or that
// runs, nor the last good one, nor an archive of those that stay, nor anything that is no plain name.
func TestFault32PruneProperty(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "..", "../x", ".hidden", "a/b", ""}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names)
		var at plan.Installed
		at.Service = rapid.SampledFrom([]string{"active", "inactive", ""}).Draw(t, "service")
		at.Current, at.Running = name.Draw(t, "current"), name.Draw(t, "running")
		for _, n := range rapid.SliceOfNDistinct(name, 0, len(names), rapid.ID).Draw(t, "releases") {
			r := plan.InstalledRelease{Name: n, Complete: rapid.Bool().Draw(t, "complete"), Manifest: plan.Manifest{Version: n, File: n + ".tar.gz"}}
			if rapid.Bool().Draw(t, "good") {
				r.Good, r.GoodSeq = true, fmt.Sprintf("20260101T000000-%04d", rapid.IntRange(0, 9).Draw(t, "seq"))
			}
			at.Releases = append(at.Releases, r)
			at.Cached = append(at.Cached, n+".tar.gz")
		}
		app := hello("app01")
		app.Layout.Keep = rapid.IntRange(1, 4).Draw(t, "keep")
		f := newFleet(1, 0, haproxy).with(app)
		f.facts.Apps["hello"]["app01"] = at
		p, err := f.try()
		if err != nil {
			return // refused: nothing is removed
		}
		stay := []string{at.Current, at.Running, p.Apps[0].To, lastGood(at.Releases)}
		releases, cached := pruned(p)
		for _, r := range releases {
			if slices.Contains(stay, r) || strings.ContainsAny(r, "/") || strings.HasPrefix(r, ".") || r == "" {
				t.Errorf("%q is removed, though %q stay", r, stay)
			}
		}
		for _, r := range at.Releases {
			if !slices.Contains(releases, r.Name) && slices.Contains(cached, r.Manifest.File) {
				t.Errorf("the archive of %q is removed, though the release stays", r.Name)
			}
		}
	})
}

// lastGood is the complete good release with the highest sequence, if only one has it.
func lastGood(all []plan.InstalledRelease) string {
	last, seq := "", ""
	for _, r := range all {
		switch {
		case !r.Good || !r.Complete || r.GoodSeq < seq:
		case r.GoodSeq == seq:
			last = ""
		default:
			last, seq = r.Name, r.GoodSeq
		}
	}
	return last
}
