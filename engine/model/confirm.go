package model

import (
	"fmt"
	"time"

	"trikk.dev/engine/plan"
)

// Confirm says what speaks against a run's claim that it did a step just now; "" is nothing. What a fault took since is no lie.
func (f *Fleet) Confirm(run, app string, s plan.Step) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.Op.Transport() == plan.Script {
		if !f.did[run+" "+s.ID] {
			return "the host did not do it"
		}
		return ""
	}
	switch op := s.Op.(type) {
	case plan.DrainOp:
		for _, p := range op.Points {
			if m := f.members[keyOf(p)]; !f.isOut(m) && (m.forgot.IsZero() || m.forgot.Before(m.empty)) {
				return fmt.Sprintf("%s sends requests to %s", p.Proxy, p.Server)
			}
		}
	case plan.AdmitOp:
		for _, p := range op.Points {
			m := f.members[keyOf(p)]
			if f.isOut(m) || !op.Unproven && !m.mute && !f.sends(m) && !f.watch.excused[server{app, p.Server}] && !f.crashed(app, p.Server) {
				return fmt.Sprintf("%s sends nothing to %s", p.Proxy, p.Server)
			}
		}
	case plan.ProbeOp:
		host := s.Host
		if op.Through != "" {
			host = f.behind(app, op.Through)
		}
		if !f.answers(app, host) && !f.crashed(app, host) {
			return app + " does not answer on " + host
		}
	case plan.Upload:
		if !f.hosts[s.Host].staged[op.File] {
			return "nothing was uploaded"
		}
	}
	return ""
}

// crashed tells whether a fault keeps a server from serving: it ended the process, or makes it answer nobody where no proxy could
// tell.
func (f *Fleet) crashed(app, host string) bool {
	p := f.place(host, app)
	if p == nil {
		return false
	}
	ended := !p.dies.IsZero() && !f.now().Before(p.dies)
	return ended || f.watch.excused[server{app, host}] || p.never && len(f.pointsOf(app, host)) == 0
}

// checkGood: a release is good when it was watched as long as the app says, in rotation.
func (f *Fleet) checkGood(host string, p *place, name string) {
	app := f.apps[p.app]
	watched := time.Duration(app.Rollout.MinReadySeconds) * time.Second
	if role(app, indexOf(app.Hosts(), host)) != Active || app.Service.None() {
		return
	}
	if alive := p.alive(f.now()); alive != name && !p.hidden && !f.crashed(p.app, host) {
		f.breaks("%s is recorded as good on %s, where %q runs", name, host, alive)
		return
	}
	if took := f.since(host, p); took < watched {
		f.breaks("%s is recorded as good on %s after %s, not %s", name, host, took, watched)
	}
}

// since is for how long a process has answered, in rotation.
func (f *Fleet) since(host string, p *place) time.Duration {
	since := p.answersFrom
	for _, m := range f.pointsOf(p.app, host) {
		if m.back.After(since) {
			since = m.back
		}
	}
	return f.now().Sub(since)
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return len(names)
}
