package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// importedServer is a host of an inventory as a server of an environment.
type importedServer struct {
	name, address, user, jump string
	port                      int      // 0: none was said
	groups                    []string // sorted
	place                     ansiblePlace
}

// machine is what makes two servers the same machine.
func (s importedServer) machine() string {
	port := s.port
	if port == 0 {
		port = 22
	}
	return fmt.Sprintf("%s:%d via %s", strings.TrimSuffix(strings.ToLower(s.address), "."), port, s.jump)
}

// importer makes servers of an inventory.
type importer struct {
	inv   *ansibleInventory
	rules scalarRules
	names map[string]string // of servers by those of the inventory
	notes []string
	noted map[string]bool
	wrong []error
}

// importServers makes the servers of an inventory, in its order. What is not taken over is a note of one line; what can't be
// right is an error, and all of them are told.
func importServers(inv *ansibleInventory) ([]importedServer, []string, error) {
	rules, err := newScalarRules()
	if err != nil {
		return nil, nil, err
	}
	i := &importer{inv: inv, rules: rules, noted: map[string]bool{}}
	for _, odd := range inv.odd {
		i.note(odd)
	}
	i.nameServers()
	var out []importedServer
	for _, h := range inv.hosts {
		vars := inv.varsOf(h)
		if kind, ok := unreachable(vars); ok {
			i.note(h.place.errorf("host %s is left out: ansible_connection is %s, and trikk reaches servers by SSH", h.name, kind))
			continue
		}
		out = append(out, i.server(h, vars))
	}
	i.machines(out)
	i.variables()
	if len(out) == 0 && len(i.wrong) == 0 {
		i.wrong = append(i.wrong, errors.New("the inventory has no host that is reached by SSH"))
	}
	return out, i.notes, errors.Join(i.wrong...)
}

// note tells once what is not taken over.
func (i *importer) note(what error) {
	if !i.noted[what.Error()] {
		i.noted[what.Error()] = true
		i.notes = append(i.notes, what.Error())
	}
}

func (i *importer) fail(at ansiblePlace, format string, args ...any) {
	err := at.errorf(format, args...)
	if !slices.ContainsFunc(i.wrong, func(e error) bool { return e.Error() == err.Error() }) {
		i.wrong = append(i.wrong, err)
	}
}

// unreachable tells how a host is reached otherwise than by SSH.
func unreachable(vars map[string]ansibleVar) (string, bool) {
	v := vars["ansible_connection"].value
	kind := v[strings.LastIndexByte(v, '.')+1:]
	return v, !slices.Contains([]string{"", "ssh", "smart", "paramiko", "paramiko_ssh"}, kind)
}

// nameServers gives each host the first part of its name, or all of it with dashes where another host begins the same.
func (i *importer) nameServers() {
	i.names = map[string]string{}
	taken := map[string]int{}
	for _, h := range i.inv.hosts {
		taken[firstPart(h.name)]++
	}
	by := map[string]*ansibleHost{}
	for _, h := range i.inv.hosts {
		name := firstPart(h.name)
		if taken[name] > 1 {
			name = dashed(h.name)
		}
		if err := i.rules.check("#Name", name); err != nil {
			i.fail(h.place, "host %q: as the name of a server, %q %v; rename it in the inventory, and keep where it is in ansible_host", h.name, name, err)
		} else if other := by[name]; other != nil {
			i.fail(h.place, "hosts %s and %s would both be the server %s", other.name, h.name, name)
		}
		by[name] = h
		i.names[h.name] = name
	}
}

func firstPart(host string) string {
	if net.ParseIP(host) != nil {
		return dashed(host)
	}
	name, _, _ := strings.Cut(host, ".")
	return name
}

func dashed(host string) string { return strings.NewReplacer(".", "-", ":", "-").Replace(host) }

func (i *importer) server(h *ansibleHost, vars map[string]ansibleVar) importedServer {
	s := importedServer{name: i.names[h.name], place: h.place, address: i.address(h, vars)}
	s.user = i.value(vars, "#User", "ansible_user", "ansible_ssh_user")
	if port := i.value(vars, "", "ansible_port", "ansible_ssh_port"); port != "" {
		s.port = i.port(port, *firstVar(vars, "ansible_port", "ansible_ssh_port"))
	}
	s.jump = i.jump(h, s, vars)
	for _, g := range i.inv.groupsOf(h.name) {
		if g.name == ansibleAll || g.name == ansibleUngrouped {
			continue
		}
		if err := i.rules.check("#LabelKey", g.name); err != nil {
			i.fail(g.place, "group %q: as a label of servers it %v; rename it in the inventory", g.name, err)
		}
		s.groups = append(s.groups, g.name)
	}
	slices.Sort(s.groups)
	return s
}

// firstVar is the first of some variables that is there.
func firstVar(vars map[string]ansibleVar, names ...string) *ansibleVar {
	for _, name := range names {
		if v, ok := vars[name]; ok {
			return &v
		}
	}
	return nil
}

// address is where a host is. Without it there is no server, so that what can't be read is an error.
func (i *importer) address(h *ansibleHost, vars map[string]ansibleVar) string {
	address, at := h.name, h.place
	if v := firstVar(vars, "ansible_host", "ansible_ssh_host"); v != nil {
		v.value = strings.NewReplacer("{{ inventory_hostname }}", h.name, "{{inventory_hostname}}", h.name).Replace(v.value)
		if why := unreadable(*v); why != "" {
			i.fail(v.place, "%s of host %s %s: write the address", v.name, h.name, why)
			return ""
		}
		address, at = v.value, v.place
	}
	if err := i.rules.check("#Address", address); err != nil {
		i.fail(at, "host %s: the address %q %v", h.name, address, err)
	}
	return address
}

// unreadable says why there is no value to take over; "".
func unreadable(v ansibleVar) string {
	switch {
	case v.sealed:
		return "is encrypted with ansible-vault"
	case v.compound:
		return "is a list or a map"
	case v.templated():
		return "is a template, which is not evaluated"
	}
	return ""
}

// value is the value of a variable that may have two names; "" where there is none that can be taken over. definition is its
// rule in the schema, or "".
func (i *importer) value(vars map[string]ansibleVar, definition string, names ...string) string {
	v := firstVar(vars, names...)
	if v == nil || v.value == "" && !v.sealed && !v.compound {
		return ""
	}
	if why := unreadable(*v); why != "" {
		i.note(v.place.errorf("%s is not taken over: it %s", v.name, why))
		return ""
	}
	if definition == "" {
		return v.value
	}
	if err := i.rules.check(definition, v.value); err != nil {
		i.fail(v.place, "%s %q %v", v.name, v.value, err)
	}
	return v.value
}

func (i *importer) port(text string, v ansibleVar) int {
	port, err := strconv.Atoi(text)
	if err != nil {
		port = 0
	}
	if err := i.rules.check("#Port", port); err != nil {
		i.fail(v.place, "%s %q %v", v.name, text, err)
	}
	return port
}

// jump is the host that the arguments of ssh go through: the name of a server where it is one of the inventory.
func (i *importer) jump(h *ansibleHost, s importedServer, vars map[string]ansibleVar) string {
	found := ""
	for _, name := range []string{"ansible_ssh_common_args", "ansible_ssh_extra_args"} {
		text := i.value(vars, "", name)
		jump, rest, err := jumpOf(text)
		at := vars[name].place
		if err != nil {
			i.note(at.errorf("%s is not taken over: %v", name, err))
		}
		for _, option := range rest {
			i.note(at.errorf("%s of %s is not taken over: write it into your ssh_config", option, name))
		}
		if jump == "" || found != "" {
			continue
		}
		if name, ok := i.names[jump]; ok {
			jump = name
		}
		if jump == s.name || jump == s.address {
			i.note(at.errorf("host %s would be reached through itself: its jump is left out", h.name))
			continue
		}
		if err := i.rules.check("#Jump", jump); err != nil {
			i.fail(at, "the jump %q of %s %v", jump, name, err)
		}
		found = jump
	}
	return found
}

// machines refuses two names of one machine, as trikk vet does.
func (i *importer) machines(all []importedServer) {
	by := map[string]importedServer{}
	for _, s := range all {
		if s.address == "" {
			continue
		}
		if other, ok := by[s.machine()]; ok {
			i.fail(s.place, "servers %s and %s are one machine, %s (the other is at %s:%d): leave one in the inventory", other.name, s.name, s.address, other.place.file, other.place.line)
		}
		by[s.machine()] = s
	}
}
