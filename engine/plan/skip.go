package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Skip is the value of Rollout.Unreachable that leaves servers out which can't be reached.
const Skip = "skip"

// Skipped is a server that the plan of an app leaves out.
type Skipped struct {
	App    string `json:"app"`
	Host   string `json:"host"`
	Reason string `json:"reason"` // why it could not be reached
}

// Skips tells whether the plan leaves a host of an app out: it is neither locked nor touched.
func (p Plan) Skips(app, host string) bool {
	return slices.ContainsFunc(p.Skipped, func(s Skipped) bool { return s.App == app && s.Host == host })
}

// Skippable tells which of the hosts that can't be reached may be left out, sorted: active and standby servers all of whose apps
// allow it and keep another active server. A proxy never may.
func Skippable(apps []App, gone []string) []string {
	var out []string
	for _, h := range gone {
		if !slices.ContainsFunc(apps, func(a App) bool { return slices.Contains(a.Hosts(), h) && !a.maySkip(h, gone) }) {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out
}

func (a App) maySkip(host string, gone []string) bool {
	if a.Rollout.Unreachable != Skip || slices.Contains(a.installProxies(), host) {
		return false
	}
	return slices.ContainsFunc(a.Servers, func(s string) bool { return !slices.Contains(gone, s) })
}

// skips tells whether a host can't be reached, so that this plan leaves it out.
func (c *compiler) skips(host string) bool {
	_, gone := c.facts.Unreachable[host]
	return gone
}

// hosts are the app's hosts that the plan does not leave out.
func (c *compiler) hosts() []string { return slices.DeleteFunc(c.app.Hosts(), c.skips) }

// reachable refuses facts that lack a host which may not be left out.
func (c *compiler) reachable() error {
	gone := sortedKeys(c.facts.Unreachable)
	for _, h := range c.app.Hosts() {
		if c.skips(h) && !c.app.maySkip(h, gone) {
			return &Refusal{Pos: c.app.Pos, Text: fmt.Sprintf("%s: %s can't be reached: %s", c.app.Name, h, c.facts.Unreachable[h])}
		}
	}
	return nil
}

// leftOut are the hosts of the app that the plan leaves out.
func (c *compiler) leftOut() []Skipped {
	var out []Skipped
	for _, h := range c.app.Hosts() {
		if c.skips(h) {
			out = append(out, Skipped{App: c.app.Name, Host: h, Reason: c.facts.Unreachable[h]})
		}
	}
	return out
}

// notesOf says which hosts are left out, each once.
func notesOf(skipped []Skipped) []string {
	var out []string
	for _, s := range skipped {
		note := fmt.Sprintf("%s can't be reached: %s; skipped, the next apply picks it up", s.Host, s.Reason)
		if !slices.Contains(out, note) {
			out = append(out, note)
		}
	}
	return out
}

// skippedText names hosts that were left out.
func skippedText(skipped []Skipped) string {
	var hosts []string
	for _, s := range skipped {
		hosts = append(hosts, s.Host)
	}
	return "skipped, because it can't be reached: " + strings.Join(hosts, ", ")
}
