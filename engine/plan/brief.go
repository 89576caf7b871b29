package plan

import (
	"slices"
)

// Brief is a plan of one app in short: what tests and policies put conditions on. Every field is always there, so that a condition
// on one is never without an object.
type Brief struct {
	Refused   string         `json:"refused"` // why there is no plan; "" where there is one
	Empty     bool           `json:"empty"`
	Intent    string         `json:"intent"`
	Route     string         `json:"route"`
	Protected bool           `json:"protected"`
	From      []string       `json:"from"`
	To        string         `json:"to"`
	Version   string         `json:"version"`
	OnFailure string         `json:"onFailure"`
	Waves     []string       `json:"waves"`
	Hosts     []string       `json:"hosts"` // sorted
	Steps     int            `json:"steps"`
	Kinds     map[string]int `json:"kinds"` // every kind is there
	Notes     []string       `json:"notes"`
	Skipped   []string       `json:"skipped"` // sorted
}

// Brief says what a plan does with one app; of an app that has nothing to do, that it is empty. Work that the app shares with
// others counts, and so do all notes.
func (p Plan) Brief(app string) Brief {
	b := brief()
	b.Empty, b.Protected = true, p.Protected
	b.Notes = append(b.Notes, p.Notes...)
	for _, s := range p.Skipped {
		if s.App == app {
			b.Skipped = append(b.Skipped, s.Host)
		}
	}
	slices.Sort(b.Skipped)
	for _, a := range p.Apps {
		if a.App == app {
			b.app(a)
		}
	}
	for _, g := range p.Groups {
		if slices.Contains(g.Needs, app) {
			b.lanes(g.Lanes)
		}
	}
	slices.Sort(b.Hosts)
	b.Hosts = slices.Compact(b.Hosts)
	return b
}

// Refused is the brief of a plan that can't be made.
func Refused(err error) Brief {
	b := brief()
	b.Refused = err.Error()
	return b
}

func brief() Brief {
	b := Brief{From: []string{}, Waves: []string{}, Hosts: []string{}, Kinds: map[string]int{}, Notes: []string{}, Skipped: []string{}}
	for _, op := range Kinds() {
		b.Kinds[op.Kind()] = 0
	}
	return b
}

func (b *Brief) app(a AppPlan) {
	b.Empty = false
	b.Intent, b.Route, b.To, b.Version, b.OnFailure = a.Intent, a.Route, a.To, a.Version, a.OnFailure
	b.From = append(b.From, a.From...)
	for _, w := range a.Waves {
		b.Waves = append(b.Waves, w.Name)
		b.lanes(w.Lanes)
	}
}

func (b *Brief) lanes(lanes []Lane) {
	for _, l := range lanes {
		b.Hosts = append(b.Hosts, l.Host)
		b.Steps += len(l.Steps)
		for _, s := range l.Steps {
			b.Kinds[s.Op.Kind()]++
		}
	}
}
