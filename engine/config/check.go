package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// checker checks what no single package can know: names, machines, ports and directories over all apps.
type checker struct {
	apps []plan.App // with those of which only parts are sound
	envs map[string]plan.Environment
	// names are those of all apps, with mistakes or not.
	names []string
	// nameless: an app has a name that can't be read, so that an unknown app proves nothing.
	nameless bool
	// partial: an inventory can't be read, so that an unknown environment proves nothing.
	partial bool
	// hidden are the fields of environments that can't be read: an unknown server or proxy proves nothing there.
	hidden map[string][]string
	// places are where the fields of environments are written, by the environments' own places.
	places map[plan.Pos]map[string]plan.Pos
	// told are the places of the mistakes of single packages.
	told map[plan.Pos]bool
	// twice are the environments that are defined twice: no name proves anything there.
	twice map[string]bool
	diags []Diagnostic
}

// check gives the mistakes across packages, and the workspace's warnings.
func (w *Workspace) check(folders []folder, outcomes []outcome) []Diagnostic {
	c := checker{envs: map[string]plan.Environment{}, hidden: map[string][]string{}, places: map[plan.Pos]map[string]plan.Pos{}, told: map[plan.Pos]bool{}, twice: map[string]bool{}}
	var envs []plan.Environment
	for _, o := range outcomes {
		if o.name != "" {
			c.names = append(c.names, o.name)
		}
		c.nameless = c.nameless || o.nameless()
		c.partial = c.partial || o.failed() && o.folder.isInventory() && !o.salvaged.counted && len(o.envs) == 0
		c.apps, envs = append(c.apps, o.salvaged.apps...), append(envs, o.salvaged.envs...)
		maps.Copy(c.hidden, o.salvaged.hidden)
		maps.Copy(c.places, o.places)
		for _, d := range o.diags {
			c.told[d.Pos] = true
		}
	}
	c.apps = sortedApps(slices.Concat(w.apps, c.apps))
	for _, f := range folders {
		if f.broken {
			c.partial = c.partial || f.isInventory() || len(f.labels) == 0
			c.nameless = c.nameless || f.mayBeApp()
		}
	}
	c.environments(sortedEnvironments(slices.Concat(w.Environments, envs)))
	c.promotions()
	c.duplicates()
	c.namesakes(outcomes)
	for _, a := range c.apps {
		c.app(a)
	}
	for _, o := range outcomes {
		c.unread(o)
	}
	c.order()
	c.clashes()
	c.members()
	w.Warnings = tidy(merge(warnings(w.apps, c.envs)))
	return merge(c.diags)
}

// add reports a mistake at a field of an app.
func (c *checker) add(a plan.App, path, message, hint string) {
	c.diags = append(c.diags, Diagnostic{Pos: at(a, path), Path: "environments." + a.Env + "." + path, Message: message, Hint: hint, exact: true})
}

// at is where a field of an app is written, or what is nearest around it.
func at(a plan.App, path string) plan.Pos {
	return nearestPlace(a.Places, path, a.Pos)
}

// app checks one deployment by itself.
func (c *checker) app(a plan.App) {
	env, ok := c.envs[a.Env]
	if !ok {
		c.unknown(a.Env, a.Pos)
	}
	if ok {
		servers, proxies := slices.Sorted(maps.Keys(env.Servers)), slices.Sorted(maps.Keys(env.Proxies))
		c.listed(a, "server", "servers", a.Servers, servers)
		c.listed(a, "server", "standby", a.Standby, servers)
		if path, names := proxiesOf(a); path != "" {
			c.listed(a, "proxy", path, names, proxies)
		}
		c.watches(a, env)
	}
	for i, s := range a.Standby {
		if s != "" && slices.Contains(a.Servers, s) {
			c.add(a, fmt.Sprintf("standby.%d", i), fmt.Sprintf("server %s is both active and standby", s), "the other is at "+place(at(a, fmt.Sprintf("servers.%d", slices.Index(a.Servers, s)))))
		}
	}
	if p := a.Topology.Pairs; p != nil && len(a.Servers) > 0 && len(p.Proxies) != len(a.Servers) && !slices.Contains(slices.Concat(p.Proxies, a.Servers), "") {
		c.add(a, "topology.pairs.proxies", fmt.Sprintf("%s for %s in environment %s", count(len(p.Proxies), "proxy", "proxies"), count(len(a.Servers), "server", "servers"), a.Env),
			"pairs need one proxy for each server; the servers are at "+place(at(a, "servers")))
	}
	c.globs(a)
	c.shells(a)
	c.paths(a)
	c.placeholders(a)
	c.secretFiles(a)
	c.content(a)
	c.timings(a)
	c.credentials(a)
}

// unknown reports an environment that the inventory doesn't have.
func (c *checker) unknown(env string, pos plan.Pos) {
	if c.partial || c.told[pos] {
		return
	}
	hint := suggest(env, slices.Collect(maps.Keys(c.envs)))
	if len(c.envs) == 0 {
		hint = "there are none yet; they are written as environments: NAME: schema.#Environment & {…}"
	}
	c.diags = append(c.diags, Diagnostic{Pos: pos, Path: "environments." + env, Message: fmt.Sprintf("unknown environment %q", env), Hint: hint, exact: true})
}

// unread checks the environments of an app that could not be read because of other mistakes.
func (c *checker) unread(o outcome) {
	if !o.failed() || len(o.apps) > 0 || len(o.salvaged.apps) > 0 {
		return
	}
	for _, path := range slices.Sorted(maps.Keys(o.folder.written)) {
		env, ok := strings.CutPrefix(path, "app.environments.")
		if _, known := c.envs[env]; ok && !known {
			c.unknown(env, o.folder.written[path])
		}
	}
}

// proxiesOf gives the proxies of an app and the path of their field.
func proxiesOf(a plan.App) (string, []string) {
	switch t := a.Topology; {
	case t.Shared != nil:
		return "topology.shared.proxies", t.Shared.Proxies
	case t.Pairs != nil:
		return "topology.pairs.proxies", t.Pairs.Proxies
	}
	return "", nil
}

// listed checks a list of inventory names.
func (c *checker) listed(a plan.App, what, path string, names, known []string) {
	for i, n := range names {
		if n == "" {
			continue // of a list with mistakes
		}
		here := fmt.Sprintf("%s.%d", path, i)
		if first := slices.Index(names, n); first < i {
			c.add(a, here, fmt.Sprintf("%s %s is listed twice", what, n), "the other is at "+place(at(a, fmt.Sprintf("%s.%d", path, first))))
			continue
		}
		if !slices.Contains(known, n) && !c.hides(a.Env, what) {
			c.add(a, here, fmt.Sprintf("unknown %s %q in environment %s", what, n, a.Env), suggest(n, known))
		}
	}
}

// hides reports whether an environment may well have a server or a proxy, or any host, that is not known.
func (c *checker) hides(env, what string) bool {
	field := map[string]string{"server": "servers", "proxy": "proxies"}[what]
	return c.twice[env] || slices.ContainsFunc(c.hidden[env], func(f string) bool { return field == "" || f == field })
}

// watches checks the names of hosts that are asked about an outer balancer.
func (c *checker) watches(a plan.App, env plan.Environment) {
	if p := a.Topology.Pairs; p != nil && p.Outer.Marker != nil && !c.hides(a.Env, "") {
		if on := watchedOn(p.Outer.Marker); on != "" && !isHost(env, on) {
			c.add(a, "topology.pairs.outer.marker.watch", fmt.Sprintf("unknown host %q in environment %s", on, env.Name), suggest(on, hosts(env)))
		}
	}
}

// watchedOn is the host that a marker's watch asks; "" for the proxy itself.
func watchedOn(m *plan.Marking) string {
	switch w := m.Watch; {
	case w == nil:
	case w.HAProxy != nil:
		return w.HAProxy.On
	case w.HTTPD != nil:
		return w.HTTPD.On
	case w.HTTP != nil:
		return w.HTTP.On
	}
	return ""
}

func hosts(e plan.Environment) []string {
	return slices.Concat(slices.Sorted(maps.Keys(e.Servers)), slices.Sorted(maps.Keys(e.Proxies)))
}

func isHost(e plan.Environment, name string) bool { return slices.Contains(hosts(e), name) }

// warnings are about what is allowed and rarely meant.
func warnings(apps []plan.App, envs map[string]plan.Environment) []Diagnostic {
	var out []Diagnostic
	for _, a := range apps {
		if !a.Service.None() && len(a.Probes) == 0 {
			out = append(out, Diagnostic{Pos: at(a, "service"), Message: fmt.Sprintf("app %s has a service but no probe: nothing proves that a new release works", a.Name), Hint: "add probes"})
		}
		if u := a.Artifact.URL; u != nil && !strings.Contains(u.URL, "{version}") && u.Digest == "" {
			out = append(out, Diagnostic{Pos: at(a, "artifact.url.url"), Message: fmt.Sprintf("the URL of app %s has no {version}: every version is the same file", a.Name)})
		}
		if path := unvouched(a); envs[a.Env].RequireDigest && path != "" {
			out = append(out, Diagnostic{Pos: at(a, path), Path: "environments." + a.Env + "." + path,
				Message: fmt.Sprintf("environment %s requires digests, and that of app %s would come over plain HTTP with the artifact: who can change one can change both", a.Env, a.Name),
				Hint:    "write digest in the artifact, or use https", exact: true})
		}
		out = append(out, openSecrets(a)...)
		out = append(out, idle(a)...)
		out = append(out, lonely(a)...)
	}
	return out
}

// unvouched is the field with the address of an artifact whose only digest can be one that comes over plain HTTP; "" if there
// is a better one.
func unvouched(a plan.App) string {
	switch m, u := a.Artifact.Maven, a.Artifact.URL; {
	case m != nil && m.Digest == "" && strings.HasPrefix(strings.ToLower(m.Repository), "http:"):
		return "artifact.maven.repository"
	case u != nil && u.Digest == "" && strings.HasPrefix(strings.ToLower(u.URL), "http:"):
		return "artifact.url.url"
	}
	return ""
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
