package host

import (
	"net"
	"os"
	"sync"
	"time"
)

// broadcast wakes everybody who waits for the next signal.
type broadcast struct {
	mu   sync.Mutex
	next chan struct{}
}

func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *broadcast) signal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// nameLocks are locks by name. The zero value is ready.
type nameLocks struct {
	mu  sync.Mutex
	all map[string]chan struct{}
}

// lock gives the lock of name: whoever sends to it holds it until receiving from it.
func (n *nameLocks) lock(name string) chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = map[string]chan struct{}{}
	}
	if n.all[name] == nil {
		n.all[name] = make(chan struct{}, 1)
	}
	return n.all[name]
}

// timedConn gives a connection that knows no deadlines some: it is closed when one passes.
type timedConn struct {
	net.Conn
	free   func() // called when it is closed; may be called twice
	mu     sync.Mutex
	timer  *time.Timer
	passed bool
}

// SetDeadline closes the connection at t; the zero time never does. A deadline that has passed can't be taken back.
func (c *timedConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	if !t.IsZero() {
		c.timer = time.AfterFunc(time.Until(t), c.expire)
	}
	return nil
}

// SetReadDeadline is SetDeadline.
func (c *timedConn) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }

// SetWriteDeadline is SetDeadline.
func (c *timedConn) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }

func (c *timedConn) expire() {
	c.mu.Lock()
	c.passed = true
	c.mu.Unlock()
	_ = c.Conn.Close()
	c.free()
}

// Read reads; after the deadline it fails with os.ErrDeadlineExceeded.
func (c *timedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.explain(err)
}

// Write writes; after the deadline it fails with os.ErrDeadlineExceeded.
func (c *timedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.explain(err)
}

// CloseWrite ends what we send, and lets the other side answer.
func (c *timedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// Close closes the connection. One that the other side closed first is no error.
func (c *timedConn) Close() error {
	_ = c.SetDeadline(time.Time{})
	_ = c.Conn.Close()
	c.free()
	return nil
}

func (c *timedConn) explain(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.passed {
		return os.ErrDeadlineExceeded
	}
	return err
}
