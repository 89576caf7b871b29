package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kinds gives the zero value of every kind of op, sorted by kind. It is the closed set: tests walk it.
func Kinds() []Op {
	return []Op{
		AdmitOp{}, ApproveOp{}, DrainOp{}, Fetch{}, Link{}, MarkerOp{}, Chmod{}, Pause{}, ProbeOp{},
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

// BytesText writes a size for people: 512 B, 1.2 MB, 340 MB.
func BytesText(n int64) string {
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

// archiveName is a cached archive's name for people: without the digest in front of it.
func archiveName(file string) string {
	digest, name, ok := strings.Cut(file, "-")
	if ok && len(digest) == archiveDigits && strings.Trim(digest, "0123456789abcdef") == "" {
		return name
	}
	return file
}

// durationText writes a duration without the zeroes at its end: 1m, not 1m0s.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// numbered puts a word in the plural where there are several.
func numbered(word string, n int) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// outer tells whether a pair's proxy leaves and enters its outer balancer, and which server it fronts.
func outer(points []Point) (proxy, server string) {
	if len(points) != 1 || points[0].Target != points[0].Proxy || points[0].Proxy == points[0].Server {
		return "", ""
	}
	return points[0].Proxy, points[0].Server
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
