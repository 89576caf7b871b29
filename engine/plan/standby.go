package plan

// disableStandby is one wave, after the active servers: each standby server is drained where it is still in rotation, the enable
// marker is set, the app stopped, and the link moved to the release, so that it is ready to take over.
func (c *compiler) disableStandby() []Wave {
	w := Wave{Name: WaveStandby}
	for _, h := range c.app.Standby {
		if c.skips(h) {
			continue
		}
		if lane := c.standby(h); len(lane.Steps) > 0 {
			w.Lanes = append(w.Lanes, lane)
		}
	}
	if len(w.Lanes) == 0 {
		return nil
	}
	return []Wave{w}
}

func (c *compiler) standby(host string) Lane {
	t := turn{server: host, at: c.at(host)}
	c.stillIn(&t)
	l := Lane{Host: host, From: t.at.Current}
	l.Steps = append(l.Steps, c.drain(t)...)
	if c.app.Marker != "" && !t.at.Marked && !c.rotatesByMarker(t) {
		s := c.step(host, MarkerOp{Root: c.app.Layout.Root, Path: c.app.Marker, Present: true})
		s.Undo = []Step{c.step(host, MarkerOp{Root: c.app.Layout.Root, Path: c.app.Marker})}
		l.Steps = append(l.Steps, s)
	}
	t.needs = c.look(host).needs
	// A service that can't say whether it runs is stopped when the host has a turn anyway.
	if t.at.Service == "active" || c.in.Offline || len(l.Steps) > 0 || t.needs.link {
		l.Steps = append(l.Steps, c.stop(t)...)
	}
	l.Steps = append(l.Steps, c.mend(host)...)
	l.Steps = append(l.Steps, c.link(t)...)
	if t.needs.link {
		l.Steps = append(l.Steps, c.over(t)...)
	}
	return l
}

// stillIn gives the turn of a standby server the points where it is still in rotation, as one that was active before is: it is
// drained there before it is stopped. A proxy that does not know the server sends it nothing.
func (c *compiler) stillIn(t *turn) {
	if !c.app.Service.None() && t.stopped() {
		return
	}
	points := Points(c.app, c.env, t.server)
	for i, r := range c.facts.Rotation[c.app.Name][t.server] {
		if i < len(points) && (r.State == RotationIn || r.State == RotationUnsettled) {
			t.points, t.states = append(t.points, points[i]), append(t.states, r.State)
		}
	}
}

// withProxies adds the turns of the proxies' hosts where the app is installed there too: with the others in a recreate,
// else one wave each after the servers.
func (c *compiler) withProxies(waves []Wave) []Wave {
	var lanes []Lane
	for _, h := range c.app.installProxies() {
		t := c.look(h)
		t.needs = c.spared(t.needs)
		if t.needs.any() {
			lanes = append(lanes, c.lane(t))
		}
	}
	if len(lanes) == 0 {
		return waves
	}
	if c.recreates() && len(waves) > 0 {
		waves[0].Lanes = append(waves[0].Lanes, lanes...)
		return waves
	}
	return append(waves, Wave{Name: "proxies", MaxParallel: c.maxUnavailable(), Lanes: lanes})
}
