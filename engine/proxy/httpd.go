package proxy

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// httpd drives Apache httpd 2.4.30 or later through its balancer-manager (mod_proxy_balancer, "Support for management of
// load balancing groups").
//
// A change is a POST with the balancer's nonce. httpd answers 200 to a request whose nonce is old, or whose Referer is of
// another host, and changes nothing, so only what is read afterwards tells. It drains by the flag D, disabled: with N,
// drain, clients that stick to the member go on to be sent there.
type httpd struct{ url string }

var (
	_ Driver  = httpd{}
	_ doubter = httpd{}
)

// State reads the member's status.
func (h httpd) State(ctx context.Context, rs Readers, p plan.Point) (State, error) {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return State{}, err
	}
	return h.watch().look(ctx, r, p.Proxy, p)
}

// Empty tells whether the proxy's host has no connection to the member.
func (h httpd) Empty(ctx context.Context, rs Readers, p plan.Point) (bool, error) {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return false, err
	}
	return h.watch().empty(ctx, r, p.Proxy, p)
}

func (h httpd) watch() watchHTTPD { return watchHTTPD{plan.WatchHTTPD{URL: h.url}} }

// Preflight reads the member, and whether httpd says by which nonce it can be changed.
func (h httpd) Preflight(ctx context.Context, rs Readers, p plan.Point) error {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return err
	}
	_, _, err = h.find(ctx, r, p)
	return err
}

// Out disables the member: no new request is sent there, also none of a client that sticks to it.
func (h httpd) Out(ctx context.Context, hs Hosts, p plan.Point) error {
	return h.set(ctx, hs, p, map[string]string{"w_status_D": "1"})
}

// In ends all that a person or trikk held the member out by: disabled, draining and stopped.
func (h httpd) In(ctx context.Context, hs Hosts, p plan.Point) error {
	return h.set(ctx, hs, p, map[string]string{"w_status_D": "0", "w_status_N": "0", "w_status_S": "0"})
}

// set posts flags of the member.
func (h httpd) set(ctx context.Context, hs Hosts, p plan.Point, flags map[string]string) error {
	on, err := hs.Host(ctx, p.Proxy)
	if err != nil {
		return err
	}
	b, w, err := h.find(ctx, on, p)
	if err != nil {
		return err
	}
	form := url.Values{"b": {strings.TrimPrefix(b.Name, "balancer://")}, "w": {w.Name}, "nonce": {b.Nonce}}
	for flag, value := range flags {
		form.Set(flag, value)
	}
	answer, err := send(ctx, on, p.Proxy, request{method: "POST", url: h.url, body: form.Encode(), header: map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Referer": h.url,
	}})
	if err != nil {
		return err
	}
	if answer.status != 200 {
		return fmt.Errorf("%s on %s answers %d to a change: does its <Location> allow POST from this host?", h.url, p.Proxy, answer.status)
	}
	return nil
}

// find reads the member and its balancer.
func (h httpd) find(ctx context.Context, r host.Reader, p plan.Point) (httpdBalancer, httpdWorker, error) {
	balancers, err := h.watch().read(ctx, r, p.Proxy)
	if err != nil {
		return httpdBalancer{}, httpdWorker{}, err
	}
	w, err := findWorker(balancers, p, p.Proxy)
	if err != nil {
		return httpdBalancer{}, httpdWorker{}, err
	}
	i := slices.IndexFunc(balancers, func(b httpdBalancer) bool { return slices.Contains(b.Workers, w) })
	if balancers[i].Nonce == "" {
		return httpdBalancer{}, httpdWorker{}, stop(fmt.Errorf("httpd on %s tells no nonce of balancer %q, so it can't be changed: is it 2.4.30 or later?", p.Proxy, p.Backend))
	}
	return balancers[i], w, nil
}
