package config

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"cuelang.org/go/cue/parser"
)

// Outline is what a config repository has by name. It is for suggestions: nothing of it is checked.
type Outline struct {
	Apps         []OutlinedApp         // sorted by name
	Environments []OutlinedEnvironment // sorted by name
	// Partial tells that there may be more, which only evaluation tells.
	Partial bool
}

// OutlinedApp is one app.
type OutlinedApp struct {
	Name   string
	Folder string              // relative to the module's root, with slashes; "" in the outline of a workspace
	Hosts  map[string][]string // its servers, active and standby, by environment
	Labels map[string][]string // their values by key, in any environment
}

// OutlinedEnvironment is one environment.
type OutlinedEnvironment struct {
	Name             string
	Protected        bool
	Servers, Proxies []string
}

// Sketch gives the outline of what the files of a config repository write out. It evaluates nothing: it takes about a millisecond a file, and files
// with mistakes tell what they can. Names that CUE would compute are missing. The error is that there is no config repository.
func Sketch(ctx context.Context, o Options) (Outline, error) {
	e, err := o.evaluator()
	if err != nil {
		return Outline{}, err
	}
	folders, _, err := e.scan(ctx)
	if err != nil {
		return Outline{}, fmt.Errorf("looking for CUE files: %w", err)
	}
	e.classify(folders)
	own := make([]*sketch, len(folders))
	for i, f := range folders {
		own[i] = &sketch{}
		for _, name := range f.files {
			if tree, _ := parser.ParseFile(name, nil); tree != nil {
				own[i].file(tree)
			}
		}
	}
	return outlined(folders, own), nil
}

// outlined collects the apps and environments that folders write.
func outlined(folders []folder, own []*sketch) Outline {
	var out Outline
	inventory := &sketch{}
	for i, f := range folders {
		if f.has("environments") && !f.isPolicy() {
			inventory.add(own[i].at("environments"))
		}
		if !f.has("app") || f.kind == parent {
			continue
		}
		app := &sketch{}
		for j, above := range folders {
			if i == j || above.above(f) {
				app.add(own[j].at("app"))
			}
		}
		a := outlinedApp(app)
		a.Folder = f.dir
		out.Partial = out.Partial || a.Name == "" || app.at("environments").computed || app.computed && len(a.Hosts) == 0
		if a.Name != "" {
			out.Apps = append(out.Apps, a)
		}
	}
	out.Partial = out.Partial || inventory.computed
	for _, name := range inventory.names() {
		e := inventory.at(name)
		servers, proxies := e.at("servers"), e.at("proxies")
		out.Partial = out.Partial || servers.computed || proxies.computed || e.computed && len(servers.names()) == 0
		out.Environments = append(out.Environments, OutlinedEnvironment{Name: name, Protected: e.at("protected").truth, Servers: servers.names(), Proxies: proxies.names()})
	}
	return out.sorted()
}

func outlinedApp(app *sketch) OutlinedApp {
	a := OutlinedApp{Name: app.at("name").text(), Hosts: map[string][]string{}, Labels: map[string][]string{}}
	label := func(w *sketch) {
		for _, key := range w.names() {
			a.Labels[key] = append(a.Labels[key], w.at(key).texts...)
		}
	}
	label(app.at("labels"))
	environments := app.at("environments")
	for name, e := range environments.fields {
		label(e.at("labels"))
		if name != anyKey {
			a.Hosts[name] = slices.Concat(e.at("servers").texts, e.at("standby").texts)
		}
	}
	return a
}

// Outline gives the outline of a workspace.
func (w Workspace) Outline() Outline {
	byName := map[string]OutlinedApp{}
	for _, app := range w.apps {
		a, ok := byName[app.Name]
		if !ok {
			a = OutlinedApp{Name: app.Name, Hosts: map[string][]string{}, Labels: map[string][]string{}}
			byName[app.Name] = a
		}
		a.Hosts[app.Env] = slices.Concat(app.Servers, app.Standby)
		for key, value := range app.Labels {
			a.Labels[key] = append(a.Labels[key], value)
		}
	}
	out := Outline{Apps: slices.Collect(maps.Values(byName))}
	for _, e := range w.Environments {
		out.Environments = append(out.Environments, OutlinedEnvironment{Name: e.Name, Protected: e.Protected,
			Servers: slices.Collect(maps.Keys(e.Servers)), Proxies: slices.Collect(maps.Keys(e.Proxies))})
	}
	return out.sorted()
}

// sorted sorts all names, and leaves each once.
func (o Outline) sorted() Outline {
	once := func(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
	for _, a := range o.Apps {
		for _, lists := range []map[string][]string{a.Hosts, a.Labels} {
			for key := range lists {
				lists[key] = once(lists[key])
			}
		}
	}
	for i, e := range o.Environments {
		o.Environments[i].Servers, o.Environments[i].Proxies = once(e.Servers), once(e.Proxies)
	}
	slices.SortFunc(o.Apps, func(a, b OutlinedApp) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Folder, b.Folder))
	})
	slices.SortFunc(o.Environments, func(a, b OutlinedEnvironment) int { return cmp.Compare(a.Name, b.Name) })
	return o
}
