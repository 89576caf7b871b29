package model

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// figures are what a simulation counts.
type figures struct {
	plans, operations, crashes, faults int
}

// simulate runs one scenario in a bubble of virtual time, and gives what was broken.
func simulate(t *testing.T, s scenario, m mutant) (f figures, broken []string, trace []said) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(s, m)
		w.live()
		f = figures{1, w.f.Calls(), w.crashes, w.faults}
		broken, trace = append(w.wrong, w.f.Broken()...), w.trace
	})
	return f, broken, trace
}

// live lets the past and all rounds happen, and then heals everything and applies once more.
func (w *world) live() {
	for _, p := range w.s.Past {
		w.remember(p)
	}
	for _, r := range w.s.Rounds {
		w.skew = r.Skew
		res := w.apply(r)
		w.check("apply", res)
		for again := 0; unfinished(res) && again < 3; again++ {
			if res.killed {
				w.crashes++
			}
			time.Sleep(5 * time.Second)
			if r.Follow != "resume" || res.journal == nil {
				break
			}
			res = w.resume(res, round{})
			w.check("resume", res)
		}
		if len(w.wrong) > 0 || len(w.f.Broken()) > 0 {
			return
		}
	}
	w.settle()
}

// unfinished tells whether a run may be resumed: it was killed, or left something half done.
func unfinished(r result) bool { return r.killed || r.outcome.Status == plan.Broken }

// remember lets a deploy happen that nothing disturbs, or that ended before all was done.
func (w *world) remember(p past) {
	l := w.life(w.newID())
	app, in := w.intent(round{Version: p.Version}, l.id)
	pl, err := l.compile(w.ctx(), app, in)
	if err != nil || pl.Empty() {
		return
	}
	w.f.Learn(pl)
	for i, wave := range pl.Apps[0].Waves {
		if i == p.Waves {
			break
		}
		for _, lane := range wave.Lanes {
			for n, s := range lane.Steps {
				if i == p.Waves-1 && n >= p.Cut {
					break
				}
				if _, pause := s.Op.(plan.Pause); pause {
					time.Sleep(time.Minute)
					continue
				}
				w.f.Do(app.Name, s)
				time.Sleep(s.Timeout.D() / 2)
			}
		}
	}
	time.Sleep(time.Minute)
	w.f.pardon()
}

// TestSimulate runs PLANS scenarios from SEED on: 100 from 1 without them.
func TestSimulate(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // most of what a plan needs is garbage soon
	plans, seed := number("PLANS", 100), number("SEED", 1)
	var sum figures
	violations := 0
	start := time.Now()
	for i := range plans {
		s := rapid.Custom(drawScenario).Example(seed + i)
		f, broken, trace := simulate(t, s, mutant{})
		sum.plans += f.plans
		sum.operations += f.operations
		sum.crashes += f.crashes
		sum.faults += f.faults
		if len(broken) > 0 {
			violations++
			t.Errorf("seed %d: %s\n%s%s\nreplay: make simulate PLANS=1 SEED=%d", seed+i, strings.Join(broken, "\n"), tracedLines(trace), described(s), seed+i)
		}
		if violations >= 3 {
			break
		}
	}
	t.Logf("%.0f plans a second", float64(sum.plans)/time.Since(start).Seconds())
	fmt.Printf("simulate: plans=%d operations=%d crashes=%d faults=%d violations=%d\n", sum.plans, sum.operations, sum.crashes, sum.faults, violations)
}

func tracedLines(trace []said) string {
	var b strings.Builder
	for _, line := range trace {
		b.WriteString(line.String() + "\n")
	}
	return b.String()
}

// described is a scenario as JSON.
func described(s scenario) string {
	text, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}
