package config

import (
	"maps"
	"slices"
	"time"
	_ "time/tzdata" // where the machine has no zones

	"trikk.dev/engine/plan"
)

// freezes checks an environment's freeze windows: times that are none, unknown zones, windows that end before they begin.
func (r *reader) freezes(e plan.Environment, places map[string]plan.Pos) {
	for _, name := range slices.Sorted(maps.Keys(e.Freeze)) {
		for _, w := range e.Freeze[name].Wrong(time.LoadLocation) {
			path := "freeze." + name + "." + w.Path
			r.add(Diagnostic{Pos: nearestPlace(places, path, e.Pos), Path: "environments." + e.Name + "." + path, Message: w.Message, Hint: w.Hint})
		}
	}
}
