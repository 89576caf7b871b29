package plan

import "fmt"

// Misleading finds the first step of a saved plan that does not do what its title says, or that is on another host than its place in
// the plan says; "" if there is none. Titles are what a person reads before agreeing, and a document can be written by anybody.
func Misleading(p Plan) string {
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			if wrong := misleadingLanes(w.Lanes); wrong != "" {
				return wrong
			}
		}
	}
	for _, g := range p.Groups {
		if wrong := misleadingLanes(g.Lanes); wrong != "" {
			return wrong
		}
	}
	return ""
}

func misleadingLanes(lanes []Lane) string {
	for _, l := range lanes {
		for _, s := range l.Steps {
			for _, one := range append([]Step{s}, s.Undo...) {
				if wrong := misleading(l, one); wrong != "" {
					return wrong
				}
			}
		}
	}
	return ""
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
