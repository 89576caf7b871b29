package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// sitting is a point of a deployment that has a seat.
type sitting struct {
	claim
	point plan.Point
}

// members finds names that a proxy can't have, and members that two servers or two apps would be.
func (c *checker) members() {
	all := map[seat][]sitting{}
	for _, a := range c.apps {
		env, ok := c.envs[a.Env]
		field := namesOf(a)
		if !ok || field == "" {
			continue
		}
		points := pointsOf(a, env)
		c.misnamed(a, field, points)
		own := map[seat][]sitting{}
		machines := machinesOf(env)
		for _, p := range points {
			if s, ok := seatOf(p, machines); ok {
				own[s] = append(own[s], sitting{claim{app: a, path: clashField(a, field), host: p.Proxy}, p})
			}
		}
		c.twiceSeated(a, field, own)
		for s, list := range own {
			all[s] = append(all[s], list[0])
		}
	}
	c.shared(all)
	c.handlers(all)
}

// namesOf is the field with the names of an app at its proxies; "" without a topology.
func namesOf(a plan.App) string {
	path, _ := proxiesOf(a)
	return strings.TrimSuffix(path, ".proxies")
}

// clashField is the field that says by which names an app is at its proxies: the backend, since members are servers most often.
func clashField(a plan.App, field string) string {
	for _, name := range []string{".backend", ".member"} {
		if _, written := a.Places[field+name]; written {
			return field + name
		}
	}
	return field
}

// pointsOf lists where the servers of an app are drained, as far as the inventory knows servers and proxies.
func pointsOf(a plan.App, env plan.Environment) []plan.Point {
	var out []plan.Point
	for _, s := range slices.Concat(a.Servers, a.Standby) {
		if _, known := env.Servers[s]; !known {
			continue
		}
		for _, p := range plan.Points(a, env, s) {
			if _, known := env.Proxies[p.Proxy]; known {
				out = append(out, p)
			}
		}
	}
	return out
}

// misnamed tells of the names that programs can't have, once for all programs with one rule. A name with another mistake is not told.
func (c *checker) misnamed(a plan.App, field string, points []plan.Point) {
	rules := map[[2]string]*plan.Misnamed{} // by path and what is allowed
	programs := map[[2]string][]string{}
	for _, p := range points {
		for _, m := range p.Misnamed() {
			if m.Name == "" { // the schema tells that
				continue
			}
			k := [2]string{field + "." + m.Field, m.Hint}
			if rules[k] == nil && !c.isWrong(a, k[0]) {
				rules[k] = &m
			}
			if !slices.Contains(programs[k], m.Program) {
				programs[k] = append(programs[k], m.Program)
			}
		}
	}
	for k, m := range rules {
		m.Program = series(programs[k])
		c.add(a, k[0], m.String(), m.Hint)
	}
}

// isWrong tells whether a mistake at a field of an app was told.
func (c *checker) isWrong(a plan.App, path string) bool {
	return slices.ContainsFunc(c.diags, func(d Diagnostic) bool { return d.Path == "environments."+a.Env+"."+path && d.Pos == at(a, path) })
}

// twiceSeated finds servers of one app that have one name.
func (c *checker) twiceSeated(a plan.App, field string, own map[seat][]sitting) {
	type crowd struct{ backend, member, servers string }
	hosts := map[crowd][]string{}
	for _, list := range own {
		var servers []string
		for _, s := range list {
			servers = append(servers, s.who())
		}
		slices.Sort(servers)
		if servers = slices.Compact(servers); len(servers) > 1 {
			k := crowd{list[0].point.Backend, list[0].point.Member, series(servers)}
			hosts[k] = append(hosts[k], list[0].host)
		}
	}
	for k, on := range hosts {
		where := " on " + strings.Join(slices.Compact(slices.Sorted(slices.Values(on))), ", ")
		hint := "{server} in member stands for the server's name"
		if a.Topology.Pairs != nil {
			where, hint = "", "{proxy} in member stands for the proxy's name"
		}
		c.add(a, field+".member", fmt.Sprintf("%s are one member, %s of backend %s%s", k.servers, k.member, k.backend, where), hint)
	}
}

// who is taken out of rotation: the server, or with pairs the proxy.
func (s sitting) who() string {
	if s.app.Topology.Pairs != nil {
		return s.point.Proxy
	}
	return s.point.Server
}

// quarrel is a backend whose members two deployments want.
type quarrel struct {
	later, earlier party
	backend        string
}

// wanted is what a quarrel is about.
type wanted struct {
	later, earlier sitting
	members, hosts []string
}

// shared finds members that two deployments want.
func (c *checker) shared(all map[seat][]sitting) {
	found := map[quarrel]*wanted{}
	for _, at := range slices.SortedFunc(maps.Keys(all), seat.compare) {
		list := all[at]
		slices.SortFunc(list, func(a, b sitting) int { return a.compare(b.claim) })
		for i, later := range list {
			earlier, ok := later.rival(list[:i])
			if !ok {
				continue
			}
			k := quarrelOf(later, earlier)
			w := found[k]
			if w == nil {
				w = &wanted{later: later, earlier: earlier}
				found[k] = w
			}
			w.members, w.hosts = append(w.members, later.point.Member), append(w.hosts, later.host)
		}
	}
	for k, w := range found {
		c.quarrels(k, w)
	}
}

// rival gives the one of those who came earlier that s quarrels with: one of its own environment, else the first. There is none where
// an app is told to be defined twice.
func (s sitting) rival(earlier []sitting) (sitting, bool) {
	if len(earlier) == 0 {
		return sitting{}, false
	}
	r := earlier[0]
	if i := slices.IndexFunc(earlier, func(e sitting) bool { return e.app.Env == s.app.Env }); i >= 0 {
		r = earlier[i]
	}
	twice := r.app.Name == s.app.Name && at(r.app, "name") != at(s.app, "name")
	return r, !twice
}

// quarrelOf is told at the fields in one environment, and between two at the environments of the apps.
func quarrelOf(later, earlier sitting) quarrel {
	side := func(s sitting) party {
		p := party{app: s.app.Name, env: s.app.Env, pos: s.app.Pos}
		if later.app.Env == earlier.app.Env {
			p.env, p.pos = "", at(s.app, s.path)
		}
		return p
	}
	return quarrel{side(later), side(earlier), later.point.Backend}
}

// quarrels words a quarrel.
func (c *checker) quarrels(k quarrel, w *wanted) {
	slices.Sort(w.members)
	slices.Sort(w.hosts)
	w.members, w.hosts = slices.Compact(w.members), slices.Compact(w.hosts)
	what, is := "member ", "is"
	if len(w.members) > 1 {
		what, is = "members ", "are"
	}
	owner, hint := "app "+k.earlier.app, ""
	path := "environments." + w.later.app.Env + "." + w.later.path
	if k.later.env != k.earlier.env {
		owner += " in environment " + k.earlier.env
		path = "environments." + k.later.env
		if machinesOf(c.envs[k.later.env])[w.later.host] == machinesOf(c.envs[k.earlier.env])[w.earlier.host] {
			hint = c.oneMachine(w.later.claim, w.earlier.claim)
		}
	}
	c.diags = append(c.diags, Diagnostic{Pos: k.later.pos, Path: path, Hint: hint, exact: true, also: k.earlier.pos,
		Message: fmt.Sprintf("%s%s of backend %s on %s %s also used by %s, %s", what, series(w.members), k.backend, strings.Join(w.hosts, ", "), is, owner, place(k.earlier.pos))})
}
