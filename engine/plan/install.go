package plan

import "time"

// install is one wave: every host that lacks the release gets it, all in parallel, and nothing that runs is touched.
func (c *compiler) install(get func(host string) []Step) []Wave {
	w := Wave{Name: WaveInstall}
	for _, h := range c.hosts() {
		at := c.at(h)
		if at.complete(c.rel.Name) {
			continue
		}
		lane := Lane{Host: h, From: at.Current}
		if !at.cached(c.rel.File) {
			lane.Steps = get(h)
		}
		lane.Steps = append(lane.Steps, c.build(h)...)
		w.Lanes = append(w.Lanes, lane)
	}
	if len(w.Lanes) == 0 {
		return nil
	}
	return []Wave{w}
}

// build makes the release's directory out of the cached archive. Its manifest is written last: it marks it complete.
func (c *compiler) build(host string) []Step {
	root, name, o := c.app.Layout.Root, c.rel.Name, c.app.Artifact.Options()
	ops := []Op{Unpack{Root: root, File: c.rel.File, Release: name, Format: c.rel.Format, Strip: o.Strip, Limit: o.UnpackLimit, As: unpackedAs(o, c.rel), Keep: c.in.ID}}
	for _, f := range c.rel.Files {
		ops = append(ops, c.write(f))
	}
	for _, m := range c.app.Modes {
		ops = append(ops, Chmod{Root: root, Release: name, Glob: m.Glob, Mode: m.Mode})
	}
	for _, p := range c.app.Layout.Persist {
		ops = append(ops, Link{Root: root, Release: name, Persist: p})
	}
	if c.app.Marker != "" {
		ops = append(ops, Link{Root: root, Release: name, Persist: c.app.Marker, File: true})
	}
	m := c.rel.manifest(c.app, c.in.ID)
	if c.in.Kind == Rollback {
		m.Service = c.proven.Manifest.Service
	}
	ops = append(ops, Record{What: "complete", Root: root, Release: name, Plan: c.in.ID, Manifest: &m})
	var steps []Step
	for _, op := range ops {
		steps = append(steps, c.step(host, op))
	}
	return steps
}

// write writes one generated file of the release.
func (c *compiler) write(f Rendered) Write {
	return Write{Root: c.app.Layout.Root, Release: c.rel.Name, Path: f.Path, Content: f.Content, Mode: f.Mode, Format: f.Format, Secrets: f.Secrets, Keep: c.in.ID}
}

// unpackedAs is the file name of an artifact that is not unpacked.
func unpackedAs(o ArtifactOptions, r Release) string {
	if r.Format != "none" {
		return ""
	}
	if o.As != "" {
		return o.As
	}
	return r.Resolved.File
}

// step makes a step of an op on a host, run by the user that the op needs.
func (c *compiler) step(host string, op Op) Step {
	s := Step{Host: host, Title: op.Title(), Op: op, Timeout: timeoutOf(op), Changes: changes(op)}
	if asApp(op) {
		s.As = c.app.As(c.env, host)
	}
	_, s.NoReturn = op.(Prune)
	return s
}

// asApp tells whether the app user does the op; the login user does what needs systemctl, the staging directory or no
// user at all.
func asApp(op Op) bool {
	switch op := op.(type) {
	case Fetch:
		return op.Staged == "" && !op.Controller
	case Upload, Reload, DrainOp, AdmitOp:
		return false
	case ServiceOp:
		return op.Service.Systemd == nil
	}
	return true
}

// changes tells whether a host counts as changed once the op was started.
func changes(op Op) bool {
	switch op := op.(type) {
	case Link:
		return op.Persist == ""
	case ServiceOp, MarkerOp, DrainOp, AdmitOp, Reload:
		return true
	case Run:
		return op.Phase != "build"
	}
	return false
}

// timeoutOf is the deadline of one step: what its op says it may wait, and a margin for the wire.
func timeoutOf(op Op) Duration {
	const margin = 30 * time.Second
	d := time.Minute
	switch op := op.(type) {
	case Fetch:
		d = 30 * time.Minute
	case Upload:
		d = time.Hour
	case Unpack:
		d = 15 * time.Minute
	case Prune:
		d = 10 * time.Minute
	case ServiceOp:
		d = op.Service.timeout() + margin
	case Run:
		d = 5 * time.Minute
	case DrainOp:
		d = op.Deadline.D() + margin + settle(op.Points)
	case AdmitOp:
		d = op.Deadline.D() + margin + settle(op.Points)
	case ProbeOp:
		t := op.Check.Timing()
		d = t.Deadline.D() + t.Timeout.D() + margin
	case ApproveOp:
		d = op.Within.D() + margin
	case Pause:
		d = time.Duration(op.Seconds)*time.Second + margin
		for _, p := range op.Probes {
			d += p.Check.Timing().Timeout.D()
		}
	}
	return Duration(d)
}

func (s Service) timeout() time.Duration {
	switch {
	case s.Systemd != nil:
		return s.Systemd.Timeout.D()
	case s.Commands != nil:
		return s.Commands.Timeout.D()
	case s.Process != nil:
		return s.Process.Timeout.D()
	}
	return 0
}

// settle is the longest time that a point's balancer needs because it can't be asked.
func settle(points []Point) time.Duration {
	var d time.Duration
	for _, p := range points {
		if p.Driver.Marker != nil && p.Driver.Marker.Watch == nil {
			d = max(d, p.Driver.Marker.Settle.D())
		}
	}
	return d
}

// hooks are the user's commands of one phase.
func (c *compiler) hooks(host, phase string, commands []string) []Step {
	var out []Step
	for _, cmd := range commands {
		s := c.step(host, Run{Command: cmd, Phase: phase, App: c.app.Name, Root: c.app.Layout.Root, Release: c.rel.Name, Version: c.rel.Version})
		s.Timeout = c.app.Hooks.Timeout
		if s.Timeout == 0 {
			s.Timeout = timeoutOf(s.Op)
		}
		out = append(out, s)
	}
	return out
}

// prune is the last wave: what no longer counts is removed, by explicit names.
func (c *compiler) prune() []Wave {
	w := Wave{Name: WavePrune}
	for _, h := range c.hosts() {
		releases, cached := c.superfluous(h)
		if len(releases)+len(cached) == 0 {
			continue
		}
		op := Prune{Root: c.app.Layout.Root, Current: c.app.Layout.Current, Releases: releases, Cached: cached, Keep: c.in.ID}
		w.Lanes = append(w.Lanes, Lane{Host: h, From: c.at(h).Current, Steps: []Step{c.step(h, op)}})
	}
	if len(w.Lanes) == 0 {
		return nil
	}
	return []Wave{w}
}
