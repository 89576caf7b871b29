package config

import (
	"strings"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/sign"
)

// approval checks an environment's rules of approval: keys that can't be read, one key of two people, rules that nobody could
// satisfy.
func (r *reader) approval(e plan.Environment, places map[string]plan.Pos) {
	if e.Approval == nil {
		return
	}
	_, wrong := sign.NewRoster(*e.Approval)
	for _, w := range wrong {
		path := "approval." + w.Path
		r.add(Diagnostic{Pos: nearestPlace(places, path, e.Pos), Path: "environments." + e.Name + "." + path, Message: w.Message, Hint: w.Hint})
	}
}

// nearestPlace is where a field is written, or what is nearest around it.
func nearestPlace(places map[string]plan.Pos, path string, otherwise plan.Pos) plan.Pos {
	for path != "" {
		if p, ok := places[path]; ok {
			return p
		}
		path = path[:max(0, strings.LastIndex(path, "."))]
	}
	return otherwise
}
