package plan

import (
	"fmt"
	"strings"
)

// Foreign says in what a plan does not fit its environment as the config repository at hand writes it: other machines under
// the same names, guards that the plan knows nothing of. An empty answer means that it fits.
func Foreign(p Plan, env Environment) []string {
	var out []string
	if env.Protected && !p.Protected {
		out = append(out, env.Name+" is protected, and the plan says that it is not")
	}
	if env.Protected && !env.Batch && len(p.Apps) > 1 {
		out = append(out, fmt.Sprintf("%s takes one app a run, and the plan has %d", env.Name, len(p.Apps)))
	}
	for _, name := range sortedKeys(p.Inventory.Servers) {
		here, known := env.Servers[name]
		out = append(out, otherMachine("server", p.Inventory.Servers[name], here, known)...)
	}
	for _, name := range sortedKeys(p.Inventory.Proxies) {
		was := p.Inventory.Proxies[name]
		here, known := env.Proxies[name]
		differs := otherMachine("proxy", was.Host, here.Host, known)
		if len(differs) == 0 && digestOf([]any{was.Driver, was.Reload}) != digestOf([]any{here.Driver, here.Reload}) {
			differs = []string{"proxy " + name + " is driven in another way"}
		}
		out = append(out, differs...)
	}
	for _, a := range p.Apps {
		if env.RequireDigest && a.Intent == Deploy && a.Resolved.Digest == "" {
			out = append(out, fmt.Sprintf("%s wants a digest of every artifact, and that of %s %s has none", env.Name, a.App, a.Version))
		}
	}
	return out
}

// otherMachine says in what a host of a plan is not the one that the config names now.
func otherMachine(what string, was, here Host, known bool) []string {
	if !known {
		return []string{fmt.Sprintf("there is no %s %s", what, was.Name)}
	}
	if w, h := was.place(), here.place(); w != h {
		return []string{fmt.Sprintf("%s %s is %s, in the plan %s", what, was.Name, h, w)}
	}
	return nil
}

// place is how a host is reached: user@address:port via jump.
func (h Host) place() string {
	var b strings.Builder
	if h.User != "" {
		b.WriteString(h.User + "@")
	}
	b.WriteString(h.Address)
	if h.Port != 0 {
		fmt.Fprintf(&b, ":%d", h.Port)
	}
	if h.Jump != "" {
		b.WriteString(" via " + h.Jump)
	}
	return b.String()
}
