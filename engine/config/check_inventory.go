package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// environments checks the inventory and fills in the environments by name.
func (c *checker) environments(envs []plan.Environment) {
	for _, e := range envs {
		if first, ok := c.envs[e.Name]; ok {
			c.place(e.Pos, first.Pos, "environment %s is defined twice", e.Name)
			c.twice[e.Name] = true
			continue
		}
		c.envs[e.Name] = e
		c.machines(e)
		c.jumps(e)
		c.ways(e)
		for _, name := range slices.Sorted(maps.Keys(e.Proxies)) {
			c.driver(e, e.Proxies[name])
		}
	}
}

// place reports a mistake in the inventory that has two places.
func (c *checker) place(pos, other plan.Pos, format string, args ...any) {
	c.diags = append(c.diags, Diagnostic{Pos: pos, Message: fmt.Sprintf(format, args...), Hint: "the other is at " + place(other), also: other})
}

// machines finds machines with two names, and names of two machines: locks and port checks go by the name.
func (c *checker) machines(e plan.Environment) {
	all := slices.Collect(maps.Values(e.Servers))
	for _, p := range e.Proxies {
		all = append(all, p.Host)
	}
	all = slices.DeleteFunc(all, func(h plan.Host) bool { return h.Address == "" }) // with mistakes
	slices.SortFunc(all, func(a, b plan.Host) int { return comparePos(a.Pos, b.Pos) })
	for i, h := range all {
		for _, g := range all[:i] {
			switch {
			case h.Name == g.Name && machine(h) != machine(g):
				c.place(h.Pos, g.Pos, "server and proxy %s of environment %s have different addresses: %s and %s", h.Name, e.Name, h.Address, g.Address)
			case h.Name != g.Name && machine(h) == machine(g):
				c.place(h.Pos, g.Pos, "%s and %s of environment %s are one machine, %s", h.Name, g.Name, e.Name, h.Address)
			}
		}
	}
}

// jumps finds hosts that are reached through themselves. Each circle is told once, at its first name.
func (c *checker) jumps(e plan.Environment) {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(hosts(e)))) {
		way := []string{name}
		next := hostOf(e, name).Jump
		for next != name && isHost(e, next) && !slices.Contains(way, next) {
			way = append(way, next)
			next = hostOf(e, next).Jump
		}
		if next == name && name == slices.Min(way) {
			c.diags = append(c.diags, Diagnostic{Pos: hostOf(e, name).Pos, Message: "jump goes in a circle: " + strings.Join(append(way, name), " → ")})
		}
	}
}

// hostOf finds a server or a proxy's host by its name.
func hostOf(e plan.Environment, name string) plan.Host {
	if h, ok := e.Servers[name]; ok {
		return h
	}
	return e.Proxies[name].Host
}

// machine is what makes two hosts the same machine.
func machine(h plan.Host) string {
	port := h.Port
	if port == 0 {
		port = 22
	}
	name := strings.TrimSuffix(strings.ToLower(h.Address), ".") // as DNS has it
	return fmt.Sprintf("%s:%d via %s", name, port, h.Jump)
}

// machinesOf gives the machine of each host of an environment.
func machinesOf(e plan.Environment) map[string]string {
	out := map[string]string{}
	for _, name := range hosts(e) {
		if hostOf(e, name).Address == "" {
			continue // with mistakes: which one it is isn't known
		}
		out[name] = machineIn(e, hostOf(e, name), maxJumps)
	}
	return out
}

// maxJumps bounds the hosts on the way to a machine, which may be a circle.
const maxJumps = 8

// machineIn is machine for more than one environment: a jump by the name of a host is that host's machine, since the name may be
// another's elsewhere.
func machineIn(e plan.Environment, h plan.Host, jumps int) string {
	if jumps > 0 && h.Jump != "" && isHost(e, h.Jump) {
		h.Jump = machineIn(e, hostOf(e, h.Jump), jumps-1)
	}
	return machine(h)
}

// driver checks a proxy's commands, its ID, and the host that its watch asks.
func (c *checker) driver(e plan.Environment, p plan.Proxy) {
	commands := shellOf(p)
	for _, field := range slices.Sorted(maps.Keys(commands)) {
		if err := shellError(commands[field]); err != "" {
			c.ofProxy(e, p, field, err, "")
		}
	}
	urls := asked(p)
	for _, field := range slices.Sorted(maps.Keys(urls)) {
		if hasUser(urls[field]) {
			c.ofProxy(e, p, field, "the URL holds a user or a password", "let the proxy allow requests from its own host instead")
		}
	}
	if h := p.Driver.HAProxy; h != nil && h.StateFile != "" && p.Reload == "" {
		c.ofProxy(e, p, "driver.haproxy.stateFile", "stateFile is written right before a reload by trikk, and "+p.Name+" has no reload", "write reload, or leave stateFile out")
	}
	if y := p.Driver.Caddy; y != nil && y.Misnamed() != "" {
		c.ofProxy(e, p, "driver.caddy.id", fmt.Sprintf("%q can't be an @id in a path", y.ID), y.Misnamed())
	}
	if m := p.Driver.Marker; m != nil {
		if on := watchedOn(m); on != "" && !isHost(e, on) && !c.hides(e.Name, "") {
			c.ofProxy(e, p, "driver.marker.watch", fmt.Sprintf("unknown host %q in environment %s", on, e.Name), suggest(on, hosts(e)))
		}
	}
}

// shellOf lists the shell commands of a proxy by their fields.
func shellOf(p plan.Proxy) map[string]string {
	out := map[string]string{"reload": p.Reload}
	if n := p.Driver.Nginx; n != nil {
		out["driver.nginx.test"], out["driver.nginx.reload"] = n.Test, n.Reload
	}
	if h := p.Driver.HTTPD; h != nil && h.Include != nil {
		out["driver.httpd.include.test"], out["driver.httpd.include.reload"] = h.Include.Test, h.Include.Reload
	}
	for name, t := range commandsOf(p.Driver.Command) {
		out["driver.command."+name] = t
	}
	return out
}

// ofProxy reports a mistake at a field of a proxy.
func (c *checker) ofProxy(e plan.Environment, p plan.Proxy, field, message, hint string) {
	c.ofHost(e, p.Host, "proxies."+p.Name+"."+field, message, hint)
}

// ofHost reports a mistake at a field of the environment that is about a host.
func (c *checker) ofHost(e plan.Environment, h plan.Host, path, message, hint string) {
	c.diags = append(c.diags, Diagnostic{Pos: nearestPlace(c.places[e.Pos], path, h.Pos), Path: "environments." + e.Name + "." + path, Message: message, Hint: hint})
}
