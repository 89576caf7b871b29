package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
)

// outline is what the config repository names; nothing where there is none. It is evaluated only where its files don't write all names out.
func (c *cli) outline(ctx context.Context) config.Outline {
	out, err := config.Sketch(ctx, c.loading(nil))
	if err != nil || !out.Partial {
		return out
	}
	if w, err := config.Load(ctx, c.loading(nil)); err == nil {
		return w.Outline()
	}
	return out
}

// appsOf are the apps that arguments name, without versions.
func appsOf(args []string) (out []string) {
	for _, a := range args {
		name, _, _ := strings.Cut(a, "@")
		out = append(out, name)
	}
	return out
}

// described is a name with a word about it, on one line.
func described(name, about string) cobra.Completion {
	return cobra.CompletionWithDesc(name, inLine(about))
}

// appNames are the apps of the environment that was named before, or all; without those that were named.
func (c *cli) appNames(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, a := range c.outline(at.ctx).Apps {
		_, deployed := a.Hosts[c.flags.env]
		if c.flags.env != "" && len(a.Hosts) > 0 && !deployed || slices.Contains(appsOf(at.args), a.Name) {
			continue
		}
		out = append(out, described(a.Name, strings.Join(sortedKeys(a.Hosts), ", ")))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// environmentNames are the environments of the apps that were named before, or all.
func (c *cli) environmentNames(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	all := c.outline(at.ctx)
	var out []cobra.Completion
	for _, e := range all.Environments {
		if !deploysTo(all, appsOf(at.args), e.Name) {
			continue
		}
		about := plural(len(e.Servers), "server")
		if e.Protected {
			about += ", protected"
		}
		out = append(out, described(e.Name, about))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// deploysTo tells whether apps may be deployed to an environment, as far as they are known.
func deploysTo(o config.Outline, apps []string, env string) bool {
	for _, a := range o.Apps {
		if _, deployed := a.Hosts[env]; slices.Contains(apps, a.Name) && len(a.Hosts) > 0 && !deployed {
			return false
		}
	}
	return true
}

// confirmed is the environment that was named, or those that want its name typed.
func (c *cli) confirmed(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	if c.flags.env != "" {
		return oneOf(c.flags.env)(at)
	}
	var out []cobra.Completion
	for _, e := range c.outline(at.ctx).Environments {
		if e.Protected {
			out = append(out, e.Name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// serverNames are the servers of the apps that were named, in the environment; without apps all of its servers and proxies' hosts.
func (c *cli) serverNames(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	all := c.outline(at.ctx)
	var out []cobra.Completion
	for _, a := range all.Apps {
		if slices.Contains(appsOf(at.args), a.Name) {
			out = append(out, a.Hosts[c.flags.env]...)
		}
	}
	for _, e := range all.Environments {
		if e.Name != c.flags.env || len(at.args) > 0 {
			continue
		}
		out = append(out, e.Servers...)
		for _, name := range e.Proxies {
			if !slices.Contains(e.Servers, name) {
				out = append(out, described(name, "proxy"))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), cobra.ShellCompDirectiveNoFileComp
}

// labels complete the last term of a selector: a key, or the value of one.
func (c *cli) labels(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	n := strings.LastIndex(at.begun, ",") + 1
	head, term := at.begun[:n], at.begun[n:]
	if strings.ContainsAny(at.begun, " ()") { // a set: site in (a,b)
		return nothing(at)
	}
	known := map[string][]string{}
	for _, a := range c.outline(at.ctx).Apps {
		for key, values := range a.Labels {
			known[key] = append(known[key], values...)
		}
	}
	if equals := strings.Index(term, "="); equals >= 0 {
		key := strings.TrimSuffix(term[:equals], "!")
		return onceAfter(head+term[:equals+1], known[key]), cobra.ShellCompDirectiveNoFileComp
	}
	if strings.HasPrefix(term, "!") {
		return onceAfter(head+"!", sortedKeys(known)), cobra.ShellCompDirectiveNoFileComp
	}
	var keys []string
	for key := range known {
		keys = append(keys, key+"=")
	}
	return onceAfter(head, keys), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// onceAfter puts words behind what is typed before them, sorted, each once.
func onceAfter(head string, words []string) (out []cobra.Completion) {
	for _, w := range slices.Compact(slices.Sorted(slices.Values(words))) {
		out = append(out, head+w)
	}
	return out
}
