package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// held is one path of a release and what the app wants there.
type held struct {
	path  string // in the release
	field string // that says so
	what  string // for people
}

// paths finds two wishes for one place in a release: one would hide the other, or fail on the server.
func (c *checker) paths(a plan.App) {
	all := heldBy(a)
	for i, h := range all {
		for _, g := range all[:i] {
			if h.path != g.path && !strings.HasPrefix(h.path, g.path+"/") && !strings.HasPrefix(g.path, h.path+"/") {
				continue
			}
			later, earlier := h, g
			if comparePos(at(a, later.field), at(a, earlier.field)) < 0 {
				later, earlier = earlier, later
			}
			c.add(a, later.field, fmt.Sprintf("%s and %s are in one place", later, earlier), "the other is at "+place(at(a, earlier.field)))
			break
		}
	}
}

func (h held) String() string { return fmt.Sprintf("%s %q", h.what, h.path) }

// heldBy lists the paths of a release that an app's config names.
func heldBy(a plan.App) []held {
	var out []held
	for i, p := range a.Layout.Persist {
		if p == "" {
			continue // of a list with mistakes
		}
		out = append(out, held{path: p, field: fmt.Sprintf("layout.persist.%d", i), what: "persisted"})
	}
	if a.Marker != "" {
		out = append(out, held{path: a.Marker, field: "marker", what: "marker"})
	}
	for _, p := range slices.Sorted(maps.Keys(a.Files)) {
		out = append(out, held{path: p, field: "files." + p, what: "generated file"})
	}
	return out
}

// content finds generated files whose values their format can't hold.
func (c *checker) content(a plan.App) {
	for _, p := range slices.Sorted(maps.Keys(a.Files)) {
		if len(a.Files[p].Problems()) > 0 {
			continue // told already
		}
		one := a
		one.Files = map[string]plan.File{p: a.Files[p]}
		var r *plan.Refusal
		if _, err := plan.Render(one); errors.As(err, &r) {
			c.add(a, "files."+p, r.Text, r.Hint)
		}
	}
}
