package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"trikk.dev/engine/plan"
)

// How much of the past is read.
const (
	pastRuns   = 20      // runs of the environment, the newest
	pastLooked = 100     // runs of any environment
	pastBytes  = 4 << 20 // of journals in all
)

// mostSamples is how many lanes of a kind are kept, the last ones.
const mostSamples = 64

// Pace is how long lanes took. The zero value knows nothing.
type Pace struct{ took map[work][]time.Duration }

// work is what a lane does where; what is "" is anything.
type work struct{ app, kind, host string }

// wider are kinds of work that a lane belongs to, the narrowest first.
func (w work) wider() []work {
	return slices.Compact([]work{w, {w.app, w.kind, ""}, {"", w.kind, ""}, {}})
}

// learn adds how long a lane took.
func (p *Pace) learn(w work, took time.Duration) {
	if p.took == nil {
		p.took = map[work][]time.Duration{}
	}
	keys := w.wider()
	if w.app != "" {
		keys = append(keys, work{app: w.app})
	}
	for _, k := range keys {
		all := append(p.took[k], took)
		p.took[k] = all[max(0, len(all)-mostSamples):]
	}
}

// of is how long work usually takes: the median of what is most alike. false: nothing is known.
func (p Pace) of(w work) (time.Duration, bool) {
	for _, k := range w.wider() {
		if all := p.took[k]; len(all) > 0 {
			sorted := slices.Sorted(slices.Values(all))
			return sorted[len(sorted)/2], true
		}
	}
	return 0, false
}

// knows tells whether lanes of an app are known.
func (p Pace) knows(app string) bool { return len(p.took[work{app: app}]) > 0 }

func (p Pace) clone() Pace {
	out := Pace{took: make(map[work][]time.Duration, len(p.took))}
	for k, all := range p.took {
		out.took[k] = slices.Clone(all)
	}
	return out
}

// PastPace reads how long lanes took in the newest runs of an environment, but one; "" is none. It reads no more than a bounded part of the
// past. What can't be read tells nothing.
func PastPace(dir, env, but string) Pace {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Pace{}
	}
	slices.Reverse(entries)
	var journals []plan.Journal
	left := int64(pastBytes)
	for _, e := range entries[:min(len(entries), pastLooked)] {
		if e.Name() == but || checkID(e.Name()) != nil || len(journals) == pastRuns {
			continue
		}
		own := filepath.Join(dir, e.Name())
		info, err := os.Stat(filepath.Join(own, eventsFile))
		if err != nil || info.Size() > left || !tells(own, env) {
			continue
		}
		left -= info.Size()
		if j, err := journalOf(own); err == nil {
			journals = append(journals, j)
		}
	}
	slices.Reverse(journals) // the newest lanes are those that are kept
	var p Pace
	for _, j := range journals {
		p.learnJournal(j)
	}
	return p
}

// tells: the run is of the environment, and came to an end by itself.
func tells(own, env string) bool {
	var meta Meta
	var o struct {
		Status string `json:"status"`
	}
	err := errors.Join(readJSON(filepath.Join(own, metaFile), &meta), readJSON(filepath.Join(own, outcomeFile), &o))
	return err == nil && meta.Env == env && slices.Contains([]string{plan.Done, plan.Partly, plan.Reverted, plan.FailedClean}, o.Status)
}

func journalOf(own string) (plan.Journal, error) {
	text, err := os.ReadFile(filepath.Join(own, eventsFile))
	if err != nil {
		return nil, err
	}
	j, _, err := parse(text)
	return j, err
}

// lane is a lane of a plan.
type lane struct{ unit, wave, lane int }

func laneOf(r plan.Ref) lane { return lane{r.Unit, r.Wave, r.Lane} }

// turn is one lane as a journal tells of it.
type turn struct {
	work         work
	began, ended time.Time
	spoiled      bool // it failed, was undone, or is of a run that was taken over: it is no measure
}

// learnJournal learns from the lanes that went through in a run that ended.
func (p *Pace) learnJournal(j plan.Journal) {
	turns := map[lane]*turn{}
	var order []*turn
	for _, e := range j {
		if e.Kind == plan.Resumed {
			for _, t := range order {
				t.spoiled = t.spoiled || t.ended.IsZero()
			}
		}
		if e.Ref == nil {
			continue
		}
		t := turns[laneOf(*e.Ref)]
		if t == nil {
			t = &turn{}
			turns[laneOf(*e.Ref)] = t
			order = append(order, t)
		}
		t.event(e)
	}
	for _, t := range order {
		if !t.spoiled && t.work.kind != "" && !t.began.IsZero() && t.ended.After(t.began) {
			p.learn(t.work, t.ended.Sub(t.began))
		}
	}
}

func (t *turn) event(e plan.Event) {
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil || e.Ref.Undo || e.Error != "" {
		t.spoiled = true
		return
	}
	switch e.Kind {
	case plan.SegmentStarted:
		if t.began.IsZero() {
			t.began = at
		}
		t.ended = time.Time{}
	case plan.StepFinished:
		t.work = workOf(e.Result.Step)
		t.spoiled = t.spoiled || e.Result.Status != plan.Changed && e.Result.Status != plan.Unchanged
	case plan.SegmentFinished:
		t.ended = at
	}
}

// workOf reads the ID of a step: APP/WAVE/HOST/N, or that of work that apps share, KIND/HOST/N.
func workOf(step string) work {
	parts := strings.Split(step, "/")
	switch {
	case len(parts) == 3:
		return work{kind: kindOf(parts[0]), host: parts[1]}
	case len(parts) > 3:
		return work{parts[0], kindOf(parts[1]), parts[2]}
	}
	return work{}
}

// kindOf is a wave's name without its number.
func kindOf(wave string) string {
	if i := strings.IndexAny(wave, " -/"); i >= 0 {
		return wave[:i]
	}
	return wave
}
