package plan

import (
	"fmt"
	"slices"
)

// batch is turns that are taken together: a wave.
type batch struct {
	turns  []turn
	canary bool
}

// canary is the part of the rollout that tries the release first; nil: there is none. A rollback needs none: it goes to what has proven
// itself.
func (c *compiler) canary() *Canary {
	r := c.app.Rollout.Rolling
	if r == nil || c.in.Kind != Deploy {
		return nil
	}
	return r.Canary
}

// canaries is how many of the next turns are the canary's: none when nothing new starts, or when as many servers run the release
// already and have proven it.
func (c *compiler) canaries(turns []turn) int {
	canary := c.canary()
	if canary == nil {
		return 0
	}
	fresh := false
	for _, t := range turns {
		fresh = fresh || t.needs.link || t.needs.restart || t.needs.judge
	}
	n := max(1, canary.Servers) - c.tried()
	if !fresh || n <= 0 {
		return 0
	}
	return min(n, len(turns))
}

// onTrialFirst puts the servers where the release is on trial already before the others: they go on being the canary.
func onTrialFirst(turns []turn) []turn {
	slices.SortStableFunc(turns, func(a, b turn) int {
		switch {
		case a.needs.judge && !b.needs.judge:
			return -1
		case b.needs.judge && !a.needs.judge:
			return 1
		}
		return 0
	})
	return turns
}

// tried counts the active servers on which the release is live and proven good, and not on trial.
func (c *compiler) tried() int {
	n := 0
	for _, s := range c.app.Servers {
		at := c.at(s)
		if r, _ := at.release(c.rel.Name); r.Good && at.Current == c.rel.Name && at.Trial != c.rel.Name && !c.in.Offline {
			n++
		}
	}
	return n
}

// waves names the batches' waves: canary, then rotate 1/N.
func (c *compiler) waves(batches []batch) []Wave {
	total := map[bool]int{}
	for _, b := range batches {
		total[b.canary]++
	}
	count := map[bool]int{}
	var out []Wave
	var tried []turn
	for _, b := range batches {
		if !b.canary && len(tried) > 0 {
			out, tried = append(out, c.approval(tried)...), nil
		}
		count[b.canary]++
		w := Wave{Name: fmt.Sprintf("%s %d/%d", WaveRotate, count[false], total[false]), Revert: b.canary}
		switch {
		case c.recreates():
			w.Name = WaveRecreate
		case b.canary && total[true] == 1:
			w.Name = WaveCanary
		case b.canary:
			w.Name = fmt.Sprintf("%s %d/%d", WaveCanary, count[true], total[true])
		}
		for _, t := range b.turns {
			t.canary = b.canary
			w.Lanes = append(w.Lanes, c.lane(t))
			if b.canary {
				tried = append(tried, t)
			}
		}
		out = append(out, w)
	}
	return append(out, c.approval(tried)...)
}

// approval is the wave in which all servers of a canary wait for a person's yes, where that is wanted. Their turns are over, so that nothing
// else waits for them; a no takes all of them back.
func (c *compiler) approval(tried []turn) []Wave {
	canary := c.canary()
	if len(tried) == 0 || !canary.Approve {
		return nil
	}
	w := Wave{Name: WaveApprove, Revert: true}
	for _, t := range tried {
		lane := Lane{Host: t.server, From: t.at.Current}
		lane.Steps = append(lane.Steps, c.step(t.server, ApproveOp{Root: c.app.Layout.Root, Plan: c.in.ID, Within: canary.ApproveWithin}))
		lane.Steps = append(lane.Steps, c.good(t)...)
		lane.Steps = append(lane.Steps, c.over(t)...)
		w.Lanes = append(w.Lanes, lane)
	}
	return []Wave{w}
}

// trial records, before the release is linked, that it is tried: should the run end before the release is judged, an older proof of it on
// this server counts for nothing. Taking the turn back ends the trial, unless it began in an earlier run: then the release stays live.
func (c *compiler) trial(t turn) []Step {
	if !t.canary || t.needs.judge {
		return nil
	}
	s := c.step(t.server, Record{What: "trial", Root: c.app.Layout.Root, Release: c.rel.Name})
	if s.Undo = c.triedAgain(t); s.Undo == nil {
		s.Undo = []Step{c.step(t.server, Record{What: "judged", Root: c.app.Layout.Root, Release: c.rel.Name})}
	}
	return []Step{s}
}

// triedAgain takes back that a turn ended the trial of the release that was live before: nobody has judged that one.
func (c *compiler) triedAgain(t turn) []Step {
	if before := t.at.Trial; before != "" && before == t.at.Current && before != c.rel.Name {
		return []Step{c.step(t.server, Record{What: "trial", Root: c.app.Layout.Root, Release: before})}
	}
	return nil
}

// judged ends the trial with the turn; where a canary is approved, that comes after its approval. A turn of another release than the one
// that was on trial ends that trial too.
func (c *compiler) judged(t turn) []Step {
	if t.canary && c.canary().Approve {
		return nil
	}
	return c.over(t)
}

// over records that the trial on a server is over, where there is one.
func (c *compiler) over(t turn) []Step {
	release, undo := t.at.Trial, c.triedAgain(t)
	if t.canary {
		release, undo = c.rel.Name, nil
	}
	if release == "" {
		return nil
	}
	s := c.step(t.server, Record{What: "judged", Root: c.app.Layout.Root, Release: release})
	s.Undo = undo
	return []Step{s}
}

// onTrial tells whether a release is live on an active server that has not judged it.
func (c *compiler) onTrial(release string) bool {
	return slices.ContainsFunc(c.app.Servers, func(s string) bool {
		at := c.at(s)
		return at.Trial == release && at.Current == release
	})
}
