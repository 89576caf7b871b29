package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"trikk.dev/engine/plan"
)

// ways checks the jumps that spell an address out.
func (c *checker) ways(e plan.Environment) {
	for _, name := range slices.Sorted(maps.Keys(e.Servers)) {
		c.way(e, e.Servers[name], "servers."+name+".jump")
	}
	for _, name := range slices.Sorted(maps.Keys(e.Proxies)) {
		c.way(e, e.Proxies[name].Host, "proxies."+name+".jump")
	}
}

func (c *checker) way(e plan.Environment, h plan.Host, path string) {
	if h.Jump == "" || isHost(e, h.Jump) {
		return
	}
	if wrong, hint := wrongJump(h.Jump); wrong != "" {
		c.ofHost(e, h, path, fmt.Sprintf("must be the name of a host, or [user@]address[:port]: %q %s", h.Jump, wrong), hint)
	}
}

// wrongJump says what is wrong with [user@]address[:port], and what to do; "" where nothing is.
func wrongJump(text string) (wrong, hint string) {
	address, port, ok := spelledOut(text[strings.LastIndex(text, "@")+1:])
	if !ok || address == "" || strings.ContainsAny(address, "[]") {
		return "has no address that can be reached", "an IPv6 address with a port is [address]:port"
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(port, ":")); port != "" && (err != nil || n < 1 || n > 65535) {
		return "has no port from 1 to 65535 behind the colon", "without a port it is ssh_config's, else 22"
	}
	return "", ""
}

// spelledOut takes address[:port] apart; the port comes with its colon.
func spelledOut(text string) (address, port string, ok bool) {
	if inside, in := strings.CutPrefix(text, "["); in {
		address, port, ok = strings.Cut(inside, "]")
		return address, port, ok && (port == "" || port[0] == ':')
	}
	if strings.Count(text, ":") > 1 {
		_, err := netip.ParseAddr(text)
		return text, "", err == nil
	}
	address, port, ok = strings.Cut(text, ":")
	if ok {
		port = ":" + port
	}
	return address, port, true
}
