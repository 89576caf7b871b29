package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/artifact"
	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
	"trikk.dev/engine/run"
)

// world is a scenario that goes on, inside a synctest bubble.
type world struct {
	s     scenario
	f     *Fleet
	m     mutant
	plans int
	lives int // of controllers
	skew  time.Duration

	mu      sync.Mutex
	strikes []strike
	forgets bool
	base    map[string]int // calls of each host when the round began
	faults  int            // that struck
	edits   int            // by people
	crashes int
	trace   []said
	wrong   []string
}

func newWorld(s scenario, m mutant) *world {
	w := &world{s: s, m: m, f: New(s.Env, time.Now, s.Pace)}
	if err := w.f.Add(s.App, plan.Facts{}); err != nil {
		panic(err)
	}
	return w
}

// said is a line of the trace, written out when somebody wants to read it.
type said struct {
	at     time.Duration
	format string
	args   []any
}

// String is the line.
func (s said) String() string {
	return s.at.Truncate(time.Millisecond).String() + " " + fmt.Sprintf(s.format, s.args...)
}

func (w *world) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, said{time.Since(epoch), format, args})
}

func (w *world) breaks(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// meet strikes the calls that the round says.
func (w *world) meet(c Call) Strike {
	if w.forgets && w.isHook(c) {
		w.say("all proxies forget in %s", c.What)
		for _, proxy := range sortedKeys(w.s.Env.Proxies) {
			w.f.Forget(proxy)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.strikes {
		if s.Host == c.Host && s.N == c.N-w.base[c.Host] {
			w.faults++
			w.trace = append(w.trace, said{time.Since(epoch), "%s: %s %s (call %d): %s", []any{c.Host, c.Kind, strings.TrimSpace(c.What), s.N, s.What}})
			return s.What
		}
	}
	return Pass
}

func (w *world) isHook(c Call) bool {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	_, hook := w.f.steps[c.What].Op.(plan.Run)
	return c.Kind == "step" && hook
}

// life is one trikk that applies or resumes.
type life struct {
	w        *world
	ctl      *Controller
	resolver *artifact.Resolver
	actor    *act.Actor
	id       string
	killed   bool
	resumed  bool   // it goes on with the run of another
	info     string // of its lock; for mutants
	store    *journal
}

func (w *world) life(id string) *life {
	w.lives++
	l := &life{w: w, id: id, ctl: w.f.Controller(w.meet), resolver: &artifact.Resolver{Client: &http.Client{Transport: repository{}}, Cache: "/nonexistent"}}
	l.actor = act.New(act.Options{Hosts: w.m.hosts(l, l.ctl), Resolver: l.resolver, Run: id, Who: "anna@desk", Since: "2026-01-01T00:00:00Z",
		Now: func() time.Time { return time.Now().Add(w.skew) }})
	return l
}

// newID is a plan's ID as a controller with a skewed clock makes it.
func (w *world) newID() string {
	w.plans++
	return run.NewID(time.Now().Add(w.skew), bytes.NewReader([]byte{byte(w.plans >> 8), byte(w.plans)}))
}

// result is how an operation ended.
type result struct {
	refused error // before the run began
	plan    plan.Plan
	outcome plan.Outcome
	journal plan.Journal
	killed  bool
	before  []Host
	began   time.Time
	edits   map[editedFile]string // that were in place before the facts were read
	kind    string                // of an apply's plan
}

// apply plans, locks, looks again and runs, as the command does.
func (w *world) apply(r round) result {
	l := w.life(w.newID())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop, stopped := make(chan struct{}), sync.Once{}
	l.store = &journal{killAt: r.KillSave, lost: r.Lost, takes: w.s.Disk, kill: func() { l.killed = true; l.ctl.Kill() }}
	defer w.happen(r, l, cancel, func() { stopped.Do(func() { close(stop) }) })()
	app, in := w.intent(r, l.id)
	edits := w.f.inPlace()
	p, err := l.compile(ctx, app, in)
	if err != nil || p.Empty() {
		return result{refused: err, plan: p, killed: l.killed, edits: edits, kind: in.Kind}
	}
	res := l.run(ctx, p, stop, func() (plan.Plan, error) { return l.compile(ctx, app, in) })
	res.kind = in.Kind
	return res
}

func (w *world) intent(r round, id string) (plan.App, plan.Intent) {
	app := w.s.App
	in := plan.Intent{Kind: plan.Deploy, ID: id, Versions: map[string]string{}}
	if r.Version == "" {
		in.Kind = plan.Rollback
		return app, in
	}
	in.Versions[app.Name] = r.Version
	return app, in
}

// compile reads the facts and makes a plan of them.
func (l *life) compile(ctx context.Context, app plan.App, in plan.Intent) (plan.Plan, error) {
	g := &act.Gatherer{Readers: proxy.ReadersOf(l.w.m.hosts(l, l.ctl)), Resolver: l.resolver}
	facts, err := g.Gather(ctx, l.w.s.Env, []plan.App{app}, in)
	if err != nil {
		return plan.Plan{}, err
	}
	p, err := plan.Compile(l.w.s.Env, []plan.App{app}, facts, in)
	if err != nil {
		return p, err
	}
	return l.w.m.plan(p), nil
}

// run takes the locks, plans again, and walks the plan. A server that came back or went away meanwhile makes a plan with other hosts,
// for which the locks are taken anew.
func (l *life) run(ctx context.Context, p plan.Plan, stop <-chan struct{}, again func() (plan.Plan, error)) result {
	for range 3 {
		lock, err := l.actor.Lock(ctx, act.LockTargets(p))
		if err != nil {
			return result{refused: err, plan: p, killed: l.killed}
		}
		edits := l.w.f.inPlace()
		next, err := again()
		if err == nil && !next.Empty() && slices.Equal(act.LockTargets(p), act.LockTargets(next)) {
			defer func() { _ = lock.Release() }()
			l.w.f.Learn(next)
			l.w.f.Begin()
			return l.drive(ctx, driven{result: result{plan: next, before: l.w.f.Hosts(), edits: edits}, lock: lock, stop: stop})
		}
		_ = lock.Release()
		if err != nil || next.Empty() {
			return result{refused: err, plan: next, killed: l.killed, edits: edits}
		}
		p = next
	}
	return result{refused: &plan.Refusal{Text: "servers come and go"}, plan: p, killed: l.killed}
}

// driven is what drive needs.
type driven struct {
	result
	lock   *act.Lock
	stop   <-chan struct{}
	proofs []plan.Event
}

// drive walks a plan, or goes on where its journal ends, and frees the locks as the command does.
func (l *life) drive(ctx context.Context, d driven) result {
	res := d.result
	res.began = time.Now()
	l.store.events = slices.Clone(res.journal)
	l.w.say("%s: %s of %s begins", l.id, res.plan.Apps[0].Intent, res.plan.Apps[0].To)
	m := l.w.m
	do := m.do(l, l.actor.Do)
	_, outcome, err := run.Local(ctx, res.plan, res.journal, l.confirmed(res.plan, do), nil, run.Proofs(d.proofs),
		run.Keep(l.store), run.Stop(d.stop), run.Lost(m.lost(d.lock.Lost())), run.Clock(time.Now))
	res.outcome, res.journal, res.killed = outcome, l.store.events, l.killed
	if err != nil && !l.killed {
		l.w.breaks("the run of %s ended with %v", l.id, err)
	}
	if m.onEnd != nil {
		m.onEnd(l, do, res)
	}
	if err != nil || outcome.Status == plan.Broken {
		_ = d.lock.Abandon()
	} else {
		_ = d.lock.Ended()
	}
	l.w.say("%s: ended %s, killed %v", l.id, res.outcome.Status, res.killed)
	return res
}

// confirmed asks the model about each step that is told to be done.
func (l *life) confirmed(p plan.Plan, do run.Do) run.Do {
	steps := map[string]plan.Step{}
	for _, s := range allSteps(p) {
		steps[s.ID] = s
	}
	return func(ctx context.Context, seg plan.Segment, results func(plan.Result)) error {
		err := do(ctx, seg, func(r plan.Result) {
			if !l.ctl.gone() {
				l.confirm(seg.App, steps[r.Step], r)
			}
			results(r)
		})
		if err != nil {
			l.w.say("%s: %s: %v", l.id, seg.Steps[0].ID, err)
		}
		return err
	}
}

func (l *life) confirm(app string, s plan.Step, r plan.Result) {
	l.w.say("%s: %s (%s): %s %s", l.id, s.ID, s.Title, r.Status, r.Error)
	if r.Status != plan.Changed && r.Status != plan.Unchanged {
		return
	}
	if why := l.w.f.Confirm(l.id, app, s); why != "" {
		l.w.breaks("%s (%s) is reported as %s: %s", s.ID, s.Title, r.Status, why)
	}
}

// resume goes on with a run from its journal, as the command does.
func (w *world) resume(was result, r round) result {
	l := w.life(was.plan.ID)
	l.resumed = true
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop, stopped := make(chan struct{}), sync.Once{}
	l.store = &journal{killAt: r.KillSave, lost: r.Lost, takes: w.s.Disk, kill: func() { l.killed = true; l.ctl.Kill() }}
	defer w.happen(r, l, cancel, func() { stopped.Do(func() { close(stop) }) })()
	refused := func(err error) result {
		return result{refused: err, plan: was.plan, journal: was.journal, before: was.before, edits: was.edits, killed: l.killed}
	}
	m, err := plan.Replay(was.plan, was.journal)
	if err != nil {
		w.breaks("the journal does not fit its plan: %v", err)
		return refused(err)
	}
	lock, err := l.actor.Lock(ctx, act.LockTargets(was.plan))
	if err != nil {
		return refused(err)
	}
	defer func() { _ = lock.Release() }()
	proofs, err := l.proofs(ctx, was.plan, lock, m)
	if err != nil {
		return refused(err)
	}
	return l.drive(ctx, driven{result: result{plan: was.plan, journal: was.journal, before: was.before, edits: was.edits}, lock: lock, stop: stop, proofs: w.m.proven(m, proofs)})
}

// proofs are what the hosts tell of the segments that were in flight; an error where the rest of the plan no longer fits.
func (l *life) proofs(ctx context.Context, p plan.Plan, lock *act.Lock, m *plan.Machine) ([]plan.Event, error) {
	logs, err := lock.Logs(ctx)
	if err != nil {
		return nil, err
	}
	if later := logs.Later(); len(later) > 0 {
		return nil, &plan.Refusal{Text: fmt.Sprintf("others worked there since: %v", later)}
	}
	g := &act.Gatherer{Readers: proxy.ReadersOf(l.ctl), Resolver: l.resolver}
	view, err := g.Look(ctx, l.w.s.Env, []plan.App{p.Apps[0].Source})
	if err != nil {
		return nil, err
	}
	if moved := plan.Moved(p, m.State(), view.Facts); len(moved) > 0 {
		return nil, &plan.Refusal{Text: fmt.Sprintf("this changed since: %v", moved)}
	}
	var out []plan.Event
	for _, seg := range m.Open() {
		out = append(out, logs.Prove(seg)...)
	}
	return out, nil
}

// isRefusal tells whether an operation ended before it began in one of the ways that are told to people.
func isRefusal(err error) bool {
	var refusal *plan.Refusal
	var locked *act.LockedError
	var wire *host.Error
	return errors.As(err, &refusal) || errors.As(err, &locked) || errors.As(err, &wire) || errors.Is(err, context.Canceled)
}
