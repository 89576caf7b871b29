package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"trikk.dev/engine/model"
	"trikk.dev/engine/plan"
)

// show writes all endings, the gravest last, and the summary.
func (r *rehearsal) show(w io.Writer) {
	if r.plan.Empty() {
		fmt.Fprintln(w, "The plan has nothing to do.")
		return
	}
	for _, a := range r.plan.Apps {
		fmt.Fprintln(w, headline(r.plan, a))
	}
	for _, e := range r.sorted() {
		e.show(w)
	}
	fmt.Fprintf(w, "\n%s\n", r.summary())
}

func (e *ending) show(w io.Writer) {
	fmt.Fprintf(w, "\nexit %d: %s\n", e.exit, meaningOf(e.exit))
	for _, line := range whens(e.cases) {
		fmt.Fprintf(w, "  when  %s\n", line)
	}
	io.WriteString(w, e.text)
}

func meaningOf(exit int) string {
	for _, m := range exitMeanings() {
		if m.code == exit {
			return m.meaning
		}
	}
	return ""
}

// whens says in which faults of which steps; faults of the same steps go together.
func whens(cases []faultCase) []string {
	var lines []string
	var steps []string // of a line
	var faults [][]model.Fault
	for _, c := range cases {
		text := stepsText(c.steps)
		if i := slices.Index(steps, text); i >= 0 {
			faults[i] = append(faults[i], c.fault)
			continue
		}
		steps, faults = append(steps, text), append(faults, []model.Fault{c.fault})
	}
	for i, text := range steps {
		lines = append(lines, strings.TrimSuffix(faultsText(faults[i])+": "+text, ": "))
	}
	return lines
}

// faultsText names faults; the two sides of a cut or a kill are told apart only where they end differently.
func faultsText(faults []model.Fault) string {
	has := func(f model.Fault) bool { return slices.Contains(faults, f) }
	var words []string
	add := func(is bool, text string) {
		if is {
			words = append(words, text)
		}
	}
	add(has(model.NoFault), "nothing fails")
	add(has(model.Fails), "it fails")
	add(has(model.CutBefore) && has(model.CutAfter), "the connection is lost in it")
	add(has(model.CutBefore) && !has(model.CutAfter), "the connection is lost before it is done")
	add(!has(model.CutBefore) && has(model.CutAfter), "the connection is lost once it is done")
	add(has(model.Gone), "its server is gone")
	add(has(model.KillBefore) && has(model.KillAfter), "trikk is killed in it, and resumed")
	add(has(model.KillBefore) && !has(model.KillAfter), "trikk is killed before it is done, and resumed")
	add(!has(model.KillBefore) && has(model.KillAfter), "trikk is killed once it is done, and resumed")
	return strings.Join(words, ", or ")
}

// stepsText names steps: one by its title, several by their count and their numbers in each lane.
func stepsText(steps []plan.Step) string {
	if len(steps) == 1 {
		if steps[0].ID == "" {
			return ""
		}
		return steps[0].ID + " (" + steps[0].Title + ")"
	}
	return plural(len(steps), "step") + ": " + strings.Join(spans(steps), ", ")
}

// spans writes many steps in short: APP/WAVE/HOST/1-4,7. Hosts with the same numbers go together.
func spans(steps []plan.Step) []string {
	type lane struct {
		wave, host string
		numbers    []int
	}
	var lanes []lane
	for _, s := range steps {
		parts := strings.Split(s.ID, "/")
		n, err := strconv.Atoi(parts[len(parts)-1])
		if err != nil || len(parts) < 3 {
			continue
		}
		wave, host := strings.Join(parts[:len(parts)-2], "/"), parts[len(parts)-2]
		if k := len(lanes); k == 0 || lanes[k-1].wave != wave || lanes[k-1].host != host {
			lanes = append(lanes, lane{wave: wave, host: host})
		}
		l := &lanes[len(lanes)-1]
		l.numbers = append(l.numbers, n)
	}
	var out []string
	for i := 0; i < len(lanes); {
		hosts := []string{lanes[i].host}
		j := i + 1
		for ; j < len(lanes) && lanes[j].wave == lanes[i].wave && slices.Equal(lanes[j].numbers, lanes[i].numbers); j++ {
			hosts = append(hosts, lanes[j].host)
		}
		host := hosts[0]
		if len(hosts) > 1 {
			host = "{" + strings.Join(hosts, ",") + "}"
		}
		out = append(out, lanes[i].wave+"/"+host+"/"+ranges(lanes[i].numbers))
		i = j
	}
	return out
}

// ranges writes ascending numbers in short: 1-4,7.
func ranges(ns []int) string {
	var parts []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		part := strconv.Itoa(ns[i])
		if j > i {
			part += "-" + strconv.Itoa(ns[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// showTrial writes how a trial ends, without what led to it: every host, what is left half done, and what to do next.
func showTrial(w io.Writer, p plan.Plan, t model.Trial) {
	for _, a := range p.Apps {
		showStands(w, a, t.Hosts)
	}
	for _, l := range t.Outcome.Lanes {
		if l.State == plan.LaneStuck || l.State == plan.LaneFailed {
			fmt.Fprintf(w, "  left  %s half done\n", l.Host)
			for _, s := range l.Stuck {
				fmt.Fprintf(w, "        not done: %s\n", s)
			}
		}
	}
	for _, a := range p.Apps {
		var b bytes.Buffer
		status := appStatus(t.Outcome, a.App)
		if status != plan.Done {
			showNext(&b, p, a, t.Outcome, status, p.ID)
		}
		if next := strings.TrimSpace(b.String()); next != "" {
			fmt.Fprintf(w, "  next  %s\n", strings.TrimPrefix(next, "next: "))
		}
	}
	for _, wrong := range t.Broken {
		fmt.Fprintf(w, "  WRONG %s\n", wrong)
	}
}

func appStatus(o plan.Outcome, app string) string {
	for _, a := range o.Apps {
		if a.App == app {
			return a.Status
		}
	}
	return ""
}

// showStands writes how an app stands on its hosts; hosts that stand alike go together.
func showStands(w io.Writer, a plan.AppPlan, hosts []model.Host) {
	var texts []string
	names := map[string][]string{}
	for _, h := range hosts {
		if h.App != a.App {
			continue
		}
		text := standText(a, h)
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], h.Host)
	}
	for _, text := range texts {
		fmt.Fprintf(w, "  then  %s: %s\n", strings.Join(names[text], ", "), text)
	}
}

func standText(a plan.AppPlan, h model.Host) string {
	parts := []string{"nothing is live"}
	if h.Current != "" {
		parts[0] = "on " + h.Current
	}
	switch {
	case a.Source.Service.None():
	case h.Running == "":
		parts = append(parts, "stopped")
	case h.Running != h.Current:
		parts = append(parts, "runs "+h.Running)
	}
	switch {
	case h.Role != model.Active:
		parts = append(parts, h.Role)
	case len(h.Drained) > 0:
		parts = append(parts, "OUT OF ROTATION at "+strings.Join(h.Drained, ", "))
	case h.Serves:
		parts = append(parts, "in rotation")
	default:
		parts = append(parts, "serves nothing")
	}
	return strings.Join(parts, ", ")
}

// trialFields is a trial as one line of --json.
func trialFields(t model.Trial) map[string]any {
	stuck := []plan.LaneOutcome{}
	for _, l := range t.Outcome.Lanes {
		if l.State == plan.LaneStuck || l.State == plan.LaneFailed {
			stuck = append(stuck, l)
		}
	}
	return map[string]any{"fault": t.Fault, "app": t.App, "step": t.Step.ID, "host": t.Step.Host, "title": t.Step.Title,
		"status": t.Outcome.Status, "exit": exitOfOutcome(t.Outcome.Status), "hosts": t.Hosts, "stuck": stuck, "broken": append([]string{}, t.Broken...)}
}

// fields is the rehearsal as the last line of --json.
func (r *rehearsal) fields() map[string]any {
	exits := map[string]int{}
	for exit, n := range r.counts() {
		exits[strconv.Itoa(exit)] = n
	}
	return map[string]any{"plan": r.plan.ID, "steps": len(r.steps), "runs": r.trials, "endings": len(r.endings), "exits": exits, "broken": r.broken}
}
