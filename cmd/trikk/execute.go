package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// fresh refuses a plan that was applied already, or that no longer fits what is there.
func (f *fleet) fresh(ctx context.Context, p plan.Plan) error {
	apps, in := again(p)
	in.KeepGoing = false // it is this plan or none
	facts, err := f.gather(ctx, p.Inventory, apps, in)
	if err != nil {
		return err
	}
	if hosts := plan.Used(p, facts); len(hosts) > 0 {
		have := "has"
		if len(hosts) > 1 {
			have = "have"
		}
		return refused("plan %s was already applied: %s %s it recorded (make a new one with trikk plan)", p.ID, strings.Join(hosts, ", "), have)
	}
	changes := plan.Stale(p, facts)
	if len(changes) == 0 {
		return nil
	}
	return refused("plan %s is stale, because this changed since it was made (make a new one with trikk plan):\n%s", p.ID, lines(changes))
}

// renewed gives the plan that fits what is there now. What changed between planning and locking, a health check that
// turned or another person's deploy, makes a new plan; when it has other steps, it is shown and asked about again.
func (f *fleet) renewed(ctx context.Context, p plan.Plan, con consent, v planView) (plan.Plan, error) {
	apps, in := again(p)
	in.CreatedAt, in.CreatedBy = p.CreatedAt, p.CreatedBy
	facts, err := f.gather(ctx, p.Inventory, apps, in)
	if err != nil {
		return plan.Plan{}, err
	}
	changes := plan.Stale(p, facts)
	if len(changes) == 0 {
		return p, nil
	}
	next, err := plan.Compile(f.limited(p), apps, facts, in)
	next.Skipped = append(next.Skipped, beside(p)...)
	next.LeftOut = append(next.LeftOut, p.LeftOut...)
	if err != nil || plan.SameSteps(p, next) {
		return next, err
	}
	if err := f.judge(ctx, next); err != nil {
		return plan.Plan{}, err
	}
	f.cli.say("\nThis changed since the plan was made, so it is another one:\n%s\n", lines(changes))
	if err := f.showPlanned(ctx, next, v); err != nil || next.Empty() {
		return next, err
	}
	return next, f.cli.ask(next, con)
}

// limited is the inventory of a plan with the limits that its environment has: a plan only has what its own lanes take of them.
func (f *fleet) limited(p plan.Plan) plan.Environment {
	env := p.Inventory
	env.Limits = f.guard.env.Limits
	return env
}

// beside are the servers that were left out of apps which have nothing to do elsewhere: those apps are not planned again.
func beside(p plan.Plan) []plan.Skipped {
	return slices.DeleteFunc(slices.Clone(p.Skipped), func(s plan.Skipped) bool { return slices.Contains(appNames(p), s.App) })
}

func lines(changes []plan.Change) string {
	var b strings.Builder
	for i, ch := range changes {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("  " + ch.String())
	}
	return b.String()
}

// gather reads facts until a signal comes.
func (f *fleet) gather(ctx context.Context, env plan.Environment, apps []plan.App, in plan.Intent) (plan.Facts, error) {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	facts, err := f.gatherer.Gather(ctx, env, apps, in)
	return facts, stopped(ctx, err)
}

// again is the question that a plan's facts answered.
func again(p plan.Plan) ([]plan.App, plan.Intent) {
	in := plan.Intent{Kind: plan.Deploy, ID: p.ID, Release: p.Release, KeepGoing: p.KeepGoing, Versions: map[string]string{}}
	if p.DeadlineBy == plan.ByFlag {
		in.Deadline = p.Deadline
	}
	var apps []plan.App
	for _, a := range p.Apps {
		in.Kind = a.Intent
		if a.Intent == plan.Rollback {
			in.Versions[a.App] = a.To // the very release, whatever "the one before" means by now
		}
		apps = append(apps, inOrderOf(a))
	}
	return apps, in
}

// inOrderOf is a plan's app after all that it comes after there: also after apps with which it was linked by one that had nothing to do.
func inOrderOf(a plan.AppPlan) plan.App {
	app := a.Source
	app.After = slices.Clone(app.After)
	for _, name := range a.After {
		if !slices.Contains(app.After, name) {
			app.After = append(app.After, name)
		}
	}
	return app
}

// recheck looks once more before a plan is run, under the lock: it gives the plan to run, or refuses.
type recheck func(ctx context.Context, p plan.Plan) (plan.Plan, error)

// execute takes the locks, looks once more, and runs the plan to its end. The error is nil when the run has an outcome.
func (f *fleet) execute(ctx context.Context, p plan.Plan, check recheck) (plan.Outcome, error) {
	c := f.cli
	if err := f.secrets(ctx, p); err != nil {
		return plan.Outcome{}, err
	}
	lock, p, err := f.locked(ctx, p, check)
	if err != nil {
		return plan.Outcome{}, err
	}
	defer lock.Release()
	if p.Empty() {
		return nothingDone(p), nil
	}
	if err := f.secrets(ctx, p); err != nil { // what was read is not read again; the plan may be another one
		return plan.Outcome{}, err
	}
	log, err := run.Create(c.runs(), f.meta, p)
	if errors.Is(err, fs.ErrExist) {
		return plan.Outcome{}, refused("plan %s was already applied from this machine; make a new one with trikk plan", p.ID)
	}
	if err != nil {
		return plan.Outcome{}, err
	}
	if c.flags.json {
		(&jsonView{w: c.out, run: f.run, now: c.now}).overridden(f.meta.Overrides)
	}
	return f.drive(ctx, p, driving{log: log, lock: lock})
}

// driving is what drive needs beside the plan.
type driving struct {
	log    *run.Log
	lock   *act.Lock
	saved  plan.Journal // of an earlier driver
	proofs []plan.Event
}

// drive runs a plan to its end under its lock, shows it, and saves how it ended.
func (f *fleet) drive(ctx context.Context, p plan.Plan, d driving) (plan.Outcome, error) {
	c := f.cli
	view := c.newView(c.shownETA(f.run, p, d.saved))
	view.start(f.run, p)
	f.progress, f.upload = view.progress, view.upload
	told := f.tells(p)
	running, stop, ended := c.twoSignals(ctx)
	defer ended()
	running, cancel := inTime(running, p)
	defer cancel()
	_, outcome, err := run.Local(running, p, d.saved, f.actor.Do, told.beside(view.event), run.Proofs(d.proofs),
		run.Keep(d.log), run.Parallel(c.flags.parallel), run.Stop(stop), run.Lost(d.lock.Lost()), run.Clock(c.now))
	err = errors.Join(err, d.log.Finish(outcome), d.log.Close())
	if err != nil || outcome.Status == plan.Broken {
		_ = d.lock.Abandon() // what was left half done stays marked where it is
	} else {
		f.giveBack(d.lock)
	}
	view.finish(outcome)
	c.changed = c.changed || changes(outcome)
	told.end(ctx, outcome, err)
	if err != nil {
		return outcome, fmt.Errorf("run %s: %w", f.run, err)
	}
	return outcome, nil
}

// giveBack ends the locks of a run that left nothing half done. Where that can't be done they end by themselves, and take the run for one
// that was cut off.
func (f *fleet) giveBack(lock *act.Lock) {
	if err := lock.Ended(); err != nil {
		f.cli.say("servers may go on to say that run %s was cut off, until the next apply there: %v", f.run, err)
	}
}

// inTime is ctx until the plan's deadline, which begins now. The driver makes an event of its end.
func inTime(ctx context.Context, p plan.Plan) (context.Context, context.CancelFunc) {
	if p.Deadline <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, p.Deadline.D())
}

// nothingDone is the outcome of a plan without steps. Where it leaves servers out, not all is as the config says.
func nothingDone(p plan.Plan) plan.Outcome {
	o := plan.NewMachine(p).Outcome()
	o.Apps = []plan.AppOutcome{}
	return o
}

// locked takes the locks and looks once more. A look that makes a plan with other hosts, because one came back or went away
// meanwhile, takes the locks anew; servers that come and go all the time are refused.
func (f *fleet) locked(ctx context.Context, p plan.Plan, check recheck) (*act.Lock, plan.Plan, error) {
	for range 3 {
		lock, err := f.lock(ctx, p)
		if err != nil {
			return nil, p, err
		}
		next, err := check(ctx, p)
		if err == nil && (next.Empty() || slices.Equal(act.LockTargets(p), act.LockTargets(next))) {
			return lock, next, nil
		}
		_ = lock.Release() // a host that went away frees its lock by itself
		if err != nil {
			return nil, p, err
		}
		p = next
	}
	return nil, p, refused("servers of %s come and go: each look at them finds others (see trikk status)", p.Env)
}

// secrets reads all that the plan needs while nothing is changed yet.
func (f *fleet) secrets(ctx context.Context, p plan.Plan) error {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	if err := f.actor.ReadSecrets(ctx, p); err != nil {
		return stopped(ctx, fmt.Errorf("%w\nnothing was changed", err))
	}
	return nil
}

// lock takes the lock of every app on every one of its hosts, and waits for them as long as --wait says.
func (f *fleet) lock(ctx context.Context, p plan.Plan) (*act.Lock, error) {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	lock, err := f.actor.WaitLock(ctx, act.LockTargets(p), act.Patience{For: f.cli.flags.wait, Tell: f.waits})
	return lock, stopped(ctx, err)
}

// build runs the build commands of apps that take the local route. What they print is shown when they fail, without secrets.
//
// Where the run keeps going, an app whose build failed is left out of it.
func (f *fleet) build(ctx context.Context, apps []plan.App, keepGoing bool) error {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	for _, app := range apps {
		if app.Artifact.File == nil || len(app.Build) == 0 {
			continue
		}
		f.actor.Hide(ctx, []plan.App{app})
		err := f.buildOne(ctx, app)
		if err != nil && keepGoing && ctx.Err() == nil {
			f.goWithout(app.Name, err)
			continue
		}
		if err != nil {
			return stopped(ctx, err)
		}
	}
	return nil
}

// buildOne runs one app's build commands in its folder on this machine.
func (f *fleet) buildOne(ctx context.Context, app plan.App) error {
	seg := plan.Segment{App: app.Name, Transport: plan.Local}
	for i, command := range app.Build {
		f.cli.say("building %s: %s", app.Name, command)
		op := plan.Run{Command: command, Phase: "build", App: app.Name, Dir: app.Dir}
		seg.Steps = append(seg.Steps, plan.Step{ID: fmt.Sprintf("%s/build/%d", app.Name, i+1), Title: op.Title(), Op: op, Timeout: plan.Duration(time.Hour)})
	}
	var wrong error
	err := f.actor.Do(ctx, seg, func(r plan.Result) {
		if r.Status == plan.Failed || r.Status == plan.Unknown {
			wrong = fmt.Errorf("building %s: %s\n%s", app.Name, r.Error, indented(lastLines(strings.TrimSpace(r.Output), 20)))
		}
	})
	return errors.Join(err, wrong)
}

// newView is how the run is shown, with about how long it still takes.
func (c *cli) newView(left *eta) view {
	switch {
	case c.flags.json:
		return &jsonView{w: c.out, now: c.now}
	case c.boards():
		return newBoardView(c, left)
	}
	v := newPlainView(c)
	v.left = left
	return v
}

// boards tells whether the run is drawn in place. That needs a terminal, also where it is asked for.
func (c *cli) boards() bool {
	if c.world.size == nil || c.screen == nil || c.flags.quiet || c.flags.progress == progressPlain {
		return false
	}
	if _, terminal := c.world.size(); !terminal {
		return false
	}
	kind := c.world.env("TERM")
	return c.flags.progress == progressBoard || c.flags.verbose == 0 && kind != "" && kind != "dumb"
}
