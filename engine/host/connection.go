package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// Connection is a Host over one SSH connection. It doesn't reconnect: when it has died, all methods fail with kind
// Unreachable, and a Pool gives a new one.
type Connection struct {
	name    string // inventory name, for messages
	place   string // user@address:port, for messages
	options Options
	client  *ssh.Client

	places chan struct{} // taken by sessions
	busy   atomic.Int64  // sessions that will end by themselves: no leases
	freed  broadcast
	names  nameLocks // of uploads

	sockets sockets

	again      func(context.Context) (*Connection, error) // another connection to the same server
	besideLock sync.Mutex
	beside     *Connection // a second connection, when leases fill this one

	once  sync.Once
	dead  chan struct{} // closed when the connection ended
	cause error         // why; set before dead is closed
	works sync.WaitGroup
}

var _ Host = (*Connection)(nil)

var errClosed = errors.New("the connection is closed")

func newConnection(s settings, o Options, client *ssh.Client) *Connection {
	c := &Connection{
		name: s.name, place: s.place(), options: o, client: client,
		places: make(chan struct{}, o.MaxSessions), dead: make(chan struct{}),
	}
	c.works.Go(func() { c.end(cmp.Or(c.client.Wait(), io.EOF)) })
	c.works.Go(c.keepAlive)
	return c
}

// Close ends the connection. Scripts that run are then of unknown outcome. Closing twice is fine.
func (c *Connection) Close() error {
	c.end(errClosed)
	c.works.Wait()
	c.besideLock.Lock()
	defer c.besideLock.Unlock()
	if c.beside == nil {
		return nil
	}
	return c.beside.Close()
}

// end marks the connection as dead and closes it. The first cause stays.
func (c *Connection) end(cause error) {
	c.once.Do(func() {
		c.cause = cause
		close(c.dead)
	})
	_ = c.client.Close()
}

// broken is why the connection ended, or nil.
func (c *Connection) broken() error {
	select {
	case <-c.dead:
		return c.cause
	default:
		return nil
	}
}

// probe asks the server for a sign of life. A channel that ends doesn't tell whether it or the connection has ended.
func (c *Connection) probe() error {
	_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
	if err == nil {
		return nil
	}
	c.end(err)
	return c.broken()
}

// alive is an error of kind Unreachable when the connection has ended.
func (c *Connection) alive() error {
	if err := c.broken(); err != nil {
		return c.unreachable("using the connection to "+c.place, err)
	}
	return nil
}

// keepAlive ends the connection when the server has not answered for KeepaliveMissed intervals.
func (c *Connection) keepAlive() {
	tick := time.NewTicker(c.options.KeepaliveInterval)
	defer tick.Stop()
	limit := time.Duration(c.options.KeepaliveMissed) * c.options.KeepaliveInterval
	for {
		select {
		case <-tick.C:
		case <-c.dead:
			return
		}
		answered := make(chan struct{})
		c.works.Go(func() {
			defer close(answered)
			_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil)
		})
		timer := time.NewTimer(limit)
		select {
		case <-answered:
		case <-c.dead:
		case <-timer.C:
			c.end(fmt.Errorf("no answer for %s", limit))
		}
		timer.Stop()
	}
}

// fail makes an error about this server.
func (c *Connection) fail(kind Kind, doing string, cause error, hint string) *Error {
	return &Error{Host: c.name, Kind: kind, Doing: doing, Err: cause, Hint: hint}
}

// unreachable is the error of something that was not started.
func (c *Connection) unreachable(doing string, cause error) *Error {
	return c.fail(Unreachable, doing, cause, "")
}

// login is the user that is logged in.
func (c *Connection) login() string { return c.client.User() }

// Dial implements Host. The connection supports deadlines by closing itself when one passes.
func (c *Connection) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := c.alive(); err != nil {
		return nil, err
	}
	free, err := c.takeSocket(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn, err := c.client.DialContext(ctx, network, addr)
	if err == nil {
		return &timedConn{Conn: conn, free: free}, nil
	}
	free()
	doing := "connecting from the server to " + addr
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		cause := fmt.Errorf("%s: %s", refused.Reason, refused.Message)
		if refused.Reason == ssh.Prohibited {
			cause = fmt.Errorf("%w: %s", ErrProhibited, refused.Message)
		}
		return nil, c.fail(Forwarding, doing, cause, forwardingHint(network, addr, c.login(), refused.Reason))
	}
	return nil, c.unreachable(doing, c.why(ctx, err))
}

// forwardingHint lists what can be the cause, the likely one first.
func forwardingHint(network, addr, login string, reason ssh.RejectionReason) string {
	if network == "unix" {
		return fmt.Sprintf("is %s there, and may %s write to it? In sshd_config AllowStreamLocalForwarding must be yes and DisableForwarding no", addr, login)
	}
	if reason == ssh.Prohibited {
		return "in sshd_config AllowTcpForwarding must be yes or local, DisableForwarding no, and PermitOpen any or " + addr
	}
	return fmt.Sprintf("does something listen on %s of this server? In sshd_config AllowTcpForwarding must be yes or local", addr)
}
