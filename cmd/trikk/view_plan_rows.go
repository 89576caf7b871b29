package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"trikk.dev/engine/plan"
)

// row is one line of the overview: a wave, the servers that go the same way in it, and what they do.
type row struct{ wave, hosts, what string }

// alikeWaves is how many waves in a row that do the same are still shown one by one.
const alikeWaves = 4

// theSame is said of waves that do what the one above does.
const theSame = "the same, one wave after another"

// widestHosts is how wide a list of servers makes their column at most; longer ones push what follows to the right. One name always fits.
const widestHosts = 40

func showAppOverview(w io.Writer, p plan.Plan, a plan.AppPlan) {
	fmt.Fprintf(w, "%s, on %s%s\n", headline(p, a), hostsText(hostsOf(a)), asUser(a.User))
	showRows(w, appRows(a))
}

func showRows(w io.Writer, rows []row) {
	wave, hosts := 0, 0
	for _, r := range rows {
		wave = max(wave, utf8.RuneCountInString(r.wave))
		width := utf8.RuneCountInString(r.hosts)
		if strings.ContainsAny(r.hosts, ",…") {
			width = min(widestHosts, width)
		}
		hosts = max(hosts, width)
	}
	for _, r := range rows {
		fmt.Fprintf(w, "  %-*s  %-*s  %s\n", wave, r.wave, hosts, r.hosts, r.what)
	}
}

// hostsOf are all hosts that a plan touches for an app, in the app's order.
func hostsOf(a plan.AppPlan) []string {
	touched := map[string]bool{}
	for _, w := range a.Waves {
		for _, l := range w.Lanes {
			touched[l.Host] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(a.Source.Hosts()), func(h string) bool { return !touched[h] })
}

// appRows are the waves as they will run. Many waves that do the same, each on other servers, take two lines.
func appRows(a plan.AppPlan) []row {
	var out []row
	for i := 0; i < len(a.Waves); i++ {
		out = append(out, waveRows(a.Waves[i].Name+parallel(a.Waves[i]), a.Waves[i].Lanes)...)
		same := a.Waves[i+1:]
		same = same[:sameAs(a.Waves[i], same)]
		if len(same) < alikeWaves {
			continue
		}
		var hosts []string
		for _, w := range same {
			hosts = append(hosts, laneHosts(w.Lanes)...)
		}
		last := same[len(same)-1]
		out = append(out, row{"… " + last.Name + parallel(same[0]), hostsText(hosts), theSame})
		i += len(same)
	}
	return withoutRepeats(out)
}

// withoutRepeats says in short that a row does what the one above does.
func withoutRepeats(rows []row) []row {
	what := ""
	for i, r := range rows {
		if r.what == what && r.wave != "" {
			rows[i].what = "the same"
		}
		if r.what != theSame {
			what = r.what
		}
	}
	return rows
}

// sameAs counts the waves that follow a wave and do what it does.
func sameAs(first plan.Wave, next []plan.Wave) int {
	what := whatOf(first.Lanes[0])
	other := func(l plan.Lane) bool { return whatOf(l) != what }
	if slices.ContainsFunc(first.Lanes, other) {
		return 0
	}
	n := slices.IndexFunc(next, func(w plan.Wave) bool { return kindOf(w) != kindOf(first) || slices.ContainsFunc(w.Lanes, other) })
	if n < 0 {
		return len(next)
	}
	return n
}

// kindOf is the name of a wave without its number.
func kindOf(w plan.Wave) string {
	name, _, _ := strings.Cut(w.Name, " ")
	return name
}

// waveRows puts hosts that do the same into one row.
func waveRows(name string, lanes []plan.Lane) []row {
	var whats []string
	hosts := map[string][]string{}
	for _, l := range lanes {
		what := whatOf(l)
		if hosts[what] == nil {
			whats = append(whats, what)
		}
		hosts[what] = append(hosts[what], l.Host)
	}
	var out []row
	for _, what := range whats {
		out = append(out, row{name, hostsText(hosts[what]), what})
		name = ""
	}
	return out
}

// groupRows are the work that apps share.
func groupRows(groups []plan.Group) []row {
	var out []row
	for _, g := range groups {
		out = append(out, waveRows("after "+strings.Join(g.Needs, ", "), g.Lanes)...)
	}
	for i := len(out) - 1; i > 0; i-- { // the same apps are named once
		if out[i].wave == out[i-1].wave {
			out[i].wave = ""
		}
	}
	return out
}

// whatOf says in a few words what a lane does. It leaves out what always belongs to it, such as its records, and names what can't
// be undone in full.
func whatOf(l plan.Lane) string {
	var out []string
	for _, s := range l.Steps {
		if text := wordsOf(s, l); text != "" && !slices.Contains(out, text) {
			if s.Lasting() {
				text += " (can't be undone)"
			}
			out = append(out, text)
		}
	}
	if len(out) == 0 { // records alone
		for _, s := range l.Steps {
			out = append(out, shared(s.Title, l.Host))
		}
	}
	return strings.Join(out, ", ")
}

// wordsOf is what one step adds to the words for its lane; steps that give the same words are told once.
func wordsOf(s plan.Step, l plan.Lane) string {
	switch op := s.Op.(type) {
	case plan.Record:
		if op.What == "settled" {
			return s.Title
		}
		return ""
	case plan.Unpack:
		if op.Format == "none" {
			return "copy"
		}
		return "unpack"
	case plan.Write:
		return writes(l)
	case plan.Chmod:
		return ""
	case plan.Link:
		return linkWords(s, op)
	case plan.DrainOp:
		if op.Again {
			return ""
		}
		return withoutHost(s.Title, l.Host)
	case plan.AdmitOp:
		if op.Unproven {
			return "set back"
		}
		return "admit"
	case plan.ProbeOp:
		return probes(l)
	case plan.ServiceOp:
		return serviceWords(s, op, l)
	}
	return withoutHost(s.Title, l.Host)
}

func linkWords(s plan.Step, op plan.Link) string {
	switch {
	case op.Persist != "":
		return ""
	case op.Release == "":
		return s.Title
	}
	return "link " + op.Name
}

// withoutHost is a title that does not name the lane's own host, which is named beside it.
func withoutHost(title, host string) string {
	title = strings.Replace(title, " "+host+" at ", " at ", 1)
	return strings.TrimSuffix(title, ", in front of "+host)
}

// writes names the files that a lane writes, or counts many.
func writes(l plan.Lane) string {
	var paths []string
	for _, s := range l.Steps {
		if op, is := s.Op.(plan.Write); is {
			paths = append(paths, op.Path)
		}
	}
	if len(paths) > 2 {
		return "write " + plural(len(paths), "file")
	}
	return "write " + strings.Join(paths, ", ")
}

func probes(l plan.Lane) string {
	n := 0
	for _, s := range l.Steps {
		if _, is := s.Op.(plan.ProbeOp); is {
			n++
		}
	}
	if n == 1 {
		return "probe"
	}
	return plural(n, "probe")
}

// serviceWords: a stop and a start are a restart, told where it ends.
func serviceWords(s plan.Step, op plan.ServiceOp, l plan.Lane) string {
	actions := map[string]bool{}
	for _, s := range l.Steps {
		if op, is := s.Op.(plan.ServiceOp); is {
			actions[op.Action] = true
		}
	}
	switch {
	case len(actions) < 2:
		return s.Title
	case op.Action == "start":
		return "restart"
	}
	return ""
}
