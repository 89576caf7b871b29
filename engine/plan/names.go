package plan

import (
	"fmt"
	"strings"
)

// Misnamed is a name of a point that its proxy can't have, or by which it could not be driven.
type Misnamed struct {
	Field   string // "backend" or "member"
	Name    string
	Program string // HAProxy, httpd, nginx, Caddy, the watch of a marker
	Hint    string // what it may be
}

// String says what is wrong, without the hint.
func (m Misnamed) String() string {
	return fmt.Sprintf("the %s %q is no name that %s can have", m.Field, m.Name, m.Program)
}

// Misnamed lists the names of a point that its proxy can't have: none where the proxy is not told by names. Commands get names in
// variables, which can hold all of them.
func (p Point) Misnamed() []Misnamed {
	n := namingOf(p.Driver)
	var out []Misnamed
	if hint := n.backend(p); hint != "" {
		out = append(out, Misnamed{"backend", p.Backend, n.program, hint})
	}
	if hint := n.member(p); hint != "" {
		out = append(out, Misnamed{"member", p.Member, n.program, hint})
	}
	return out
}

// naming is which names of a point a program can have: what they may be where they are none, else "".
type naming struct {
	program         string
	backend, member func(Point) string
}

func anyName(Point) string { return "" }

func namingOf(d Driver) naming {
	switch {
	case d.HAProxy != nil:
		return naming{"HAProxy", plainBackend, plainMember}
	case d.HTTPD != nil:
		return naming{"httpd", balancerName, workerName}
	case d.Nginx != nil:
		return naming{"nginx", upstreamBackend, nginxName}
	case d.Caddy != nil:
		return naming{"Caddy", d.Caddy.backend, upstreamName}
	case d.Marker != nil && d.Marker.Watch != nil:
		return d.Marker.Watch.naming()
	}
	return naming{"", anyName, anyName}
}

// naming is which names the balancer can have that a watch asks.
func (w Watch) naming() naming {
	switch {
	case w.HAProxy != nil:
		return naming{"HAProxy", plainBackend, plainMember}
	case w.HTTPD != nil:
		return naming{"httpd", balancerName, workerName}
	case w.HTTP != nil:
		return naming{"the URL of a watch", w.HTTP.backend, w.HTTP.member}
	}
	return naming{"", anyName, anyName}
}

const (
	plainHint  = "letters, digits and . _ : - only"
	groupHint  = "letters, digits and . _ - only: in proxy_pass a colon begins a port"
	workerHint = "the route of the member, of at most 63 letters, digits and . _ : -, or its URL or HOST:PORT"
	nginxHint  = "the name in the comment behind the server, of letters, digits and . _ : -, or its address"
	urlHint    = "no spaces, quotes, # and %, because it is written into the URL"
)

// unless is the hint where the name is none.
func unless(is bool, hint string) string {
	if is {
		return ""
	}
	return hint
}

func plainBackend(p Point) string { return unless(bareName(p.Backend), plainHint) }

// upstreamBackend: nginx's upstreams are asked by their name, as a host is.
func upstreamBackend(p Point) string {
	if strings.Contains(p.Backend, ":") {
		return groupHint
	}
	return plainBackend(p)
}

func plainMember(p Point) string { return unless(bareName(p.Member), plainHint) }

// balancerName: httpd's balancers may be written with their scheme.
func balancerName(p Point) string { return unless(bareName(BalancerName(p.Backend)), plainHint) }

// BalancerName is a backend's name as httpd has it: without its scheme, and in lower case.
func BalancerName(backend string) string {
	return strings.ToLower(strings.TrimPrefix(backend, "balancer://"))
}

func workerName(p Point) string {
	isRoute := addressName(p.Member) && (len(p.Member) <= longestRoute || strings.Contains(p.Member, ":"))
	return unless(isRoute || strings.Contains(p.Member, ":/") && urlText(p.Member), workerHint)
}

// longestRoute is what httpd takes for a route (mod_proxy, "route").
const longestRoute = 63

func nginxName(p Point) string {
	return unless(addressName(p.Member) || strings.HasPrefix(p.Member, "unix:/") && urlText(p.Member), nginxHint)
}

// backend: it is a part of an ID, which is a part of a path.
func (c Caddy) backend(p Point) string {
	return unless(!strings.Contains(c.ID, "{backend}") || bareName(p.Backend), plainHint)
}

// Misnamed says what the handler's ID may be where it is none; "" where it is one.
func (c Caddy) Misnamed() string {
	rest := strings.ReplaceAll(c.ID, "{backend}", "")
	return unless(rest == "" || bareName(rest), plainHint+", and {backend}")
}

// upstreamName: what was taken out of Caddy's list can only be put back by its address.
func upstreamName(p Point) string {
	i := strings.LastIndex(p.Member, ":")
	if i < 0 || p.Member[i+1:] == "" || strings.Trim(p.Member[i+1:], "0123456789") != "" {
		return upstreamHint(p)
	}
	host := p.Member[:i]
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	} else if strings.Contains(host, ":") {
		return upstreamHint(p)
	}
	return unless(host == p.Address || host == p.Server, upstreamHint(p))
}

func upstreamHint(p Point) string {
	if strings.Contains(p.Address, ":") {
		return `HOST:PORT of its server, as in "[{address}]:8080"`
	}
	return `HOST:PORT of its server, as in "{address}:8080"`
}

func (w WatchHTTP) backend(p Point) string {
	return unless(!strings.Contains(w.URL, "{backend}") || urlText(p.Backend), urlHint)
}

func (w WatchHTTP) member(p Point) string {
	return unless(!strings.Contains(w.URL, "{member}") || urlText(p.Member), urlHint)
}

// bareName tells whether all programs take it for a name.
func bareName(s string) bool { return s != "" && !strings.ContainsFunc(s, notIn("._:-")) }

// addressName tells whether it is a name or an address, which may be one of IPv6.
func addressName(s string) bool { return s != "" && !strings.ContainsFunc(s, notIn("._:-[]")) }

// urlText tells whether it can stand in a URL as it is.
func urlText(s string) bool {
	return s != "" && !strings.ContainsFunc(s, notIn("._:-[]/~!$&()*+,;=?@|"))
}

// notIn finds what is no letter, no digit and none of others.
func notIn(others string) func(rune) bool {
	return func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune(others, r)
	}
}
