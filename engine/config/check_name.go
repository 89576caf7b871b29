package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// duplicates finds two apps with one name that are named in two places.
func (c *checker) duplicates() {
	first := map[string]plan.App{}
	for _, a := range c.apps {
		f, ok := first[a.Name]
		switch {
		case !ok:
			first[a.Name] = a
		case at(f, "name") != at(a, "name") && !nameless(a):
			c.add(a, "name", fmt.Sprintf("app %s is defined twice", a.Name), "the other is at "+place(at(f, "name")))
		}
	}
}

// nameless tells whether an app has no name that can be read: it is known by its folder then.
func nameless(a plan.App) bool { return strings.HasSuffix(a.Name, "/") }

// namesakes finds the apps of two folders that have one name from one place: a folder above both, or a package that both import.
func (c *checker) namesakes(outcomes []outcome) {
	type named struct {
		name string
		at   plan.Pos
	}
	first := map[named]folder{}
	for _, o := range slices.SortedFunc(slices.Values(outcomes), func(a, b outcome) int { return cmp.Compare(a.folder.dir, b.folder.dir) }) {
		apps := slices.Concat(o.apps, o.salvaged.apps)
		if o.name == "" || len(apps) == 0 {
			continue
		}
		n := named{o.name, at(apps[0], "name")}
		f, ok := first[n]
		if !ok {
			first[n] = o.folder
			continue
		}
		c.diags = append(c.diags, Diagnostic{Pos: o.folder.appPos(apps[0].Pos), Path: "name", Message: fmt.Sprintf("app %s is defined twice", o.name),
			Hint: fmt.Sprintf("the other is in folder %s; both get the name from %s", f.dir, place(n.at)), exact: true})
	}
}

// appPos is where a folder's own files set the app; else another place.
func (f folder) appPos(otherwise plan.Pos) plan.Pos {
	i := slices.IndexFunc(f.labels, func(l label) bool { return l.name == "app" })
	if i < 0 {
		return otherwise
	}
	return f.labels[i].pos
}
