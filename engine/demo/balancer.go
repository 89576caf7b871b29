package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// member is one server behind a balancer.
type member struct {
	name   string
	url    *url.URL
	up     atomic.Bool
	missed int          // checks in a row that got no answer in time
	active atomic.Int64 // requests in flight
	total  atomic.Int64
	proxy  *httputil.ReverseProxy
}

// balancer is a reverse proxy that sends requests, in turn, to the members whose health check passes. It answers `show stat`
// on a unix socket in HAProxy's CSV, as far as a watch needs it.
type balancer struct {
	backend string
	members []*member
	turn    atomic.Uint64
	server  *http.Server
	front   net.Listener
	admin   net.Listener
	socket  string
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

const checkInterval = 50 * time.Millisecond

func startBalancer(backend, socket string, servers map[string]string, order []string) (*balancer, error) {
	b := &balancer{backend: backend, socket: socket}
	for _, name := range order {
		u := &url.URL{Scheme: "http", Host: servers[name]}
		m := &member{name: name, url: u, proxy: httputil.NewSingleHostReverseProxy(u)}
		m.proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second}
		m.proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
		b.members = append(b.members, m)
	}
	var err error
	if b.front, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	if b.admin, err = net.Listen("unix", socket); err != nil {
		b.front.Close()
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	for _, m := range b.members {
		b.done.Go(func() { m.check(ctx) })
	}
	b.done.Go(func() { b.server.Serve(b.front) })
	b.done.Go(b.answer)
	return b, nil
}

// check asks for the member's health until ctx ends.
func (m *member) check(ctx context.Context) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url.String()+"/health", nil)
		if err == nil {
			r, err := client.Do(req)
			if err == nil {
				r.Body.Close()
			}
			m.seen(r, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(checkInterval):
		}
	}
}

// fall is how many checks in a row must get no answer in time until a member is down. One is not enough: a machine that is
// short of CPU answers late, all members at once.
const fall = 3

// seen takes the result of one check. What the member answers counts at once, and so does that nobody listens.
func (m *member) seen(r *http.Response, err error) {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		m.missed++
		if m.missed >= fall {
			m.up.Store(false)
		}
		return
	}
	m.missed = 0
	m.up.Store(err == nil && r.StatusCode == http.StatusOK)
}

// ServeHTTP sends one request to the next member that is up.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for range b.members {
		m := b.members[b.turn.Add(1)%uint64(len(b.members))]
		// Counted before the state is read again, so that a drain that sees 0 has seen everything.
		m.active.Add(1)
		if m.up.Load() {
			m.total.Add(1)
			m.proxy.ServeHTTP(w, r)
			m.active.Add(-1)
			return
		}
		m.active.Add(-1)
	}
	http.Error(w, "no server is up", http.StatusServiceUnavailable)
}

// answer serves the runtime socket: one command a connection, or one a line.
func (b *balancer) answer() {
	for {
		c, err := b.admin.Accept()
		if err != nil {
			return
		}
		go b.converse(c)
	}
}

func (b *balancer) converse(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return
	}
	for command := range strings.SplitSeq(strings.TrimSpace(line), ";") {
		switch {
		case strings.HasPrefix(command, "show stat"):
			fmt.Fprint(c, b.stat())
		case strings.HasPrefix(command, "show servers state"):
			fmt.Fprint(c, b.state())
		default:
			fmt.Fprint(c, "Unknown command.\n\n")
		}
	}
}

// stat is HAProxy's CSV with the columns that a watch reads (HAProxy management guide, 9.1).
func (b *balancer) stat() string {
	var s strings.Builder
	s.WriteString("# pxname,svname,qcur,scur,stot,status\n")
	for _, m := range b.members {
		status := "DOWN"
		if m.up.Load() {
			status = "UP"
		}
		fmt.Fprintf(&s, "%s,%s,0,%d,%d,%s\n", b.backend, m.name, m.active.Load(), m.total.Load(), status)
	}
	s.WriteString("\n")
	return s.String()
}

// state says that no member is held out by an administrator (HAProxy management guide, "show servers state").
func (b *balancer) state() string {
	var s strings.Builder
	s.WriteString("1\n# be_id be_name srv_id srv_name srv_admin_state srv_uweight\n")
	for i, m := range b.members {
		fmt.Fprintf(&s, "1 %s %d %s 0 1\n", b.backend, i+1, m.name)
	}
	s.WriteString("\n")
	return s.String()
}

func (b *balancer) url() string { return "http://" + b.front.Addr().String() }

func (b *balancer) close() {
	b.cancel()
	b.server.Close()
	b.admin.Close()
	os.Remove(b.socket)
	b.done.Wait()
}
