package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

// view shows a run while it happens: one stream of events, two renderers. Its methods may be called concurrently.
type view interface {
	// start is called once, before the first event.
	start(runID string, p plan.Plan)
	// event shows one line of the journal.
	event(e plan.Event)
	// progress shows what a waiting step saw last.
	progress(host, step, text string)
	// upload shows how much of an upload was sent, in bytes; it is called often.
	upload(host, step string, sent, total int64)
	// finish shows how the run ended.
	finish(o plan.Outcome)
}

// plainView writes lines that begin with the host, and with the app where the run has several; lines are never mixed. What happens goes to w, how it ended to result.
type plainView struct {
	mu      sync.Mutex
	w       io.Writer
	result  io.Writer
	paint   paint // of w
	verbose int
	quiet   bool
	plan    plan.Plan
	run     string
	wave    map[int]string    // last wave that was named, by unit
	last    map[string]string // what a step saw last, until it ends
	steps   map[string]plan.Step
	places  map[string]string // by step: what its lines begin with
	width   int
	now     func() time.Time // nil: nothing is said of how long it took
	tally   tally
	past    time.Time // when a run began that is shown later; zero: it begins now
	seen    time.Time // of the last event of such a run
	left    *eta
}

func newPlainView(c *cli) *plainView {
	w := c.world.err
	if c.flags.quiet {
		w = io.Discard
	}
	return &plainView{w: w, result: c.out, paint: c.paint(w), now: c.now, verbose: c.flags.verbose, quiet: c.flags.quiet, wave: map[int]string{}, last: map[string]string{}, steps: map[string]plan.Step{}}
}

func (v *plainView) start(runID string, p plan.Plan) {
	v.begin(runID, p)
	fmt.Fprintf(v.w, "run %s\n", runID)
}

// begin takes the plan that the events are about.
func (v *plainView) begin(runID string, p plan.Plan) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.run, v.plan = runID, p
	if v.now != nil {
		v.tally.began = cmp.Or(v.past, v.now())
	}
	eachStep(p, func(s plan.Step) {
		v.steps[s.ID] = s
		v.width = max(v.width, len(s.Host))
	})
	v.places = placesOf(p)
	for _, at := range v.places {
		v.width = max(v.width, len(at))
	}
}

// placesOf gives what tells the lines of each step from others where several apps are in hand on one host; nothing where the host does.
func placesOf(p plan.Plan) map[string]string {
	out := map[string]string{}
	if len(p.Apps) < 2 {
		return out
	}
	for _, a := range p.Apps {
		eachStep(plan.Plan{Apps: []plan.AppPlan{a}}, func(s plan.Step) { out[s.ID] = s.Host + " " + a.App })
	}
	return out
}

// place is what the lines of a step begin with.
func (v *plainView) place(s plan.Step) string { return cmp.Or(v.places[s.ID], s.Host) }

// eachStep visits every step of a plan, undo steps included.
func eachStep(p plan.Plan, visit func(plan.Step)) {
	lanes := func(ls []plan.Lane) {
		for _, l := range ls {
			for _, s := range l.Steps {
				visit(s)
				for _, u := range s.Undo {
					visit(u)
				}
			}
		}
	}
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			lanes(w.Lanes)
		}
	}
	for _, g := range p.Groups {
		lanes(g.Lanes)
	}
}

func (v *plainView) event(e plan.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.left.event(e)
	if !v.past.IsZero() {
		v.pass(timeOf(e, cmp.Or(v.seen, v.past)))
	}
	v.tells(e)
	if v.left != nil {
		v.still()
	}
}

// pass is told when an event was of a run that is shown later. How long that took is counted from the first one.
func (v *plainView) pass(at time.Time) {
	if v.seen.IsZero() {
		v.tally.began = at
	}
	v.seen = at
}

// still says now and then how long the run still takes.
func (v *plainView) still() {
	if text := v.left.line(v.now()); text != "" {
		fmt.Fprintln(v.w, text)
	}
}

func (v *plainView) tells(e plan.Event) {
	switch e.Kind {
	case plan.SegmentStarted:
		v.segment(e)
	case plan.StepFinished:
		v.step(e)
	case plan.SegmentFinished:
		if e.Error != "" {
			fmt.Fprintf(v.w, "  %-*s  %s  %s\n", v.width, v.placeOf(*e.Ref), v.paint.bad("UNKNOWN"), firstLine(e.Error))
		}
	case plan.CancelAsked:
		fmt.Fprintln(v.w, "interrupted: nothing new is started; what is in hand is finished or undone (again: stop at once)")
	case plan.LockLost:
		fmt.Fprintf(v.w, "  %-*s  the lock was lost; nothing more is done\n", v.width, e.Host)
	case plan.DeadlinePassed:
		v.late()
	}
}

// late says which deadline passed, and what the steps that still wait saw last.
func (v *plainView) late() {
	fmt.Fprintf(v.w, "the deadline of the run passed (%s, %s); nothing new is started; what is in hand is finished or undone\n", v.plan.Deadline.Short(), v.plan.DeadlineBy)
	for _, id := range sortedKeys(v.last) {
		fmt.Fprintf(v.w, "  %-*s  %s: last seen: %s\n", v.width, v.place(v.steps[id]), v.steps[id].Title, v.last[id])
	}
}

// segment names the wave when it begins, and says when a lane is being undone.
func (v *plainView) segment(e plan.Event) {
	name := v.waveOf(*e.Ref)
	if e.Ref.Undo {
		name = "undo of " + name
	}
	if v.wave[e.Ref.Unit] == name {
		return
	}
	v.wave[e.Ref.Unit] = name
	fmt.Fprintln(v.w, v.paint.head(name))
}

func (v *plainView) waveOf(r plan.Ref) string {
	if r.Unit < len(v.plan.Apps) && len(v.plan.Apps) > 1 {
		return v.plan.Apps[r.Unit].App + " " + waveName(v.plan, r)
	}
	return waveName(v.plan, r)
}

// waveName is the name of the wave, or of the group, that a reference is in.
func waveName(p plan.Plan, r plan.Ref) string {
	if r.Unit >= len(p.Apps) {
		return p.Groups[r.Unit-len(p.Apps)].ID
	}
	return p.Apps[r.Unit].Waves[r.Wave].Name
}

// placeOf is what the lines of a lane begin with.
func (v *plainView) placeOf(r plan.Ref) string {
	if r.Unit >= len(v.plan.Apps) {
		return v.plan.Groups[r.Unit-len(v.plan.Apps)].Lanes[r.Lane].Host
	}
	lane := v.plan.Apps[r.Unit].Waves[r.Wave].Lanes[r.Lane]
	if len(lane.Steps) == 0 {
		return lane.Host
	}
	return v.place(lane.Steps[0])
}

func (v *plainView) step(e plan.Event) {
	r := e.Result
	delete(v.last, r.Step)
	s := v.steps[r.Step]
	v.tally.add(s, r)
	word := statusWord(r.Status, s.Op)
	took := ""
	if d := time.Duration(r.Millis) * time.Millisecond; d >= 100*time.Millisecond {
		took = fmt.Sprintf("  (%s)", d.Round(100*time.Millisecond))
	}
	bad := r.Status != plan.Changed && r.Status != plan.Unchanged
	word = v.colour(r.Status)(fmt.Sprintf("%-7s", word))
	at := v.place(s)
	fmt.Fprintf(v.w, "  %-*s  %s  %s%s\n", v.width, at, word, s.Title, took)
	if v.verbose > 1 {
		v.indent(at, s.Op.Script())
	}
	if bad && r.Error != "" {
		v.indent(at, r.Error)
	}
	if out := withoutReason(r); out != "" && (bad || v.verbose > 0) {
		v.indent(at, lastLines(out, 20))
	}
}

// withoutReason is what a step printed, without its last line where that is the error, which was shown.
func withoutReason(r *plan.Result) string {
	out := strings.TrimSpace(r.Output)
	if r.Error == "" {
		return out
	}
	return strings.TrimSpace(strings.TrimSuffix(out, strings.TrimSpace(r.Error)))
}

func (v *plainView) colour(status string) func(string) string {
	switch status {
	case plan.Changed:
		return v.paint.good
	case plan.Unchanged:
		return func(s string) string { return s }
	}
	return v.paint.bad
}

func (v *plainView) indent(at, text string) {
	if text == "" {
		return
	}
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(v.w, "  %-*s           %s\n", v.width, at, shown(strings.TrimRight(line, "\r")))
	}
}

func (v *plainView) progress(host, step, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if text == "" || v.last[step] == text {
		return
	}
	v.last[step] = text
	fmt.Fprintf(v.w, "  %-*s  %s  %s\n", v.width, cmp.Or(v.places[step], host), v.paint.wait("waiting"), shown(text))
}

// upload shows nothing: every tenth of an upload is a line of progress.
func (v *plainView) upload(string, string, int64, int64) {}

func (v *plainView) finish(o plan.Outcome) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.quiet {
		fmt.Fprintln(v.result)
	}
	showOutcome(v.result, v.plan, o, v.run)
	if v.now != nil {
		v.tally.show(v.w, v.plan, o, cmp.Or(v.seen, v.now()))
		showAgain(v.w, v.plan, o, v.run)
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// indented marks lines as part of the line before.
func indented(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}

func lastLines(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// statusWord says how a step ended. What only looks has nothing to change.
func statusWord(status string, op plan.Op) string {
	switch status {
	case plan.Changed:
		return "done"
	case plan.Unchanged:
		switch op := op.(type) {
		case plan.ProbeOp, plan.Pause, plan.ApproveOp:
			return "ok"
		case plan.DrainOp:
			if op.Again {
				return "ok"
			}
		}
		return "as is"
	case plan.Failed:
		return "FAILED"
	case plan.Unknown:
		return "UNKNOWN"
	case plan.NotRun:
		return "NOT RUN"
	}
	return status
}
