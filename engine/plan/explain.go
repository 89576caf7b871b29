package plan

import (
	"fmt"
	"slices"
	"strings"
)

func (c *compiler) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// explain notes what a person should know before saying yes.
func (c *compiler) explain(ap AppPlan) {
	if len(c.app.Build) > 0 && ap.Route == "local" {
		built := "was"
		if c.in.Offline {
			built = "is"
		}
		c.note("%s %s built on the controller by: %s", ap.App, built, strings.Join(c.app.Build, "; "))
	}
	if c.rel.Resolved.Digest == "" && c.in.Kind == Deploy && !c.in.Offline {
		c.note("%s: no digest is published for %s, so what is fetched can't be verified", ap.App, c.rel.Resolved.File)
	}
	if c.rel.Format == "none" && c.app.Artifact.Options().Unpack == nil && c.in.Kind == Deploy && foreignArchive(c.rel.Resolved.File) {
		c.note("%s: %s is put into the release as it is: what is unpacked is %s (unpack: false is without this note)", ap.App, c.rel.Resolved.File, unpackable)
	}
	c.explainVersions(ap)
	c.explainTurns(ap)
	c.explainDrift(ap)
}

func (c *compiler) explainVersions(ap AppPlan) {
	for _, v := range liveVersions(c.app, c.facts.Apps[c.app.Name]) {
		if ap.Route != "local" && CompareVersions(c.rel.Version, v) < 0 {
			c.note("%s: the version goes down, from %s to %s", ap.App, v, c.rel.Version)
		}
	}
	c.explainUnwatched(ap)
	var unproven, left, trial []string
	for _, s := range c.app.Servers {
		at := c.at(s)
		r, ok := at.release(c.rel.Name)
		if at.Current == c.rel.Name && at.Trial == c.rel.Name {
			trial = append(trial, s)
		}
		if !ok || !r.Complete || at.Current == r.Name {
			continue
		}
		now, live := at.release(at.Current)
		switch {
		case !r.Good:
			unproven = append(unproven, s)
		case live && r.seq() > now.seq() && c.in.Kind != Rollback:
			left = append(left, s)
		}
	}
	if len(trial) > 0 {
		c.note("%s: release %s is on trial on %s, and was not judged", ap.App, c.rel.Name, strings.Join(trial, ", "))
	}
	if len(unproven) > 0 {
		c.note("%s: release %s was installed before and never proven good on %s", ap.App, c.rel.Name, strings.Join(unproven, ", "))
	}
	if len(left) > 0 {
		c.note("%s: returns to release %s, which was rolled back on %s", ap.App, c.rel.Name, strings.Join(left, ", "))
	}
}

// explainUnwatched notes where a rollback goes to a release that was proven elsewhere only.
func (c *compiler) explainUnwatched(ap AppPlan) {
	if !c.unwatched() {
		return
	}
	var hosts []string
	for _, w := range ap.Waves {
		for _, l := range w.Lanes {
			if r, _ := c.at(l.Host).release(c.rel.Name); !r.Good && slices.Contains(c.app.Servers, l.Host) && !slices.Contains(hosts, l.Host) {
				hosts = append(hosts, l.Host)
			}
		}
	}
	if len(hosts) > 0 {
		c.note("%s: a rollback does not watch release %s: trikk apply records it as good on %s", ap.App, c.rel.Name, strings.Join(hosts, ", "))
	}
}

func (c *compiler) explainTurns(ap AppPlan) {
	if c.interrupts() && c.takesOutActive(ap) {
		c.note("%s is down while it is replaced (%s, %d active)", ap.App, c.strategy(), len(c.app.Servers))
	}
	var first []string
	for _, s := range c.app.Servers {
		if c.previous(c.look(s)) == "" && !c.in.Offline && !c.skips(s) {
			first = append(first, s)
		}
	}
	if len(first) > 0 {
		c.note("%s: first release on %s; if it fails there, they are left stopped and out of rotation", ap.App, strings.Join(first, ", "))
	}
	for _, s := range c.app.Servers {
		for _, p := range Points(c.app, c.env, s) {
			if m := p.Driver.Marker; m != nil && m.Watch == nil {
				c.note("%s: what is in front of %s can't be asked, so each change waits %s", ap.App, p.Target, m.Settle)
				return
			}
		}
	}
}

func (c *compiler) strategy() string {
	if c.recreates() {
		return "recreate"
	}
	return fmt.Sprintf("maxUnavailable %d", c.maxUnavailable())
}

// takesOutActive tells whether an active server is taken out: one that becomes a standby server, or a proxy's host, is missed by nobody.
func (c *compiler) takesOutActive(ap AppPlan) bool {
	for _, w := range ap.Waves {
		for _, l := range w.Lanes {
			if slices.Contains(c.app.Servers, l.Host) && takesOut(l) {
				return true
			}
		}
	}
	return false
}
