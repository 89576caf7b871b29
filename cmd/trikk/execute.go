package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// fresh refuses a plan that was applied already, or that no longer fits what is there.
func (f *fleet) fresh(ctx context.Context, p plan.Plan) error {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	apps, in := again(p)
	facts, err := f.actor.Gather(ctx, p.Inventory, apps, in)
	if err != nil {
		return err
	}
	if hosts := plan.Used(p, facts); len(hosts) > 0 {
		return refused("plan %s was already applied: %s has it recorded (make a new one with trikk plan)", p.ID, strings.Join(hosts, ", "))
	}
	changes := plan.Stale(p, facts)
	if len(changes) == 0 {
		return nil
	}
	lines := make([]string, len(changes))
	for i, ch := range changes {
		lines[i] = "  " + ch.String()
	}
	return refused("plan %s is stale, because this changed since it was made (make a new one with trikk plan):\n%s", p.ID, strings.Join(lines, "\n"))
}

// again is the question that a plan's facts answered.
func again(p plan.Plan) ([]plan.App, plan.Intent) {
	in := plan.Intent{Kind: plan.Deploy, ID: p.ID, Versions: map[string]string{}}
	var apps []plan.App
	for _, a := range p.Apps {
		in.Kind = a.Intent
		apps = append(apps, a.Source)
	}
	return apps, in
}

// execute takes the locks, makes sure that nothing has changed, and runs the plan to its end. The error is nil when the run
// has an outcome.
func (f *fleet) execute(ctx context.Context, p plan.Plan) (plan.Outcome, error) {
	c := f.cli
	lock, err := f.lock(ctx, p)
	if err != nil {
		return plan.Outcome{}, err
	}
	defer lock.Release()
	if err := f.fresh(ctx, p); err != nil {
		return plan.Outcome{}, err
	}
	log, err := run.Create(c.runs(), run.Meta{Run: f.run, Who: who(), Started: c.now().UTC().Format(time.RFC3339)}, p)
	if errors.Is(err, errExist) {
		return plan.Outcome{}, refused("plan %s was already applied from this machine; make a new one with trikk plan", p.ID)
	}
	if err != nil {
		return plan.Outcome{}, err
	}
	view := c.newView()
	view.start(f.run, p)
	ctx = act.WithReport(ctx, func(host, step, text string) { view.progress(host, step, text) })
	running, stop, ended := c.twoSignals(ctx)
	defer ended()
	_, outcome, err := run.Local(running, p, nil, f.doer(p), view.event,
		run.Keep(log), run.Parallel(c.flags.parallel), run.Stop(stop), run.Lost(lock.Lost()), run.Clock(c.now))
	if cerr := log.Close(outcome); err == nil {
		err = cerr
	}
	view.finish(outcome)
	if err != nil {
		return outcome, fmt.Errorf("run %s: %w", f.run, err)
	}
	return outcome, nil
}

// doer gives the engine's way to do a segment.
func (f *fleet) doer(plan.Plan) run.Do { return f.actor.Do }

// lock takes the lock of every app on every one of its hosts.
func (f *fleet) lock(ctx context.Context, p plan.Plan) (*act.Lock, error) {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	return f.actor.Lock(ctx, plan.Locks(p))
}

// build runs the build commands of apps that take the local route.
func (f *fleet) build(ctx context.Context, apps []plan.App) error {
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	for _, app := range apps {
		if app.Artifact.File == nil || len(app.Build) == 0 {
			continue
		}
		for _, command := range app.Build {
			f.cli.say("building %s: %s", app.Name, command)
		}
		if err := f.actor.Build(ctx, app); err != nil {
			return err
		}
	}
	return nil
}

// newView is how the run is shown.
func (c *cli) newView() view {
	if c.flags.json {
		return &jsonView{w: c.out, now: c.now}
	}
	return newPlainView(c.out, c.flags.verbose)
}

// twoSignals turns the first signal into a cancelled context and the second into a closed channel.
func (c *cli) twoSignals(ctx context.Context) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-c.signals:
				if n == 0 {
					cancel()
				} else {
					close(stop)
					return
				}
			}
		}
	}()
	return ctx, stop, func() {
		close(done)
		cancel()
	}
}
