package plan

// probes wait until every probe of a release passed, in the order of their names.
func (c *compiler) probes(t turn, release, version string) []Step {
	var out []Step
	for _, op := range c.probeOps(c.probesOf(t, release), version) {
		out = append(out, c.step(t.server, op))
	}
	return out
}

// probesOf are the probes of a release: of the one that is deployed as the config says, of others as they were when they were
// installed, so that a probe that is new today does not fail the release that a turn goes back to.
func (c *compiler) probesOf(t turn, release string) map[string]Check {
	r, _ := t.at.release(release)
	if r.Manifest.Probes == nil || release == c.rel.Name && c.in.Kind == Deploy {
		return c.app.Probes
	}
	return r.Manifest.Probes
}

func (c *compiler) probeOps(probes map[string]Check, version string) []ProbeOp {
	var out []ProbeOp
	for _, name := range sortedKeys(probes) {
		out = append(out, ProbeOp{Name: name, App: c.app.Name, Root: c.app.Layout.Root, Current: c.app.Layout.Current,
			Version: version, Log: c.app.Log, Check: probes[name]})
	}
	return out
}
