package plan

import (
	"fmt"
	"slices"
	"strings"
)

// ByHand says that somebody else than trikk switched or removed the link to the live release; "" where nobody did.
func (i Installed) ByHand() string {
	switch {
	case i.Linked == "" || i.Linked == i.Current:
		return ""
	case i.Current == "":
		return "current was removed or replaced by hand; trikk linked " + i.Linked
	}
	return fmt.Sprintf("current was switched by hand to %s; trikk linked %s", i.Current, i.Linked)
}

// HeldOut says where a server is out of rotation, with the proxies' own words: "lb01 (drain), lb02 (maint)".
func HeldOut(states []Rotation) string {
	var out []string
	for _, r := range states {
		if r.State != RotationOut {
			continue
		}
		at := r.Proxy
		if r.Said != "" {
			at += " (" + r.Said + ")"
		}
		out = append(out, at)
	}
	return strings.Join(out, ", ")
}

// edited are the generated files of the release that a host has, and not as trikk wrote them.
func (c *compiler) edited(host string) []Rendered {
	if c.in.Kind == Rollback {
		return nil // an edited release comes back as it is
	}
	r, _ := c.at(host).release(c.rel.Name)
	var out []Rendered
	for _, f := range c.rel.Files {
		if slices.Contains(r.Edited, f.Path) {
			out = append(out, f)
		}
	}
	return out
}

// mend writes edited files anew, with the modes that the release gives them. Taking it back puts the edits back.
func (c *compiler) mend(host string) []Step {
	var out []Step
	for _, f := range c.edited(host) {
		op := c.write(f)
		s := c.step(host, op)
		back := Write{Root: op.Root, Release: op.Release, Path: op.Path, Keep: op.Keep, Back: true}
		s.Undo = []Step{c.step(host, back)}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil
	}
	for _, m := range c.app.Modes {
		out = append(out, c.step(host, Chmod{Root: c.app.Layout.Root, Release: c.rel.Name, Glob: m.Glob, Mode: m.Mode}))
	}
	return out
}

// adopted puts the hosts whose link is only recorded in front of the waves: nothing of theirs changes.
func adopted(lanes []Lane, waves []Wave) []Wave {
	if len(lanes) == 0 {
		return waves
	}
	return append([]Wave{{Name: WaveAdopt, Lanes: lanes}}, waves...)
}

// heldOut notes, before all else, which servers this plan puts back into rotation though something held them out before.
func (c *compiler) heldOut(turns []turn) {
	var where []string
	servers := map[string][]string{}
	for _, t := range turns {
		at := HeldOut(c.facts.Rotation[c.app.Name][t.server])
		if at == "" {
			continue
		}
		if servers[at] == nil {
			where = append(where, at)
		}
		servers[at] = append(servers[at], t.server)
	}
	var notes []string
	for _, at := range where {
		notes = append(notes, fmt.Sprintf("%s: %s held out of rotation at %s before this plan, which admits %s",
			c.app.Name, wereOrWas(servers[at]), at, themOrIt(servers[at])))
	}
	c.notes = append(notes, c.notes...)
}

// risks notes, once a proxy, why requests may be lost there.
func (c *compiler) risks(turns []turn) {
	told := map[string]bool{}
	for _, t := range turns {
		for _, r := range c.facts.Rotation[c.app.Name][t.server] {
			if r.Risk != "" && !told[r.Proxy] {
				told[r.Proxy] = true
				c.note("%s: %s: %s", c.app.Name, r.Proxy, r.Risk)
			}
		}
	}
}

func wereOrWas(names []string) string {
	if len(names) == 1 {
		return names[0] + " was"
	}
	return strings.Join(names, ", ") + " were"
}

func themOrIt(names []string) string {
	if len(names) == 1 {
		return "it"
	}
	return "them"
}

// explainDrift notes what somebody did to the app's hosts by hand, and what becomes of it.
func (c *compiler) explainDrift(ap AppPlan) {
	for _, h := range c.app.Hosts() {
		at := c.at(h)
		if by := at.ByHand(); by != "" {
			c.note("%s on %s: %s", ap.App, h, by)
		}
		gone := pruned(ap, h)
		for _, r := range at.Releases {
			for _, path := range r.Edited {
				if what := c.becomes(at, r, path, slices.Contains(gone, r.Name)); what != "" {
					c.note("%s on %s: %s was edited by hand%s%s", ap.App, h, path, what, indented(r.Diffs[path]))
				}
			}
		}
	}
}

// becomes says what a plan makes of an edit; "" where it is not concerned.
func (c *compiler) becomes(at Installed, r InstalledRelease, path string, gone bool) string {
	root := strings.TrimSuffix(c.app.Layout.Root, "/")
	kept := fmt.Sprintf("%s/.trikk/kept/%s/%s.%s", root, r.Name, path, c.in.ID)
	switch {
	case r.Name == c.rel.Name && c.in.Kind == Rollback:
		return fmt.Sprintf(" in %s, which comes back as it is", r.Name)
	case r.Name == c.rel.Name:
		return "; it is written anew, and the edit is kept in " + kept
	case r.Name == at.Current && gone:
		return fmt.Sprintf("; the edit is not in %s, and is kept in %s", c.rel.Name, kept)
	case r.Name == at.Current:
		return fmt.Sprintf("; the edit is not in %s, and stays in %s/releases/%s/%s", c.rel.Name, root, r.Name, path)
	case gone:
		return fmt.Sprintf(" in %s, which is removed; the edit is kept in %s", r.Name, kept)
	}
	return ""
}

// pruned are the releases that a plan removes from a host.
func pruned(ap AppPlan, host string) []string {
	var out []string
	for _, w := range ap.Waves {
		for _, l := range w.Lanes {
			for _, s := range l.Steps {
				if op, ok := s.Op.(Prune); ok && l.Host == host {
					out = append(out, op.Releases...)
				}
			}
		}
	}
	return out
}

// indented puts a text of several lines below a note.
func indented(text string) string {
	if text == "" {
		return ""
	}
	return "\n" + strings.TrimRight(text, "\n")
}
