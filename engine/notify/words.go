package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"trikk.dev/engine/plan"
)

// line is the first line of a text, without control characters and of a bounded length.
func line(text string) string {
	const most = 500
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// Headline says in one line what happened: "hello 1.0 → 2.0 in prod: done".
func (r Report) Headline() string {
	names := make([]string, 0, len(r.Apps))
	for _, a := range r.Apps {
		names = append(names, a.App)
	}
	what := strings.Join(names, ", ")
	switch {
	case len(r.Apps) == 1:
		what = r.Apps[0].Move()
	case len(r.Apps) > 3:
		what = fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	text := fmt.Sprintf("%s in %s: %s", what, r.Env, r.Word())
	if r.Test {
		return "TEST, nothing was deployed: " + text
	}
	return text
}

// Move is the app with the releases that it goes from and to.
func (a App) Move() string {
	if a.To == "" {
		return a.App
	}
	from := strings.Join(a.From, "|")
	if from == "" {
		from = "nothing"
	}
	text := fmt.Sprintf("%s %s → %s", a.App, from, a.To)
	if a.Intent == plan.Rollback {
		text += " (rollback)"
	}
	return text
}

// Word is the status for people.
func (r Report) Word() string {
	if r.Status == Running && r.Progress != "" {
		return "running, " + r.Progress
	}
	return word(r.Status)
}

func word(status string) string {
	switch status {
	case plan.Done:
		return "done"
	case plan.FailedClean:
		return "failed, nothing was changed"
	case plan.Partly:
		return "partly done"
	case plan.Reverted:
		return "failed and rolled back"
	case plan.Broken:
		return "FAILED, a person is needed"
	case plan.Interrupted:
		return "interrupted"
	}
	return status
}

// Word is the status for people.
func (a App) Word() string { return word(a.Status) }

// Good reports that everything was done.
func (r Report) Good() bool { return r.Status == plan.Done }

// Goes reports that the run has not ended.
func (r Report) Goes() bool { return r.Status == Running }

// Took is how long the run took.
func (r Report) Took() string {
	return time.Duration(r.Seconds * float64(time.Second)).Round(100 * time.Millisecond).String()
}

// Where says how the app's servers stand, those of one kind on one line.
func (a App) Where() []string {
	var texts []string
	names := map[string][]string{}
	for _, s := range a.Servers {
		text := s.text()
		if len(names[text]) == 0 {
			texts = append(texts, text)
		}
		names[text] = append(names[text], s.Server)
	}
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = strings.Join(names[text], ", ") + ": " + text
	}
	return out
}

func (s Server) text() string {
	text := map[string]string{OnNew: "on " + s.Now, Same: "was on " + s.Now + " already", Back: "back on " + s.Now, Kept: "not touched, on " + s.Now,
		HalfDone: "half done", LeftOut: "left out, can't be reached"}[s.State]
	if s.Now == "" {
		switch s.State {
		case Back:
			text = "left stopped and out of rotation"
		case Kept:
			text = "not touched"
		case Same:
			text = "had nothing to do"
		}
	}
	if s.Error != "" && (s.State == HalfDone || s.State == LeftOut) {
		text += ": " + s.Error
	}
	return text
}

// mapped is the report with every text that comes from elsewhere made fit for a format.
func (r Report) mapped(fit func(string) string) Report {
	all := func(list []string) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = fit(s)
		}
		return out
	}
	r.Env, r.Who, r.Progress, r.Problems, r.Issues = fit(r.Env), fit(r.Who), fit(r.Progress), all(r.Problems), all(r.Issues)
	apps := make([]App, len(r.Apps))
	for i, a := range r.Apps {
		a.App, a.To, a.Version, a.Reason, a.From = fit(a.App), fit(a.To), fit(a.Version), fit(a.Reason), all(a.From)
		servers := make([]Server, len(a.Servers))
		for k, s := range a.Servers {
			servers[k] = Server{fit(s.Server), s.State, fit(s.Before), fit(s.Now), fit(s.Error)}
		}
		a.Servers = servers
		apps[i] = a
	}
	r.Apps = apps
	return r
}
