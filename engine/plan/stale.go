package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Change is one thing that is not as the plan was made for.
type Change struct {
	App  string `json:"app"`
	Host string `json:"host,omitempty"`
	What string `json:"what"`
}

// String gives one line.
func (c Change) String() string {
	where := c.App
	if c.Host != "" {
		where += " on " + c.Host
	}
	return where + ": " + c.What
}

// Used lists the hosts on which the plan was applied already, sorted.
func Used(p Plan, f Facts) []string {
	var out []string
	for _, app := range sortedKeys(f.Apps) {
		for _, host := range sortedKeys(f.Apps[app]) {
			if slices.Contains(f.Apps[app][host].Used, p.ID) && !slices.Contains(out, host) {
				out = append(out, host)
			}
		}
	}
	slices.Sort(out)
	return out
}

// fingerprint hashes what Compile decides on; not who else used a host, how far a run came that was cut off, where homes are, or
// what is only told to people.
func fingerprint(f Facts) string {
	apps := map[string]map[string]Installed{}
	for app, hosts := range f.Apps {
		apps[app] = map[string]Installed{}
		for host, at := range hosts {
			at.Home, at.Used = "", nil
			if at.Cut != nil {
				at.Cut = &CutOff{Run: at.Cut.Run}
			}
			at.Releases = slices.Clone(at.Releases)
			for i := range at.Releases {
				at.Releases[i].Diffs = nil
			}
			apps[app][host] = at
		}
	}
	f.Apps, f.Rotation = apps, unsaid(f.Rotation)
	gone := map[string]string{} // which hosts, not why
	for h := range f.Unreachable {
		gone[h] = ""
	}
	f.Unreachable, f.Unread = gone, nil
	return digestOf(f)
}

// unsaid is what proxies say without what nothing is decided on.
func unsaid(rotation map[string]map[string][]Rotation) map[string]map[string][]Rotation {
	if rotation == nil {
		return nil
	}
	out := map[string]map[string][]Rotation{}
	for app, servers := range rotation {
		out[app] = map[string][]Rotation{}
		for server, states := range servers {
			states = slices.Clone(states)
			for i := range states {
				states[i].Said, states[i].Risk = "", ""
			}
			out[app][server] = states
		}
	}
	return out
}

// Stale compares the facts that a plan was made for with those of now. It covers only what Compile decides on, and only the
// apps of the plan; an empty answer means that the plan still holds.
func Stale(p Plan, f Facts) []Change {
	var out []Change
	for _, a := range p.Apps {
		if why := f.Unread[a.App]; why != "" {
			out = append(out, Change{App: a.App, What: "can't be planned any more: " + why})
			continue
		}
		add := func(host, format string, args ...any) {
			out = append(out, Change{App: a.App, Host: host, What: fmt.Sprintf(format, args...)})
		}
		for _, h := range a.Source.Hosts() {
			if what, apart := reachedOrNot(p.Observed, f, h); apart {
				if what != "" {
					add(h, "%s", what)
				}
				continue
			}
			for _, what := range differences(p.Observed.Apps[a.App][h], f.Apps[a.App][h]) {
				add(h, "%s", what)
			}
		}
		for _, s := range slices.Concat(a.Source.Servers, a.Source.Standby) {
			if _, apart := reachedOrNot(p.Observed, f, s); apart {
				continue
			}
			was, now := p.Observed.Rotation[a.App][s], f.Rotation[a.App][s]
			for i := range max(len(was), len(now)) {
				if w, n := rotationAt(was, i), rotationAt(now, i); w != n {
					add(s, "%s, was %s", n, w)
				}
			}
		}
		was, now := p.Observed.Artifacts[a.App], f.Artifacts[a.App]
		if identityOr(was) != identityOr(now) && a.Intent == Deploy {
			add("", "the artifact of %s is another one: %s, was %s", a.Version, identityOr(now), identityOr(was))
		}
	}
	return out
}

// reachedOrNot tells of a host that could not be reached, then or now; apart: nothing else can be said of it.
func reachedOrNot(was, now Facts, host string) (what string, apart bool) {
	_, before := was.Unreachable[host]
	why, after := now.Unreachable[host]
	switch {
	case before && !after:
		what = "can be reached again"
	case after && !before:
		what = "can't be reached: " + why
	}
	return what, before || after
}

func identityOr(r Resolved) string {
	if r.File == "" {
		return "none"
	}
	return identity(r)
}

func rotationAt(rs []Rotation, i int) string {
	if i >= len(rs) {
		return "not asked"
	}
	return rs[i].State + " at " + rs[i].Proxy
}

func differences(was, now Installed) []string {
	var out []string
	pair := func(what, w, n string) {
		if w != n {
			out = append(out, fmt.Sprintf("%s is %s, was %s", what, orNone(n), orNone(w)))
		}
	}
	pair("current", was.Current, now.Current)
	pair("what trikk linked", was.Linked, now.Linked)
	pair("the release on trial", was.Trial, now.Trial)
	pair("service", was.Service, now.Service)
	pair("running release", was.Running, now.Running)
	pair("the enable marker", thereOrNot(was.Marked), thereOrNot(now.Marked))
	pair("what is installed", names(was.Releases), names(now.Releases))
	pair("the archive cache", strings.Join(was.Cached, " "), strings.Join(now.Cached, " "))
	pair("the run that was cut off", was.Cut.run(), now.Cut.run())
	for _, w := range was.Releases {
		if n, ok := now.release(w.Name); ok && w.Good && n.Good && w.GoodSeq != n.GoodSeq {
			out = append(out, fmt.Sprintf("%s was proven good by %s, was by %s", w.Name, n.GoodSeq, w.GoodSeq))
		}
	}
	return out
}

func (c *CutOff) run() string {
	if c == nil {
		return ""
	}
	return c.Run
}

func thereOrNot(marked bool) string {
	if marked {
		return "there"
	}
	return "not there"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// names lists releases with what is decided on: completeness, goodness and edits.
func names(rs []InstalledRelease) string {
	var out []string
	for _, r := range rs {
		n := r.Name
		switch {
		case r.Good:
			n += " (good)"
		case !r.Complete:
			n += " (incomplete)"
		}
		if len(r.Edited) > 0 {
			n += " (edited: " + strings.Join(r.Edited, ", ") + ")"
		}
		out = append(out, n)
	}
	return strings.Join(out, " ")
}

// SameSteps reports whether two plans do the same, whatever they were decided on.
func SameSteps(a, b Plan) bool { return steps(a) == steps(b) }

func steps(p Plan) string {
	type work struct {
		App   string
		Waves []Wave
	}
	var all []work
	for _, a := range p.Apps {
		all = append(all, work{a.App, a.Waves})
	}
	return digestOf(struct {
		Apps   []work
		Groups []Group
	}{all, p.Groups})
}
