package main

import (
	"fmt"
	"strconv"
	"strings"
)

// mostHosts is how many names a list of hosts has at most.
const mostHosts = 8

// fewInRow is how many hosts with successive numbers are still named one by one.
const fewInRow = 3

// hostsText names hosts in their order. Those whose names count up are told by the first and the last, and of many others the
// first are named: "app01…app36", "db01, db07 and 12 more".
func hostsText(hosts []string) string {
	var names []string
	named := 0
	for i := 0; i < len(hosts); {
		n := inRow(hosts[i:])
		if len(names) == mostHosts {
			return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(hosts)-named)
		}
		if n > fewInRow {
			names = append(names, hosts[i]+"…"+hosts[i+n-1])
		} else {
			n = 1
			names = append(names, hosts[i])
		}
		named += n
		i += n
	}
	return strings.Join(names, ", ")
}

// inRow counts the hosts from the first on whose names count up.
func inRow(hosts []string) int {
	name, number, ok := numbered(hosts[0])
	n := 1
	for ; ok && n < len(hosts); n++ {
		next, m, is := numbered(hosts[n])
		if !is || next != name || m != number+n || len(hosts[n]) != len(hosts[0]) {
			break
		}
	}
	return n
}

// numbered cuts a name before the number that it ends in.
func numbered(host string) (name string, number int, ok bool) {
	name = strings.TrimRight(host, "0123456789")
	number, err := strconv.Atoi(host[len(name):])
	return name, number, err == nil
}
