package model

import (
	"cmp"
	"fmt"
	"time"

	"trikk.dev/engine/plan"
)

// end is how an op ended on a host.
type end struct {
	same bool   // there was nothing to do
	why  string // it failed, because of this; "": it succeeded
}

func failed(format string, args ...any) end { return end{why: fmt.Sprintf(format, args...)} }

var (
	changed = end{}
	same    = end{same: true}
)

// unchanged is same where is holds, else changed.
func unchanged(is bool) end {
	if is {
		return same
	}
	return changed
}

// script does what the shell of an op does on a host. The caller holds the lock.
func (f *Fleet) script(host, app string, op plan.Op) end {
	if _, ok := op.(plan.Reload); ok {
		return changed
	}
	p := f.place(host, app)
	if p == nil {
		return failed("%s has nothing of %s", host, app)
	}
	switch op := op.(type) {
	case plan.Fetch:
		return f.fetch(host, p, op)
	case plan.Unpack:
		return p.unpack(op)
	case plan.Write:
		return p.write(op)
	case plan.Chmod:
		return p.configure(op.Release)
	case plan.Link:
		f.checkLink(host, p, op)
		f.checkFollow(host, p, op)
		return p.link(op)
	case plan.Record:
		switch op.What {
		case "good":
			f.checkGood(host, p, op.Release)
		case "judged":
			f.checkJudged(host, p, op.Release)
		case "complete":
			f.checkComplete(host, p, op)
		}
		return p.record(op)
	case plan.ServiceOp:
		return f.service(host, p, op)
	case plan.MarkerOp:
		return f.markerOp(host, p, op)
	case plan.Run:
		return p.hook(op)
	case plan.Prune:
		return p.prune(op)
	}
	return failed("the model does not know the op %s", op.Kind())
}

func (f *Fleet) fetch(host string, p *place, op plan.Fetch) end {
	if p.cached[op.File] {
		return same
	}
	if op.Staged != "" && !f.hosts[host].staged[op.Staged] {
		return failed("%s is not there: upload it first", op.Staged)
	}
	delete(f.hosts[host].staged, op.Staged)
	p.cached[op.File] = true
	return changed
}

func (p *place) unpack(op plan.Unpack) end {
	if p.complete(op.Release) {
		return same
	}
	if !p.cached[op.File] {
		return failed("%s is not there: fetch it first", op.File)
	}
	p.keepEdits(op.Release, op.Keep)
	p.releases[op.Release] = &release{}
	return changed
}

// configure is a mode or a persisted path; what they do does not matter here, but that the release is there.
func (p *place) configure(name string) end {
	if p.releases[name] == nil {
		return failed("%s is not there: unpack the release first", name)
	}
	return changed
}

func (p *place) link(op plan.Link) end {
	switch {
	case op.Persist != "":
		return p.configure(op.Release)
	case op.Release == "":
		was := p.current
		p.current, p.linked = "", ""
		return unchanged(was == "")
	case !p.complete(op.Release):
		return failed("%s is not complete: it can't become %s", op.Release, op.Name)
	}
	was := p.current
	p.current, p.linked = op.Release, op.Release
	return unchanged(was == op.Release)
}

func (p *place) record(op plan.Record) end {
	switch op.What {
	case "used":
		owner := cmp.Or(p.lock, op.Plan)
		switch p.used[op.Plan] {
		case "":
			p.used[op.Plan] = owner
			return changed
		case owner:
			return same
		}
		return failed("plan %s was applied here already: a plan is applied once, make a new one", op.Plan)
	case "settled":
		cut := p.cutOff()
		if cut == nil || cut.Run != op.Run {
			return same
		}
		p.cut = ""
		return changed
	case "complete":
		r := p.releases[op.Release]
		if r == nil {
			return failed("%s is not there: unpack the release first", op.Release)
		}
		was := r.complete
		r.complete, r.manifest = true, *op.Manifest
		return unchanged(was)
	case "good":
		if !p.complete(op.Release) {
			return failed("%s is not complete: it can't be good", op.Release)
		}
		was := p.good[op.Release]
		p.good[op.Release] = op.Plan
		return unchanged(was == op.Plan)
	case "trial":
		was := p.trial
		p.trial = op.Release
		return unchanged(was == op.Release)
	case "judged":
		if p.trial != op.Release {
			return same
		}
		p.trial = ""
		return changed
	}
	return failed("nothing is known of a record %s", op.What)
}

// service starts or stops the process. What is current is started, whatever the op calls it.
func (f *Fleet) service(host string, p *place, op plan.ServiceOp) end {
	if op.Service.None() {
		return same
	}
	now := f.now()
	alive := p.alive(now)
	if op.Action == plan.Stop {
		if alive != "" {
			f.checkStop(host, p)
		}
		p.end()
		return unchanged(alive == "")
	}
	if alive != "" {
		if op.Service.Systemd != nil || alive == p.current {
			return same
		}
		return failed("%s still runs %s: stop it first", p.app, alive)
	}
	if op.Service.Systemd == nil && p.current == "" {
		return failed("%s points to no release: there is nothing to start", op.Current)
	}
	if p.current == "" {
		return failed("the unit of %s is failed after its start", p.app)
	}
	f.started(host, p)
	return changed
}

// started begins a process of what is current.
func (f *Fleet) started(host string, p *place) {
	p.running, p.hidden, p.unsure, p.never, p.dies = p.current, false, false, p.sick, time.Time{}
	p.answersFrom = f.now().Add(f.pace.Start)
	if p.crash > 0 {
		p.dies, p.crash = p.answersFrom.Add(p.crash), 0
	}
	for _, m := range f.pointsOf(p.app, host) {
		m.down = false
	}
}

// end ends the process.
func (p *place) end() {
	p.running, p.hidden, p.unsure, p.never, p.dies = "", false, false, false, time.Time{}
}

func (f *Fleet) markerOp(host string, p *place, op plan.MarkerOp) end {
	was := p.marked[op.Path]
	turned := f.membersMarkedBy(host, p.app, op)
	outs := make([]bool, len(turned))
	for i, m := range turned {
		outs[i] = f.isOut(m)
	}
	p.mark(op.Path, op.Present)
	for i, m := range turned {
		f.turned(m, outs[i])
	}
	return unchanged(was == op.Present)
}

// membersMarkedBy are the members whose proxies look at the very file of an enable marker.
func (f *Fleet) membersMarkedBy(host, app string, op plan.MarkerOp) []*member {
	var out []*member
	for _, m := range f.pointsOf(app, host) {
		if m.marked && m.point.Target == host && f.markerFile(m) == op.Root+"/shared/"+op.Path {
			out = append(out, m)
		}
	}
	return out
}

func (p *place) hook(op plan.Run) end {
	if p.releases[op.Release] == nil {
		return failed("%s is not there", op.Release)
	}
	p.hooks = append(p.hooks, op.Release+" "+op.Phase+" "+op.Command)
	return changed
}

func (p *place) prune(op plan.Prune) end {
	for _, name := range op.Releases {
		if name == p.current {
			return failed("refused to remove %s: it is %s", name, op.Current)
		}
		if name == p.lastGood() {
			return failed("refused to remove %s: it was proven good last", name)
		}
	}
	removed := false
	for _, name := range op.Releases {
		removed = removed || p.releases[name] != nil
		p.keepEdits(name, op.Keep)
		delete(p.releases, name)
		delete(p.good, name)
	}
	for _, name := range op.Cached {
		removed = removed || p.cached[name]
		delete(p.cached, name)
	}
	return unchanged(!removed)
}
