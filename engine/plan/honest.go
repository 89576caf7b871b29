package plan

import (
	"fmt"
	"slices"
)

// Misleading finds the first step of a saved plan that does not do what its title says, that is on another host than its place in
// the plan says, or that drives a proxy in another way than the plan's inventory says; "" if there is none. Titles are what a person
// reads before agreeing, and a document can be written by anybody.
func Misleading(p Plan) string {
	for _, a := range p.Apps {
		points := pointsOf(p, a)
		for _, w := range a.Waves {
			if wrong := misleadingLanes(w.Lanes, points); wrong != "" {
				return wrong
			}
		}
	}
	for _, g := range p.Groups {
		if wrong := misleadingLanes(g.Lanes, nil); wrong != "" {
			return wrong
		}
		if wrong := misloaded(g, p.Inventory); wrong != "" {
			return wrong
		}
	}
	return ""
}

// pointsOf are digests of all points of an app, by server.
func pointsOf(p Plan, a AppPlan) map[string][]string {
	out := map[string][]string{}
	for _, server := range slices.Concat(a.Source.Servers, a.Source.Standby) {
		for _, point := range Points(a.Source, p.Inventory, server) {
			out[server] = append(out[server], digestOf(point))
		}
	}
	return out
}

func misleadingLanes(lanes []Lane, points map[string][]string) string {
	for _, l := range lanes {
		for _, s := range l.Steps {
			for _, one := range append([]Step{s}, s.Undo...) {
				if wrong := misleading(l, one); wrong != "" {
					return wrong
				}
				if wrong := misdriven(one, points[l.Host]); wrong != "" {
					return wrong
				}
			}
		}
	}
	return ""
}

// misloaded: a step reloads a proxy in another way than the inventory says.
func misloaded(g Group, inventory Environment) string {
	for _, l := range g.Lanes {
		for _, s := range l.Steps {
			if r, ok := s.Op.(Reload); ok && r != inventory.Proxies[s.Host].reload() {
				return fmt.Sprintf("step %s reloads %s in another way than the plan's inventory says", s.ID, s.Host)
			}
		}
	}
	return ""
}

// misdriven: the step tells a proxy something by other means, or about another server, than the inventory and the app say.
func misdriven(s Step, known []string) string {
	for _, point := range rotationPoints(s.Op) {
		if !slices.Contains(known, digestOf(point)) {
			return fmt.Sprintf("step %s drives %s in another way than the plan's inventory says", s.ID, point.Proxy)
		}
	}
	return ""
}

// rotationPoints are the points that an op is about.
func rotationPoints(op Op) []Point {
	switch op := op.(type) {
	case DrainOp:
		return op.Points
	case AdmitOp:
		return op.Points
	case Pause:
		return op.Points
	}
	return nil
}

func misleading(l Lane, s Step) string {
	if s.Title != s.Op.Title() {
		return fmt.Sprintf("step %s says %q and does %q", s.ID, s.Title, s.Op.Title())
	}
	probe, isProbe := s.Op.(ProbeOp)
	if s.Host != l.Host && (!isProbe || probe.Through != s.Host) {
		return fmt.Sprintf("step %s of the lane of %s is on %s", s.ID, l.Host, s.Host)
	}
	return ""
}
