package host

import (
	"context"
	"errors"
	"time"

	"golang.org/x/crypto/ssh"
)

// session is a session channel and the connection that it is on.
type session struct {
	ssh.Channel
	on     *Connection
	closed chan struct{} // closed when the server has closed the channel; only then its place is free again
}

// openSession opens a session channel in its turn. sshd counts a session until it has reaped its shell, and may allow fewer
// than we think: a refusal is tried again when a session of ours ends, and on a second connection when only leases,
// which don't end by themselves, fill this one.
func (c *Connection) openSession(ctx context.Context) (*session, error) {
	if err := c.alive(); err != nil {
		return nil, err
	}
	select {
	case c.places <- struct{}{}:
	case <-ctx.Done():
		return nil, c.unreachable("waiting for a free session", context.Cause(ctx))
	case <-c.dead:
		return nil, c.alive()
	}
	channel, requests, err := c.openPatiently(ctx)
	if err != nil {
		<-c.places
	}
	if errors.Is(err, errFull) {
		return c.openBeside(ctx)
	}
	if err != nil {
		return nil, err
	}
	c.busy.Add(1)
	s := &session{Channel: channel, on: c, closed: make(chan struct{})}
	go func() {
		ssh.DiscardRequests(requests)
		c.busy.Add(-1)
		<-c.places
		close(s.closed)
		c.freed.signal()
	}()
	return s, nil
}

// errFull marks a connection that leases fill.
var errFull = errors.New("the server allows no more sessions on this connection")

// sessionPatience is how long a refused session is tried again when no session of ours will end by itself.
const sessionPatience = time.Second

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
			return nil, nil, c.unreachable(doing, c.why(ctx, err))
		}
		if c.busy.Load() > 0 {
			alone = time.Now()
		}
		if time.Since(alone) > c.patience() {
			return nil, nil, errFull
		}
		if err := c.pause(ctx, freed, pause); err != nil {
			return nil, nil, c.unreachable(doing, err)
		}
	}
}

// patience is sessionPatience, or none when it was in vain before.
func (c *Connection) patience() time.Duration {
	c.besideLock.Lock()
	defer c.besideLock.Unlock()
	if c.beside != nil {
		return 0
	}
	return sessionPatience
}

// openBeside opens a session on a second connection, which is made when it is first needed.
func (c *Connection) openBeside(ctx context.Context) (*session, error) {
	c.besideLock.Lock()
	if c.beside == nil || c.beside.broken() != nil {
		beside, err := c.again(ctx)
		if err != nil {
			c.besideLock.Unlock()
			return nil, err
		}
		c.beside = beside
	}
	beside := c.beside
	c.besideLock.Unlock()
	if c.broken() != nil {
		_ = beside.Close()
	}
	return beside.openSession(ctx)
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
