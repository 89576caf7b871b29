package config

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// claim is one deployment's wish for a thing of a machine that only one can have.
type claim struct {
	app  plan.App
	nth  int    // which of all deployments it is
	path string // the field that says so
	host string // the machine's name in the app's environment
}

// claims are who wants what: by machine and thing.
type claims map[string]map[string][]claim

// put adds a claim.
func (c claims) put(machine, thing string, by claim) {
	if c[machine] == nil {
		c[machine] = map[string][]claim{}
	}
	c[machine][thing] = append(c[machine][thing], by)
}

// claims collects what all apps want of the machines, in the order of the places that say so.
func (c *checker) claims() claims {
	machines := map[string]map[string]string{}
	for name, e := range c.envs {
		machines[name] = machinesOf(e)
	}
	all := claims{}
	for i, a := range c.apps {
		for _, h := range installedOn(a) {
			machine := cmp.Or(machines[a.Env][h], a.Env+"/"+h) // an unknown name is a machine of its own
			for thing, paths := range wants(a, hostOf(c.envs[a.Env], h)) {
				for _, p := range paths {
					all.put(machine, thing, claim{app: a, nth: i, path: p, host: h})
				}
			}
		}
	}
	for _, things := range all {
		for _, list := range things {
			slices.SortFunc(list, claim.compare)
		}
	}
	return all
}

func (k claim) compare(o claim) int {
	return cmp.Or(comparePos(at(k.app, k.path), at(o.app, o.path)), comparePos(k.app.Pos, o.app.Pos),
		cmp.Compare(k.app.Env, o.app.Env), cmp.Compare(k.host, o.host), cmp.Compare(k.path, o.path))
}

// rival gives the one of earlier claims that a claim clashes with: one of its own environment, else the first. There is none
// where another mistake is told: one machine has two names in one environment, or one app is defined twice.
func (k claim) rival(earlier []claim) (claim, bool) {
	if len(earlier) == 0 {
		return claim{}, false
	}
	r := earlier[0]
	for _, e := range earlier {
		if e.app.Env == k.app.Env {
			r = e
			break
		}
	}
	oneEnv := r.app.Env == k.app.Env
	twoNames := oneEnv && r.host != k.host
	twice := r.app.Name == k.app.Name && (at(r.app, "name") != at(k.app, "name") || oneEnv && r.nth != k.nth)
	return r, !twoNames && !twice
}

// party is one side of a clash.
type party struct {
	app, env string
	pos      plan.Pos
}

// clash is a thing that two deployments want, on any number of machines.
type clash struct {
	later, earlier party
	thing          string // "" between environments: one line tells all that they both want
	inside         string // the directory of trikk's own that the thing is in, where the other wants that
}

// between reports whether the parties are in two environments.
func (k clash) between() bool { return k.later.env != k.earlier.env }

// meeting is where and about what a clash is.
type meeting struct {
	later, earlier claim
	things, hosts  []string
}

// clashes finds ports, directories and units that two deployments want on one machine, be they in one environment or in two.
func (c *checker) clashes() {
	found := map[clash]*meeting{}
	all := c.claims()
	for _, machine := range slices.Sorted(maps.Keys(all)) {
		for _, thing := range slices.Sorted(maps.Keys(all[machine])) {
			list := all[machine][thing]
			for i, later := range list {
				if earlier, ok := later.rival(list[:i]); ok {
					note(found, thing, "", later, earlier)
				}
			}
		}
		nested(found, all[machine])
	}
	for k, m := range found {
		c.tell(k, m)
	}
}

// note keeps a clash. In one environment it is told at the fields, between two at the environments of the apps.
func note(found map[clash]*meeting, thing, inside string, later, earlier claim) {
	k := clash{thing: thing, inside: inside}
	if later.app.Env == earlier.app.Env {
		k.later, k.earlier = party{app: later.app.Name, pos: at(later.app, later.path)}, party{app: earlier.app.Name, pos: at(earlier.app, earlier.path)}
	} else {
		if inside == "" {
			k.thing = ""
			if comparePos(later.app.Pos, earlier.app.Pos) < 0 {
				later, earlier = earlier, later
			}
		}
		k.later, k.earlier = party{later.app.Name, later.app.Env, later.app.Pos}, party{earlier.app.Name, earlier.app.Env, earlier.app.Pos}
	}
	m := found[k]
	if m == nil {
		m = &meeting{later: later, earlier: earlier}
		found[k] = m
	}
	m.things, m.hosts = append(m.things, thing), append(m.hosts, later.host)
}

// tell words a clash.
func (c *checker) tell(k clash, m *meeting) {
	slices.Sort(m.things)
	slices.Sort(m.hosts)
	m.things, m.hosts = slices.Compact(m.things), slices.Compact(m.hosts)
	what := series(m.things) + " on " + strings.Join(m.hosts, ", ")
	is := "is"
	if len(m.things) > 1 {
		is = "are"
	}
	owner := "app " + k.earlier.app
	d := Diagnostic{Pos: k.later.pos, Path: "environments." + m.later.app.Env + "." + m.later.path, exact: true, also: k.earlier.pos}
	if k.between() {
		owner += " in environment " + k.earlier.env
		d.Path = "environments." + k.later.env
		d.Hint = c.oneMachine(m.later, m.earlier)
	}
	switch {
	case k.inside != "" && strings.HasPrefix(k.thing+" ", "directory "+k.inside+" "):
		d.Message = fmt.Sprintf("%s is one that trikk keeps for %s, %s", what, owner, place(k.earlier.pos))
	case k.inside != "":
		d.Message = fmt.Sprintf("%s is inside %s, which trikk keeps for %s, %s", what, k.inside, owner, place(k.earlier.pos))
	case k.later.app == k.earlier.app && !k.between():
		d.Message = fmt.Sprintf("%s is used twice by %s, also at %s", what, owner, place(k.earlier.pos))
	default:
		d.Message = fmt.Sprintf("%s %s also used by %s, %s", what, is, owner, place(k.earlier.pos))
	}
	c.diags = append(c.diags, d)
}

// oneMachine says which hosts of two environments are the same.
func (c *checker) oneMachine(a, b claim) string {
	h := hostOf(c.envs[a.app.Env], a.host)
	address := h.Address
	if h.Port != 0 {
		address = fmt.Sprintf("%s:%d", h.Address, h.Port)
		if strings.Contains(h.Address, ":") {
			address = fmt.Sprintf("[%s]:%d", h.Address, h.Port)
		}
	}
	if a.host == b.host {
		return fmt.Sprintf("%s of environment %s is the same machine as that of %s, %s", a.host, a.app.Env, b.app.Env, address)
	}
	return fmt.Sprintf("%s of environment %s and %s of environment %s are one machine, %s", a.host, a.app.Env, b.host, b.app.Env, address)
}

// nested finds roots in those directories of other roots that are trikk's own: what is in there is replaced and removed.
func nested(found map[clash]*meeting, things map[string][]claim) {
	for thing, list := range things {
		if list[0].path != "layout.root" {
			continue
		}
		for _, in := range list {
			root := in.app.Layout.Root
			whose := strings.TrimPrefix(thing, "directory "+root)
			for dir := root; strings.Contains(dir, "/") && dir != "/"; dir = path.Dir(dir) {
				owners := slices.DeleteFunc(slices.Clone(things["directory "+path.Dir(dir)+whose]), func(o claim) bool { return !keeps(o.app, path.Base(dir)) })
				if owner, ok := in.rival(owners); ok {
					note(found, thing, dir, in, owner)
				}
			}
		}
	}
}

// keeps reports whether a name in an app's root is trikk's own.
func keeps(a plan.App, name string) bool {
	return name == "releases" || name == "shared" || name == ".trikk" || name == a.Layout.Current
}

// series writes a list as people do: a, b and c.
func series(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return words[0]
}

// installedOn lists the machines that an app is installed on.
func installedOn(a plan.App) []string {
	out := slices.Concat(a.Servers, a.Standby)
	if t := a.Topology; t.Shared != nil && t.Shared.InstallOnProxies || t.Pairs != nil && t.Pairs.InstallOnProxies {
		_, proxies := proxiesOf(a)
		out = slices.Concat(out, proxies)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(h string) bool { return h == "" }) // of a list with mistakes
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
	if a.Layout.Root != "" {
		out[root] = []string{"layout.root"}
	}
	if s := a.Service.Systemd; s != nil && s.Unit != "" {
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
