package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// claim is one app's wish for a thing of a machine that only one app can have.
type claim struct {
	app  plan.App
	path string // the field that says so
}

// claims are who wants what: by environment, machine and thing.
type claims map[string]map[string]map[string][]claim

// put adds a claim.
func (c claims) put(env, host, thing string, by claim) {
	if c[env] == nil {
		c[env] = map[string]map[string][]claim{}
	}
	if c[env][host] == nil {
		c[env][host] = map[string][]claim{}
	}
	c[env][host][thing] = append(c[env][host][thing], by)
}

// clashes finds ports and directories that two apps want on one machine.
func (c *checker) clashes() {
	all := claims{}
	for _, a := range c.apps {
		for _, h := range installedOn(a) {
			for thing, path := range wants(a, c.envs[a.Env].Servers[h]) {
				for _, p := range path {
					all.put(a.Env, h, thing, claim{app: a, path: p})
				}
			}
		}
	}
	type pair struct {
		thing, later, earlier string
		pos, other            plan.Pos
	}
	where := map[pair][]string{}
	from := map[pair][2]claim{}
	for _, hosts := range all {
		for host, things := range hosts {
			for thing, list := range things {
				slices.SortFunc(list, func(a, b claim) int { return comparePos(at(a.app, a.path), at(b.app, b.path)) })
				for i := 1; i < len(list); i++ {
					a, b := list[0], list[i]
					if a.app.Name == b.app.Name && at(a.app, "name") != at(b.app, "name") {
						continue // one app twice: told by its name
					}
					p := pair{thing: thing, later: b.app.Name, earlier: a.app.Name, pos: at(b.app, b.path), other: at(a.app, a.path)}
					where[p] = append(where[p], host)
					from[p] = [2]claim{a, b}
				}
			}
		}
	}
	for p, hosts := range where {
		slices.Sort(hosts)
		on := strings.Join(slices.Compact(hosts), ", ")
		b := from[p][1]
		message := fmt.Sprintf("%s on %s is also used by app %s, %s", p.thing, on, p.earlier, place(p.other))
		if p.later == p.earlier {
			message = fmt.Sprintf("%s on %s is used twice by app %s, also at %s", p.thing, on, p.earlier, place(p.other))
		}
		c.diags = append(c.diags, Diagnostic{Pos: p.pos, Path: "environments." + b.app.Env + "." + b.path, Message: message, exact: true, also: p.other})
	}
}

// installedOn lists the machines that an app is installed on.
func installedOn(a plan.App) []string {
	out := slices.Concat(a.Servers, a.Standby)
	if t := a.Topology; t.Shared != nil && t.Shared.InstallOnProxies || t.Pairs != nil && t.Pairs.InstallOnProxies {
		_, proxies := proxiesOf(a)
		out = slices.Concat(out, proxies)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// wants lists what an app wants of a machine for itself, with the fields that say so.
func wants(a plan.App, host plan.Host) map[string][]string {
	out := map[string][]string{}
	ports := map[int]bool{}
	for _, name := range slices.Sorted(maps.Keys(a.Ports)) {
		ports[a.Ports[name]] = true
		thing := fmt.Sprintf("port %d", a.Ports[name])
		out[thing] = append(out[thing], "ports."+name)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Probes)) {
		path, target, port := probed(name, a.Probes[name])
		if path == "" || ports[port] || !local(target, host) {
			continue
		}
		ports[port] = true
		thing := fmt.Sprintf("port %d", port)
		out[thing] = append(out[thing], path)
	}
	root := "directory " + a.Layout.Root
	if user := cmp.Or(a.User, host.User); strings.HasPrefix(a.Layout.Root, "~") && user != "" {
		root += " of user " + user
	}
	out[root] = []string{"layout.root"}
	if s := a.Service.Systemd; s != nil {
		out["unit "+strings.TrimSuffix(s.Unit, ".service")] = []string{"service.systemd.unit"}
	}
	return out
}

// probed gives what a probe connects to.
func probed(name string, c plan.Check) (path, host string, port int) {
	switch {
	case c.HTTP != nil:
		return "probes." + name + ".http.port", c.HTTP.Host, c.HTTP.Port
	case c.TCP != nil:
		return "probes." + name + ".tcp.port", c.TCP.Host, c.TCP.Port
	}
	return "", "", 0
}

// local reports whether an address, seen from a host, is the host itself.
func local(address string, h plan.Host) bool {
	return address == "localhost" || address == "::1" || strings.HasPrefix(address, "127.") || address == h.Address
}
