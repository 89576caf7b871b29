package plan

import "fmt"

// walkOp is an op that only says how it travels. The embedded interface seals it.
type walkOp struct {
	Op
	via Transport
}

func (o walkOp) Kind() string         { return "walk" }
func (o walkOp) Title() string        { return "walk by " + string(o.via) }
func (o walkOp) Transport() Transport { return o.via }
func (o walkOp) Script() string       { return "" }

// walkStep is a step of host by a transport; undo is the number of steps that take it back.
func walkStep(id, host string, via Transport, undo int) Step {
	s := Step{ID: id, Host: host, Title: "do " + id, Op: walkOp{via: via}}
	for i := range undo {
		u := fmt.Sprintf("%s/undo%d", id, i)
		s.Undo = append(s.Undo, Step{ID: u, Host: host, Title: "do " + u, Op: walkOp{via: via}})
	}
	return s
}

func walkChange(id, host string, via Transport) Step {
	s := walkStep(id, host, via, 1)
	s.Changes = true
	return s
}

// walkTurn is a lane [drain, restart, admit] in three segments.
func walkTurn(app, host string) Lane {
	return Lane{Host: host, Steps: []Step{
		walkChange(app+"/"+host+"/drain", host, Dial),
		walkChange(app+"/"+host+"/restart", host, Script),
		walkChange(app+"/"+host+"/admit", host, Dial),
	}}
}

// walkRolling is an app with one wave of one-step installs, and one rotating wave of parallel lanes.
func walkRolling(app string, parallel int, onFailure string, hosts ...string) AppPlan {
	install := Wave{Name: WaveInstall}
	rotate := Wave{Name: WaveRotate, MaxParallel: parallel}
	for _, h := range hosts {
		install.Lanes = append(install.Lanes, Lane{Host: h, Steps: []Step{walkStep(app+"/"+h+"/unpack", h, Script, 0)}})
		rotate.Lanes = append(rotate.Lanes, walkTurn(app, h))
	}
	return AppPlan{App: app, OnFailure: onFailure, Waves: []Wave{install, rotate}}
}

// walker drives a machine the way a driver does, one event at a time, and keeps the journal.
type walker struct {
	p   Plan
	m   *Machine
	j   Journal
	log []string // steps in the order in which they were started, and "!" after those that ended badly
	// fate says how a step ends: "" well, else a status, or "cut" for a transport error in the middle of it.
	fate map[string]string
	fly  []Ref
	most int // segments in flight
}

func newWalker(p Plan) *walker { return &walker{p: p, m: NewMachine(p), fate: map[string]string{}} }

func (w *walker) event(e Event) {
	e.Seq = len(w.j) + 1
	if err := w.m.Apply(e); err != nil {
		panic(err)
	}
	w.j = append(w.j, e)
}

// startAll starts what is offered.
func (w *walker) startAll() {
	for _, r := range w.m.Decide().Start {
		w.start(r)
	}
}

func (w *walker) start(r Ref) {
	w.event(Event{Kind: SegmentStarted, Ref: &r})
	w.fly = append(w.fly, r)
	w.most = max(w.most, len(w.fly))
}

// end runs a segment in flight to its end.
func (w *walker) end(i int) {
	r := w.fly[i]
	w.fly = append(w.fly[:i:i], w.fly[i+1:]...)
	s, err := w.p.Segment(r)
	if err != nil {
		panic(err)
	}
	for _, step := range s.Steps {
		fate := w.fate[step.ID]
		if fate == "cut" {
			w.log = append(w.log, step.ID+"!")
			w.event(Event{Kind: SegmentFinished, Ref: &r, Error: "connection lost"})
			return
		}
		if fate == "" {
			w.log = append(w.log, step.ID)
			w.event(Event{Kind: StepFinished, Ref: &r, Result: &Result{Step: step.ID, Status: Changed}})
			continue
		}
		w.log = append(w.log, step.ID+"!")
		w.event(Event{Kind: StepFinished, Ref: &r, Result: &Result{Step: step.ID, Status: fate, Error: "it broke"}})
		break
	}
	w.event(Event{Kind: SegmentFinished, Ref: &r})
}

// run goes on, oldest segment first, until the run finished.
func (w *walker) run() Outcome {
	for range 10_000 {
		w.startAll()
		d := w.m.Decide()
		if d.Finished != nil {
			return *d.Finished
		}
		if len(w.fly) == 0 {
			panic("nothing runs and the run has not finished")
		}
		w.end(0)
	}
	panic("the run does not end")
}

// walkStates gives the lanes' states as "HOST STATE", of the waves that rotate or of groups.
func walkStates(o Outcome) []string {
	var out []string
	for _, l := range o.Lanes {
		if l.Wave != WaveInstall {
			out = append(out, l.Host+" "+l.State)
		}
	}
	return out
}
