package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// Workspace is a loaded config repository. It is safe for concurrent reading.
type Workspace struct {
	Root   string // absolute path of the module's root
	Module string // its path, without a version
	// Environments of the inventory, sorted by name.
	Environments []plan.Environment
	// Warnings are what a person should know although it is no mistake, sorted by place. They are there beside mistakes too.
	Warnings []Diagnostic
	// Policies of the organisation, sorted by name.
	Policies []Policy
	// Sound: there are no mistakes but those of policies, and what breaks these. Apps and Environments are all there then.
	Sound bool
	// Files are the CUE files that were read, relative to Options.Dir, sorted; also those with mistakes.
	Files []string

	apps     []plan.App
	json     map[source][]byte // what CUE made of each app and environment
	homes    map[source]string // the package of each, by ID
	packages map[string]Package
}

// newWorkspace collects what the packages gave.
func newWorkspace(m module, outcomes []outcome) Workspace {
	w := Workspace{Root: m.root, Module: m.path, json: map[source][]byte{}, homes: map[source]string{}}
	for _, o := range outcomes {
		w.apps = append(w.apps, o.apps...)
		w.Environments = append(w.Environments, o.envs...)
		maps.Copy(w.json, o.json)
		for s := range o.json {
			w.homes[s] = o.folder.id()
		}
	}
	sortedApps(w.apps)
	sortedEnvironments(w.Environments)
	return w
}

// filesOf gives the files of folders as people know them.
func (m module) filesOf(folders []folder) []string {
	var out []string
	for _, f := range folders {
		for _, name := range f.files {
			out = append(out, m.show(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sortedApps sorts a list in place and gives it back.
func sortedApps(list []plan.App) []plan.App {
	slices.SortStableFunc(list, func(a, b plan.App) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Env, b.Env), comparePos(a.Pos, b.Pos))
	})
	return list
}

// sortedEnvironments sorts a list in place and gives it back.
func sortedEnvironments(list []plan.Environment) []plan.Environment {
	slices.SortStableFunc(list, func(a, b plan.Environment) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), comparePos(a.Pos, b.Pos))
	})
	return list
}

// Apps gives all deployments, sorted by app, then environment.
func (w Workspace) Apps() []plan.App { return slices.Clone(w.apps) }

// Deployment gives one app in one environment. An unknown name is an error that suggests the nearest one.
func (w Workspace) Deployment(app, env string) (plan.App, error) {
	if _, err := w.Environment(env); err != nil {
		return plan.App{}, err
	}
	var names, envs []string
	for _, a := range w.apps {
		if a.Name == app && a.Env == env {
			return a, nil
		}
		names = append(names, a.Name)
		if a.Name == app {
			envs = append(envs, a.Env)
		}
	}
	if len(envs) > 0 {
		return plan.App{}, fmt.Errorf("app %q is not deployed in environment %q, only in %s", app, env, strings.Join(envs, ", "))
	}
	return plan.App{}, fmt.Errorf("unknown app %q%s", app, bracket(suggest(app, names)))
}

// Environment gives an environment by name. An unknown name is an error that suggests the nearest one.
func (w Workspace) Environment(name string) (plan.Environment, error) {
	var names []string
	for _, e := range w.Environments {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	if len(names) == 0 {
		return plan.Environment{}, fmt.Errorf("unknown environment %q (the config repository defines no environments)", name)
	}
	hint := list(names)
	if n := nearest(name, names); n != "" {
		hint = fmt.Sprintf("did you mean %q? %s", n, hint)
	}
	return plan.Environment{}, fmt.Errorf("unknown environment %q%s", name, bracket(hint))
}

func bracket(hint string) string {
	if hint == "" {
		return ""
	}
	return " (" + hint + ")"
}
