package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// front is an app as one proxy sees it.
type front struct {
	app     App
	proxy   Proxy
	backend string
	members []frontMember
	check   *HTTPCheck // the health check; nil: the port is connected to
}

// frontMember is a server behind a proxy.
type frontMember struct {
	name    string // as the topology says
	address string // HOST:PORT
	idle    bool   // a standby server: it starts out of rotation
}

// Fronts gives the proxies' side of the apps' topologies, which the drivers expect: backends, balancers, upstreams and handlers, as files by
// proxy, sorted by path. The notes name what has no such side. It fails where a port or a name can't be had.
func Fronts(env Environment, apps []App) (files []Rendered, notes []string, err error) {
	byProxy := map[string][]front{}
	for _, app := range apps {
		for _, name := range app.proxies() {
			if env.Proxies[name].Driver.front() == nil {
				byProxy[name] = nil
				continue
			}
			f, err := frontOf(app, env, name)
			if err != nil {
				return nil, nil, err
			}
			if byProxy[name], err = joined(byProxy[name], f, name); err != nil {
				return nil, nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byProxy)) {
		render := env.Proxies[name].Driver.front()
		if render == nil {
			notes = append(notes, fmt.Sprintf("%s: what its driver watches or runs is written by whoever wrote its commands or health checks", name))
			continue
		}
		for _, f := range byProxy[name] {
			for _, file := range render(f) {
				file.Path, file.Mode = name+"/"+file.Path, "0644"
				files = append(files, file)
			}
		}
	}
	slices.SortFunc(files, func(a, b Rendered) int { return strings.Compare(a.Path, b.Path) })
	return files, notes, nil
}

// joined adds an app to those at a proxy. Apps may share a backend, where each has members of its own and all are checked alike.
func joined(fronts []front, f front, proxy string) ([]front, error) {
	i := slices.IndexFunc(fronts, func(g front) bool { return g.backend == f.backend })
	if i < 0 {
		return append(fronts, f), f.apart(fronts, proxy)
	}
	g := &fronts[i]
	both := fmt.Sprintf("%s and %s have the same backend %s on %s", g.app.Name, f.app.Name, f.backend, proxy)
	taken := func(m frontMember) bool {
		return slices.ContainsFunc(g.members, func(n frontMember) bool { return n.name == m.name })
	}
	switch {
	case slices.ContainsFunc(f.members, taken):
		return nil, &Refusal{Pos: f.app.place("topology"), Text: both + ", and the same members"}
	case g.checked() != f.checked():
		return nil, &Refusal{Pos: f.app.place("topology"), Text: both + ", and different health checks"}
	}
	g.members = append(g.members, f.members...)
	return fronts, nil
}

// apart refuses a handler of Caddy that another backend has: two with one ID are no configuration.
func (f front) apart(others []front, proxy string) error {
	caddy := f.proxy.Driver.Caddy
	if caddy == nil {
		return nil
	}
	for _, g := range others {
		if id := caddy.handler(f.backend); id == caddy.handler(g.backend) {
			return &Refusal{Pos: f.app.place("topology"), Text: fmt.Sprintf("%s and %s have one handler %s on %s, and the backends %s and %s", g.app.Name, f.app.Name, id, proxy, g.backend, f.backend),
				Hint: "write {backend} into the id of the driver, or give both apps one backend"}
		}
	}
	return nil
}

// handler is the ID of a backend's handler.
func (c Caddy) handler(backend string) string { return strings.ReplaceAll(c.ID, "{backend}", backend) }

// checked is what the health check asks for.
func (f front) checked() string {
	if f.check == nil {
		return ""
	}
	return fmt.Sprint(f.check.Path, f.check.Status)
}

// front is how a driver's proxy is told of a backend; nil: trikk does not know.
func (d Driver) front() func(front) []Rendered {
	switch {
	case d.HAProxy != nil:
		return haproxyFront
	case d.HTTPD != nil:
		return httpdFront
	case d.Nginx != nil:
		return nginxFront
	case d.Caddy != nil:
		return caddyFront
	}
	return nil
}

// frontOf is the app at one of its proxies.
func frontOf(app App, env Environment, proxy string) (front, error) {
	port, err := app.frontPort()
	if err != nil {
		return front{}, err
	}
	f := front{app: app, proxy: env.Proxies[proxy], check: app.frontCheck(port)}
	servers := slices.Concat(app.Servers, app.Standby)
	if app.Topology.Pairs != nil {
		i := slices.Index(app.Topology.Pairs.Proxies, proxy)
		servers = app.Servers[i : i+1]
	}
	for _, s := range servers {
		m := frontMember{name: s, address: hostPort(env.Servers[s].Address, port), idle: slices.Contains(app.Standby, s)}
		f.backend = app.Name
		for _, p := range sharedPoints(app, env, s) {
			if p.Proxy != proxy {
				continue
			}
			if wrong := p.Misnamed(); len(wrong) > 0 {
				return front{}, &Refusal{Pos: app.place("topology"), Text: app.Name + ": " + wrong[0].String(), Hint: wrong[0].Hint}
			}
			f.backend, m.name = p.Driver.frontName(p.Backend), p.Member
			if p.Driver.Caddy != nil {
				m.address = p.Member // by which Caddy's upstreams are known
			}
		}
		f.members = append(f.members, m)
	}
	return f, nil
}

// frontName is a backend's name as the proxy has it: httpd knows balancers by their scheme, and keeps the lower case.
func (d Driver) frontName(backend string) string {
	if d.HTTPD != nil {
		return BalancerName(backend)
	}
	return backend
}

// hostPort is HOST:PORT, with brackets around an IPv6 address.
func hostPort(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}

// frontPort is the port that proxies ask: the one named http, the only one, or that of the first HTTP or TCP probe of the server itself.
func (a App) frontPort() (int, error) {
	if p, ok := a.Ports["http"]; ok {
		return p, nil
	}
	if len(a.Ports) == 1 {
		for _, p := range a.Ports {
			return p, nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Probes)) {
		switch c := a.Probes[name]; {
		case c.HTTP != nil:
			return c.HTTP.Port, nil
		case c.TCP != nil:
			return c.TCP.Port, nil
		}
	}
	return 0, &Refusal{Pos: a.Pos, Text: a.Name + ": the port that its proxies ask is not known", Hint: `write it as ports: http: 8080`}
}

// frontCheck is the first HTTP probe of the port that proxies ask: another one may be open to the server itself alone.
func (a App) frontCheck(port int) *HTTPCheck {
	for _, name := range slices.Sorted(maps.Keys(a.Probes)) {
		if h := a.Probes[name].HTTP; h != nil && h.Port == port {
			return h
		}
	}
	return nil
}
