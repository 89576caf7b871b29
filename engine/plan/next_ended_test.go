package plan

import "slices"

// ended checks the lanes' states against what the test saw.
func (s *simulation) ended(o Outcome) {
	i := 0
	for u := range len(s.p.Apps) + len(s.p.Groups) {
		_, waves, _ := s.p.unit(u)
		for w := range waves {
			for n, lane := range waves[w].Lanes {
				s.laneEnded(s.lanes[place{u, w, n}], lane, o.Lanes[i])
				i++
			}
		}
	}
}

func (s *simulation) laneEnded(l *tracked, lane Lane, o LaneOutcome) {
	if l == nil || !l.began {
		if o.State != LanePending && (o.State != LaneDone || len(lane.Steps) > 0) {
			s.Fatalf("%s was not started and is %s", lane.Host, o.State)
		}
		return
	}
	if o.Changed != changing(lane.Steps[:l.started]) {
		s.Fatalf("%+v after %d steps of %+v", o, l.started, lane.Steps)
	}
	var want []string
	for _, step := range undoOf(lane, l.started) {
		want = append(want, step.ID)
	}
	switch o.State {
	case LaneDone:
		if !l.done || l.undoing {
			s.Fatalf("%+v is called done: %+v", l, o)
		}
	case LaneUndone:
		if !slices.Equal(l.undone, want) || l.stuck {
			s.Fatalf("undone by %v, want %v", l.undone, want)
		}
	case LaneStuck:
		if !l.stuck && !s.halted {
			s.Fatalf("%+v is called stuck: %+v", l, o)
		}
		if len(o.Stuck) == 0 && l.stuck {
			s.Fatal("a stuck lane names nothing that is left")
		}
	case LaneFailed:
		if !s.halted || o.Changed {
			s.Fatalf("%+v is left: %+v", l, o)
		}
	default:
		s.Fatalf("%+v was started and is %s", l, o.State)
	}
	if n := min(len(l.undone), len(want)); !slices.Equal(l.undone[:n], want[:n]) {
		s.Fatalf("undone by %v, want %v", l.undone, want)
	}
}

// statusHolds checks the run's status against the lanes alone.
func (s *simulation) statusHolds(o Outcome) {
	stuck, changed, stays, left := false, false, false, false
	for _, l := range o.Lanes {
		stuck = stuck || l.State == LaneStuck
		changed = changed || l.Changed
		stays = stays || l.Changed && l.State == LaneDone
		left = left || l.State != LaneDone
	}
	switch o.Status {
	case Done:
		if left {
			s.Fatalf("done with lanes left: %+v", o)
		}
	case FailedClean:
		if changed {
			s.Fatalf("a clean failure changed something: %+v", o)
		}
	case Reverted:
		if !changed || stays {
			s.Fatalf("reverted, yet something stays or nothing changed: %+v", o)
		}
	case Partly:
		if !stays {
			s.Fatalf("partly, yet nothing stays: %+v", o)
		}
	case Interrupted:
		if !s.cancelled {
			s.Fatalf("interrupted by nothing: %+v", o)
		}
	}
	if stuck != (o.Status == Broken) {
		s.Fatalf("stuck lanes %v, status %s", stuck, o.Status)
	}
	if !left && o.Status != Done {
		for _, a := range o.Apps {
			if a.Status != Done {
				return // an app without lanes that was not started
			}
		}
		for _, g := range o.Groups {
			if g.Status != Done {
				return
			}
		}
		s.Fatalf("all is done, status %s", o.Status)
	}
}
