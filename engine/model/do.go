package model

import (
	"slices"

	"trikk.dev/engine/plan"
)

// Do does one step at once, as a server and its proxies would, and tells how it ended. It waits for nothing: what is not so yet
// has failed.
func (f *Fleet) Do(app string, s plan.Step) plan.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	var e end
	f.log(app, s, "started")
	f.act(s.ID, s.Host, f.touched(s.Host), func() { e = f.do(app, s) })
	if e.why == "" {
		f.log(app, s, "done 0")
	}
	return resultOf(s, e)
}

// note writes a line of the step log, as a script does.
func (f *Fleet) note(app string, s plan.Step, what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log(app, s, what)
}

func (f *Fleet) log(app string, s plan.Step, what string) {
	if p := f.place(s.Host, app); p != nil && s.Op.Transport() == plan.Script {
		p.log = append(p.log, s.ID+" "+what)
	}
}

// prove gives what the step logs tell of the segments that were in flight where a journal ends.
func (f *Fleet) prove(p plan.Plan, j plan.Journal) ([]plan.Event, error) {
	m, err := plan.Replay(p, j)
	if err != nil {
		return nil, err
	}
	var out []plan.Event
	for _, seg := range m.Open() {
		at := f.place(seg.Host, seg.App)
		if at == nil || seg.Transport != plan.Script {
			continue
		}
		for _, s := range seg.Steps {
			e := plan.Event{Kind: plan.StepFinished, Ref: &seg.Ref, Result: &plan.Result{Step: s.ID, Status: plan.Changed}}
			if !slices.Contains(at.log, s.ID+" started") {
				e.Kind, e.Result.Status = plan.StepNotStarted, plan.NotRun
				out = append(out, e)
				break
			}
			if !slices.Contains(at.log, s.ID+" done 0") {
				break
			}
			out = append(out, e)
		}
	}
	return out, nil
}

func resultOf(s plan.Step, e end) plan.Result {
	r := plan.Result{Step: s.ID, Status: plan.Changed}
	switch {
	case e.why != "":
		r.Status, r.Error = plan.Failed, e.why
	case e.same:
		r.Status = plan.Unchanged
	}
	return r
}

func (f *Fleet) do(app string, s plan.Step) end {
	switch op := s.Op.(type) {
	case plan.DrainOp:
		return f.drain(op)
	case plan.AdmitOp:
		return f.admit(op)
	case plan.ProbeOp:
		return f.probe(app, s.Host, op)
	case plan.Pause:
		return f.pause(app, s.Host, op)
	case plan.ApproveOp:
		return same // somebody says yes
	case plan.Upload:
		was := f.hosts[s.Host].staged[op.File]
		f.hosts[s.Host].staged[op.File] = true
		return unchanged(was)
	case plan.Fetch:
		if op.Controller {
			return changed
		}
	}
	return f.script(s.Host, app, s.Op)
}

func (f *Fleet) drain(op plan.DrainOp) end {
	was := true
	for _, p := range op.Points {
		m := f.members[keyOf(p)]
		if m == nil {
			return failed("%s has no member %s in %s", p.Proxy, p.Member, p.Backend)
		}
		was = was && f.isOut(m)
		f.setOut(m, true)
		m.empty = f.now()
	}
	return unchanged(was)
}

func (f *Fleet) admit(op plan.AdmitOp) end {
	was := true
	for _, p := range op.Points {
		m := f.members[keyOf(p)]
		if m == nil {
			return failed("%s has no member %s in %s", p.Proxy, p.Member, p.Backend)
		}
		was = was && !f.isOut(m)
		f.setOut(m, false)
	}
	for _, p := range op.Points {
		if m := f.members[keyOf(p)]; !op.Unproven && !m.mute && !m.held && !f.sends(m) {
			return failed("%s sends nothing to %s", p.Proxy, p.Server)
		}
	}
	return unchanged(was)
}

// probe asks the app on its own server, or on the one that a pair's proxy is in front of.
func (f *Fleet) probe(app, host string, op plan.ProbeOp) end {
	if op.Through != "" {
		host = f.behind(app, op.Through)
	}
	if !f.answers(app, host) {
		return failed("%s does not answer on %s", app, host)
	}
	return same
}

// behind is the server that a pair's proxy is in front of.
func (f *Fleet) behind(app, proxy string) string {
	for _, s := range f.apps[app].Servers {
		for _, m := range f.pointsOf(app, s) {
			if m.point.Proxy == proxy {
				return s
			}
		}
	}
	return ""
}

func (f *Fleet) pause(app, host string, op plan.Pause) end {
	if len(op.Probes) > 0 && !f.answers(app, host) {
		return failed("%s does not answer on %s any more", app, host)
	}
	for _, p := range op.Points {
		if m := f.members[keyOf(p)]; m != nil && !m.mute && !m.held && !f.sends(m) {
			return failed("%s sends nothing to %s any more", p.Proxy, p.Server)
		}
	}
	return same
}

// Fail lets a step fail, with what its like leaves behind: a process that never answers, one that did not start, one that died
// while it was watched, a proxy whose check fails.
func (f *Fleet) Fail(app string, s plan.Step) plan.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.suffer(f.touched(s.Host), func() { f.fail(app, s) })
	return plan.Result{Step: s.ID, Status: plan.Failed, Exit: exitOf(s), Error: "it failed, as it was told to"}
}

func exitOf(s plan.Step) int {
	if s.Op.Transport() == plan.Script {
		return 1
	}
	return 0
}

func (f *Fleet) fail(app string, s plan.Step) {
	p := f.place(s.Host, app)
	switch op := s.Op.(type) {
	case plan.ServiceOp:
		if op.Action == plan.Start && p.alive(f.now()) == "" {
			p.end()
		}
	case plan.ProbeOp:
		if op.Through == "" {
			p.never = true
		}
	case plan.Pause:
		p.end()
	case plan.AdmitOp:
		for _, at := range op.Points {
			m := f.members[keyOf(at)]
			f.setOut(m, false)
			m.down = true
		}
	case plan.Run:
		p.hook(op)
	}
}
