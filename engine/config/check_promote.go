package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// promotions checks from which environments others take versions: they exist, and there is a first one.
func (c *checker) promotions() {
	told := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.envs)) {
		e := c.envs[name]
		if e.Promote == nil || e.Promote.From == "" {
			continue
		}
		c.excepted(e)
		path := "promote.from"
		d := Diagnostic{Pos: nearestPlace(c.places[e.Pos], path, e.Pos), Path: "environments." + name + "." + path}
		if _, known := c.envs[e.Promote.From]; !known {
			if !c.partial {
				d.Message, d.Hint = fmt.Sprintf("unknown environment %q", e.Promote.From), suggest(e.Promote.From, slices.Collect(maps.Keys(c.envs)))
				c.diags = append(c.diags, d)
			}
			continue
		}
		circle := c.promotionCircle(e)
		if len(circle) == 0 || told[name] {
			continue
		}
		for _, n := range circle {
			told[n] = true
		}
		d.Message, d.Hint = "promote goes in a circle: "+strings.Join(circle, " → "), "one of them takes what no other has yet"
		c.diags = append(c.diags, d)
	}
}

// excepted checks that the apps that an environment takes in any version are there.
func (c *checker) excepted(e plan.Environment) {
	for i, n := range e.Promote.Except {
		if n == "" || c.nameless || slices.Contains(c.names, n) {
			continue
		}
		path := fmt.Sprintf("promote.except.%d", i)
		c.diags = append(c.diags, Diagnostic{Pos: nearestPlace(c.places[e.Pos], path, e.Pos), Path: "environments." + e.Name + "." + path,
			Message: fmt.Sprintf("unknown app %q", n), Hint: suggest(n, c.names)})
	}
}

// promotionCircle is the way from an environment back to itself; nil if there is none.
func (c *checker) promotionCircle(e plan.Environment) []string {
	path := []string{e.Name}
	for at := e; at.Promote != nil && len(path) <= len(c.envs); {
		path = append(path, at.Promote.From)
		if at.Promote.From == e.Name {
			return path
		}
		at = c.envs[at.Promote.From]
	}
	return nil
}
