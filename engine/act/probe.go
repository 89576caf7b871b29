package act

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// Defaults of a probe's timing, where a plan has zeros.
const (
	defaultInterval = time.Second
	defaultTimeout  = 5 * time.Second
	defaultDeadline = time.Minute
)

// timing is a probe's timing without zeros.
type timing struct {
	interval, timeout, deadline time.Duration
	success, failure            int
}

func timingOf(c plan.Check) timing {
	t := c.Timing()
	or := func(d plan.Duration, otherwise time.Duration) time.Duration {
		if d > 0 {
			return d.D()
		}
		return otherwise
	}
	return timing{
		interval: or(t.Interval, defaultInterval), timeout: or(t.Timeout, defaultTimeout), deadline: or(t.Deadline, defaultDeadline),
		success: max(t.Success, 1), failure: max(t.Failure, 1),
	}
}

// attempt tries a probe once. said is what was observed, for people; nil: it passed.
type attempt func(ctx context.Context, h host.Host) (said string, err error)

// probe waits until the probe passed as often in a row as it must, and the release that is current is the one that runs.
func (d *doing) probe(ctx context.Context, s plan.Step, op plan.ProbeOp) (plan.Result, error) {
	h, err := d.o.Hosts.Host(ctx, d.seg.Host)
	if err != nil {
		return plan.Result{}, err
	}
	try := d.attempt(op)
	t := timingOf(op.Check)
	said, err := d.passes(ctx, s, t, try)
	if err == nil {
		err = d.sameRelease(ctx, h, op)
	}
	if err == nil {
		return plan.Result{Status: plan.Unchanged, Output: said}, nil
	}
	return plan.Result{Status: plan.Failed, Error: err.Error(), Output: d.logTail(ctx, h, op)}, nil
}

// passes tries until it has passed often enough, or the deadline.
func (d *doing) passes(ctx context.Context, s plan.Step, t timing, try attempt) (said string, err error) {
	deadline, cancel := context.WithTimeout(ctx, t.deadline)
	defer cancel()
	passed, tries := 0, 0
	last := "nothing yet"
	for {
		said, err := d.once(deadline, t.timeout, try)
		if err != nil && deadline.Err() != nil && tries > 0 {
			return "", d.gaveUp(ctx, t, tries, last) // cut off by the deadline: the attempt before it says more
		}
		tries++
		if err == nil {
			passed++
			last = said
		} else {
			passed = 0
			last = err.Error()
			d.o.Progress(s, last)
		}
		if passed >= t.success {
			return said, nil
		}
		if waiting(deadline, t.interval) != nil {
			return "", d.gaveUp(ctx, t, tries, last)
		}
	}
}

func (d *doing) gaveUp(ctx context.Context, t timing, tries int, last string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w; last of %d attempts: %s", ended(ctx), tries, last)
	}
	return fmt.Errorf("not passed within %v (every %v, %d attempts); last: %s", t.deadline, t.interval, tries, last)
}

// once tries once, over the connection that is there now: a server that reboots gets a new one.
func (d *doing) once(ctx context.Context, timeout time.Duration, try attempt) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	h, err := d.o.Hosts.Host(ctx, d.seg.Host)
	if err != nil {
		return "", err
	}
	said, err := try(ctx, h)
	if err != nil && ctx.Err() != nil {
		return "", ended(ctx)
	}
	return said, err
}

// attempt makes the function that tries the probe once.
func (d *doing) attempt(op plan.ProbeOp) attempt {
	switch c := op.Check; {
	case c.HTTP != nil:
		return d.httpAttempt(*c.HTTP, op.Version)
	case c.TCP != nil:
		return tcpAttempt(*c.TCP)
	case c.Exec != nil:
		return d.execAttempt(op, *c.Exec)
	}
	return func(context.Context, host.Host) (string, error) {
		return "", errors.New("the probe is neither http, tcp nor exec")
	}
}

func (d *doing) execAttempt(op plan.ProbeOp, c plan.ExecCheck) attempt {
	q := userQuery(d.seg.As, userCommand{app: op.App, version: op.Version, dir: op.Root + "/" + op.Current, command: c.Command, timeout: timingOf(op.Check).timeout})
	return func(ctx context.Context, h host.Host) (string, error) {
		out, err := h.Query(ctx, q)
		line := lastLine(d.hidden.text(string(out.Stdout)))
		switch {
		case err != nil:
			return "", err
		case out.Exit == 0:
			return strings.TrimSuffix("exit status 0: "+line, ": "), nil
		case out.Exit == exitTimeout:
			return "", fmt.Errorf("no end within %v", timingOf(op.Check).timeout)
		case out.Exit == exitNoDir && line == "":
			return "", fmt.Errorf("%s/%s is not there", op.Root, op.Current)
		}
		return "", errors.New(strings.TrimSuffix(fmt.Sprintf("exit status %d: %s", out.Exit, line), ": "))
	}
}

// runsScript tells which release the process of the pid file works in, and which is current. Arguments: root, link, app.
const runsScript = `case $1 in
'~' | '~/'*) root=$HOME${1#'~'} ;;
*) root=$1 ;;
esac
IFS= read -r pid 2>/dev/null <"$root/shared/$3.pid" || exit 0
case $pid in
'' | *[!0-9]*) exit 0 ;;
esac
runs=$(readlink "/proc/$pid/cwd") || exit 0
current=$(cd -P "$root/$2" && pwd -P) || exit 0
case $runs in
"$current" | "$current"/*) exit 0 ;;
*/releases/*) echo "process $pid runs in $runs, not in $current" && exit 1 ;;
esac
exit 0`

// sameRelease: a probe that is answered by an old process that never ended proves nothing.
func (d *doing) sameRelease(ctx context.Context, h host.Host, op plan.ProbeOp) error {
	if op.App == "" || op.Root == "" || op.Current == "" {
		return nil
	}
	out, err := h.Query(ctx, host.NewQuery(d.seg.As, runsScript, op.Root, op.Current, op.App))
	if err != nil {
		return fmt.Errorf("the probe passed, but which release runs is not known: %w", err)
	}
	if out.Exit != 0 {
		return fmt.Errorf("the probe passed, but %s", lastLine(string(out.Stdout)))
	}
	return nil
}
