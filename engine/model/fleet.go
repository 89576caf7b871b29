package model

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

// Pace is how long things take on the fleet.
type Pace struct {
	Start time.Duration // from the start of a process until it answers
	See   time.Duration // from a change of an app or a proxy until the proxy sends, or stops sending, accordingly
	End   time.Duration // from a drain until the requests in flight ended
}

// Fleet is servers and proxies in memory. It may be used concurrently.
type Fleet struct {
	mu    sync.Mutex
	now   func() time.Time
	pace  Pace
	env   plan.Environment
	apps  map[string]plan.App
	hosts map[string]*machine
	// members: by proxy, backend and member, what a proxy has of one server.
	members map[memberKey]*member
	fronts  map[server][]*member  // in the order of the points
	touches map[string][]server   // by host: the servers that it has to do with
	steps   map[string]plan.Step  // of the plans that are known, by ID
	edits   map[editedFile]string // what somebody wrote into generated files last
	did     map[string]bool       // steps that were done to their end, by run and ID
	calls   int                   // of all hosts
	watch   watch
}

// machine is one host: a server, or a proxy's host.
type machine struct {
	name   string
	places map[string]*place // by app
	files  map[string]bool   // markers outside of the apps' roots, as user:path
	staged map[string]bool   // ~/.trikk-incoming
	calls  int               // that came
	absent time.Time         // until when it can't be reached
}

// memberKey names a member of a proxy's backend.
type memberKey struct{ proxy, backend, member string }

// member is one server at one proxy.
type member struct {
	app    string
	server string
	point  plan.Point
	marked bool      // the driver goes by a marker on the point's target, not by out
	out    bool      // drained
	maint  bool      // drained for sticky clients too
	down   bool      // its check fails, whatever the app answers, until the app is started again
	mute   bool      // the proxy can't say
	held   bool      // a person set its weight to 0: it gets nothing, and no run changes that
	left   time.Time // when it was last taken out of rotation
	back   time.Time // when it was last taken back
	busy   time.Time // until when requests are in flight
	empty  time.Time // when it was last seen out and empty by who asked
	forgot time.Time // when the proxy forgot a drain by itself
}

// New makes a fleet of the inventory's hosts, with nothing installed.
func New(env plan.Environment, now func() time.Time, pace Pace) *Fleet {
	f := &Fleet{now: now, pace: pace, env: env, apps: map[string]plan.App{}, hosts: map[string]*machine{},
		members: map[memberKey]*member{}, fronts: map[server][]*member{}, touches: map[string][]server{}, steps: map[string]plan.Step{}, did: map[string]bool{}, edits: map[editedFile]string{}}
	for name := range env.Servers {
		f.hosts[name] = newMachine(name)
	}
	for name := range env.Proxies {
		if f.hosts[name] == nil {
			f.hosts[name] = newMachine(name)
		}
	}
	return f
}

func newMachine(name string) *machine {
	return &machine{name: name, places: map[string]*place{}, files: map[string]bool{}, staged: map[string]bool{}}
}

// Of makes the fleet that a plan was made for. An offline plan has no facts and is an error.
func Of(p plan.Plan, now func() time.Time, pace Pace) (*Fleet, error) {
	if p.Offline {
		return nil, fmt.Errorf("the plan was made offline: it says nothing of what is on the servers")
	}
	f := New(p.Inventory, now, pace)
	for _, a := range p.Apps {
		if err := f.Add(a.Source, p.Observed); err != nil {
			return nil, err
		}
	}
	f.Learn(p)
	f.Begin()
	return f, nil
}

// Learn makes the steps of a plan known, so that its scripts can be told by their IDs.
func (f *Fleet) Learn(p plan.Plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range allSteps(p) {
		f.steps[s.ID] = s
	}
}

// allSteps are the steps of a plan and those that take them back.
func allSteps(p plan.Plan) []plan.Step {
	var out []plan.Step
	add := func(lanes []plan.Lane) {
		for _, l := range lanes {
			for _, s := range l.Steps {
				out = append(append(out, s), s.Undo...)
			}
		}
	}
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			add(w.Lanes)
		}
	}
	for _, g := range p.Groups {
		add(g.Lanes)
	}
	return out
}

// Add puts an app on its hosts as the facts say, and its servers behind their proxies.
func (f *Fleet) Add(app plan.App, facts plan.Facts) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.apps[app.Name] = app
	for _, h := range app.Hosts() {
		m := f.hosts[h]
		if m == nil {
			return fmt.Errorf("%s is on %s, which the inventory does not have", app.Name, h)
		}
		m.places[app.Name] = newPlace(app, facts.Apps[app.Name][h])
	}
	for _, name := range app.Servers {
		f.touch(name, server{app.Name, name})
		for i, p := range plan.Points(app, f.env, name) {
			states := facts.Rotation[app.Name][name]
			state := plan.RotationDown
			if i < len(states) {
				state = states[i].State
			}
			if err := f.join(app, p, state); err != nil {
				return err
			}
			f.touch(p.Target, server{app.Name, name})
		}
	}
	return f.addStandby(app, facts)
}

// addStandby puts standby servers behind their proxies, which may still send to one that was active before.
func (f *Fleet) addStandby(app plan.App, facts plan.Facts) error {
	for _, name := range app.Standby {
		for i, p := range plan.Points(app, f.env, name) {
			state := plan.RotationDown
			if states := facts.Rotation[app.Name][name]; i < len(states) {
				state = states[i].State
			}
			if err := f.join(app, p, state); err != nil {
				return err
			}
		}
	}
	return nil
}

// join puts a server behind one proxy.
func (f *Fleet) join(app plan.App, p plan.Point, state string) error {
	if f.hosts[p.Proxy] == nil || f.hosts[p.Target] == nil {
		return fmt.Errorf("%s: the inventory lacks %s or %s", app.Name, p.Proxy, p.Target)
	}
	m := &member{app: app.Name, server: p.Server, point: p, marked: p.Driver.Marker != nil}
	f.members[keyOf(p)] = m
	front := server{app.Name, p.Server}
	f.fronts[front] = append(f.fronts[front], m)
	switch state {
	case plan.RotationOut:
		f.setOut(m, true)
	case plan.RotationDown:
		m.down = f.answers(app.Name, p.Server)
	case plan.RotationUnknown:
		m.mute = true
	case plan.RotationHeld:
		m.held = true
	}
	return nil
}

func (f *Fleet) touch(host string, s server) {
	if !slices.Contains(f.touches[host], s) {
		f.touches[host] = append(f.touches[host], s)
	}
}

func keyOf(p plan.Point) memberKey { return memberKey{p.Proxy, p.Backend, p.Member} }

// place is what a host has of an app, or nil.
func (f *Fleet) place(host, app string) *place {
	if m := f.hosts[host]; m != nil {
		return m.places[app]
	}
	return nil
}

// pointsOf are the members of a server of an app, in the order of its points.
func (f *Fleet) pointsOf(app, name string) []*member { return f.fronts[server{app, name}] }

// answers tells whether a server's app would answer a request now.
func (f *Fleet) answers(app, server string) bool {
	p := f.place(server, app)
	if p == nil {
		return false
	}
	if f.apps[app].Service.None() {
		return p.current != ""
	}
	return p.healthy(f.now())
}

// isOut tells whether a member is drained.
func (f *Fleet) isOut(m *member) bool {
	if m.marked {
		return f.hosts[m.point.Target].files[f.markerFile(m)] || f.enableMarked(m)
	}
	return m.out || m.maint
}

// enableMarked: the app's own marker is the file that the proxy's check looks at.
func (f *Fleet) enableMarked(m *member) bool {
	app := f.apps[m.app]
	p := f.place(m.point.Target, m.app)
	return p != nil && app.Marker != "" && f.markerFile(m) == app.Layout.Root+"/shared/"+app.Marker && p.marked[app.Marker]
}

// markerFile is the path of a member's marker, absolute or beginning with ~/.
func (f *Fleet) markerFile(m *member) string {
	file := m.point.Driver.Marker.File
	if file != "" && file[0] != '/' && (len(file) < 2 || file[:2] != "~/") {
		return m.point.Root + "/shared/" + file
	}
	return file
}

// setOut drains a member, or takes it back.
func (f *Fleet) setOut(m *member, out bool) {
	was := f.isOut(m)
	if m.marked {
		f.setMarker(m.point.Target, f.markerFile(m), out)
	} else {
		m.out = out
		m.maint = m.maint && out
	}
	f.turned(m, was)
}

// turned notes when a member left or came back.
func (f *Fleet) turned(m *member, was bool) {
	switch is := f.isOut(m); {
	case is && !was:
		m.left = f.now()
		m.busy = f.now().Add(f.pace.End)
		m.empty = time.Time{}
	case !is && was:
		m.back = f.now()
	}
}

// setMarker makes or removes a marker file. One that is an app's enable marker is kept with the app.
func (f *Fleet) setMarker(host, file string, there bool) {
	m := f.hosts[host]
	for name, p := range m.places {
		app := f.apps[name]
		if app.Marker != "" && file == app.Layout.Root+"/shared/"+app.Marker {
			p.mark(app.Marker, there)
			return
		}
	}
	if there {
		m.files[file] = true
		return
	}
	delete(m.files, file)
}

// up tells whether a proxy's check of a member holds: the app has answered for long enough.
func (f *Fleet) up(m *member) bool {
	if m.down || !f.answers(m.app, m.server) {
		return false
	}
	if f.apps[m.app].Service.None() {
		return true
	}
	return f.now().Sub(f.place(m.server, m.app).answersFrom) >= f.pace.See
}

// sends tells whether a proxy sends requests to a member.
func (f *Fleet) sends(m *member) bool {
	return !m.held && !f.isOut(m) && f.up(m) && f.now().Sub(m.back) >= f.pace.See
}

// reaches tells whether requests still go to a member: its proxy sends them, or has not looked at its marker yet.
func (f *Fleet) reaches(m *member) bool {
	return f.sends(m) || m.marked && f.isOut(m) && f.up(m) && f.now().Sub(m.left) < f.pace.See
}

// inFlight tells whether requests of a member are still going on.
func (f *Fleet) inFlight(m *member) bool { return f.now().Before(m.busy) && f.answers(m.app, m.server) }

// serves tells whether an active server does its work: every proxy sends it requests, or, where nothing is in front of it, it
// answers and is enabled.
func (f *Fleet) serves(app, server string) bool {
	members := f.pointsOf(app, server)
	if len(members) == 0 {
		p := f.place(server, app)
		return p != nil && p.current != "" && !p.marked[f.apps[app].Marker] && f.answers(app, server)
	}
	return !slices.ContainsFunc(members, func(m *member) bool { return !f.sends(m) })
}
