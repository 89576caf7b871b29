package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// rollbackRoute goes back to a release that was proven good: it is installed where it is missing, the active servers take their
// turns, the standby servers follow. Where the release is complete, nothing is fetched.
func (c *compiler) rollbackRoute() ([]Wave, error) {
	rotate, err := c.rotate()
	if err != nil {
		return nil, err
	}
	get := c.download
	if c.route() == "local" {
		get = c.upload
	}
	return c.join(c.install(get), rotate, c.disableStandby()), nil
}

// resolveRollback makes the release to go back to what is to be live.
func (c *compiler) resolveRollback() error {
	target, err := c.target()
	if err != nil {
		return err
	}
	c.proven = target
	if missing := c.missing(target); len(missing) > 0 {
		return c.rebuild(target, missing)
	}
	m := target.Manifest
	c.rel = Release{Name: target.Name, Version: m.Version, Digest: m.Digest, File: m.File,
		Resolved: Resolved{Version: m.Version, Digest: m.Artifact, File: m.File}}
	return nil
}

// target finds the release to go back to: the version that was asked for, else the one before the live one.
func (c *compiler) target() (InstalledRelease, error) {
	known := c.goodReleases()
	want := c.in.Versions[c.app.Name]
	var target InstalledRelease
	if want != "" {
		for _, r := range known {
			if r.Manifest.Version == want || r.Name == want {
				target = r
				break
			}
		}
	} else {
		target = c.before(known)
	}
	if target.Name == "" {
		return target, c.noRollback(known, want)
	}
	return target, nil
}

// goodReleases are those that were proven on an active server, the last first, each once.
func (c *compiler) goodReleases() []InstalledRelease {
	best := map[string]InstalledRelease{}
	for _, s := range c.app.Servers {
		for _, r := range c.at(s).Releases {
			if b, ok := best[r.Name]; r.Complete && r.Good && (!ok || r.seq() > b.seq()) {
				best[r.Name] = r
			}
		}
	}
	var out []InstalledRelease
	for _, name := range sortedKeys(best) {
		out = append(out, best[name])
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].seq() > out[j].seq() })
	return out
}

// before is the release that a rollback goes to: the first of the earlier ones that every host still has, else the first.
func (c *compiler) before(known []InstalledRelease) InstalledRelease {
	earlier := c.earlier(known)
	for _, r := range earlier {
		if len(c.missing(r)) == 0 {
			return r
		}
	}
	if len(earlier) > 0 {
		return earlier[0]
	}
	return InstalledRelease{}
}

// earlier are the good releases before the live one, the nearest first; known are the good ones, the one proven last first.
// Where servers run different releases, a deploy stopped halfway: then it begins with the good ones that the others still run.
// Where the live one was never proven good, it begins with the one that was proven last. What is on trial is none of them.
func (c *compiler) earlier(known []InstalledRelease) []InstalledRelease {
	live := c.live()
	newest, proven := c.newest(live, known)
	known = slices.DeleteFunc(slices.Clone(known), func(r InstalledRelease) bool { return c.onTrial(r.Name) })
	var out []InstalledRelease
	for _, r := range known {
		if len(live) > 1 && r.Name != newest && slices.Contains(live, r.Name) {
			out = append(out, r)
		}
	}
	for _, r := range known {
		if newest != "" && r.Name != newest && (r.seq() < proven || proven == "") {
			out = append(out, r)
		}
	}
	return out
}

// newest is the live release that came last, and when it was proven: one that never was ("") came after those that were, and so did one
// that is on trial.
func (c *compiler) newest(live []string, known []InstalledRelease) (name, proven string) {
	for _, l := range live {
		if c.onTrial(l) || !slices.ContainsFunc(known, func(r InstalledRelease) bool { return r.Name == l }) {
			return l, ""
		}
	}
	for _, r := range known {
		if slices.Contains(live, r.Name) {
			return r.Name, r.seq()
		}
	}
	return "", ""
}

func (c *compiler) noRollback(known []InstalledRelease, want string) error {
	var versions []string
	for _, r := range known {
		versions = append(versions, r.Manifest.Version)
	}
	have := "none is"
	if len(versions) > 0 {
		have = strings.Join(versions, ", ")
	}
	if want != "" {
		return &Refusal{Pos: c.app.Pos, Text: fmt.Sprintf("%s %s is not a good release that is still installed in %s", c.app.Name, want, c.env.Name),
			Hint: fmt.Sprintf("installed and good: %s; to fetch it again: trikk apply %s@%s -e %s", have, c.app.Name, want, c.env.Name)}
	}
	return &Refusal{Pos: c.app.Pos, Text: fmt.Sprintf("%s has no earlier good release in %s", c.app.Name, c.env.Name),
		Hint: fmt.Sprintf("installed and good: %s; name one with --to VERSION", have)}
}
