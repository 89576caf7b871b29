package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// planView says how much of a plan is shown.
type planView struct {
	lanes   bool // every lane in full; else lanes that do the same are shown once
	scripts bool // the exact shell of each step
	whole   bool // nothing is left out: also how each step is taken back, its secrets and, with scripts, what is no shell
}

// showPlan writes a plan for people. Lanes of a wave that do the same are shown once, with all their hosts.
func showPlan(to io.Writer, p plan.Plan, v planView) {
	w := visible{to}
	showNotes(w, p)
	if p.Empty() {
		fmt.Fprintln(w, nothingToDo(p))
		return
	}
	for i, a := range p.Apps {
		if i > 0 {
			fmt.Fprintln(w)
		}
		showApp(w, p, a, v)
	}
	showGroups(w, p.Groups, v)
	fmt.Fprintf(w, "\n%s\n", summary(p))
}

func nothingToDo(p plan.Plan) string {
	if len(p.Skipped) > 0 {
		return fmt.Sprintf("Nothing to do: what can be reached of %s is as the config says.", p.Env)
	}
	return fmt.Sprintf("Nothing to do: %s is as the config says.", p.Env)
}

// showGroups shows work that apps share. Groups that wait for the same apps are shown together.
func showGroups(w io.Writer, groups []plan.Group, v planView) {
	for i, g := range groups {
		if i > 0 && slices.Equal(groups[i-1].Needs, g.Needs) {
			continue
		}
		var lanes []plan.Lane
		for _, same := range groups[i:] {
			if !slices.Equal(same.Needs, g.Needs) {
				break
			}
			lanes = append(lanes, same.Lanes...)
		}
		fmt.Fprintf(w, "\n  after %s\n", strings.Join(g.Needs, ", "))
		showLanes(w, lanes, v)
	}
}

func showApp(w io.Writer, p plan.Plan, a plan.AppPlan, v planView) {
	fmt.Fprintln(w, headline(p, a))
	var before *plan.Lane // the first lane of the last wave that is shown in full
	for _, wave := range a.Waves {
		fmt.Fprintf(w, "\n  %s%s\n", wave.Name, parallel(wave))
		if before != nil && !v.lanes && allLike(*before, wave.Lanes) {
			fmt.Fprintf(w, "    %s: the same %s as %s\n", strings.Join(laneHosts(wave.Lanes), ", "), plural(len(before.Steps), "step"), before.Host)
			continue
		}
		showLanes(w, wave.Lanes, v)
		before = &wave.Lanes[0]
	}
}

// headline says in one line what happens to an app.
func headline(p plan.Plan, a plan.AppPlan) string {
	from := strings.Join(a.From, ", ")
	if from == "" {
		from = "nothing"
	}
	verb := "deploy"
	if a.Intent == plan.Rollback {
		verb = "roll back"
	}
	return fmt.Sprintf("%s %s in %s: %s → %s%s", verb, a.App, p.Env, from, a.To, order(a))
}

// order says which apps of the plan go first.
func order(a plan.AppPlan) string {
	if len(a.After) == 0 {
		return ""
	}
	return " (after " + strings.Join(a.After, ", ") + ")"
}

// allLike tells whether all lanes do what one did, each on its own host.
func allLike(one plan.Lane, lanes []plan.Lane) bool {
	for _, l := range lanes {
		if !alike(one, l) {
			return false
		}
	}
	return true
}

func laneHosts(lanes []plan.Lane) []string {
	var out []string
	for _, l := range lanes {
		out = append(out, l.Host)
	}
	return out
}

func parallel(w plan.Wave) string {
	n := len(w.Lanes)
	if w.MaxParallel > 0 {
		n = min(n, w.MaxParallel)
	}
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d at once)", n)
}

func showLanes(w io.Writer, lanes []plan.Lane, v planView) {
	shown := make([]bool, len(lanes))
	for i, l := range lanes {
		if shown[i] {
			continue
		}
		hosts := []string{l.Host}
		for j := i + 1; j < len(lanes) && !v.lanes; j++ {
			if !shown[j] && alike(l, lanes[j]) {
				hosts = append(hosts, lanes[j].Host)
				shown[j] = true
			}
		}
		user := mainUser(l)
		fmt.Fprintf(w, "    %s%s\n", strings.Join(hosts, ", "), asUser(user))
		for _, s := range l.Steps {
			showStep(w, s, l.Host, user, hosts, v)
		}
	}
}

// alike tells whether two lanes do the same, each on its own host.
func alike(a, b plan.Lane) bool {
	return slices.EqualFunc(a.Steps, b.Steps, func(x, y plan.Step) bool {
		return x.As == y.As && shared(x.Title, a.Host) == shared(y.Title, b.Host)
	})
}

// shared is a title with HOST in place of the lane's own host.
func shared(title, host string) string {
	words := strings.Split(title, " ")
	for i, word := range words {
		if strings.TrimRight(word, ",:") == host {
			words[i] = strings.Replace(word, host, "HOST", 1)
		}
	}
	return strings.Join(words, " ")
}

// mainUser is the user of a lane's steps, but for those that need another one.
func mainUser(l plan.Lane) string {
	for _, s := range l.Steps {
		if s.As != "" {
			return s.As
		}
	}
	return ""
}

func asUser(user string) string {
	if user == "" {
		return ""
	}
	return " (as " + user + ")"
}

func showStep(w io.Writer, s plan.Step, laneHost, user string, hosts []string, v planView) {
	title := s.Title
	if len(hosts) > 1 {
		title = strings.ReplaceAll(shared(title, laneHost), "HOST", "each")
	}
	if s.As != user && s.Op.Transport() == plan.Script {
		title += asUser(cmp.Or(s.As, "the login user"))
	}
	if s.Lasting() {
		title += " (can't be undone)"
	}
	fmt.Fprintf(w, "      %s\n", title)
	showOp(w, s.Op, v)
	if !v.whole {
		return
	}
	for _, u := range s.Undo {
		title := "taken back by: " + u.Title
		if u.As != user && u.Op.Transport() == plan.Script {
			title += asUser(cmp.Or(u.As, "the login user"))
		}
		fmt.Fprintf(w, "        %s\n", title)
		showOp(w, u.Op, v)
	}
}

// showOp shows what an op's title leaves out.
func showOp(w io.Writer, op plan.Op, v planView) {
	if v.whole {
		for _, n := range plan.SecretsOf(op) {
			fmt.Fprintf(w, "        | secret: %s\n", n.Secret)
		}
	}
	if !v.scripts {
		return
	}
	text := op.Script()
	if document, err := json.Marshal(op); text == "" && v.whole && err == nil {
		text = string(document)
	}
	if text == "" {
		return
	}
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(w, "        | %s\n", line)
	}
}

// showNotes says first what a person must know before reading on, as that a version goes down.
func showNotes(w io.Writer, p plan.Plan) {
	notes := p.Notes
	if p.Offline {
		notes = append([]string{"no server was asked (--offline): this is the whole way, as if nothing were installed; it can't be applied"}, notes...)
	}
	if len(notes) == 0 {
		return
	}
	fmt.Fprintln(w, "Note:")
	for _, n := range notes {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(n, "\n", "\n    "))
	}
	fmt.Fprintln(w)
}

// summary counts what a plan does.
func summary(p plan.Plan) string {
	hosts, steps := figures(p)
	within := ""
	if p.Deadline > 0 && p.Deadline != plan.DefaultDeadline {
		within = fmt.Sprintf(", within %s", p.Deadline.Short())
	}
	return fmt.Sprintf("Plan %s: %s, %s, %s%s.", p.ID, plural(len(p.Apps), "app"), plural(hosts, "host"), plural(steps, "step"), within)
}

// figures counts the hosts and the steps of a plan.
func figures(p plan.Plan) (hosts, steps int) {
	seen := map[string]bool{}
	count := func(lanes []plan.Lane) {
		for _, l := range lanes {
			seen[l.Host] = true
			steps += len(l.Steps)
		}
	}
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			count(w.Lanes)
		}
	}
	for _, g := range p.Groups {
		count(g.Lanes)
	}
	return len(seen), steps
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
