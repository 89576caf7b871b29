package plan_test

import (
	"fmt"
	"maps"
	"slices"

	"trikk.dev/engine/plan"
)

// apply does a plan's steps, wave by wave and lane by lane, on the facts. Like a real host it fails on what can't be done.
func (f *fleet) apply(p plan.Plan) error {
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			for _, l := range w.Lanes {
				if err := f.steps(a.Source, l.Steps); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// copy is a fleet of its own.
func (f *fleet) copy() *fleet {
	g := *f
	g.facts.Apps = map[string]map[string]plan.Installed{}
	for app, hosts := range f.facts.Apps {
		g.facts.Apps[app] = map[string]plan.Installed{}
		for h, at := range hosts {
			at.Releases, at.Cached, at.Used = slices.Clone(at.Releases), slices.Clone(at.Cached), slices.Clone(at.Used)
			g.facts.Apps[app][h] = at
		}
	}
	g.facts.Rotation = map[string]map[string][]plan.Rotation{}
	for app, servers := range f.facts.Rotation {
		g.facts.Rotation[app] = map[string][]plan.Rotation{}
		for s, states := range servers {
			g.facts.Rotation[app][s] = slices.Clone(states)
		}
	}
	g.facts.Artifacts = maps.Clone(f.facts.Artifacts)
	return &g
}

func (f *fleet) steps(app plan.App, steps []plan.Step) error {
	for _, s := range steps {
		if err := f.step(app, s); err != nil {
			return fmt.Errorf("%s on %s: %s: %w", s.ID, s.Host, s.Title, err)
		}
	}
	return nil
}

// step does one step on the facts of its host.
func (f *fleet) step(app plan.App, s plan.Step) error {
	at := f.facts.Apps[app.Name][s.Host]
	err := f.change(app, s.Host, &at, s.Op)
	f.facts.Apps[app.Name][s.Host] = at
	return err
}

func (f *fleet) change(app plan.App, host string, at *plan.Installed, op plan.Op) error {
	switch op := op.(type) {
	case plan.Upload, plan.Reload:
	case plan.Fetch:
		if !op.Controller && !slices.Contains(at.Cached, op.File) {
			at.Cached = append(at.Cached, op.File)
			slices.Sort(at.Cached)
		}
	case plan.Unpack:
		return unpack(at, op)
	case plan.Write:
		return f.write(at, op)
	case plan.Chmod:
		if complete(at, op.Release) == nil {
			return nil
		}
		return unpacked(at, op.Release)
	case plan.Run:
		return complete(at, op.Release)
	case plan.Link:
		return link(at, op)
	case plan.Record:
		return record(at, op)
	case plan.ServiceOp:
		return f.service(app, host, at, op)
	case plan.MarkerOp:
		at.Marked = op.Present
	case plan.DrainOp:
		f.drain(app, at, op)
	case plan.AdmitOp:
		return f.admit(app, at, op)
	case plan.ProbeOp:
		if op.Through != "" {
			return nil // the app was probed on its own server before
		}
		return healthy(app, at)
	case plan.Pause, plan.ApproveOp:
		return healthy(app, at)
	case plan.Prune:
		return prune(at, op)
	default:
		return fmt.Errorf("no such op")
	}
	return nil
}

func index(at *plan.Installed, name string) int {
	return slices.IndexFunc(at.Releases, func(r plan.InstalledRelease) bool { return r.Name == name })
}

func unpack(at *plan.Installed, op plan.Unpack) error {
	if !slices.Contains(at.Cached, op.File) {
		return fmt.Errorf("%s is not in the cache", op.File)
	}
	if i := index(at, op.Release); i >= 0 {
		at.Releases[i] = plan.InstalledRelease{Name: op.Release}
		return nil
	}
	at.Releases = append(at.Releases, plan.InstalledRelease{Name: op.Release})
	slices.SortFunc(at.Releases, func(a, b plan.InstalledRelease) int { return plan.CompareVersions(a.Name, b.Name) })
	return nil
}

func unpacked(at *plan.Installed, name string) error {
	if i := index(at, name); i < 0 || at.Releases[i].Complete {
		return fmt.Errorf("%s is not there, or complete", name)
	}
	return nil
}

func complete(at *plan.Installed, name string) error {
	if i := index(at, name); i < 0 || !at.Releases[i].Complete {
		return fmt.Errorf("%s is not complete", name)
	}
	return nil
}

func link(at *plan.Installed, op plan.Link) error {
	if op.Persist != "" {
		return unpacked(at, op.Release)
	}
	at.Current, at.Linked = op.Release, op.Release
	if op.Release == "" {
		return nil
	}
	return complete(at, op.Release)
}

func record(at *plan.Installed, op plan.Record) error {
	i := index(at, op.Release)
	switch op.What {
	case "used":
		if slices.Contains(at.Used, op.Plan) {
			return fmt.Errorf("plan %s was applied here", op.Plan)
		}
		at.Used = append(at.Used, op.Plan)
		return nil
	case "trial":
		at.Trial = op.Release
		return complete(at, op.Release)
	case "judged":
		if at.Trial == op.Release {
			at.Trial = ""
		}
		return nil
	case "complete":
		if i < 0 {
			return fmt.Errorf("%s is not there", op.Release)
		}
		at.Releases[i].Complete, at.Releases[i].Manifest = true, *op.Manifest
		return nil
	}
	at.Releases[i].Good, at.Releases[i].GoodSeq = true, op.Plan
	return complete(at, op.Release)
}

// service starts only what does not run, as real service managers do.
func (f *fleet) service(app plan.App, host string, at *plan.Installed, op plan.ServiceOp) error {
	states := f.facts.Rotation[app.Name][host]
	if op.Action == "stop" {
		at.Service, at.Running = "inactive", ""
		replace(states, plan.RotationIn, plan.RotationDown)
		return nil
	}
	if at.Service == "active" {
		return nil
	}
	if at.Current != op.Release {
		return fmt.Errorf("asked to start %s, and %s is linked", op.Release, at.Current)
	}
	at.Service, at.Running = "active", at.Current
	replace(states, plan.RotationDown, plan.RotationIn)
	return nil
}

func replace(states []plan.Rotation, from, to string) {
	for i := range states {
		if states[i].State == from {
			states[i].State = to
		}
	}
}

func (f *fleet) point(app plan.App, p plan.Point) *plan.Rotation {
	states := f.facts.Rotation[app.Name][p.Server]
	for i, q := range plan.Points(app, f.env, p.Server) {
		if q.Proxy == p.Proxy {
			return &states[i]
		}
	}
	panic("no such point")
}

func (f *fleet) drain(app plan.App, at *plan.Installed, op plan.DrainOp) {
	for _, p := range op.Points {
		f.point(app, p).State = plan.RotationOut
		f.marks(app, at, p, true)
	}
}

// marks: a marker that is the app's enable marker disables and enables it.
func (f *fleet) marks(app plan.App, at *plan.Installed, p plan.Point, present bool) {
	if enables(app, p) {
		at.Marked = present
	}
}

func enables(app plan.App, p plan.Point) bool {
	m := p.Driver.Marker
	return m != nil && app.Marker != "" && m.File == app.Marker && p.Target == p.Server
}

// markedOut: a proxy that looks at the enable marker sees that it was made.
func (f *fleet) markedOut(app plan.App, p plan.Point) {
	if enables(app, p) {
		f.point(app, p).State = plan.RotationOut
	}
}

func (f *fleet) admit(app plan.App, at *plan.Installed, op plan.AdmitOp) error {
	dead := healthy(app, at) != nil
	if dead && !op.Unproven {
		return fmt.Errorf("admitted a server that serves nothing")
	}
	for _, p := range op.Points {
		f.point(app, p).State = plan.RotationIn
		if dead {
			f.point(app, p).State = plan.RotationDown
		}
		f.marks(app, at, p, false)
	}
	return nil
}

func healthy(app plan.App, at *plan.Installed) error {
	if app.Service.None() {
		return complete(at, at.Current)
	}
	if at.Service == "inactive" || at.Service == "" {
		return fmt.Errorf("nothing runs")
	}
	return nil
}

// write mends an edited file of a complete release, which keeps the edit, or writes one of a release that is being made.
func (f *fleet) write(at *plan.Installed, op plan.Write) error {
	if complete(at, op.Release) != nil {
		return unpacked(at, op.Release)
	}
	r := &at.Releases[index(at, op.Release)]
	kept := op.Release + "/" + op.Path + "." + op.Keep
	switch edited := slices.Contains(r.Edited, op.Path); {
	case op.Keep == "":
		return fmt.Errorf("no run keeps the edit")
	case op.Back && !edited && slices.Contains(f.kept, kept):
		r.Edited = append(slices.Clone(r.Edited), op.Path)
	case !op.Back && edited:
		f.kept = append(f.kept, kept)
		r.Edited = slices.DeleteFunc(slices.Clone(r.Edited), func(p string) bool { return p == op.Path })
	}
	return nil
}

func prune(at *plan.Installed, op plan.Prune) error {
	for _, name := range op.Releases {
		if name == at.Current || name == at.Running || index(at, name) < 0 {
			return fmt.Errorf("asked to remove %s", name)
		}
		at.Releases = slices.Delete(at.Releases, index(at, name), index(at, name)+1)
	}
	for _, name := range op.Cached {
		i := slices.Index(at.Cached, name)
		if i < 0 {
			return fmt.Errorf("asked to remove %s from the cache", name)
		}
		at.Cached = slices.Delete(at.Cached, i, i+1)
	}
	return nil
}
