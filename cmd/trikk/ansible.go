package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ansiblePlace is a line of an inventory's file.
type ansiblePlace struct {
	file string // as people named it
	line int
}

func (p ansiblePlace) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", p.file, p.line, fmt.Sprintf(format, args...))
}

// ansibleVar is a variable of a host or a group.
type ansibleVar struct {
	name, value string
	sealed      bool // encrypted with ansible-vault; value is nothing then
	compound    bool // a list or a map; value is nothing then
	place       ansiblePlace
}

// templated: the value is made by Jinja, which is not evaluated.
func (v ansibleVar) templated() bool {
	return strings.Contains(v.value, "{{") || strings.Contains(v.value, "{%")
}

// ansibleGroup is a group of hosts, by their names, and of other groups.
type ansibleGroup struct {
	name            string
	hosts, children []string
	vars            map[string]ansibleVar // of the inventory's file
	varsFiles       map[string]ansibleVar // of group_vars
	place           ansiblePlace
}

// ansibleHost is a host, by its name in the inventory.
type ansibleHost struct {
	name      string
	vars      map[string]ansibleVar
	varsFiles map[string]ansibleVar // of host_vars
	place     ansiblePlace
}

// ansibleInventory is what an inventory says, before anything of it is judged.
type ansibleInventory struct {
	hosts  []*ansibleHost // in the order of the file
	byName map[string]*ansibleHost
	groups map[string]*ansibleGroup
	odd    []error // what is not taken over
}

// ansibleAll is the group of all hosts, ansibleUngrouped that of hosts without another.
const (
	ansibleAll       = "all"
	ansibleUngrouped = "ungrouped"
)

// readAnsible reads an inventory in ini or yaml, and the variables in group_vars and host_vars beside it. name is what places
// are told by.
func readAnsible(path, name string) (*ansibleInventory, error) {
	if at, err := os.Stat(path); err == nil && at.IsDir() {
		return nil, fmt.Errorf("%s is a folder: name one file, or save what `ansible-inventory -i %[1]s --list --yaml` prints and name that", name)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the inventory: %w", err)
	}
	switch {
	case bytes.HasPrefix(text, []byte("#!")):
		return nil, fmt.Errorf("%s:1: it is a program, which is not run: save what `ansible-inventory -i %[1]s --list --yaml` prints and name that", name)
	case bytes.HasPrefix(text, []byte(vaultHeader)):
		return nil, fmt.Errorf("%s:1: the whole file is encrypted with ansible-vault: decrypt it first (ansible-vault decrypt)", name)
	}
	inv := &ansibleInventory{byName: map[string]*ansibleHost{}, groups: map[string]*ansibleGroup{}}
	inv.group(ansibleAll, ansiblePlace{name, 1})
	if isYAMLInventory(path, text) {
		err = inv.readYAML(text, name)
	} else {
		err = inv.readINI(text, name)
	}
	if err != nil {
		return nil, err
	}
	if err := inv.readVarsFiles(filepath.Dir(path), filepath.Dir(name)); err != nil {
		return nil, err
	}
	return inv, inv.circles()
}

// vaultHeader begins what ansible-vault encrypted.
const vaultHeader = "$ANSIBLE_VAULT"

// isYAMLInventory goes by the name of the file, else by what is in it.
func isYAMLInventory(path string, text []byte) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yml", ".yaml", ".json":
		return true
	case ".ini", ".cfg":
		return false
	}
	return isYAMLMap(text)
}

// group gives the group of a name, and makes it where it is new.
func (inv *ansibleInventory) group(name string, at ansiblePlace) *ansibleGroup {
	g := inv.groups[name]
	if g == nil {
		g = &ansibleGroup{name: name, vars: map[string]ansibleVar{}, place: at}
		inv.groups[name] = g
	}
	return g
}

// host gives the host of a name, and makes it where it is new.
func (inv *ansibleInventory) host(name string, at ansiblePlace) *ansibleHost {
	if h := inv.byName[name]; h != nil {
		return h
	}
	h := &ansibleHost{name: name, vars: map[string]ansibleVar{}, place: at}
	inv.hosts = append(inv.hosts, h)
	inv.byName[name] = h
	return h
}

// addHosts puts the hosts of a pattern, such as web[01:03].example.com:2222, into a group.
func (inv *ansibleInventory) addHosts(group, pattern string, vars []ansibleVar, at ansiblePlace) error {
	names, port, err := expandPattern(pattern)
	if err != nil {
		return at.errorf("%v", err)
	}
	g := inv.group(group, at)
	for _, name := range names {
		h := inv.host(name, at)
		if port != "" {
			h.vars["ansible_port"] = ansibleVar{name: "ansible_port", value: port, place: at}
		}
		for _, v := range vars {
			h.vars[v.name] = v
		}
		if !slices.Contains(g.hosts, name) {
			g.hosts = append(g.hosts, name)
		}
	}
	return nil
}

// circles refuses groups that are children of themselves.
func (inv *ansibleInventory) circles() error {
	var wrong []error
	for _, name := range sortedNames(inv.groups) {
		if slices.Contains(inv.below(name), name) {
			wrong = append(wrong, inv.groups[name].place.errorf("group %s is a child of itself", name))
		}
	}
	return errors.Join(wrong...)
}

// below are the groups that are children of a group, and theirs.
func (inv *ansibleInventory) below(name string) []string {
	var out []string
	next := inv.groups[name].children
	for len(next) > 0 {
		child := next[0]
		next = next[1:]
		if g := inv.groups[child]; g != nil && !slices.Contains(out, child) {
			out = append(out, child)
			next = append(slices.Clone(next), g.children...)
		}
	}
	return out
}

// parents are the groups that a group is a child of.
func (inv *ansibleInventory) parents(name string) []string {
	var out []string
	for _, other := range sortedNames(inv.groups) {
		if slices.Contains(inv.groups[other].children, name) {
			out = append(out, other)
		}
	}
	return out
}

// groupsOf are the groups of a host, those that reach it through others too, the weakest first as Ansible merges variables: all,
// then by depth, priority and name.
func (inv *ansibleInventory) groupsOf(host string) []*ansibleGroup {
	in := map[string]bool{ansibleAll: inv.groups[ansibleAll] != nil}
	for _, g := range inv.groups {
		if slices.Contains(g.hosts, host) {
			in[g.name] = true
		}
	}
	for _, name := range sortedNames(inv.groups) {
		if slices.ContainsFunc(inv.below(name), func(child string) bool { return slices.Contains(inv.groups[child].hosts, host) }) {
			in[name] = true
		}
	}
	var out []*ansibleGroup
	for _, name := range sortedNames(in) {
		if in[name] {
			out = append(out, inv.groups[name])
		}
	}
	slices.SortStableFunc(out, func(a, b *ansibleGroup) int {
		return cmp.Or(cmp.Compare(inv.depth(a.name), inv.depth(b.name)), cmp.Compare(a.priority(), b.priority()))
	})
	return out
}

// depth is the longest way from all to a group.
func (inv *ansibleInventory) depth(name string) int {
	if name == ansibleAll {
		return 0
	}
	deepest := 1
	for _, p := range inv.parents(name) {
		deepest = max(deepest, inv.depth(p)+1)
	}
	return deepest
}

// priority decides between groups of one depth.
func (g *ansibleGroup) priority() int {
	n := 1
	_, _ = fmt.Sscan(g.vars["ansible_group_priority"].value, &n)
	return n
}

// varsOf are the variables of a host, merged as Ansible does.
func (inv *ansibleInventory) varsOf(h *ansibleHost) map[string]ansibleVar {
	out := map[string]ansibleVar{}
	merge := func(vars map[string]ansibleVar) {
		for name, v := range vars {
			out[name] = v
		}
	}
	groups := inv.groupsOf(h.name)
	for _, g := range groups {
		merge(g.vars)
	}
	for _, g := range groups {
		merge(g.varsFiles)
	}
	merge(h.vars)
	merge(h.varsFiles)
	return out
}

func sortedNames[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
