package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Hold implements Host. The script has one step, whose standard input gets one "." every Heartbeat once it runs, and ends
// when the lease is released, the connection breaks or the controller dies. A holder reads it as
//
//	while beat=$(timeout 45 head -c 1) && [ -n "$beat" ]; do :; done
//
// or, where the last word matters, it keeps the byte that came last. It prints one line when it holds what it should hold. A holder that calls fail, or that ends before a line, is an error
// of kind Refused with what it printed.
func (c *Connection) Hold(ctx context.Context, s Script) (Lease, error) {
	const doing = "holding"
	if len(s.Steps) != 1 || s.Guard != "" {
		return nil, c.fail(Protocol, doing, errors.New("a holder is one step without a guard"), "")
	}
	frame, err := newHoldFrame(s)
	if err != nil {
		return nil, c.fail(Protocol, doing, err, "")
	}
	x, err := c.start(ctx, frame, newCapped)
	if err != nil {
		return nil, err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(x.channel, frame.text)
	}()
	f := c.newFollower(x, s, doing, nil)
	var line string
	f.line = func(e event) { line = f.clean(e.output) }
	if err := f.follow(ctx); err != nil {
		x.leave()
		return nil, err
	}
	if line == "" && len(f.records) > 0 {
		x.leave()
		r := f.records[0]
		return nil, &Error{
			Host: c.name, Kind: Refused, Step: r.ID, Doing: doing + " " + r.ID, Output: r.Output,
			Err: errors.New(firstLine(r.Output, fmt.Sprintf("the holder ended with status %d", r.Exit))),
		}
	}
	l := newLease(x, line)
	go func() {
		<-sent
		l.beat(c.options.Heartbeat)
	}()
	return l, nil
}

// lease is what a holder holds.
type lease struct {
	x       *shell
	first   string
	lost    chan struct{}
	release sync.Once
	asked   chan struct{} // closed by Release
	word    string        // last one, set before asked is closed
}

var _ Lease = (*lease)(nil)

func newLease(x *shell, first string) *lease {
	l := &lease{x: x, first: first, lost: make(chan struct{}), asked: make(chan struct{})}
	on := x.channel.on
	on.busy.Add(-1)
	go l.watch()
	go func() {
		<-x.channel.closed
		on.busy.Add(1)
	}()
	return l
}

// watch closes lost when the holder ends.
func (l *lease) watch() {
	defer close(l.lost)
	for e := range l.x.events {
		if e.verb == "end" || e.verb == "done" || e.verb == goneVerb {
			return
		}
	}
}

// beat sends heartbeats until the lease ends, and then the last word and the end of the input. Nobody else writes.
func (l *lease) beat(every time.Duration) {
	defer func() { _ = l.x.channel.CloseWrite() }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if _, err := io.WriteString(l.x.channel, "."); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-l.asked:
			_, _ = io.WriteString(l.x.channel, l.word)
			return
		case <-l.lost:
			return
		}
	}
}

// First implements Lease.
func (l *lease) First() string { return l.first }

// Lost implements Lease.
func (l *lease) Lost() <-chan struct{} { return l.lost }

// releaseTime is how long a holder gets to end once its input has ended.
const releaseTime = 5 * time.Second

// Release implements Lease. A holder that doesn't end within 5 s is an error.
func (l *lease) Release(word string) error {
	l.release.Do(func() {
		l.word = word
		close(l.asked)
	})
	defer l.x.leave()
	timer := time.NewTimer(releaseTime)
	defer timer.Stop()
	select {
	case <-l.lost:
		return nil
	case <-timer.C:
		return fmt.Errorf("releasing: the holder did not end within %s", releaseTime)
	}
}
