package plan

import (
	"slices"
	"sort"
)

// keepAfter leaves in After only apps of the plan. Where one between them has nothing to do, the order of the others stays.
func keepAfter(p *Plan, apps []App) {
	after := map[string][]string{}
	for _, a := range apps {
		after[a.Name] = a.After
	}
	in := map[string]bool{}
	for _, a := range p.Apps {
		in[a.App] = true
	}
	for i := range p.Apps {
		p.Apps[i].After = nearest(p.Apps[i].App, after, in)
	}
}

// nearest follows after from an app to the first apps that are in, sorted.
func nearest(app string, after map[string][]string, in map[string]bool) []string {
	var out []string
	seen := map[string]bool{app: true}
	todo := slices.Clone(after[app])
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if seen[next] {
			continue
		}
		seen[next] = true
		if in[next] {
			out = append(out, next)
			continue
		}
		todo = append(todo, after[next]...)
	}
	sort.Strings(out)
	return out
}
