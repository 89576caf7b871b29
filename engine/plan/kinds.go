package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Kinds gives the zero value of every kind of op, sorted by kind. It is the closed set: tests walk it.
func Kinds() []Op {
	return []Op{
		AdmitOp{}, DrainOp{}, Fetch{}, Link{}, MarkerOp{}, Chmod{}, Pause{}, ProbeOp{},
		Prune{}, Record{}, Reload{}, Run{}, ServiceOp{}, Unpack{}, Upload{}, Write{},
	}
}

// oneLine makes a title of text that a user wrote: one line, not longer than a terminal is wide.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	const most = 100
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// bytesText writes a size for people: 512 B, 1.2 MB, 340 MB.
func bytesText(n int64) string {
	size, unit := float64(n), 0
	units := []string{"B", "kB", "MB", "GB", "TB"}
	for size >= 999.5 && unit < len(units)-1 {
		size /= 1000
		unit++
	}
	if unit > 0 && size < 9.95 {
		return fmt.Sprintf("%.1f %s", size, units[unit])
	}
	return fmt.Sprintf("%.0f %s", size, units[unit])
}

// pointsText names the servers of points, and after verb the proxies: "app01 at lb01, lb02".
func pointsText(points []Point, verb string) string {
	var servers, proxies []string
	for _, p := range points {
		if !slices.Contains(servers, p.Server) {
			servers = append(servers, p.Server)
		}
		if !slices.Contains(proxies, p.Proxy) {
			proxies = append(proxies, p.Proxy)
		}
	}
	return strings.Join(servers, ", ") + verb + strings.Join(proxies, ", ")
}
