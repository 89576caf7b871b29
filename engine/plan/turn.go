package plan

import (
	"slices"
	"strings"
)

// turn is what the facts say of one active server before its turn.
type turn struct {
	server    string
	at        Installed
	points    []Point
	states    []string // of points, by index
	available bool     // it serves: in rotation at every point, or running where nothing is in front of it
	needs     need
	canary    bool // it tries the release before the others
}

// need is what a server's turn has to do; the zero value is nothing.
type need struct {
	link, restart, enable, admit, good bool
	judge                              bool // a run was stopped while the release was on trial here
	mend                               bool // generated files are not as they were written
	adopt                              bool // somebody else linked what is to be linked: trikk records it as its own
}

func (n need) any() bool { return n != need{} }

func (n need) onlyAdopts() bool { return n == need{adopt: true} }

// perhapsOut tells whether the server may be out of rotation at its i-th point because a run was cut off: the proxy can't say, or has
// not taken what it was told.
func (t turn) perhapsOut(i int) bool {
	return t.states[i] == RotationUnsettled || t.states[i] == RotationUnknown && t.at.Cut != nil
}

// perhapsServes tells whether all that speaks against the server's being in rotation is that a run was cut off there.
func (t turn) perhapsServes(app App) bool {
	if !app.Service.None() && t.stopped() {
		return false
	}
	perhaps := false
	for i, s := range t.states {
		if s != RotationIn && s != RotationUnknown && s != RotationUnsettled {
			return false
		}
		perhaps = perhaps || t.perhapsOut(i)
	}
	return perhaps
}

// outPoints are the points where the server is out of rotation before its turn, or may be.
func (t turn) outPoints() []Point {
	var out []Point
	for i, p := range t.points {
		if t.states[i] == RotationOut || t.perhapsOut(i) {
			out = append(out, p)
		}
	}
	return out
}

// heldPoints are those where a person holds the server out by its weight, and others. A turn leaves that as it is.
func (t turn) heldPoints(points []Point) (held, others []Point) {
	for _, p := range points {
		if i := slices.Index(t.points, p); i >= 0 && t.states[i] == RotationHeld {
			held = append(held, p)
			continue
		}
		others = append(others, p)
	}
	return held, others
}

// turn reads the facts of one active server.
func (c *compiler) turn(server string) turn {
	t := c.look(server)
	t.points = Points(c.app, c.env, server)
	rotation := c.facts.Rotation[c.app.Name][server]
	down := len(t.points) > 0
	for i, p := range t.points {
		state := RotationUnknown
		if c.in.Offline {
			state = RotationIn
		}
		if i < len(rotation) {
			state = rotation[i].State
		}
		if t.at.Marked && c.app.enabledBy(p) {
			state = RotationOut // or about to be: the proxy has not looked yet
		}
		t.states = append(t.states, state)
		t.needs.admit = t.needs.admit || state == RotationOut || t.perhapsOut(i)
		down = down && state == RotationDown
	}
	t.needs.restart = t.needs.restart || down && !c.app.Service.None()
	t.needs = c.spared(t.needs)
	t.available = c.in.Offline || !c.skips(server) && t.serves(c.app)
	return t
}

// spared is what a turn needs of it: a rollback gives no turn only to prove a release, which was proven elsewhere.
func (c *compiler) spared(n need) need {
	proof := need{good: n.good, judge: n.judge}
	if c.in.Kind == Rollback && n == proof {
		return need{}
	}
	return n
}

// stopped tells whether no process of the app is known to run.
func (t turn) stopped() bool { return t.at.Service == "inactive" || t.at.Service == "" }

// serves tells whether the server does its work: in rotation at every point as far as anyone can say, or, where nothing is in
// front of it, live and enabled. A server without a running process serves nothing.
func (t turn) serves(app App) bool {
	if !app.Service.None() && t.stopped() {
		return false
	}
	if len(t.points) == 0 {
		return t.at.Current != "" && !t.at.Marked
	}
	for i, s := range t.states {
		if s == RotationOut || s == RotationDown || s == RotationHeld || t.perhapsOut(i) {
			return false
		}
	}
	return true
}

// look reads what any host that takes a turn has to do, whatever is in front of it.
func (c *compiler) look(host string) turn {
	t := turn{server: host, at: c.at(host)}
	t.needs.link = t.at.Current != c.rel.Name
	t.needs.adopt = !t.needs.link && t.at.Linked != "" && t.at.Linked != t.at.Current
	t.needs.mend = len(c.edited(host)) > 0
	t.needs.enable = t.at.Marked && c.app.Marker != ""
	if !c.app.Service.None() && !c.in.Offline {
		stale := t.at.Running != "" && t.at.Running != c.rel.Name
		replaced := !t.needs.link && !t.at.complete(c.rel.Name) // it is installed again under the process
		t.needs.restart = t.stopped() || stale || replaced
	}
	r, _ := t.at.release(c.rel.Name)
	t.needs.good = !r.Good
	t.needs.judge = !t.needs.link && t.at.Trial == c.rel.Name
	return t
}

// why says in a few words why the server serves nothing.
func (t turn) why(app App) string {
	switch {
	case t.at.Current == "":
		return "nothing is live there"
	case !app.Service.None() && t.stopped():
		return "its service is stopped"
	case len(t.points) == 0:
		return "it is disabled"
	}
	var at []string
	for i, p := range t.points {
		switch s := t.states[i]; s {
		case RotationOut, RotationDown:
			at = append(at, s+" at "+p.Proxy)
		case RotationHeld:
			at = append(at, "held out by its weight of 0 at "+p.Proxy)
		case RotationUnsettled:
			at = append(at, "perhaps drained at "+p.Proxy+", which did not take its last change")
		case RotationUnknown:
			if t.perhapsOut(i) {
				at = append(at, "perhaps drained at "+p.Proxy+" by run "+t.at.Cut.Run)
			}
		}
	}
	return strings.Join(at, ", ")
}
