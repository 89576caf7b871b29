package host

import (
	"context"
	"sync"
)

// socketsAtOnce is how many connections to one Unix socket of a server are open at once. The runtime API of HAProxy takes ten by default
// (stats maxconn) and lets as many wait; sshd takes a socket whose queue is full for one that can't be connected to.
const socketsAtOnce = 8

// sockets are the places at the Unix sockets of a server. The zero value is ready.
type sockets struct {
	mu     sync.Mutex
	places map[string]chan struct{} // by path
}

func (s *sockets) at(path string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places == nil {
		s.places = map[string]chan struct{}{}
	}
	if s.places[path] == nil {
		s.places[path] = make(chan struct{}, socketsAtOnce)
	}
	return s.places[path]
}

// takeSocket waits for a place at a socket, and gives what frees it, which may be called twice. Connections to anything else need none.
func (c *Connection) takeSocket(ctx context.Context, network, addr string) (free func(), err error) {
	if network != "unix" {
		return func() {}, nil
	}
	places := c.sockets.at(addr)
	select {
	case places <- struct{}{}:
		return sync.OnceFunc(func() { <-places }), nil
	case <-ctx.Done():
		return nil, c.unreachable("waiting until fewer ask "+addr, context.Cause(ctx))
	case <-c.dead:
		return nil, c.alive()
	}
}
