package config

import (
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// order checks which apps go first.
func (c *checker) order() {
	byEnv := map[string]map[string]plan.App{}
	for _, a := range c.apps {
		if byEnv[a.Env] == nil {
			byEnv[a.Env] = map[string]plan.App{}
		}
		byEnv[a.Env][a.Name] = a
		for i, n := range a.After {
			if n != "" && !c.nameless && !slices.Contains(c.names, n) {
				c.add(a, fmt.Sprintf("after.%d", i), fmt.Sprintf("unknown app %q", n), suggest(n, c.names))
			}
		}
	}
	told := map[string]bool{}
	for _, a := range c.apps { // sorted: the same circle is told once, from its first app
		circle := circleFrom(byEnv[a.Env], a.Name, []string{a.Name})
		if circle == nil {
			continue
		}
		members := slices.Clone(circle[1:])
		slices.Sort(members)
		if key := strings.Join(members, " "); !told[key] {
			told[key] = true
			c.add(a, fmt.Sprintf("after.%d", slices.Index(a.After, circle[1])), "after goes in a circle: "+strings.Join(circle, " → "), "")
		}
	}
}

// circleFrom follows after from the last app of path until it is back at start; nil if it never is. No app is visited twice.
func circleFrom(apps map[string]plan.App, start string, path []string) []string {
	return follow(apps, start, path, map[string]bool{})
}

func follow(apps map[string]plan.App, start string, path []string, seen map[string]bool) []string {
	for _, next := range apps[path[len(path)-1]].After {
		if next == start {
			return append(slices.Clone(path), start)
		}
		if seen[next] {
			continue
		}
		seen[next] = true
		if c := follow(apps, start, append(slices.Clone(path), next), seen); c != nil {
			return c
		}
	}
	return nil
}
