package host

import (
	"context"
	"errors"
	"time"

	"golang.org/x/crypto/ssh"
)

// openSession opens a session channel in its turn. sshd counts a session until it has reaped its shell, and may allow fewer
// than we think: a refusal is tried again when a session of ours ends, and as long as one may end. closed is closed
// when the server has closed the channel; only then its place is free again.
func (c *Connection) openSession(ctx context.Context) (ssh.Channel, chan struct{}, error) {
	if err := c.alive(); err != nil {
		return nil, nil, err
	}
	const doing = "waiting for a free session"
	select {
	case c.places <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, c.unreachable(doing, context.Cause(ctx))
	case <-c.dead:
		return nil, nil, c.alive()
	}
	channel, requests, err := c.openPatiently(ctx)
	if err != nil {
		<-c.places
		return nil, nil, err
	}
	c.busy.Add(1)
	closed := make(chan struct{})
	go func() {
		ssh.DiscardRequests(requests)
		c.busy.Add(-1)
		<-c.places
		close(closed)
		c.freed.signal()
	}()
	return channel, closed, nil
}

// sessionPatience is how long a refused session is tried again when no session of ours will end by itself.
const sessionPatience = 5 * time.Second

func (c *Connection) openPatiently(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	const doing = "opening a session"
	alone := time.Now()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		freed := c.freed.wait()
		channel, requests, err := c.open(ctx, "session", nil)
		if err == nil {
			return channel, requests, nil
		}
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) {
			return nil, nil, c.unreachable(doing, err)
		}
		if c.busy.Load() > 0 {
			alone = time.Now()
		}
		if time.Since(alone) > sessionPatience {
			return nil, nil, c.fail(Protocol, doing, err, "sshd's MaxSessions must be at least 2: the lock of a run holds one session")
		}
		if err := c.pause(ctx, freed, pause); err != nil {
			return nil, nil, c.unreachable(doing, err)
		}
	}
}

// pause waits for a freed session, at most for d.
func (c *Connection) pause(ctx context.Context, freed <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-freed:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.dead:
		return c.broken()
	}
	return nil
}

// open opens a channel, giving up with ctx or the connection; a channel that comes later is closed.
func (c *Connection) open(ctx context.Context, kind string, data []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	type opened struct {
		channel  ssh.Channel
		requests <-chan *ssh.Request
		err      error
	}
	done := make(chan opened)
	go func() {
		channel, requests, err := c.client.OpenChannel(kind, data)
		select {
		case done <- opened{channel, requests, err}:
		case <-ctx.Done():
			if err == nil {
				go ssh.DiscardRequests(requests)
				_ = channel.Close()
			}
		}
	}()
	select {
	case o := <-done:
		return o.channel, o.requests, o.err
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
}
