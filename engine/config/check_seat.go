package config

import (
	"cmp"
	"strings"

	"trikk.dev/engine/plan"
)

// seat is what one member of a balancer is known by. Two servers with one seat are one member.
type seat struct {
	machine string // that the balancer is asked on; "" where it is asked at an address of its own
	where   string // the socket, the page or the file on it
	backend string
	member  string
}

func (s seat) compare(o seat) int {
	return cmp.Or(cmp.Compare(s.machine, o.machine), cmp.Compare(s.where, o.where), cmp.Compare(s.backend, o.backend), cmp.Compare(s.member, o.member))
}

// seatOf is the seat of a point; none where nothing goes by its names, or where a name is told as wrong already.
func seatOf(p plan.Point, machines map[string]string) (seat, bool) {
	s := seat{machine: machines[p.Proxy], backend: p.Backend, member: p.Member}
	if len(p.Misnamed()) > 0 {
		return s, false
	}
	switch d := p.Driver; {
	case d.HAProxy != nil:
		s.asked("haproxy ", d.HAProxy.Socket)
	case d.HTTPD != nil && d.HTTPD.Include != nil:
		s.where, s.backend = "httpd", strings.ReplaceAll(d.HTTPD.Include.Members, "{backend}", plan.BalancerName(p.Backend))
	case d.HTTPD != nil:
		s.ofHTTPD(d.HTTPD.URL)
	case d.Nginx != nil:
		s.where, s.backend = "nginx", strings.ReplaceAll(d.Nginx.Servers, "{backend}", p.Backend)
	case d.Caddy != nil:
		s.asked("caddy ", d.Caddy.Admin)
		s.backend = strings.ReplaceAll(d.Caddy.ID, "{backend}", p.Backend)
	case d.Command != nil:
		s.where = "command"
	case d.Marker != nil:
		return s.watched(d.Marker, machines)
	}
	return s, s.where != ""
}

// watched is the seat at the balancer that a marker's watch asks.
func (s seat) watched(m *plan.Marking, machines map[string]string) (seat, bool) {
	if on := watchedOn(m); on != "" {
		s.machine = machines[on]
	}
	switch w := m.Watch; {
	case w == nil:
		return s, false
	case w.HAProxy != nil:
		s.asked("haproxy ", w.HAProxy.Socket)
	case w.HTTPD != nil:
		s.ofHTTPD(w.HTTPD.URL)
	case w.HTTP != nil && strings.Contains(w.HTTP.URL+w.HTTP.Up, "{member}"):
		s.asked("page ", w.HTTP.URL+" "+w.HTTP.Up)
	}
	return s, s.where != ""
}

// ofHTTPD fills in a balancer-manager, which has its balancers in lower case.
func (s *seat) ofHTTPD(url string) {
	s.asked("httpd ", url)
	s.backend = plan.BalancerName(s.backend)
}

// asked fills in where the balancer answers: a socket's path, HOST:PORT or a URL. One that is not the machine's own is known by its
// address alone.
func (s *seat) asked(kind, at string) {
	s.where = kind + at
	_, rest, isURL := strings.Cut(at, "://")
	if !isURL {
		rest = at
	}
	if !strings.HasPrefix(at, "/") && !local(strings.Trim(hostIn(rest), "[]"), plan.Host{}) {
		s.machine = ""
	}
}

// hostIn is the host at the beginning of HOST:PORT/PATH.
func hostIn(s string) string {
	s, _, _ = strings.Cut(s, "/")
	if i := strings.LastIndex(s, ":"); i > strings.LastIndex(s, "]") {
		return s[:i]
	}
	return s
}
