package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// caddy drives Caddy 2.5 or later through its admin API (Caddy documentation, "API"): a server is out of rotation when it is not among the
// upstreams of its reverse_proxy handler.
//
// Caddy takes any list of upstreams with a 200, so only what is read afterwards tells. It forgets the requests that a removed upstream
// still answers, but keeps their connections until they end: these are counted on the proxy's host. A change names the list that it was
// made from (If-Match), so that two runs do not overwrite each other's.
type caddy struct{ conf plan.Caddy }

var _ Driver = caddy{}

// caddyUpstream is one of a handler's list. What trikk does not know is kept as it is.
type caddyUpstream map[string]json.RawMessage

func (u caddyUpstream) dial() string {
	var s string
	_ = json.Unmarshal(u["dial"], &s)
	return s
}

func (c caddy) id(p plan.Point) string { return strings.ReplaceAll(c.conf.ID, "{backend}", p.Backend) }

// field is where a field of the handler is.
func (c caddy) field(p plan.Point, name string) string {
	return strings.TrimRight(c.conf.Admin, "/") + "/id/" + c.id(p) + "/" + name
}

// list is where the upstreams are.
func (c caddy) list(p plan.Point) string { return c.field(p, "upstreams") }

// caddyOpen counts the connections of this host to the address $1.
const caddyOpen = shConnections + `connections "$1"`

// State reads the list and, where the server is not in it, how many of its connections are left.
func (c caddy) State(ctx context.Context, rs Readers, p plan.Point) (State, error) {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return State{}, err
	}
	page, err := get(ctx, r, p.Proxy, c.list(p))
	if err != nil {
		return State{}, err
	}
	list, err := c.read(p, page)
	if err != nil {
		return State{}, err
	}
	if c.find(list, p) >= 0 {
		return State{Rotation: plan.RotationIn, Settled: true, InFlight: -1, Detail: "it is an upstream"}, nil
	}
	open, err := c.open(ctx, r, p)
	if err != nil {
		return State{}, err
	}
	s := State{Rotation: plan.RotationOut, Settled: true, InFlight: open, Detail: "it is no upstream"}
	if open > 0 {
		s.Detail += fmt.Sprintf(", %d connections to it are open", open)
	}
	return s, nil
}

// open counts connections to the member.
func (c caddy) open(ctx context.Context, r host.Reader, p plan.Point) (int, error) {
	out, err := r.Query(ctx, host.NewQuery("", caddyOpen, p.Member))
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out.Stdout)))
	if out.Exit != 0 || err != nil {
		return 0, fmt.Errorf("counting the connections from %s to %s: exit status %d: %s: trikk needs ss there (package iproute2), because Caddy does not count the requests of an upstream that it no longer has",
			p.Proxy, p.Member, out.Exit, firstLine(strings.TrimSpace(string(out.Stdout))))
	}
	return n, nil
}

// read reads an answer, and checks that the member is or can be one of its upstreams.
func (c caddy) read(p plan.Point, page page) ([]caddyUpstream, error) {
	var list []caddyUpstream
	switch body := strings.TrimSpace(string(page.body)); {
	case page.status == http.StatusNotFound:
		return nil, stop(fmt.Errorf("caddy on %s has nothing with the id %q: write \"@id\": %q into the reverse_proxy handler of its JSON", p.Proxy, c.id(p), c.id(p)))
	case page.status != http.StatusOK:
		return nil, fmt.Errorf("%s on %s answers %d: %s", page.url, p.Proxy, page.status, firstLine(body))
	case body == "null" || body == "":
		return nil, stop(fmt.Errorf("what caddy on %s has with the id %q has no upstreams: is it a reverse_proxy handler with a list of them?", p.Proxy, c.id(p)))
	default:
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			return nil, stop(fmt.Errorf("the upstreams of %q in caddy on %s are no list: %w", c.id(p), p.Proxy, err))
		}
	}
	return list, c.fits(p, list)
}

// fits refuses a member that would be a wrong upstream: an absent one may be drained, or misspelt.
func (c caddy) fits(p plan.Point, list []caddyUpstream) error {
	if c.find(list, p) >= 0 {
		return nil
	}
	name, port, err := net.SplitHostPort(p.Member)
	if err != nil || name != p.Address && name != p.Server {
		return stop(fmt.Errorf(`the member %q is no upstream of %q in caddy on %s, and not HOST:PORT of %s: write `+"`member: \"{address}:8080\"`"+` into the app's topology, with its port`, p.Member, c.id(p), p.Proxy, p.Server))
	}
	var others []string
	known := len(list) == 0
	for _, u := range list {
		host, other, err := net.SplitHostPort(withoutNetwork(u.dial()))
		known = known || err == nil && other == port
		if err == nil && other == port && sameServer(host, p) {
			return stop(fmt.Errorf("caddy on %s has the upstream %q in %q, which is %s too, and goes on sending there without %q: write the member as Caddy has it, or Caddy's as the member is", p.Proxy, u.dial(), c.id(p), p.Server, p.Member))
		}
		others = append(others, u.dial())
	}
	if known {
		return nil
	}
	return stop(fmt.Errorf("caddy on %s has no upstream %q in %q, and none with that port: it has %s", p.Proxy, p.Member, c.id(p), strings.Join(others, ", ")))
}

// withoutNetwork is an address of Caddy's without its network, as in tcp/10.0.0.1:8080.
func withoutNetwork(dial string) string {
	if _, address, ok := strings.Cut(dial, "/"); ok {
		return address
	}
	return dial
}

// sameServer tells whether a host is the point's server: by its address, however an IP address is written, or by its name.
func sameServer(name string, p plan.Point) bool {
	a, err := netip.ParseAddr(name)
	b, wrong := netip.ParseAddr(p.Address)
	if err == nil && wrong == nil {
		return a == b
	}
	return strings.EqualFold(name, p.Address) || strings.EqualFold(name, p.Server)
}

func (c caddy) find(list []caddyUpstream, p plan.Point) int {
	return slices.IndexFunc(list, func(u caddyUpstream) bool { return u.dial() == p.Member })
}

// Preflight reads the list, and whether the server could be taken out and put back as it is.
func (c caddy) Preflight(ctx context.Context, rs Readers, p plan.Point) error {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return err
	}
	page, err := get(ctx, r, p.Proxy, c.list(p))
	if err != nil {
		return fmt.Errorf("%w: is Caddy's admin API on, and at %s?", err, c.conf.Admin)
	}
	list, err := c.read(p, page)
	if err != nil {
		return err
	}
	if c.fits(p, nil) != nil { // with the server out
		return stop(fmt.Errorf("the upstream %q of %q in caddy on %s is not HOST:PORT of %s, so that trikk would not put it back: write its address into Caddy's JSON, and `member: \"{address}:8080\"` into the app's topology, with its port",
			p.Member, c.id(p), p.Proxy, p.Server))
	}
	if i := c.find(list, p); i >= 0 {
		if _, err := c.without(p, list, i); err != nil {
			return err
		}
	}
	if err := c.closes(ctx, r, p); err != nil {
		return err
	}
	_, err = c.open(ctx, r, p)
	return err
}

// caddyResets prints 0 where Linux resets connections that wait to be accepted when their listening socket is closed, as Caddy does at each
// change (Linux documentation, networking/ip-sysctl, "tcp_migrate_req").
const caddyResets = `cat /proc/sys/net/ipv4/tcp_migrate_req 2>/dev/null`

// Risk is that of new connections at the moment of a change.
func (c caddy) Risk(ctx context.Context, rs Readers, p plan.Point) string {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return ""
	}
	out, err := r.Query(ctx, host.NewQuery("", caddyResets))
	if err != nil || strings.TrimSpace(string(out.Stdout)) != "0" {
		return ""
	}
	return "new connections may be reset at a change of Caddy (let `sysctl -w net.ipv4.tcp_migrate_req=1` hand them over there)"
}

// caddyIdle is how long Caddy may keep an idle connection to an upstream, at most. Those of an upstream that is gone look like requests until
// then; Caddy closes most of them at once, but not one whose request began just before the change.
const caddyIdle = 10 * time.Second

// closes refuses a handler that keeps idle connections for long. Caddy's default is two minutes.
func (c caddy) closes(ctx context.Context, r host.Reader, p plan.Point) error {
	page, err := get(ctx, r, p.Proxy, c.field(p, "transport"))
	if err != nil {
		return err
	}
	if closesSoon(page.body) {
		return nil
	}
	return stop(fmt.Errorf("the handler %q in caddy on %s keeps idle connections to a server that is out, which look like requests: write \"transport\": {\"protocol\": \"http\", \"keep_alive\": {\"idle_timeout\": \"2s\"}} into it; %s is the most",
		c.id(p), p.Proxy, caddyIdle))
}

// closesSoon tells whether a transport ends idle connections within caddyIdle.
func closesSoon(transport []byte) bool {
	var t struct {
		KeepAlive struct {
			Enabled *bool           `json:"enabled"`
			Idle    json.RawMessage `json:"idle_timeout"` // nanoseconds, or a duration in quotes
		} `json:"keep_alive"`
	}
	if json.Unmarshal(transport, &t) != nil {
		return false
	}
	if on := t.KeepAlive.Enabled; on != nil && !*on {
		return true
	}
	idle, err := time.ParseDuration(strings.Trim(string(t.KeepAlive.Idle), `"`))
	if err != nil {
		idle, err = time.ParseDuration(string(t.KeepAlive.Idle) + "ns")
	}
	return err == nil && 0 < idle && idle <= caddyIdle
}

// without is the list without its i-th upstream.
func (c caddy) without(p plan.Point, list []caddyUpstream, i int) ([]caddyUpstream, error) {
	if len(list[i]) > 1 {
		return nil, stop(fmt.Errorf("the upstream %s of %q in caddy on %s has more than an address, which a drain would lose: keep only \"dial\"", p.Member, c.id(p), p.Proxy))
	}
	return slices.Delete(slices.Clone(list), i, i+1), nil
}

// Out removes the upstream.
func (c caddy) Out(ctx context.Context, hs Hosts, p plan.Point) error {
	return c.change(ctx, hs, p, func(list []caddyUpstream) ([]caddyUpstream, error) {
		i := c.find(list, p)
		if i < 0 {
			return nil, nil
		}
		return c.without(p, list, i)
	})
}

// In adds the upstream.
func (c caddy) In(ctx context.Context, hs Hosts, p plan.Point) error {
	return c.change(ctx, hs, p, func(list []caddyUpstream) ([]caddyUpstream, error) {
		if c.find(list, p) >= 0 {
			return nil, nil
		}
		dial, err := json.Marshal(p.Member)
		return append(slices.Clone(list), caddyUpstream{"dial": dial}), err
	})
}

// conflicts is how often a change is made anew because somebody else changed Caddy's configuration meanwhile.
const conflicts = 5

// change replaces the list by what next makes of it; nil is no change.
func (c caddy) change(ctx context.Context, hs Hosts, p plan.Point, next func([]caddyUpstream) ([]caddyUpstream, error)) error {
	h, err := hs.Host(ctx, p.Proxy)
	if err != nil {
		return err
	}
	for range conflicts {
		was, err := send(ctx, h, p.Proxy, request{method: "GET", url: c.list(p)})
		if err != nil {
			return err
		}
		list, err := c.read(p, was)
		if err != nil {
			return err
		}
		list, err = next(list)
		if err != nil || list == nil {
			return err
		}
		answer, err := c.patch(ctx, h, p, list, was.header.Get("Etag"))
		switch {
		case err != nil:
			return err
		case answer.status == http.StatusOK:
			return nil
		case answer.status != http.StatusPreconditionFailed:
			return fmt.Errorf("%s on %s answers %d to a change: %s", c.list(p), p.Proxy, answer.status, firstLine(strings.TrimSpace(string(answer.body))))
		}
	}
	return fmt.Errorf("caddy on %s was changed by others %d times while trikk changed %q", p.Proxy, conflicts, c.id(p))
}

// patch sends a list that was made from the one with that tag.
func (c caddy) patch(ctx context.Context, h host.Host, p plan.Point, list []caddyUpstream, tag string) (page, error) {
	body, err := json.Marshal(list)
	if err != nil {
		return page{}, err
	}
	header := map[string]string{"Content-Type": "application/json"}
	if tag != "" {
		header["If-Match"] = tag
	}
	return send(ctx, h, p.Proxy, request{method: "PATCH", url: c.list(p), header: header, body: string(body)})
}
