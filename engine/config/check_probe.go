package config

import (
	"fmt"
	"maps"
	"slices"

	"trikk.dev/engine/plan"
)

// timings finds probes that can never pass: they need more passes in a row than there is time for.
func (c *checker) timings(a plan.App) {
	for _, name := range slices.Sorted(maps.Keys(a.Probes)) {
		c.timing(a, "probes."+name, a.Probes[name])
	}
	if p := a.Topology.Pairs; p != nil && p.Through != nil {
		c.timing(a, "topology.pairs.through", *p.Through)
	}
}

func (c *checker) timing(a plan.App, path string, check plan.Check) {
	field := armOf(check)
	if field == "" {
		return // told already
	}
	t := check.Timing()
	pauses := plan.Duration(t.Success - 1)
	if pauses <= 0 || t.Deadline == 0 || t.Interval <= (t.Deadline-1)/pauses {
		return
	}
	c.add(a, path+"."+field+".success", fmt.Sprintf("%d passes in a row, one every %s, are not done within the probe's %s", t.Success, t.Interval.Short(), t.Deadline.Short()), "raise deadline")
}

// armOf is the key of a probe's union that is set.
func armOf(c plan.Check) string {
	switch {
	case c.HTTP != nil:
		return "http"
	case c.TCP != nil:
		return "tcp"
	case c.Exec != nil:
		return "exec"
	}
	return ""
}
