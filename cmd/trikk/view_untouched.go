package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// showUntouched says what was looked at and stays as it is. Servers that could not be reached are told by the notes.
func showUntouched(w io.Writer, p plan.Plan) {
	lines := untouched(p)
	if len(lines) == 0 {
		return
	}
	fmt.Fprintln(w, "\nNot touched:")
	for _, line := range lines {
		fmt.Fprintf(w, "  %s\n", line)
	}
}

// untouched names apps that were asked for and need nothing, and the servers of others that need nothing.
func untouched(p plan.Plan) []string {
	if p.Offline {
		return nil
	}
	var out []string
	for _, name := range sortedKeys(p.Observed.Apps) {
		if p.LeavesOut(name) {
			continue
		}
		i := slices.IndexFunc(p.Apps, func(a plan.AppPlan) bool { return a.App == name })
		hosts := sortedKeys(p.Observed.Apps[name])
		if i >= 0 {
			touched := hostsOf(p.Apps[i])
			hosts = slices.DeleteFunc(slices.Clone(p.Apps[i].Source.Hosts()), func(h string) bool { return slices.Contains(touched, h) })
		}
		hosts = slices.DeleteFunc(hosts, func(h string) bool { return p.Skips(name, h) })
		for _, stand := range stands(p, name, hosts) {
			out = append(out, fmt.Sprintf("%s on %s", name, stand))
		}
	}
	return out
}

// stands says which hosts have which release live; hosts that stand alike go together.
func stands(p plan.Plan, app string, hosts []string) []string {
	var releases []string
	with := map[string][]string{}
	for _, h := range hosts {
		current := p.Observed.Apps[app][h].Current
		if with[current] == nil {
			releases = append(releases, current)
		}
		with[current] = append(with[current], h)
	}
	var out []string
	for _, r := range releases {
		has := "has " + r
		if r == "" {
			has = "has nothing live"
		}
		out = append(out, strings.Join([]string{hostsText(with[r]), has}, ": "))
	}
	return out
}
