package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// scripts sends the segment's steps as one script.
func (d *doing) scripts(ctx context.Context) error {
	h, err := d.o.Hosts.Host(ctx, d.seg.Host)
	if err != nil {
		return d.unreached(d.seg.Steps[0], err)
	}
	if _, guarded := d.held().target(d.seg); !guarded {
		if err := d.checkLock(ctx); err != nil {
			return d.unreached(d.seg.Steps[0], err)
		}
	}
	return d.script(ctx, h, d.seg.Steps)
}

// script sends steps and reports each as its record comes.
func (d *doing) script(ctx context.Context, h host.Host, steps []plan.Step) error {
	s := host.Script{As: d.seg.As, Secrets: map[string]string{}, Guard: d.held().guard(d.seg), Log: d.held().stepLog(d.seg)}
	s.Busy, s.BusyOwner = d.held().busy(d.seg)
	for _, step := range steps {
		if err := d.secrets(ctx, step, s.Secrets); err != nil {
			d.give(plan.Result{Step: steps[0].ID, Status: plan.NotRun, Error: err.Error()})
			return nil
		}
		s.Steps = append(s.Steps, host.ScriptStep{ID: step.ID, Text: step.Op.Script(), Timeout: step.Timeout.D(), Logged: !plan.Repeatable(step.Op)})
	}
	cut, err := d.stillDrained(ctx)
	if err != nil {
		d.give(plan.Result{Step: steps[0].ID, Status: plan.NotRun, Error: err.Error(), Cut: cut})
		return nil
	}
	done, ok := 0, true
	_, err = h.Run(ctx, s, func(r host.Record) {
		if done >= len(steps) || !ok {
			return
		}
		ok, r.Output = r.Exit == 0, d.hidden.text(r.Output)
		result := resultOf(steps[done], r)
		if stops(steps[done]) {
			result.Cut = cut
		}
		d.give(result)
		done++
	})
	switch {
	case err != nil && done < len(steps) && ok && notRun(err):
		return d.unreached(steps[done], err)
	case err != nil:
		return titled(steps, err)
	case ok && done < len(steps):
		return &host.Error{Host: d.seg.Host, Kind: host.Protocol, Step: steps[done].ID, Doing: "running a script", Err: fmt.Errorf("%d of %d steps answered", done, len(steps))}
	}
	return nil
}

// titled names the step that an error tells of as people know it.
func titled(steps []plan.Step, err error) error {
	var e *host.Error
	if !errors.As(err, &e) || e != err {
		return err
	}
	for _, s := range steps {
		if s.ID == e.Step && s.Title != "" {
			named := *e
			named.Doing = s.Title
			return &named
		}
	}
	return err
}

// unreached reports a step that never reached its host, and passes other errors on.
func (d *doing) unreached(s plan.Step, err error) error {
	if !notRun(err) {
		return err
	}
	d.give(plan.Result{Step: s.ID, Status: plan.NotRun, Error: err.Error()})
	return nil
}

// resultOf is a record as a result. What a step says last when it fails is why it failed.
func resultOf(s plan.Step, r host.Record) plan.Result {
	res := plan.Result{Step: s.ID, Status: plan.Changed, Output: r.Output, Millis: r.Took.Milliseconds()}
	switch {
	case r.Exit != 0:
		res.Status, res.Exit, res.Error = plan.Failed, r.Exit, reason(s, r)
	case r.Same:
		res.Status = plan.Unchanged
	}
	return res
}

func reason(s plan.Step, r host.Record) string {
	line := lastLine(r.Output)
	_, users := s.Op.(plan.Reload) // a user's command, whose output explains nothing by itself
	switch {
	case line == "":
		return fmt.Sprintf("exit status %d", r.Exit)
	case users || r.Exit != 1:
		return fmt.Sprintf("exit status %d: %s", r.Exit, line)
	}
	return line
}

// waiting ends early when ctx ends.
func waiting(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx)
	case <-t.C:
		return nil
	}
}
