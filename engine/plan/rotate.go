package plan

import (
	"fmt"
	"slices"
	"strings"
)

// rotate makes the waves of the active servers' turns. Servers that serve nothing go first; then never more than
// maxUnavailable at once.
func (c *compiler) rotate() ([]Wave, error) {
	var out, in []turn // out of rotation, in rotation
	idle := 0          // out of rotation, and nothing here mends that
	var adopt []Lane
	for _, s := range c.app.Servers {
		if c.skips(s) {
			idle++
			continue
		}
		t := c.turn(s)
		if t.needs.onlyAdopts() {
			adopt = append(adopt, c.lane(t))
			t.needs = need{}
		}
		for i, p := range t.points {
			switch {
			case t.states[i] == RotationUnsettled:
				c.note("%s: a change of %s at %s was cut off before the proxy took it: it counts as out, and is made again", c.app.Name, s, p.Proxy)
			case t.perhapsOut(i):
				c.note("%s: %s can't say whether %s is in rotation, where run %s was cut off: it counts as out", c.app.Name, p.Proxy, s, t.at.Cut.Run)
			case t.states[i] == RotationUnknown:
				c.note("%s: %s can't say whether %s is in rotation: it counts as in", c.app.Name, p.Proxy, s)
			}
		}
		switch {
		case !t.needs.any() && !t.available:
			c.note("%s: %s is not in rotation (%s), and this plan leaves it so", c.app.Name, s, t.why(c.app))
			idle++
		case t.needs.any() && t.available:
			in = append(in, t)
		case t.needs.any():
			out = append(out, t)
		}
	}
	c.heldOut(out)
	c.risks(slices.Concat(out, in))
	if len(out)+len(in) == 0 {
		return adopted(adopt, c.withProxies(nil)), nil
	}
	batches, err := c.batches(out, in, idle)
	if err != nil {
		return nil, err
	}
	return adopted(adopt, c.withProxies(c.waves(batches))), nil
}

// batches decides who takes a turn together.
func (c *compiler) batches(out, in []turn, idle int) ([]batch, error) {
	if c.recreates() {
		return []batch{{turns: inOrder(c.app.Servers, slices.Concat(out, in))}}, nil
	}
	if c.canary() != nil {
		out, in = onTrialFirst(out), onTrialFirst(in)
	}
	n := c.canaries(slices.Concat(out, in))
	first := min(n, len(out))
	perhaps := slices.ContainsFunc(out, func(t turn) bool { return t.perhapsServes(c.app) })
	if len(in) == 0 && len(out)+idle == len(c.app.Servers) && !perhaps {
		if !c.in.Offline {
			c.note("no server of %s is in rotation: all that need it take their turn at once", c.app.Name)
		}
		return slices.Concat(chunk(out[:first], len(out), true), chunk(out[first:], len(out), false)), nil
	}
	for _, t := range out {
		if t.at.Current != "" {
			c.note("%s: %s is not in rotation (%s), so it takes its turn first", c.app.Name, t.server, t.why(c.app))
		}
	}
	limit := c.maxUnavailable()
	batches := slices.Concat(chunk(out[:first], limit, true), chunk(out[first:], limit, false))
	if len(in) == 0 {
		return batches, nil
	}
	if limit -= idle; limit < 1 {
		return nil, c.tooFew(idle)
	}
	n -= first
	return slices.Concat(batches, chunk(in[:n], limit, true), chunk(in[n:], limit, false)), nil
}

// tooFew refuses to take a server out beside those that are out and stay so. One that can't be reached counts as out.
func (c *compiler) tooFew(idle int) *Refusal {
	r := &Refusal{Pos: c.app.place("rollout"),
		Text: fmt.Sprintf("%s: %d of %d active servers are out of rotation and maxUnavailable is %d, so no other may be taken out", c.app.Name, idle, len(c.app.Servers), c.maxUnavailable()),
		Hint: "mend those first, see trikk status, or raise rollout.rolling.maxUnavailable"}
	if out := slices.DeleteFunc(slices.Clone(c.app.Servers), func(s string) bool { return !c.skips(s) }); len(out) > 0 {
		r.Text += "; what can't be reached counts as out: " + strings.Join(out, ", ")
	}
	return r
}

func inOrder(servers []string, turns []turn) []turn {
	slices.SortStableFunc(turns, func(a, b turn) int { return slices.Index(servers, a.server) - slices.Index(servers, b.server) })
	return turns
}

func chunk(turns []turn, size int, canary bool) []batch {
	var out []batch
	for len(turns) > 0 {
		n := min(size, len(turns))
		out = append(out, batch{turns: turns[:n], canary: canary})
		turns = turns[n:]
	}
	return out
}

// lane is one server's turn.
func (c *compiler) lane(t turn) Lane {
	l := Lane{Host: t.server, From: t.at.Current}
	add := func(steps ...Step) { l.Steps = append(l.Steps, steps...) }
	if t.needs.onlyAdopts() {
		add(c.link(t)...)
		return l
	}
	if !t.needs.link && !t.needs.restart && !t.needs.mend {
		add(c.trial(t)...)
		add(c.link(t)...)
		add(c.enable(t)...)
		add(c.probes(t, c.rel.Name, c.rel.Version)...)
		add(c.after(t)...)
		add(c.through(t.outPoints(), c.rel.Version)...)
		add(c.admit(t, t.outPoints())...)
		add(c.prove(t)...)
		add(c.judged(t)...)
		return l
	}
	add(c.drain(t)...)
	if t.needs.link {
		add(c.hooks(t.server, "before", c.app.Hooks.Before)...)
	}
	add(c.enable(t)...)
	add(c.drainAgain(t)...)
	add(c.provenBack(t, c.stop(t))...)
	add(c.mend(t.server)...)
	add(c.trial(t)...)
	add(c.link(t)...)
	add(c.start(t)...)
	add(c.probes(t, c.rel.Name, c.rel.Version)...)
	add(c.after(t)...)
	add(c.through(t.points, c.rel.Version)...)
	add(c.admit(t, t.points)...)
	add(c.prove(t)...)
	add(c.judged(t)...)
	return l
}

// after are the hooks that follow the probes: with a switch of the link, and as long as the release was not proven good here. A
// turn that was cut off after its link may have left them out.
func (c *compiler) after(t turn) []Step {
	if !t.needs.link && !t.needs.good && !t.needs.judge {
		return nil
	}
	return c.hooks(t.server, "after", c.app.Hooks.After)
}

// drain takes the server out at every point where it is not out already. Where a run was cut off it is asked everywhere: that run may
// have died while it waited for what is in flight.
func (c *compiler) drain(t turn) []Step {
	op := c.drainOp(t)
	if len(op.Points) == 0 {
		return nil
	}
	s := c.step(t.server, op)
	s.Undo = c.readmit(t)
	return []Step{s}
}

// drainAgain proves right before the restart that no proxy has forgotten the drain.
func (c *compiler) drainAgain(t turn) []Step {
	if len(t.points) == 0 {
		return nil
	}
	op := c.drainOp(t)
	op.Points, op.Again = t.points, true
	s := c.step(t.server, op)
	return []Step{s}
}

func (c *compiler) drainOp(t turn) DrainOp {
	op := DrainOp{Deadline: c.app.Rollout.DrainDeadline, OnTimeout: c.app.Rollout.OnDrainTimeout}
	for i, p := range t.points {
		if t.states[i] != RotationOut || t.at.Cut != nil {
			op.Points = append(op.Points, p)
		}
	}
	return op
}

// readmit takes a drain back: the old release is probed and admitted where it was in. Where it served nothing before, the
// proxy is set back without waiting for traffic. Without an old release the server stays out of rotation.
func (c *compiler) readmit(t turn) []Step {
	if c.previous(t) == "" && !c.in.Offline {
		return nil
	}
	served := AdmitOp{Deadline: c.app.Rollout.AdmitDeadline}
	idle := AdmitOp{Deadline: c.app.Rollout.AdmitDeadline, Unproven: true}
	running := c.app.Service.None() || c.in.Offline || !t.stopped()
	for i, p := range t.points {
		switch {
		case t.states[i] == RotationOut:
		case running && t.states[i] != RotationDown && t.states[i] != RotationHeld:
			served.Points = append(served.Points, p)
		default:
			idle.Points = append(idle.Points, p)
		}
	}
	var out []Step
	if len(served.Points) > 0 {
		out = append(c.probes(t, c.previous(t), c.oldVersion(t)), c.through(served.Points, c.oldVersion(t))...)
		out = append(out, c.step(t.server, served))
	}
	if len(idle.Points) > 0 {
		out = append(out, c.step(t.server, idle))
	}
	return out
}

// previous is the release that a failed turn goes back to: the one that runs, also where the link was switched and the process
// was not restarted; else the current one.
func (c *compiler) previous(t turn) string {
	if t.at.complete(t.at.Running) {
		return t.at.Running
	}
	return t.at.Current
}

func (c *compiler) oldVersion(t turn) string {
	r, _ := t.at.release(c.previous(t))
	return r.Manifest.Version
}

// enable removes the enable marker, unless the proxies watch the very same file: then admitting removes it.
func (c *compiler) enable(t turn) []Step {
	if c.app.Marker == "" || !t.needs.enable && !c.in.Offline || c.rotatesByMarker(t) {
		return nil
	}
	s := c.step(t.server, MarkerOp{Root: c.app.Layout.Root, Path: c.app.Marker})
	s.Undo = []Step{c.step(t.server, MarkerOp{Root: c.app.Layout.Root, Path: c.app.Marker, Present: true})}
	return []Step{s}
}

func (c *compiler) rotatesByMarker(t turn) bool {
	return slices.ContainsFunc(t.points, func(p Point) bool { return c.app.enabledBy(p) })
}

func (c *compiler) service(t turn, action, release, version string) Step {
	return c.step(t.server, ServiceOp{Action: action, App: c.app.Name, Root: c.app.Layout.Root, Current: c.app.Layout.Current,
		Release: release, Version: version, Service: c.serviceOf(t, release)})
}

// serviceOf is how a release is run: the one that is deployed as the config says, others as they were when they were installed.
// A unit is never taken from a host: what the app user may write there must not reach systemctl.
func (c *compiler) serviceOf(t turn, release string) Service {
	r, there := t.at.release(release)
	own := r.Manifest.Service
	if release == c.proven.Name && !(there && r.Complete) {
		own = c.proven.Manifest.Service // a rollback installs it here first
	}
	if own == nil || own.Systemd != nil || own.None() || release == c.rel.Name && c.in.Kind == Deploy {
		return c.app.Service
	}
	return *own
}

// stop ends the old process; taking it back starts the previous release, linked again where the link is ahead of it.
func (c *compiler) stop(t turn) []Step {
	if c.app.Service.None() || t.stopped() && !c.in.Offline {
		return nil
	}
	prev := c.previous(t)
	s := c.service(t, "stop", prev, c.oldVersion(t))
	if prev != t.at.Current {
		s.Undo = append(s.Undo, c.step(t.server, Link{Root: c.app.Layout.Root, Name: c.app.Layout.Current, Release: prev}))
	}
	if prev != "" {
		s.Undo = append(s.Undo, c.service(t, "start", prev, c.oldVersion(t)))
	}
	return []Step{s}
}

// provenBack adds to the undo of a stop that the previous release answers again. Where something is in front of the server,
// taking the drain back proves it.
func (c *compiler) provenBack(t turn, stop []Step) []Step {
	if len(stop) > 0 && len(t.points) == 0 && c.previous(t) != "" {
		stop[0].Undo = append(stop[0].Undo, c.probes(t, c.previous(t), c.oldVersion(t))...)
	}
	return stop
}

// link switches the link, or records as trikk's own what somebody else linked; taking it back links the old release, or removes the link where there was none.
func (c *compiler) link(t turn) []Step {
	if !t.needs.link && !t.needs.adopt {
		return nil
	}
	root, name := c.app.Layout.Root, c.app.Layout.Current
	s := c.step(t.server, Link{Root: root, Name: name, Release: c.rel.Name})
	back := t.at.Current
	if prev := c.previous(t); !t.at.complete(back) && t.at.complete(prev) {
		back = prev // a link to nothing can't be made again
	}
	s.Undo = []Step{c.step(t.server, Link{Root: root, Name: name, Release: back})}
	return []Step{s}
}

// start starts the release. Taking that back proves the drain again before anything is stopped: a proxy that forgot it meanwhile may be
// sending requests.
func (c *compiler) start(t turn) []Step {
	if c.app.Service.None() {
		return nil
	}
	s := c.service(t, "start", c.rel.Name, c.rel.Version)
	s.Undo = append(c.drainAgain(t), c.service(t, "stop", c.rel.Name, c.rel.Version))
	return []Step{s}
}

// through waits, on the host of each proxy of a pair that is about to return, until the proxy passes requests on.
func (c *compiler) through(points []Point, version string) []Step {
	if c.app.Topology.Pairs == nil || c.app.Topology.Pairs.Through == nil {
		return nil
	}
	var out []Step
	for _, p := range points {
		out = append(out, c.step(p.Proxy, ProbeOp{Name: "through", Version: version, Check: *c.app.Topology.Pairs.Through, Through: p.Proxy}))
	}
	return out
}

// admit puts the server back at every point; taking it back drains it at the points that back names.
func (c *compiler) admit(t turn, back []Point) []Step {
	if len(t.points) == 0 {
		return nil
	}
	held, points := t.heldPoints(t.points)
	heldBack, back := t.heldPoints(back)
	var out []Step
	if len(points) > 0 {
		out = append(out, c.admitAt(t, AdmitOp{Points: points, Deadline: c.app.Rollout.AdmitDeadline}, back))
	}
	if len(held) > 0 && len(heldBack) > 0 {
		out = append(out, c.admitAt(t, AdmitOp{Points: held, Deadline: c.app.Rollout.AdmitDeadline, Unproven: true}, heldBack))
	}
	return out
}

func (c *compiler) admitAt(t turn, op AdmitOp, back []Point) Step {
	s := c.step(t.server, op)
	if len(back) > 0 {
		// Going back must end: what is still in flight at the deadline is cut.
		s.Undo = []Step{c.step(t.server, DrainOp{Points: back, Deadline: c.app.Rollout.DrainDeadline, OnTimeout: "cut"})}
	}
	return s
}
