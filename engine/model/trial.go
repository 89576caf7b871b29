package model

import (
	"time"

	"trikk.dev/engine/plan"
)

// checkFollow: no server follows one that tries a release, until a server has judged it.
func (f *Fleet) checkFollow(host string, p *place, op plan.Link) {
	if f.watch.undoing || op.Name == "" || op.Release == "" || p.current == op.Release || p.trial == op.Release || !f.isActive(host, p) {
		return
	}
	if tries, judged := f.trials(p.app, op.Release); tries != "" && !judged {
		f.breaks("%s becomes current on %s, and %s has not judged it", op.Release, host, tries)
	}
}

// checkJudged: who judges a release first has watched it as long as a canary is watched.
func (f *Fleet) checkJudged(host string, p *place, release string) {
	if f.watch.undoing || p.trial != release || p.current != release || !f.isActive(host, p) || f.crashed(p.app, host) {
		return
	}
	rolling := f.apps[p.app].Rollout.Rolling
	if _, judged := f.trials(p.app, release); judged || rolling == nil || rolling.Canary == nil {
		return
	}
	bake := time.Duration(rolling.Canary.BakeSeconds) * time.Second
	if took := f.since(host, p); took < bake {
		f.breaks("%s is judged on %s after %s, not %s", release, host, took, bake)
	}
}

func (f *Fleet) isActive(host string, p *place) bool {
	app := f.apps[p.app]
	return role(app, indexOf(app.Hosts(), host)) == Active
}

// trials names an active server that tries a release, and tells whether another one runs it and has judged it good.
func (f *Fleet) trials(app, release string) (tries string, judged bool) {
	for _, s := range f.apps[app].Servers {
		p := f.place(s, app)
		switch _, good := p.good[release]; {
		case p.current != release:
		case p.trial == release:
			tries = s
		case good:
			judged = true
		}
	}
	return tries, judged
}
