package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LeftOut is an app that was asked for and can't be planned, in a plan that goes on without it.
type LeftOut struct {
	App     string            `json:"app"`
	Version string            `json:"version,omitempty"` // that was asked for, by a person or the config; ""
	Labels  map[string]string `json:"labels,omitempty"`
	Reason  string            `json:"reason"` // in one line
}

// LeavesOut tells whether the plan goes on without an app that was asked for.
func (p Plan) LeavesOut(app string) bool {
	return slices.ContainsFunc(p.LeftOut, func(l LeftOut) bool { return l.App == app })
}

// read refuses an app of which facts could not be read.
func (c *compiler) read() error {
	if why := c.facts.Unread[c.app.Name]; why != "" {
		return &Refusal{Pos: c.app.Pos, Text: fmt.Sprintf("%s can't be planned: %s", c.app.Name, why)}
	}
	return nil
}

// compiled is what became of one app.
type compiled struct {
	source  App
	plan    AppPlan
	notes   []string
	skipped []Skipped
	wrong   error
}

// compileAll makes the plan of each app by itself, sorted by name.
func compileAll(env Environment, apps []App, f Facts, in Intent) []compiled {
	apps = slices.Clone(apps)
	slices.SortFunc(apps, func(a, b App) int { return strings.Compare(a.Name, b.Name) })
	out := make([]compiled, len(apps))
	for i, app := range apps {
		c := compiler{env: env, app: app, in: in, facts: f}
		out[i].plan, out[i].wrong = c.compile()
		if out[i].wrong == nil {
			out[i].wrong = proveCapacity(Plan{Inventory: env, Observed: f, Offline: in.Offline, Apps: []AppPlan{out[i].plan}})
		}
		out[i].source, out[i].notes, out[i].skipped = c.source(), c.notes, c.leftOut()
	}
	return out
}

// refusals are what is wrong with the apps.
func refusals(all []compiled) []error {
	var wrong []error
	for _, a := range all {
		if a.wrong != nil {
			wrong = append(wrong, a.wrong)
		}
	}
	return wrong
}

// without leaves out the apps that can't be planned, and those that come after one of them, also where an app between them has nothing to
// do.
func (p *Plan) without(all []compiled) []compiled {
	for i := range all {
		if all[i].wrong != nil {
			p.leaveOut(all[i].source, reasonOf(all[i].wrong))
		}
	}
	after, counts := map[string][]string{}, map[string]bool{}
	for _, a := range all {
		after[a.source.Name], counts[a.source.Name] = a.source.After, a.wrong != nil || len(a.plan.Waves) > 0
	}
	for more := true; more; {
		more = false
		for _, a := range all {
			before := nearest(a.source.Name, after, counts)
			first := slices.IndexFunc(before, p.LeavesOut)
			if first < 0 || len(a.plan.Waves) == 0 || p.LeavesOut(a.source.Name) {
				continue
			}
			p.leaveOut(a.source, fmt.Sprintf("it comes after %s, which is left out", before[first]))
			more = true
		}
	}
	slices.SortFunc(p.LeftOut, func(a, b LeftOut) int { return strings.Compare(a.App, b.App) })
	return slices.DeleteFunc(all, func(a compiled) bool { return p.LeavesOut(a.source.Name) })
}

func (p *Plan) leaveOut(app App, reason string) {
	p.LeftOut = append(p.LeftOut, LeftOut{App: app.Name, Version: app.Version, Labels: app.Labels, Reason: reason})
}

// reasonOf is an error as a part of a line that names the app.
func reasonOf(err error) string {
	var r *Refusal
	if !errors.As(err, &r) {
		return strings.Join(strings.Fields(err.Error()), " ")
	}
	text := r.Text
	if r.Hint != "" {
		text += " (" + r.Hint + ")"
	}
	return strings.Join(strings.Fields(text), " ")
}
