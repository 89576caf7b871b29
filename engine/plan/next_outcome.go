package plan

// Outcome says how the run ended. Asked before its end, it says how it would stand if nothing more were done: a lane in hand
// that changed its host is stuck.
func (m *Machine) Outcome() Outcome {
	o := Outcome{Skipped: m.skips, LeftOut: m.out}
	var all tally
	for u := range m.units {
		lanes := m.laneOutcomes(u)
		o.Lanes = append(o.Lanes, lanes...)
		status, reason := m.unitStatus(u, lanes), m.s.Units[u].Reason
		if status == Done {
			reason = ""
		}
		if skipped := m.units[u].skipped; status == Done && len(skipped) > 0 {
			status, reason = Partly, skippedText(skipped)
		}
		all.add(status, lanes)
		if m.units[u].app != "" {
			o.Apps = append(o.Apps, AppOutcome{App: m.units[u].app, Status: status, Reason: reason, Cut: cutOf(lanes)})
			continue
		}
		o.Groups = append(o.Groups, GroupOutcome{Group: m.units[u].group, Status: status, Reason: reason})
	}
	o.Status = all.status()
	if o.Status == Done && len(m.skips) > 0 {
		o.Status = Partly
	}
	if len(m.out) > 0 {
		o.Status = m.withoutLeftOut(o.Status)
	}
	return o
}

// withoutLeftOut is the status of a run whose plan left apps out, of which nothing was changed: what is done is done partly, and where
// there was nothing else to do, the run failed.
func (m *Machine) withoutLeftOut(status string) string {
	switch {
	case len(m.units) == 0:
		return FailedClean
	case status == Done:
		return Partly
	}
	return status
}

// cutOf is how many requests the drain deadlines of lanes cut.
func cutOf(lanes []LaneOutcome) int {
	cut := 0
	for _, l := range lanes {
		cut += l.Cut
	}
	return cut
}

func (m *Machine) laneOutcomes(u int) []LaneOutcome {
	var out []LaneOutcome
	for w := range m.s.Units[u].Waves {
		for i := range m.s.Units[u].Waves[w] {
			out = append(out, m.laneOutcome(place{u, w, i}))
		}
	}
	return out
}

func (m *Machine) laneOutcome(at place) LaneOutcome {
	l, un := m.lane(at), m.units[at.unit]
	o := LaneOutcome{
		App: un.app, Group: un.group, Wave: un.waves[at.wave].Name, Host: m.planned(at).Host,
		State: l.State, Changed: m.changed(at), Cut: l.Cut, Step: l.Step, Error: l.Error, UndoError: l.UndoError,
	}
	if o.State == "" {
		o.State = LanePending
	}
	if l.busy() && o.Changed {
		o.State = LaneStuck
	}
	if o.State == LaneStuck {
		for _, s := range undoOf(m.planned(at), m.begun(at))[l.Undone:] {
			o.Stuck = append(o.Stuck, s.Title)
		}
		o.Left = m.left(at)
	}
	return o
}

func (m *Machine) unitStatus(u int, lanes []LaneOutcome) string {
	s := &m.s.Units[u]
	if s.Phase == phaseDone {
		return Done
	}
	changed, stays := false, false
	for _, l := range lanes {
		if l.State == LaneStuck {
			return Broken
		}
		changed = changed || l.Changed
		stays = stays || l.Changed && l.State == LaneDone
	}
	switch {
	case s.Cut || !s.over():
		return Interrupted
	case stays:
		return Partly
	case changed:
		return Reverted
	}
	return FailedClean
}

// tally finds the status of a run from those of its units.
type tally struct {
	has          [6]bool
	doneWithWork bool // a unit is done, and changed something
}

var gravest = [6]string{Broken, Interrupted, Partly, Reverted, FailedClean, Done}

func (t *tally) add(status string, lanes []LaneOutcome) {
	for i, s := range gravest {
		t.has[i] = t.has[i] || s == status
	}
	for _, l := range lanes {
		t.doneWithWork = t.doneWithWork || status == Done && l.Changed
	}
}

// status is the gravest one; Reverted and FailedClean say that nothing new runs anywhere, so beside a done unit they are Partly.
func (t *tally) status() string {
	for i, s := range gravest {
		if !t.has[i] {
			continue
		}
		if t.doneWithWork && (s == Reverted || s == FailedClean) {
			return Partly
		}
		return s
	}
	return Done
}
