//go:build linux

package batch

import (
	"encoding/json"
	"fmt"
	"strings"

	"trikk.dev/e2e"
)

// line is what trikk status --json says of one app on one server.
type line struct {
	App, Host, Release, Service string
	Good                        bool
	Rotation                    map[string]string
	LockedBy                    string
}

// lines reads what trikk status --json prints.
func lines(text string) (map[[2]string]line, error) {
	out := map[[2]string]line{}
	for row := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(row), &l); err != nil {
			return nil, fmt.Errorf("%q: %w", row, err)
		}
		if l.App != "" {
			out[[2]string{l.App, l.Host}] = l
		}
	}
	return out, nil
}

// lies tells in what a line of the status is not what is on the machine; "" where it is true. Every app serves everywhere, on whatever version.
func (l line) lies(a app, m *e2e.Machine, version string, proxies int) string {
	switch link := m.Link(a.home() + "/current"); {
	case "releases/"+l.Release != link:
		return fmt.Sprintf("release %s, and the link leads to %s", l.Release, link)
	case !strings.HasPrefix(l.Release, version+"-") || !answers(a, m, version):
		return fmt.Sprintf("release %s, and %s should run", l.Release, version)
	case l.Service != "active" || !l.Good || l.LockedBy != "":
		return fmt.Sprintf("service %q, good %t, locked by %q", l.Service, l.Good, l.LockedBy)
	case len(l.Rotation) != proxies:
		return fmt.Sprintf("rotation at %d proxies", len(l.Rotation))
	}
	for proxy, state := range l.Rotation {
		if state != "in" {
			return fmt.Sprintf("%s at %s", state, proxy)
		}
	}
	return ""
}
