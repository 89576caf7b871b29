package run

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"trikk.dev/engine/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleet is servers behind a proxy, in memory. It does what steps say, and notes what must never happen.
type fleet struct {
	mu      sync.Mutex
	out     map[string]bool   // drained
	release map[string]string // what current links to
	most    int               // servers that may be out at once
	wrong   []string
	did     []string
	flying  int
	flew    int                                       // the most segments at once
	fate    map[string]string                         // by step ID: a status that is not Changed, or "cut"
	around  func(context.Context, plan.Segment) error // before a segment's first step
	took    time.Duration                             // of each step
}

func newFleet(most int) *fleet {
	return &fleet{out: map[string]bool{}, release: map[string]string{}, most: most, fate: map[string]string{}}
}

func (f *fleet) do(ctx context.Context, s plan.Segment, results func(plan.Result)) error {
	f.mu.Lock()
	f.flying++
	f.flew = max(f.flew, f.flying)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.flying--
	}()
	if f.around != nil {
		if err := f.around(ctx, s); err != nil {
			return err
		}
	}
	for _, step := range s.Steps {
		if f.took > 0 {
			time.Sleep(f.took)
		}
		status := f.step(step)
		if status == "cut" {
			return fmt.Errorf("connection lost")
		}
		results(plan.Result{Step: step.ID, Status: status})
		if status != plan.Changed {
			break
		}
	}
	return nil
}

func (f *fleet) step(s plan.Step) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, s.ID)
	switch op := s.Op.(type) {
	case plan.DrainOp:
		f.out[s.Host] = true
	case plan.AdmitOp:
		delete(f.out, s.Host)
	case plan.Link:
		if !f.out[s.Host] {
			f.wrong = append(f.wrong, s.Host+" is switched in rotation")
		}
		f.release[s.Host] = op.Release
	}
	if len(f.out) > f.most {
		f.wrong = append(f.wrong, fmt.Sprintf("%d servers are out at once", len(f.out)))
	}
	if status, ok := f.fate[s.ID]; ok {
		return status
	}
	return plan.Changed
}

// healthy fails the test if something went wrong, or a server was left out or in between.
func (f *fleet) healthy(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.wrong) > 0 {
		t.Errorf("wrong: %v", f.wrong)
	}
	if len(f.out) > 0 {
		t.Errorf("left out of rotation: %v", f.out)
	}
}

// deploy is one app on hosts: a record on each, then turns of most servers at a time.
func deploy(most int, onFailure string, hosts ...string) plan.Plan {
	install, rotate := plan.Wave{Name: plan.WaveInstall}, plan.Wave{Name: plan.WaveRotate, MaxParallel: most}
	for _, h := range hosts {
		install.Lanes = append(install.Lanes, plan.Lane{Host: h, Steps: []plan.Step{
			{ID: h + "/used", Host: h, Title: "record", Op: plan.Record{What: "used", Plan: "p"}},
		}})
		step := func(id string, op plan.Op, undo plan.Op) plan.Step {
			return plan.Step{ID: h + "/" + id, Host: h, Title: id, Op: op, Changes: true,
				Undo: []plan.Step{{ID: h + "/" + id + "/undo", Host: h, Title: "undo " + id, Op: undo}}}
		}
		rotate.Lanes = append(rotate.Lanes, plan.Lane{Host: h, Steps: []plan.Step{
			step("drain", plan.DrainOp{}, plan.AdmitOp{}),
			step("link", plan.Link{Name: "current", Release: "new"}, plan.Link{Name: "current", Release: "old"}),
			step("admit", plan.AdmitOp{}, plan.DrainOp{}),
		}})
	}
	return plan.Plan{ID: "p", Env: "test", Apps: []plan.AppPlan{{App: "web", OnFailure: onFailure, Waves: []plan.Wave{install, rotate}}}}
}

// memory is a store that remembers, and fails from its nth append on (0: never).
type memory struct {
	mu     sync.Mutex
	events plan.Journal
	calls  int
	failAt int
}

func (m *memory) Append(events ...plan.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.failAt > 0 && m.calls >= m.failAt {
		return fmt.Errorf("no space left on device")
	}
	m.events = append(m.events, events...)
	return nil
}

// numbered fails the test unless events are numbered from 1.
func numbered(t *testing.T, j plan.Journal) {
	t.Helper()
	for i, e := range j {
		if e.Seq != i+1 {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
	}
}

func laneStates(o plan.Outcome) []string {
	var out []string
	for _, l := range o.Lanes {
		if l.Wave == plan.WaveRotate {
			out = append(out, l.Host+" "+l.State)
		}
	}
	return slices.Clip(out)
}
