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

// showAppSteps writes every step of an app. Lanes of a wave that do the same are shown once, unless all are asked for.
func showAppSteps(w io.Writer, p plan.Plan, a plan.AppPlan, v planView) {
	fmt.Fprintln(w, headline(p, a))
	var before *plan.Lane // the first lane of the last wave that is shown in full
	for _, wave := range a.Waves {
		fmt.Fprintf(w, "\n  %s%s\n", wave.Name, parallel(wave))
		if before != nil && !v.full && allLike(*before, wave.Lanes) {
			fmt.Fprintf(w, "    %s: the same %s as %s\n", strings.Join(laneHosts(wave.Lanes), ", "), plural(len(before.Steps), "step"), before.Host)
			continue
		}
		showLanes(w, wave.Lanes, v)
		before = &wave.Lanes[0]
	}
}

// showGroupSteps shows work that apps share. Groups that wait for the same apps are shown together.
func showGroupSteps(w io.Writer, groups []plan.Group, v planView) {
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

func showLanes(w io.Writer, lanes []plan.Lane, v planView) {
	shown := make([]bool, len(lanes))
	for i, l := range lanes {
		if shown[i] {
			continue
		}
		hosts := []string{l.Host}
		for j := i + 1; j < len(lanes) && !v.full; j++ {
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
