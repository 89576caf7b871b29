package model

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"trikk.dev/engine/plan"
)

// watch notes what must never happen.
type watch struct {
	excused map[server]bool // servers that serve nothing because of a fault
	fresh   map[server]bool // servers that served nothing when the run began
	undoing bool            // the step at hand takes another one back
	broken  []string
}

// recently is how old a proven drain may be when the process is stopped.
const recently = 2 * time.Second

// server names an active server of an app.
type server struct{ app, name string }

// act changes what is on a host, or what proxies think of its servers, as a run does, and checks what must hold. The caller holds
// the lock.
func (f *Fleet) act(what, host string, servers []server, change func()) {
	f.watch.undoing = strings.Contains(what, "/undo/")
	before := f.serving(servers)
	change()
	f.checkServing(what, before)
	f.checkCurrent(what, host)
	f.checkEdits(what, host)
}

// suffer changes the fleet as a fault does: what it takes away is not the run's doing.
func (f *Fleet) suffer(servers []server, change func()) {
	before := f.serving(servers)
	change()
	for _, s := range before {
		if !f.serves(s.app, s.name) {
			f.excuse(s)
		}
	}
}

func (f *Fleet) excuse(s server) {
	if f.watch.excused == nil {
		f.watch.excused = map[server]bool{}
	}
	f.watch.excused[s] = true
}

// breaks notes a broken invariant.
func (f *Fleet) breaks(format string, args ...any) {
	f.watch.broken = append(f.watch.broken, fmt.Sprintf(format, args...))
}

// Broken lists the invariants that were broken, in the order of time.
func (f *Fleet) Broken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.watch.broken...)
}

// serving gives those of the servers that serve.
func (f *Fleet) serving(servers []server) []server {
	var out []server
	for _, s := range servers {
		if f.serves(s.app, s.name) {
			out = append(out, s)
		}
	}
	return out
}

// touched are the servers that a host has to do with: as itself, or as the host of what is in front of it.
func (f *Fleet) touched(host string) []server { return f.touches[host] }

// servers are all active servers.
func (f *Fleet) servers() []server {
	var out []server
	for _, name := range sortedKeys(f.apps) {
		for _, s := range f.apps[name].Servers {
			out = append(out, server{name, s})
		}
	}
	return out
}

// Begin notes how the fleet stands before a run: to take back what served nothing before takes nothing away.
func (f *Fleet) Begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin()
}

func (f *Fleet) begin() {
	f.watch.fresh = map[server]bool{}
	for _, s := range f.servers() {
		if !f.serves(s.app, s.name) {
			f.watch.fresh[s] = true
		}
	}
}

// checkServing: who takes a server out of service leaves at least active − maxUnavailable in it, not counting what faults took.
func (f *Fleet) checkServing(what string, before []server) {
	for _, s := range before {
		delete(f.watch.excused, s)
		if f.serves(s.app, s.name) || f.watch.fresh[s] {
			continue
		}
		app := f.apps[s.app]
		if recreates(app) {
			continue
		}
		serving, faults := 0, 0
		for _, name := range app.Servers {
			switch {
			case f.serves(app.Name, name):
				serving++
			case f.crashed(app.Name, name):
				faults++
			}
		}
		if least := len(app.Servers) - maxUnavailable(app); serving+faults < least {
			f.breaks("%s: %d of %d active servers of %s serve, at least %d must", what, serving, len(app.Servers), app.Name, least)
		}
	}
}

// recreates tells whether all active servers go down together, as the compiler decides it.
func recreates(app plan.App) bool {
	switch r := app.Rollout; {
	case r.Recreate != nil:
		return true
	case r.Rolling != nil:
		return false
	}
	return app.Artifact.File != nil || len(app.Servers) == 1
}

func maxUnavailable(app plan.App) int {
	if r := app.Rollout.Rolling; r != nil {
		return max(1, r.MaxUnavailable)
	}
	return 1
}

// checkCurrent: the links on a host name complete releases.
func (f *Fleet) checkCurrent(what, host string) {
	for app, p := range f.hosts[host].places {
		if p.current != "" && !p.complete(p.current) && !p.dangled {
			p.dangled = true
			f.breaks("%s: current of %s on %s names %s, which is not complete", what, app, host, p.current)
		}
	}
}

// blind tells whether nobody can say what is in flight at a member.
func blind(m *member) bool { return m.marked && m.point.Driver.Marker.Watch == nil }

// checkStop: no process is stopped while a proxy sends it requests. A proxy that forgot the drain since it was asked is excused, if
// it was asked a moment ago; an undo doesn't ask again before it stops a release that failed.
func (f *Fleet) checkStop(host string, p *place) {
	for _, m := range f.pointsOf(p.app, host) {
		sending := f.reaches(m) || !f.isOut(m) && f.up(m)
		busy := f.inFlight(m) && f.apps[p.app].Rollout.OnDrainTimeout != "cut" && !blind(m)
		if !sending && !busy {
			continue
		}
		forgotten := !m.forgot.IsZero() && !f.isOut(m) && m.back.Equal(m.forgot)
		if forgotten && (f.watch.undoing || f.now().Sub(m.empty) <= recently) {
			continue
		}
		f.breaks("%s is stopped on %s while %s sends it requests", p.app, host, m.point.Proxy)
	}
}

// checkLink: no release becomes current while another one runs.
func (f *Fleet) checkLink(host string, p *place, op plan.Link) {
	alive := p.alive(f.now())
	if op.Name == "" || alive == "" || p.hidden || alive == op.Release || f.apps[p.app].Service.None() {
		return
	}
	f.breaks("%s becomes current on %s while %s runs", cmp.Or(op.Release, "nothing"), host, alive)
}

// checkComplete: a release is complete when all its generated files were written.
func (f *Fleet) checkComplete(host string, p *place, op plan.Record) {
	r := p.releases[op.Release]
	if r == nil || op.Manifest == nil {
		return
	}
	for _, path := range sortedKeys(op.Manifest.Files) {
		if r.files[path].wrote == "" {
			f.breaks("%s is recorded as complete on %s without %s", op.Release, host, path)
		}
	}
}

// checkLock: what a run changes on a host it changes under its lock there. A lock that was lost a moment ago is excused.
func (f *Fleet) checkLock(what string, owner *Controller, p *place) {
	if p == nil || p.held != nil && p.held.owner == owner || f.now().Sub(p.freed) <= recently && p.held == nil {
		return
	}
	f.breaks("%s without the lock of %s", what, p.app)
}
