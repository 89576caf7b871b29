package plan

import (
	"slices"
	"sort"
	"strings"
)

// superfluous names the releases and cached archives of a host that the plan may remove: incomplete releases, releases that
// were never good, and good ones beyond Layout.Keep. It never names the release that is or becomes current, what runs, the
// last good one, what trikk did not make, or anything that is no plain name.
func (c *compiler) superfluous(host string) (releases, cached []string) {
	at := c.at(host)
	keep := map[string]bool{c.rel.Name: true, at.Current: true, at.Running: true}
	// The last good one, and the one whose mark says so though it is damaged: the prune script refuses to remove it.
	for _, good := range [][]InstalledRelease{ranking(at), rank(at, func(r InstalledRelease) bool { return r.Good })} {
		if len(good) > 0 {
			keep[good[0].Name] = true
		}
	}
	left := c.app.Layout.Keep - 1 // the release that becomes current takes one place
	for _, r := range c.counted(host) {
		if left <= 0 {
			break
		}
		if r.Name == c.rel.Name {
			continue
		}
		keep[r.Name] = true
		left--
	}
	files := map[string]bool{c.rel.File: true}
	for _, r := range at.Releases {
		if keep[r.Name] {
			files[r.Manifest.File] = true
		} else if !r.Foreign && plainName(r.Name) {
			releases = append(releases, r.Name)
		}
	}
	for _, f := range at.Cached {
		if !files[f] && plainName(f) {
			cached = append(cached, f)
		}
	}
	return releases, cached
}

// counted are the releases of a host that Layout.Keep counts, the newest first. A standby server proves nothing itself: there
// the releases count that were proven on an active server, so that a rollback finds what the active servers keep.
func (c *compiler) counted(host string) []InstalledRelease {
	at := c.at(host)
	if slices.Contains(c.app.Servers, host) || slices.Contains(c.app.installProxies(), host) {
		if good := ranking(at); len(good) > 0 {
			return good
		}
		return completed(at)
	}
	proven := rank(at, func(r InstalledRelease) bool {
		return r.Complete && slices.ContainsFunc(c.goodReleases(), func(g InstalledRelease) bool { return g.Name == r.Name })
	})
	if len(proven) > 0 {
		return proven
	}
	return completed(at)
}

// plainName tells whether a name is one visible path element.
func plainName(name string) bool {
	return name != "" && name[0] != '.' && !strings.ContainsAny(name, "/\x00")
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
