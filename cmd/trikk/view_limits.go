package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// showLimits says what lanes of a plan wait for, if they may have to.
func showLimits(w io.Writer, p plan.Plan) {
	if text := limitsText(p); text != "" {
		fmt.Fprintf(w, "\n%s\n", text)
	}
}

// limitsText names the limits of a plan in one line; "" where it has none.
func limitsText(p plan.Plan) string {
	var out []string
	servers := map[int][]string{}
	for _, l := range p.Limits {
		kind, of, _ := strings.Cut(l.Name, " ")
		switch kind {
		case "server":
			servers[l.Most] = append(servers[l.Most], of)
		case "proxy":
			out = append(out, plural(l.Most, "turn")+" behind "+of)
		case "repository":
			out = append(out, plural(l.Most, "download")+" from "+of)
		case "pairs":
			out = append(out, fmt.Sprintf("%d of %s out of the outer balancer", l.Most, strings.ReplaceAll(of, " ", ", ")))
		default:
			out = append(out, plural(l.Most, "turn")+" in all")
		}
	}
	var most []int
	for n := range servers {
		most = append(most, n)
	}
	slices.Sort(most)
	for _, n := range most {
		each := ""
		if len(servers[n]) > 1 {
			each = "each of "
		}
		out = append(out, plural(n, "turn")+" on "+each+hostsText(servers[n]))
	}
	if len(out) == 0 {
		return ""
	}
	return "At once at most: " + strings.Join(out, "; ") + "."
}
