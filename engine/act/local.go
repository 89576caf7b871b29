package act

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"trikk.dev/engine/plan"
)

// fetch downloads an artifact to the controller's cache.
func (d *doing) fetch(ctx context.Context, op plan.Fetch) (plan.Result, error) {
	if d.o.Resolver == nil {
		return failed(errors.New("nothing can be downloaded to this controller")), nil
	}
	_, fresh, err := d.o.Resolver.Download(ctx, op)
	switch {
	case err != nil && ctx.Err() != nil:
		return failed(fmt.Errorf("downloading %s: %w", op.File, ended(ctx))), nil
	case err != nil:
		return failed(err), nil
	case !fresh:
		return plan.Result{Status: plan.Unchanged}, nil
	}
	return plan.Result{Status: plan.Changed}, nil
}

// build runs one build command on the controller, in a process group of its own that ends with ctx.
func (d *doing) build(ctx context.Context, op plan.Run) (plan.Result, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", op.Command)
	cmd.Dir = op.Dir
	cmd.Env = append(os.Environ(), "TRIKK_APP="+op.App, "TRIKK_VERSION="+op.Version)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out := &ending{max: 4 * maxOutput}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		return plan.Result{Status: plan.Changed, Output: out.String()}, nil
	}
	r := plan.Result{Status: plan.Failed, Output: out.String()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		r.Error = fmt.Sprintf("the build was ended: %v", ended(ctx))
	case errors.As(err, &exit):
		r.Exit = exit.ExitCode()
		r.Error = fmt.Sprintf("%q ended with status %d: %s", op.Command, r.Exit, lastLine(d.hidden.text(out.String())))
	default:
		r.Error = fmt.Sprintf("%q in %s could not be started: %v", op.Command, op.Dir, err)
	}
	return r, nil
}

// ending keeps the end of what is written to it.
type ending struct {
	max int
	b   []byte
	cut bool
}

// Write never fails.
func (e *ending) Write(p []byte) (int, error) {
	e.b = append(e.b, p...)
	if len(e.b) > 2*e.max {
		e.b, e.cut = append(e.b[:0], e.b[len(e.b)-e.max:]...), true
	}
	return len(p), nil
}

// String is what was kept, from a line's start where there is one: half of a secret would not be hidden.
func (e *ending) String() string {
	if _, whole, ok := bytes.Cut(e.b, []byte("\n")); ok && e.cut {
		return string(whole)
	}
	return string(e.b)
}
