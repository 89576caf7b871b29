package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Pool keeps one connection a server for a whole run. It is safe for concurrent use.
type Pool struct {
	dialer  *dialer
	targets map[string]Target
	places  chan struct{} // taken by dials
	context context.Context
	cancel  context.CancelFunc
	works   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	routes  map[string]route // by inventory name
	flights map[string]*flight
}

// flight is one connection, being made or made.
type flight struct {
	done chan struct{}
	conn *Connection
	err  error
}

// NewPool makes a pool for the servers of an inventory. Nothing is dialled yet.
func NewPool(targets []Target, o Options) *Pool {
	o = o.filled()
	p := &Pool{
		dialer: &dialer{options: o}, targets: map[string]Target{}, places: make(chan struct{}, o.MaxDials),
		routes: map[string]route{}, flights: map[string]*flight{},
	}
	p.context, p.cancel = context.WithCancel(context.Background())
	for _, t := range targets {
		p.targets[t.Name] = t
	}
	return p
}

// Host is the connection to the server with that inventory name, dialled when there is none or when it has died. Callers
// share it, and don't close it. Errors are *Error of kind Unreachable, HostKey or Auth; trying again is safe.
func (p *Pool) Host(ctx context.Context, name string) (Host, error) {
	c, err := p.connection(ctx, name)
	if err != nil {
		return nil, err // a nil *Connection is no nil Host
	}
	return c, nil
}

func (p *Pool) connection(ctx context.Context, name string) (*Connection, error) {
	t, ok := p.targets[name]
	if !ok {
		return nil, &Error{Host: name, Kind: Unreachable, Doing: "connecting", Err: errors.New("no server has this name")}
	}
	way, err := p.route(ctx, t)
	if err != nil {
		return nil, err
	}
	var conn *Connection
	for i := range way {
		if conn, err = p.fly(ctx, way[:i+1], conn); err != nil {
			return nil, through(way[i], name, err)
		}
	}
	return conn, nil
}

// through says which server can't be reached when a jump host can't.
func through(failed settings, name string, err error) error {
	var e *Error
	if failed.name == name || !errors.As(err, &e) {
		return err
	}
	return &Error{Host: name, Kind: e.Kind, Doing: "connecting through " + failed.name, Err: err}
}

// route finds and remembers the way to a target.
func (p *Pool) route(ctx context.Context, t Target) (route, error) {
	p.mu.Lock()
	way := p.routes[t.Name]
	p.mu.Unlock()
	if way != nil {
		return way, nil
	}
	way, err := p.routeTo(ctx, t, nil)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes[t.Name] = way
	return way, nil
}

// fly waits for the connection at the end of a way, and starts making it when nobody has.
func (p *Pool) fly(ctx context.Context, way route, via *Connection) (*Connection, error) {
	f, err := p.flight(way, via)
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
		return f.conn, f.err
	case <-ctx.Done():
		s := way[len(way)-1]
		return nil, s.noConnection(ctx, context.Cause(ctx))
	}
}

func (p *Pool) flight(way route, via *Connection) (*flight, error) {
	key, s := way.key(), way[len(way)-1]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, &Error{Host: s.name, Kind: Unreachable, Doing: "connecting to " + s.place(), Err: errClosed}
	}
	if f := p.flights[key]; f != nil && !f.over() {
		return f, nil
	}
	f := &flight{done: make(chan struct{})}
	p.flights[key] = f
	p.works.Go(func() { p.dial(f, s, via) })
	return f, nil
}

// over tells whether a flight has failed, or its connection has died.
func (f *flight) over() bool {
	select {
	case <-f.done:
		return f.err != nil || f.conn.broken() != nil
	default:
		return false
	}
}

func (p *Pool) dial(f *flight, s settings, via *Connection) {
	defer close(f.done)
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
		f.conn, f.err = p.dialer.connect(p.context, s, via)
	case <-p.context.Done():
		f.err = s.noConnection(p.context, errClosed)
	}
}

// Close ends all connections and dials. Nothing is dialled after it.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.works.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for key, f := range p.flights {
		if f.conn == nil {
			continue
		}
		if err := f.conn.Close(); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

// Connect dials one server that is in no pool. Its jump hosts are addresses.
func Connect(ctx context.Context, t Target, o Options) (Host, error) {
	p := NewPool([]Target{t}, o)
	h, err := p.Host(ctx, t.Name)
	if err != nil {
		_ = p.Close()
		return nil, err
	}
	return &single{Host: h, pool: p}, nil
}

// single is a connection with a pool of its own, which holds its jump hosts.
type single struct {
	Host
	pool *Pool
}

// Close ends the connection and those it goes through.
func (s *single) Close() error { return s.pool.Close() }
