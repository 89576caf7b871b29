package main

import (
	"io"
	"sync"
	"time"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// jsonView writes one object a line with time, run and event.
type jsonView struct {
	mu    sync.Mutex
	w     io.Writer
	run   string
	now   func() time.Time
	plan  plan.Plan
	steps map[string]plan.Step
}

func (v *jsonView) emit(event string, fields map[string]any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = writeEvent(v.w, eventLine{stamp(v.now()), v.run, event}, fields) // nobody reads it any more
}

// planned shows what a plan does, before the run: the document itself is what plan --json prints.
func (v *jsonView) planned(p plan.Plan) {
	type app struct {
		App    string   `json:"app"`
		Intent string   `json:"intent"`
		From   []string `json:"from"`
		To     string   `json:"to"`
	}
	apps := []app{}
	for _, a := range p.Apps {
		apps = append(apps, app{a.App, a.Intent, append([]string{}, a.From...), a.To})
	}
	hosts, steps := figures(p)
	fields := map[string]any{"plan": p.ID, "env": p.Env, "apps": apps, "hosts": hosts, "steps": steps, "notes": append([]string{}, p.Notes...),
		"skipped": append([]plan.Skipped{}, p.Skipped...), "deadline": p.Deadline}
	if len(p.LeftOut) > 0 {
		fields["leftOut"] = p.LeftOut
	}
	if p.Release != "" {
		fields["release"] = p.Release
	}
	v.emit("plan", fields)
}

// overridden tells of the guards that the run went past.
func (v *jsonView) overridden(list []run.Override) {
	for _, o := range list {
		v.emit("guard.overridden", map[string]any{"guard": o.Guard, "said": o.Said, "reason": o.Reason})
	}
}

func (v *jsonView) start(runID string, p plan.Plan) {
	v.run, v.plan, v.steps = runID, p, map[string]plan.Step{}
	eachStep(p, func(s plan.Step) { v.steps[s.ID] = s })
	v.emit("run.started", map[string]any{"plan": p.ID, "env": p.Env, "apps": appNames(p)})
}

func (v *jsonView) event(e plan.Event) {
	f := map[string]any{"seq": e.Seq}
	if e.Ref != nil {
		f["ref"] = e.Ref
		v.place(f, *e.Ref)
	}
	if e.Result != nil {
		f["result"] = e.Result
		f["host"], f["title"] = v.steps[e.Result.Step].Host, v.steps[e.Result.Step].Title
	}
	if e.Error != "" {
		f["error"] = e.Error
	}
	if e.Host != "" {
		f["host"] = e.Host
	}
	if e.Kind == plan.DeadlinePassed {
		f["deadline"], f["by"] = v.plan.Deadline, v.plan.DeadlineBy
	}
	v.emit(e.Kind, f)
}

// place names what a reference is about, for readers that don't have the plan.
func (v *jsonView) place(fields map[string]any, r plan.Ref) {
	seg, err := v.plan.Segment(r)
	if err != nil {
		return
	}
	var titles []string
	for _, s := range seg.Steps {
		titles = append(titles, s.Title)
	}
	fields["app"], fields["wave"], fields["host"], fields["undo"] = seg.App, waveName(v.plan, r), seg.Host, r.Undo
	fields["titles"] = titles
}

func (v *jsonView) progress(host, step, text string) {
	v.emit("step.progress", map[string]any{"host": host, "step": step, "text": text})
}

// upload writes nothing: every tenth of an upload is an event of progress.
func (v *jsonView) upload(string, string, int64, int64) {}

func (v *jsonView) finish(o plan.Outcome) {
	v.emit("run.finished", map[string]any{"status": o.Status, "exit": exitOfOutcome(o.Status), "outcome": o})
}

func appNames(p plan.Plan) []string {
	out := []string{}
	for _, a := range p.Apps {
		out = append(out, a.App)
	}
	return out
}
