package plan

// prove watches the admitted release and records that it is good; where a canary is approved, that comes after its approval. A rollback
// watches nothing, so that it is as fast as the drain allows: where the release was never proven, it stays so until the next deploy of it.
func (c *compiler) prove(t turn) []Step {
	if !t.needs.good && !t.needs.judge && !t.canary || c.unwatched() {
		return nil
	}
	var out []Step
	if n := c.watched(t); n > 0 {
		_, watched := t.heldPoints(t.points)
		out = append(out, c.step(t.server, Pause{Seconds: n, Probes: c.probeOps(c.probesOf(t, c.rel.Name), c.rel.Version), Points: watched}))
	}
	if t.canary && c.canary().Approve {
		return out
	}
	return append(out, c.good(t)...)
}

// good records that the release has proven itself.
func (c *compiler) good(t turn) []Step {
	if !t.needs.good {
		return nil
	}
	return []Step{c.step(t.server, Record{What: "good", Root: c.app.Layout.Root, Release: c.rel.Name, Plan: c.in.ID})}
}

// watched is for how many seconds a turn's release is watched.
func (c *compiler) watched(t turn) int {
	if t.canary {
		return max(c.app.Rollout.MinReadySeconds, c.canary().BakeSeconds)
	}
	return c.app.Rollout.MinReadySeconds
}

// unwatched tells whether the plan leaves out the watch that the app asks for.
func (c *compiler) unwatched() bool {
	return c.in.Kind == Rollback && c.app.Rollout.MinReadySeconds > 0
}
