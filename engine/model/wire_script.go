package model

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// Run implements host.Host. Steps of known plans do what their ops do; those of proxies' drivers move members.
func (c *connection) Run(ctx context.Context, s host.Script, sink func(host.Record)) ([]host.Record, error) {
	if err := c.before(ctx, "script", s.Steps[0].ID); err != nil {
		return nil, err
	}
	var records []host.Record
	for _, step := range s.Steps {
		r, err := c.step(ctx, s, step)
		if err != nil {
			return records, err
		}
		records = append(records, r)
		if sink != nil {
			sink(r)
		}
		if r.Exit != 0 {
			break
		}
	}
	return records, nil
}

// step does one step of a script: its guard, the line in the step log, what it does, and the line again.
func (c *connection) step(ctx context.Context, s host.Script, step host.ScriptStep) (host.Record, error) {
	if err := c.locked(func() error { return c.guarded(s, step) }); err != nil {
		return host.Record{}, err
	}
	c.note(s, step.ID+" started")
	strike, err := c.strikes(ctx, "step", step.ID, true)
	if err != nil {
		if errors.Is(err, errDead) {
			_, _ = c.perform(step, Pass) // the step at hand goes on without its controller
			c.note(s, step.ID+" done 0")
		}
		return host.Record{}, c.lost(step, err)
	}
	switch strike {
	case CutFirst:
		return host.Record{}, c.lost(step, errCut)
	case HangFirst:
		return host.Record{}, c.hangs(ctx, step)
	}
	began := c.fleet.now()
	if err := c.sleep(ctx, c.takes(step)); err != nil {
		if errors.Is(err, errDead) {
			_, _ = c.perform(step, strike)
			c.note(s, step.ID+" done 0")
		}
		return host.Record{}, c.lost(step, err)
	}
	r, err := c.perform(step, strike)
	if err != nil {
		return host.Record{}, err
	}
	c.note(s, fmt.Sprintf("%s done %d", step.ID, r.Exit))
	r.Took = c.fleet.now().Sub(began)
	switch strike {
	case CutLast:
		return host.Record{}, c.lost(step, errCut)
	case HangLast:
		return host.Record{}, c.hangs(ctx, step)
	}
	return r, nil
}

// takes is how long a step takes on the host.
func (c *connection) takes(step host.ScriptStep) time.Duration {
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	if s, ok := c.fleet.steps[step.ID]; ok {
		if _, hook := s.Op.(plan.Run); hook {
			return 10 * time.Second
		}
		return min(takes(s.Op), time.Second)
	}
	return 50 * time.Millisecond
}

func (c *connection) locked(do func() error) error {
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	return do()
}

func (c *connection) lost(step host.ScriptStep, cause error) error {
	return &host.Error{Host: c.name, Kind: host.Unknown, Step: step.ID, Doing: "running " + step.ID, Err: cause}
}

// hangs is a step that doesn't end within its time; its processes are killed then.
func (c *connection) hangs(ctx context.Context, step host.ScriptStep) error {
	if err := c.hang(ctx, "running "+step.ID, step.Timeout); err != nil {
		return c.lost(step, err)
	}
	return nil
}

// guarded runs the guard, and checks that it did its work.
func (c *connection) guarded(s host.Script, step host.ScriptStep) error {
	if err := c.guard(s.Guard); err != nil {
		return err
	}
	if _, known := c.fleet.steps[step.ID]; known {
		c.fleet.checkLock(step.ID+" is begun", c.owner, c.fleet.place(c.name, c.fleet.appOf(step.ID)))
	}
	return nil
}

// guard runs the check that a script begins with. The caller holds the fleet's lock.
func (c *connection) guard(text string) error {
	if text == "" {
		return nil
	}
	mine, ok := assigned(text, "mine")
	p := c.placeIn(text, "/.trikk/lock.info")
	if !ok || p == nil {
		return c.strange("guard", text)
	}
	if p.lock != mine {
		why := errors.New("this run no longer has the lock of " + p.root)
		return &host.Error{Host: c.name, Kind: host.Refused, Doing: "guard", Output: why.Error(), Err: why}
	}
	return nil
}

// placeIn finds the app whose root a script names, before suffix.
func (c *connection) placeIn(text, suffix string) *place {
	for _, p := range c.fleet.hosts[c.name].places {
		if strings.Contains(text, plan.QuotePath(p.root)+suffix) {
			return p
		}
	}
	return nil
}

// note writes a line of the step log, with the run's ID.
func (c *connection) note(s host.Script, line string) {
	if s.Log == "" {
		return
	}
	_ = c.locked(func() error {
		run, ok := assigned(s.Log, "run")
		p := c.placeIn(s.Log, "/.trikk/log")
		if !ok || p == nil {
			return c.strange("step log", s.Log)
		}
		p.log = append(p.log, run+" "+line)
		if id, done := strings.CutSuffix(line, " done 0"); done {
			c.fleet.did[run+" "+id] = true
		}
		return nil
	})
}

// perform does a step, or lets it fail.
func (c *connection) perform(step host.ScriptStep, strike Strike) (host.Record, error) {
	f := c.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	r := host.Record{ID: step.ID}
	known, ok := f.steps[step.ID]
	if ok && known.Op.Script() != step.Text {
		return r, c.strange("step", step.ID+": "+step.Text)
	}
	if strike == StepFails || strike == DiskFull && writes(known.Op) {
		r.Exit, r.Output = 1, "it failed, as it was told to"
		if ok {
			app := f.appOf(step.ID)
			f.suffer(f.touched(c.name), func() { f.fail(app, known) })
		}
		return r, nil
	}
	var e end
	if ok {
		app := f.appOf(step.ID)
		f.act(step.ID, c.name, f.touched(c.name), func() { e = f.script(c.name, app, known.Op) })
	} else if e, ok = c.drives(step, strike); !ok {
		return r, c.strange("step", step.ID+": "+step.Text)
	}
	if e.why != "" {
		r.Exit, r.Output = 1, e.why
	}
	r.Same = e.same
	return r, nil
}

func writes(op plan.Op) bool {
	switch op.(type) {
	case plan.Fetch, plan.Unpack, plan.Write, plan.Record:
		return true
	}
	return false
}

// appOf is the app of a step, by the beginning of its ID.
func (f *Fleet) appOf(id string) string {
	app, _, _ := strings.Cut(id, "/")
	return app
}

// drives does a step of a proxy's driver: a marker that is made or removed, or a command that drains or admits.
func (c *connection) drives(step host.ScriptStep, strike Strike) (end, bool) {
	f := c.fleet
	for _, m := range f.members {
		out, is := c.driven(m, step)
		if !is {
			continue
		}
		was := f.isOut(m)
		f.checkLock(step.ID+" of "+m.server, c.owner, f.place(m.server, m.app))
		if strike != Lies {
			f.act(step.ID+" of "+m.server, c.name, []server{{m.app, m.server}}, func() { f.setOut(m, out) })
		}
		return unchanged(was == out), true
	}
	return end{}, false
}

// driven tells whether a step drains or admits a member.
func (c *connection) driven(m *member, step host.ScriptStep) (out, is bool) {
	switch d := m.point.Driver; {
	case d.Marker != nil && m.point.Target == c.name && strings.Contains(step.Text, "\nf="+plan.QuotePath(c.fleet.markerFile(m))+"\n"):
		return step.ID == "marker-create", step.ID == "marker-create" || step.ID == "marker-remove"
	case d.Command != nil && m.point.Proxy == c.name && strings.Contains(step.Text, " MEMBER="+m.point.Member+" ") && strings.Contains(step.Text, " BACKEND="+m.point.Backend+" "):
		return step.ID == "proxy-drain", step.ID == "proxy-drain" || step.ID == "proxy-admit"
	}
	return false, false
}
