package sshtest

import (
	"net"
	"sync"
)

// wire is a connection that can be cut or stalled.
type wire struct {
	net.Conn
	mu     sync.Mutex
	wake   *sync.Cond
	left   int64 // bytes to read before the cut; negative: no cut
	silent bool
	ended  bool
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn, left: -1}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// Read reads, unless the wire is silent or was cut.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	for w.silent && !w.ended {
		w.wake.Wait()
	}
	cut := w.left >= 0 && int64(n) >= w.left
	if w.left >= 0 {
		w.left -= min(w.left, int64(n))
	}
	w.mu.Unlock()
	if cut {
		_ = w.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// Write writes, or pretends to on a silent wire.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	silent := w.silent
	w.mu.Unlock()
	if silent {
		return len(p), nil
	}
	return w.Conn.Write(p)
}

// Close closes the connection and wakes a silent reader.
func (w *wire) Close() error {
	w.mu.Lock()
	w.ended = true
	w.wake.Broadcast()
	w.mu.Unlock()
	return w.Conn.Close()
}

func (s *Server) each(f func(*wire)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.conns {
		w.mu.Lock()
		f(w)
		w.wake.Broadcast()
		w.mu.Unlock()
	}
}

// CutAfter closes each connection of this moment when n more bytes have come from the client.
func (s *Server) CutAfter(n int64) { s.each(func(w *wire) { w.left = n }) }

// Cut closes all connections of this moment.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.conns {
		_ = w.Close()
	}
}

// Stall makes the connections of this moment silent without closing them, as a firewall does that forgot them.
func (s *Server) Stall() { s.each(func(w *wire) { w.silent = true }) }
