package plan

import "strings"

// Points lists where an active server is drained and admitted: one point a proxy in front of it. Without a topology there
// is none.
func Points(app App, env Environment, server string) []Point {
	switch {
	case app.Topology.Shared != nil:
		return sharedPoints(app, env, server)
	case app.Topology.Pairs != nil:
		return pairPoints(app, env, server)
	}
	return nil
}

// sharedPoints: every proxy fronts every active server. Another topology has none.
func sharedPoints(app App, env Environment, server string) []Point {
	t := app.Topology.Shared
	if t == nil {
		return nil
	}
	var out []Point
	for _, name := range t.Proxies {
		p := Point{
			Proxy: name, Server: server, Target: server, As: app.As(env, server), Root: app.Layout.Root,
			Address: env.Servers[server].Address, Driver: env.Proxies[name].Driver,
		}
		p.Backend = app.fill(t.Backend, server, name)
		p.Member = strings.ReplaceAll(app.fill(t.Member, server, name), "{address}", p.Address)
		out = append(out, p)
	}
	return out
}

// pairPoints: proxy i fronts only server i, so the proxy leaves its outer balancer.
func pairPoints(app App, env Environment, server string) []Point {
	t := app.Topology.Pairs
	for i, s := range app.Servers {
		if s != server || i >= len(t.Proxies) {
			continue
		}
		proxy := t.Proxies[i]
		p := Point{
			Proxy: proxy, Server: server, Target: proxy, Address: env.Proxies[proxy].Address,
			Driver: Driver{Marker: t.Outer.Marker, Command: t.Outer.Command},
		}
		p.Backend = app.fill(t.Backend, server, proxy)
		p.Member = app.fill(t.Member, server, proxy)
		return []Point{p}
	}
	return nil
}

// enabledBy tells whether a point's rotation marker is the app's enable marker, the same file.
func (a App) enabledBy(p Point) bool {
	m := p.Driver.Marker
	if m == nil || a.Marker == "" || p.Target != p.Server {
		return false
	}
	return m.File == a.Marker || m.File == strings.TrimSuffix(a.Layout.Root, "/")+"/shared/"+a.Marker
}

// fill puts names in place of {app}, {env}, {server} and {proxy}.
func (a App) fill(s, server, proxy string) string {
	return strings.NewReplacer("{app}", a.Name, "{env}", a.Env, "{server}", server, "{proxy}", proxy).Replace(s)
}

// As is the user that owns the app on a host and runs its steps there: "" where that is the login user.
func (a App) As(env Environment, host string) string {
	if a.User == hostOf(env, host).User {
		return ""
	}
	return a.User
}

// hostOf finds a server or a proxy's host by its inventory name.
func hostOf(env Environment, name string) Host {
	if s, ok := env.Servers[name]; ok {
		return s
	}
	return env.Proxies[name].Host
}

// proxies are the proxies of the app's topology, in order.
func (a App) proxies() []string {
	switch {
	case a.Topology.Shared != nil:
		return a.Topology.Shared.Proxies
	case a.Topology.Pairs != nil:
		return a.Topology.Pairs.Proxies
	}
	return nil
}

// Hosts are the inventory names of the hosts that have the app installed: active servers, standby servers and, where
// asked for, the proxies' hosts.
func (a App) Hosts() []string {
	out := append(append([]string{}, a.Servers...), a.Standby...)
	return append(out, a.installProxies()...)
}

func (a App) installProxies() []string {
	t := a.Topology
	if t.Shared != nil && t.Shared.InstallOnProxies {
		return t.Shared.Proxies
	}
	if t.Pairs != nil && t.Pairs.InstallOnProxies {
		return t.Pairs.Proxies
	}
	return nil
}
