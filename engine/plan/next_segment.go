package plan

import "fmt"

// Segments cuts a lane into its segments, in order: maximal runs of steps with the same host, user and transport.
func Segments(l Lane) [][]Step { return runs(l.Steps) }

func runs(steps []Step) [][]Step {
	var out [][]Step
	from := 0
	for i := range steps {
		if i+1 < len(steps) && together(steps[i], steps[i+1]) {
			continue
		}
		out = append(out, steps[from:i+1:i+1])
		from = i + 1
	}
	return out
}

func together(a, b Step) bool {
	return a.Host == b.Host && a.As == b.As && a.Op.Transport() == b.Op.Transport()
}

// undoOf gives the steps that take back the lane's first upto steps: the last step's undo first.
func undoOf(l Lane, upto int) []Step {
	var out []Step
	for i := upto - 1; i >= 0; i-- {
		out = append(out, l.Steps[i].Undo...)
	}
	return out
}

// Segment gives the steps that a reference names. A reference to another plan, or to nothing in this one, is an error.
func (p Plan) Segment(r Ref) (Segment, error) {
	if r.Plan != p.ID {
		return Segment{}, fmt.Errorf("segment of plan %q, not of %q", r.Plan, p.ID)
	}
	app, waves, err := p.unit(r.Unit)
	if err != nil {
		return Segment{}, err
	}
	if r.Wave < 0 || r.Wave >= len(waves) || r.Lane < 0 || r.Lane >= len(waves[r.Wave].Lanes) {
		return Segment{}, fmt.Errorf("the plan has no lane %d in wave %d of unit %d", r.Lane, r.Wave, r.Unit)
	}
	lane := waves[r.Wave].Lanes[r.Lane]
	if r.Upto < 0 || r.Upto > len(lane.Steps) || !r.Undo && r.Upto != 0 {
		return Segment{}, fmt.Errorf("the lane of %s has no undo of %d steps", lane.Host, r.Upto)
	}
	steps := lane.Steps
	if r.Undo {
		steps = undoOf(lane, r.Upto)
	}
	segments := runs(steps)
	if r.Segment < 0 || r.Segment >= len(segments) {
		return Segment{}, fmt.Errorf("the lane of %s has no segment %d", lane.Host, r.Segment)
	}
	s := segments[r.Segment]
	if r.From < 0 || r.From >= len(s) {
		return Segment{}, fmt.Errorf("segment %d of the lane of %s has no step %d", r.Segment, lane.Host, r.From+1)
	}
	s = s[r.From:]
	return Segment{Ref: r, App: app, Host: s[0].Host, As: s[0].As, Transport: s[0].Op.Transport(), Steps: s}, nil
}

func (p Plan) unit(u int) (app string, waves []Wave, err error) {
	switch {
	case u < 0 || u >= len(p.Apps)+len(p.Groups):
		return "", nil, fmt.Errorf("the plan has no unit %d", u)
	case u < len(p.Apps):
		return p.Apps[u].App, p.Apps[u].Waves, nil
	}
	return "", groupWaves(p.Groups[u-len(p.Apps)]), nil
}
