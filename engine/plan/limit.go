package plan

import (
	"slices"
	"strings"
)

// Limit is a named semaphore: at most Most lanes that take it are in hand at once, over all apps of the plan. A lane takes all that it
// needs before its first step, or none, and gives it back when it ends; so nobody waits in a circle.
type Limit struct {
	Name string `json:"name"`
	Most int    `json:"most"`
	// Kept: a lane whose undo failed keeps its place, because what it took out of rotation stays out.
	Kept bool `json:"kept,omitempty"`
}

// Limits are how much of a run goes on at once, as an environment says it; 0: as much as can.
type Limits struct {
	Turns      int `json:"turns,omitempty"`      // turns over all servers
	Server     int `json:"server,omitempty"`     // turns on one server that stop or start something
	Proxy      int `json:"proxy,omitempty"`      // turns of servers behind one proxy
	Repository int `json:"repository,omitempty"` // downloads from one artifact repository, by servers
}

// limiter finds what lanes of several apps share.
type limiter struct {
	env   Environment
	pairs map[string]Limit // by proxy: those that leave their outer balancer together with others
	found map[string]Limit
}

// limit gives lanes the limits that they take, and returns those that can be full: a limit that all lanes fit in binds nobody.
func limit(env Environment, apps []AppPlan) []Limit {
	l := limiter{env: env, pairs: sharedPairs(apps), found: map[string]Limit{}}
	most := map[string]int{}
	for a := range apps {
		here := map[string]int{} // the most lanes of this app at once
		for _, w := range apps[a].Waves {
			for name, n := range l.takeAll(w) {
				here[name] = max(here[name], n)
			}
		}
		for name, n := range here {
			most[name] += n
		}
	}
	var out []Limit
	for _, name := range sortedKeys(l.found) {
		if most[name] > l.found[name].Most {
			out = append(out, l.found[name])
		}
	}
	for a := range apps {
		keepLimits(apps[a].Waves, out)
	}
	return out
}

// takeAll gives each lane of a wave what it takes, and counts the takers.
func (l limiter) takeAll(w Wave) map[string]int {
	takers := map[string]int{}
	for i := range w.Lanes {
		lane := &w.Lanes[i]
		lane.Takes = nil
		for _, limit := range l.of(*lane) {
			if limit.Most <= 0 || slices.Contains(lane.Takes, limit.Name) {
				continue
			}
			l.found[limit.Name] = limit
			lane.Takes = append(lane.Takes, limit.Name)
			takers[limit.Name]++
		}
		slices.Sort(lane.Takes)
	}
	return takers
}

// of are the limits that a lane is under.
func (l limiter) of(lane Lane) []Limit {
	var out []Limit
	turns := false
	for _, s := range lane.Steps {
		switch op := s.Op.(type) {
		case Fetch:
			if !op.Controller {
				out = append(out, Limit{Name: "repository " + repositoryOf(op.URL), Most: l.env.Limits.Repository})
			}
		case ServiceOp:
			turns = true
			out = append(out, Limit{Name: "server " + s.Host, Most: l.perServer(s.Host)})
		case DrainOp:
			turns = true
			for _, p := range op.Points {
				out = append(out, Limit{Name: "proxy " + p.Proxy, Most: l.env.Limits.Proxy})
				if p.Target == p.Proxy {
					out = append(out, l.pairs[p.Proxy])
				}
			}
		}
	}
	if turns {
		out = append(out, Limit{Name: "turns", Most: l.env.Limits.Turns})
	}
	return out
}

// perServer is how many turns a host gives at once.
func (l limiter) perServer(host string) int {
	if n := hostOf(l.env, host).Turns; n > 0 {
		return n
	}
	return l.env.Limits.Server
}

// repositoryOf is where a URL leads, without its path.
func repositoryOf(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	authority, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + authority[strings.LastIndex(authority, "@")+1:]
}

// keepLimits takes from lanes the limits that bind nobody.
func keepLimits(waves []Wave, limits []Limit) {
	for w := range waves {
		for i := range waves[w].Lanes {
			lane := &waves[w].Lanes[i]
			lane.Takes = slices.DeleteFunc(lane.Takes, func(name string) bool {
				return !slices.ContainsFunc(limits, func(l Limit) bool { return l.Name == name })
			})
			if len(lane.Takes) == 0 {
				lane.Takes = nil
			}
		}
	}
}

// sharedPairs finds the proxies that leave their outer balancer for more than one app: while one is out for an app, the others' servers
// behind it are out too. So of all proxies that hang together in this way no more leave at once than the app with the fewest
// spare servers can do without.
func sharedPairs(apps []AppPlan) map[string]Limit {
	out := map[string]Limit{}
	for _, group := range pairGroups(apps) {
		if len(group.apps) < 2 {
			continue
		}
		slices.Sort(group.proxies)
		l := Limit{Name: "pairs " + strings.Join(group.proxies, " "), Kept: true}
		for _, a := range group.apps {
			c := compiler{app: a}
			if n := c.maxUnavailable(); l.Most == 0 || n < l.Most {
				l.Most = n
			}
		}
		for _, p := range group.proxies {
			out[p] = l
		}
	}
	return out
}

type pairGroup struct {
	apps    []App
	proxies []string
}

// pairGroups puts apps together whose pairs have a proxy in common.
func pairGroups(apps []AppPlan) []pairGroup {
	var out []pairGroup
	for _, a := range apps {
		if a.Source.Topology.Pairs == nil {
			continue
		}
		joined := pairGroup{apps: []App{a.Source}, proxies: slices.Clone(a.Source.proxies())}
		var others []pairGroup
		for _, g := range out {
			if !slices.ContainsFunc(g.proxies, func(p string) bool { return slices.Contains(joined.proxies, p) }) {
				others = append(others, g)
				continue
			}
			joined.apps = append(joined.apps, g.apps...)
			for _, p := range g.proxies {
				if !slices.Contains(joined.proxies, p) {
					joined.proxies = append(joined.proxies, p)
				}
			}
		}
		out = append(others, joined)
	}
	return out
}
