//go:build linux

package batch

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"trikk.dev/e2e"
)

// tally is what the batch came to.
type tally struct {
	apps, deployed, failed, skipped int
	seconds                         float64
	connections                     int
	lost                            int
}

// String is the line that tools read.
func (c tally) String() string {
	return fmt.Sprintf("batch: apps=%d deployed=%d failed=%d skipped=%d seconds=%.0f connections=%d lost=%d",
		c.apps, c.deployed, c.failed, c.skipped, c.seconds, c.connections, c.lost)
}

// verdict is "" where everything is as it must be, on so many machines.
func (c tally) verdict(machines int) string {
	switch {
	case c.deployed != c.apps-2 || c.failed != 1 || c.skipped != 1:
		return "one app must have failed, one skipped, and all others deployed"
	case c.connections > machines:
		return fmt.Sprintf("%d connections to %d machines", c.connections, machines)
	case c.connections == 0:
		return "the sshds have logged no connection: nothing is proven"
	case c.lost > 0:
		return fmt.Sprintf("%d requests were lost", c.lost)
	}
	return ""
}

// state is how an app stands on its machines.
type state int

const (
	skipped  state = iota // nothing of the new version is there
	failed                // something is, but the app does not run it everywhere
	deployed              // all servers run it
)

// stateOf looks at an app's servers: the link, the releases, and who answers.
func stateOf(a app) state {
	there, runs := 0, 0
	for _, m := range a.servers {
		if isThere(a, m, wanted) {
			there++
		}
		if isCurrent(a, m, wanted) && answers(a, m, wanted) {
			runs++
		}
	}
	switch {
	case runs == len(a.servers):
		return deployed
	case there > 0:
		return failed
	}
	return skipped
}

// isThere tells whether a server has a release of a version, or a part of one.
func isThere(a app, m *e2e.Machine, version string) bool {
	found, _ := filepath.Glob(m.Path(a.home() + "/releases/" + version + "-*"))
	return len(found) > 0
}

// isCurrent tells whether the link of a server leads to a version.
func isCurrent(a app, m *e2e.Machine, version string) bool {
	return strings.HasPrefix(m.Link(a.home()+"/current"), "releases/"+version+"-")
}

// answers tells whether a version of the app answers on a server.
func answers(a app, m *e2e.Machine, version string) bool {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://%s:%d/", m.Address, a.port))
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return err == nil && strings.HasPrefix(string(text), version+" ")
}

// times are when something of an app was made on its servers: the first and the last one.
type times struct{ first, last time.Time }

// made gives the times of the files that a pattern below the app's home finds, links themselves and not where they lead.
func made(a app, pattern string) (times, error) {
	var out times
	for _, m := range a.servers {
		found, err := filepath.Glob(m.Path(a.home() + "/" + pattern))
		if err != nil {
			return out, err
		}
		if len(found) == 0 {
			return out, fmt.Errorf("%s has no %s of %s", m.Name, pattern, a.name)
		}
		for _, path := range found {
			fi, err := os.Lstat(path)
			if err != nil {
				return out, err
			}
			at := fi.ModTime()
			if out.first.IsZero() || at.Before(out.first) {
				out.first = at
			}
			if at.After(out.last) {
				out.last = at
			}
		}
	}
	return out, nil
}
