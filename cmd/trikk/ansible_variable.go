package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// takenOver are the variables that a server is made of, or that are told of elsewhere.
func takenOver(name string) bool {
	return slices.Contains([]string{"ansible_host", "ansible_port", "ansible_user", "ansible_ssh_host", "ansible_ssh_port", "ansible_ssh_user",
		"ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_connection", "ansible_group_priority"}, name)
}

// whyNot says why a variable is not taken over, and what to do instead.
func whyNot(v ansibleVar) string {
	switch {
	case strings.HasPrefix(v.name, "ansible_") && strings.Contains(v.name, "pass"):
		return "trikk takes no passwords: use keys, and rules of sudo without a password"
	case v.sealed:
		return "it is encrypted with ansible-vault; a secret of an app is written under secrets of its file"
	case strings.HasPrefix(v.name, "ansible_become"), strings.HasPrefix(v.name, "ansible_sudo"):
		return "the user that an app runs as is the field user of the app"
	case strings.HasPrefix(v.name, "ansible_ssh_private_key"), strings.HasPrefix(v.name, "ansible_private_key"):
		return "write IdentityFile into your ssh_config"
	case strings.HasPrefix(v.name, "ansible_ssh_"):
		return "write it into your ssh_config"
	case strings.HasSuffix(v.name, "_interpreter"):
		return "servers need no interpreter"
	case strings.HasPrefix(v.name, "ansible_"):
		return "trikk has nothing like it"
	}
	return "what an app needs is written in its app.cue"
}

// variables notes the variables that are not taken over, a line for each name. No value is shown: it may be a secret.
func (i *importer) variables() {
	by := map[string][]ansibleVar{}
	for _, v := range i.inv.allVars() {
		if !takenOver(v.name) {
			key := v.name + "\x00" + whyNot(v)
			by[key] = append(by[key], v)
		}
	}
	keys := slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(comparePlaces(by[a][0].place, by[b][0].place), cmp.Compare(a, b)) })
	for _, key := range keys {
		v, more := by[key][0], ""
		if n := len(by[key]) - 1; n > 0 {
			more = ", also in " + plural(n, "other place")
		}
		i.note(v.place.errorf("%s is not taken over%s: %s", v.name, more, whyNot(v)))
	}
}

// allVars are all variables that are written somewhere, once for each place.
func (inv *ansibleInventory) allVars() []ansibleVar {
	type key struct {
		name string
		at   ansiblePlace
	}
	seen := map[key]ansibleVar{}
	add := func(vars map[string]ansibleVar) {
		for _, v := range vars {
			seen[key{v.name, v.place}] = v
		}
	}
	for _, g := range inv.groups {
		add(g.vars)
		add(g.varsFiles)
	}
	for _, h := range inv.hosts {
		add(h.vars)
		add(h.varsFiles)
	}
	return slices.SortedFunc(maps.Values(seen), func(a, b ansibleVar) int {
		return cmp.Or(comparePlaces(a.place, b.place), cmp.Compare(a.name, b.name))
	})
}

func comparePlaces(a, b ansiblePlace) int {
	return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
}
