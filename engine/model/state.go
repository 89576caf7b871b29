package model

import (
	"slices"

	"trikk.dev/engine/plan"
)

// Host is how one app stands on one of its hosts.
type Host struct {
	App  string `json:"app"`
	Host string `json:"host"`
	// Current is the release that the link names, Running the one that a process runs; "" for none.
	Current string `json:"current,omitempty"`
	Running string `json:"running,omitempty"`
	// Serves: an active server is in rotation everywhere and answers.
	Serves bool   `json:"serves"`
	Role   string `json:"role"`
	// Drained lists the proxies where it is out of rotation.
	Drained []string `json:"drained,omitempty"`
}

// Roles of a host of an app.
const (
	Active  = "active"
	Standby = "standby"
	Proxy   = "proxy" // the app is installed on a proxy's host too
)

// role is what the i-th of an app's hosts is.
func role(app plan.App, i int) string {
	switch {
	case i < len(app.Servers):
		return Active
	case i < len(app.Servers)+len(app.Standby):
		return Standby
	}
	return Proxy
}

// Hosts tells how all apps stand on all of their hosts, in the order of the config.
func (f *Fleet) Hosts() []Host {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Host
	for _, name := range sortedKeys(f.apps) {
		app := f.apps[name]
		for i, h := range app.Hosts() {
			p := f.place(h, name)
			s := Host{App: name, Host: h, Current: p.current, Running: p.alive(f.now()), Role: role(app, i)}
			if s.Role == Active {
				s.Serves = f.serves(name, h)
				s.Drained = f.drained(name, h)
			}
			out = append(out, s)
		}
	}
	return out
}

// drained lists the proxies where a server is out of rotation.
func (f *Fleet) drained(app, server string) []string {
	var out []string
	for _, m := range f.pointsOf(app, server) {
		if f.isOut(m) {
			out = append(out, m.point.Proxy)
		}
	}
	return out
}

// Facts are what reading the fleet would give. Artifacts are not on it.
func (f *Fleet) Facts() plan.Facts {
	f.mu.Lock()
	defer f.mu.Unlock()
	facts := plan.Facts{Apps: map[string]map[string]plan.Installed{}, Rotation: map[string]map[string][]plan.Rotation{}, Artifacts: map[string]plan.Resolved{}}
	for name, app := range f.apps {
		facts.Apps[name] = map[string]plan.Installed{}
		for _, h := range app.Hosts() {
			facts.Apps[name][h] = f.installed(app, h)
		}
		facts.Rotation[name] = map[string][]plan.Rotation{}
		for _, s := range slices.Concat(app.Servers, app.Standby) {
			for _, m := range f.pointsOf(name, s) {
				facts.Rotation[name][s] = append(facts.Rotation[name][s], plan.Rotation{Proxy: m.point.Proxy, State: f.rotation(m)})
			}
		}
	}
	return facts
}

// installed is what a host has of an app.
func (f *Fleet) installed(app plan.App, host string) plan.Installed {
	p := f.place(host, app.Name)
	at := plan.Installed{Home: p.home, Current: p.current, Linked: p.linked, Trial: p.trial, Marked: app.Marker != "" && p.marked[app.Marker],
		Cached: sortedKeys(p.cached), Used: sortedKeys(p.used)}
	at.Cut = p.cutOff()
	for _, name := range sortedKeys(p.releases) {
		r := p.releases[name]
		seq, good := p.good[name]
		is := plan.InstalledRelease{Name: name, Complete: r.complete, Manifest: r.manifest, Good: good, GoodSeq: seq}
		if r.complete {
			is.Edited = r.edited()
		}
		at.Releases = append(at.Releases, is)
	}
	alive := p.alive(f.now())
	switch {
	case app.Service.None():
	case p.unsure:
		at.Service = "unknown"
	case alive == "":
		at.Service = "inactive"
	default:
		at.Service = "active"
	}
	if !p.hidden {
		at.Running = alive
	}
	return at
}

// rotation is what a proxy says of a member, in the words of facts.
func (f *Fleet) rotation(m *member) string {
	switch {
	case m.mute:
		return plan.RotationUnknown
	case f.isOut(m):
		return plan.RotationOut
	case m.held:
		return plan.RotationHeld
	case f.up(m):
		return plan.RotationIn
	}
	return plan.RotationDown
}
