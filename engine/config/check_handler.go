package config

import (
	"fmt"
	"maps"
	"slices"

	"trikk.dev/engine/plan"
)

// handlers finds handlers of Caddy that would be those of two backends, where their driver has an ID without {backend}: Caddy takes no two
// handlers of one ID, and one has the upstreams of one backend. Each app is told once.
func (c *checker) handlers(all map[seat][]sitting) {
	lists := map[seat][]sitting{}
	for at, list := range all {
		for _, s := range list {
			if s.point.Driver.Caddy != nil {
				at.member = ""
				lists[at] = append(lists[at], s)
			}
		}
	}
	told := map[plan.Pos]bool{}
	for _, at := range slices.SortedFunc(maps.Keys(lists), seat.compare) {
		list := lists[at]
		slices.SortFunc(list, func(a, b sitting) int { return a.compare(b.claim) })
		for _, later := range list[1:] {
			if later.point.Backend == list[0].point.Backend || told[placeOf(later)] {
				continue
			}
			told[placeOf(later)] = true
			c.oneHandler(at.backend, later, list[0])
		}
	}
}

// placeOf is where a deployment says by which names it is at its proxies.
func placeOf(s sitting) plan.Pos { return at(s.app, s.path) }

// oneHandler words a handler that two backends would have.
func (c *checker) oneHandler(id string, later, earlier sitting) {
	owner := "app " + earlier.app.Name
	if earlier.app.Env != later.app.Env {
		owner += " in environment " + earlier.app.Env
	}
	c.diags = append(c.diags, Diagnostic{Pos: placeOf(later), Path: "environments." + later.app.Env + "." + later.path, exact: true, also: placeOf(earlier),
		Message: fmt.Sprintf("handler %s of Caddy on %s can't be that of backend %s: it is that of backend %s, of %s, %s", id, later.host, later.point.Backend, earlier.point.Backend, owner, place(placeOf(earlier))),
		Hint:    "write {backend} into the id of the driver, or give both apps one backend"})
}
