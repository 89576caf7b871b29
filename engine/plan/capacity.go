package plan

import (
	"fmt"
	"slices"
)

// proveCapacity walks the plan and proves that at every moment each app keeps at least active − maxUnavailable servers in
// rotation. A server that served nothing at the start takes nothing away. Recreate is exempt: it was accepted before.
func proveCapacity(p Plan) error {
	for _, a := range p.Apps {
		c := compiler{env: p.Inventory, app: a.Source, in: Intent{Kind: a.Intent, Offline: p.Offline}, facts: p.Observed}
		if c.recreates() {
			continue
		}
		if err := c.proveWaves(a); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) proveWaves(a AppPlan) error {
	serving := map[string]bool{}
	for _, s := range c.app.Servers {
		if c.turn(s).available {
			serving[s] = true
		}
	}
	floor := len(c.app.Servers) - c.maxUnavailable()
	for _, w := range a.Waves {
		taken := 0
		for _, l := range w.Lanes {
			if serving[l.Host] && takesOut(l) {
				taken++
			}
		}
		if w.MaxParallel > 0 {
			taken = min(taken, w.MaxParallel)
		}
		if taken > 0 && len(serving)-taken < floor {
			return &Refusal{Pos: c.app.place("rollout"),
				Text: fmt.Sprintf("%s, wave %s: %d of %d active servers would be in rotation, at least %d must be", a.App, w.Name, len(serving)-taken, len(c.app.Servers), floor)}
		}
		for _, l := range w.Lanes {
			switch {
			case !slices.Contains(c.app.Servers, l.Host):
			case puts(l):
				serving[l.Host] = true
			case takesOut(l):
				delete(serving, l.Host)
			}
		}
	}
	return nil
}

// takesOut tells whether a lane stops its host from serving for a while.
func takesOut(l Lane) bool {
	for _, s := range l.Steps {
		switch op := s.Op.(type) {
		case DrainOp:
			return true
		case ServiceOp:
			return true
		case MarkerOp:
			if op.Present {
				return true
			}
		}
	}
	return false
}

// puts tells whether a lane leaves its host serving: it starts, enables or admits the app, or proves it good.
func puts(l Lane) bool {
	for _, s := range l.Steps {
		switch op := s.Op.(type) {
		case AdmitOp:
			return true
		case ServiceOp:
			if op.Action == "start" {
				return true
			}
		case Record:
			if op.What == "good" {
				return true
			}
		case MarkerOp:
			if !op.Present {
				return true
			}
		}
	}
	return false
}
