package plan

import (
	"slices"
	"sort"
)

// superfluous names the releases and cached archives of a host that the plan may remove: incomplete releases, releases that
// were never good, and good ones beyond Layout.Keep. It never names the release that is or becomes current, nor the last
// good one. On a host that proves nothing good (standby) every complete release counts.
func (c *compiler) superfluous(host string) (releases, cached []string) {
	at := c.at(host)
	keep := map[string]bool{c.rel.Name: true, at.Current: true, at.Running: true}
	ranked := ranking(at)
	if !slices.Contains(c.app.Servers, host) || len(ranked) == 0 {
		ranked = completed(at)
	}
	room := max(1, c.app.Layout.Keep)
	left := room - 1 // the release that becomes current takes one place
	for _, r := range ranked {
		if r.Name == c.rel.Name {
			continue
		}
		if left <= 0 && len(keep) > 1 && r.Name != ranked[0].Name {
			break
		}
		keep[r.Name] = true
		left--
	}
	files := map[string]bool{c.rel.File: true}
	for _, r := range at.Releases {
		if keep[r.Name] {
			files[r.Manifest.File] = true
			continue
		}
		releases = append(releases, r.Name)
	}
	for _, f := range at.Cached {
		if !files[f] {
			cached = append(cached, f)
		}
	}
	return releases, cached
}

// ranking lists the good releases of a host, the one proven last first.
func ranking(at Installed) []InstalledRelease {
	return rank(at, func(r InstalledRelease) bool { return r.Complete && r.Good })
}

func completed(at Installed) []InstalledRelease {
	return rank(at, func(r InstalledRelease) bool { return r.Complete })
}

func rank(at Installed, counts func(InstalledRelease) bool) []InstalledRelease {
	var out []InstalledRelease
	for _, r := range at.Releases {
		if counts(r) {
			out = append(out, r)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].seq() > out[j].seq() })
	return out
}

// seq orders releases by when they were proven, or else installed: IDs of plans sort by time.
func (r InstalledRelease) seq() string {
	if r.GoodSeq != "" {
		return r.GoodSeq
	}
	return r.Manifest.Run
}
