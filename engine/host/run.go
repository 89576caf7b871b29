package host

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Run implements Host. Secrets are hidden in records and errors.
func (c *Connection) Run(ctx context.Context, s Script, sink func(Record)) ([]Record, error) {
	frame, err := newFrame(s)
	if err != nil {
		return nil, c.fail(Protocol, "running", err, "")
	}
	x, err := c.start(ctx, frame, newCapped)
	if err != nil {
		return nil, err
	}
	defer x.leave()
	x.send(frame)
	f := c.newFollower(x, s, "running", sink)
	err = f.follow(ctx)
	return f.records, err
}

// queryMax bounds a query's output and a question's answer.
const queryMax = 16 << 20

// Query implements Reader. Output beyond 16 MiB is an error of kind Protocol.
func (c *Connection) Query(ctx context.Context, q Query) (Output, error) {
	const doing = "reading"
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	s := queryScript(q)
	frame, err := newFrame(s)
	if err != nil {
		return Output{}, c.fail(Protocol, doing, err, "")
	}
	x, err := c.start(ctx, frame, func() *capped { return &capped{headMax: queryMax} })
	if err != nil {
		return Output{}, err
	}
	defer x.leave()
	x.send(frame)
	out := Output{Exit: -1}
	var lost int64
	f := c.newFollower(x, s, doing, nil)
	f.raw = func(e event) { out, lost = Output{Stdout: e.output, Exit: e.status}, e.lost }
	if err := f.follow(ctx); err != nil {
		return Output{}, err
	}
	if lost > 0 {
		return Output{}, c.fail(Protocol, doing, fmt.Errorf("more than %d bytes of output", queryMax), "")
	}
	return out, nil
}

// bounded gives ctx the deadline of reads when it has none.
func (c *Connection) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.options.ReadTimeout, fmt.Errorf("no end within %s", c.options.ReadTimeout))
}

// killTime bounds the attempt to kill what is left of a script.
const killTime = 5 * time.Second

// killGroup ends the process group $1, politely first.
const killGroup = `kill -TERM -"$1" 2>/dev/null || exit 0
i=0
while kill -0 -"$1" 2>/dev/null && [ $i -lt 10 ]; do sleep 0.1; i=$((i+1)); done
kill -KILL -"$1" 2>/dev/null
exit 0`

// kill ends the processes of a script that ran out of time, through a second script as the same user, because a signal
// over the channel doesn't pass sudo. It is an attempt: nothing is known if it fails, and nothing is said.
func (c *Connection) kill(ctx context.Context, as string, group int) {
	if group <= 1 || c.alive() != nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), killTime, errors.New("killing took too long"))
	defer cancel()
	s := queryScript(NewQuery(as, killGroup, strconv.Itoa(group)))
	frame, err := newFrame(s)
	if err != nil {
		return
	}
	x, err := c.start(ctx, frame, newCapped)
	if err != nil {
		return
	}
	defer x.leave()
	x.send(frame)
	for {
		select {
		case e := <-x.events:
			if e.verb == "done" || e.verb == goneVerb {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
