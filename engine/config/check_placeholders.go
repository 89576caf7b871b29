package config

import (
	"fmt"
	"regexp"
	"slices"

	"trikk.dev/engine/plan"
)

// templated is one text of an app in which {name} stands for something.
type templated struct {
	field, text string
	known       []string
	// loose: the text may well have other words in braces, so that only a near miss is a mistake.
	loose bool
}

// placeholders finds misspelt {version}, {app} and the like: they would be taken as they are.
func (c *checker) placeholders(a plan.App) {
	word := regexp.MustCompile(`\{[A-Za-z]+\}`)
	for _, t := range templates(a) {
		for _, w := range word.FindAllString(t.text, -1) {
			near := nearest(w, t.known)
			if slices.Contains(t.known, w) || t.loose && near == "" {
				continue
			}
			c.add(a, t.field, fmt.Sprintf("unknown placeholder %q", w), suggest(w, t.known))
			break
		}
	}
}

// templates lists the texts of an app that are filled in.
func templates(a plan.App) []templated {
	var out []templated
	version := []string{"{version}"}
	if u := a.Artifact.URL; u != nil {
		out = append(out, templated{field: "artifact.url.url", text: u.URL, known: version})
	}
	for name, p := range a.Probes {
		if p.HTTP != nil {
			out = append(out, templated{field: "probes." + name + ".http.contains", text: p.HTTP.Contains, known: version, loose: true})
		}
	}
	if t := a.Topology.Shared; t != nil {
		names := []string{"{app}", "{env}", "{proxy}", "{server}"}
		member := []string{"{address}", "{app}", "{env}", "{proxy}", "{server}"}
		out = append(out, templated{field: "topology.shared.backend", text: t.Backend, known: names}, templated{field: "topology.shared.member", text: t.Member, known: member})
	}
	if t := a.Topology.Pairs; t != nil {
		names := []string{"{app}", "{env}", "{proxy}", "{server}"}
		out = append(out, templated{field: "topology.pairs.backend", text: t.Backend, known: names}, templated{field: "topology.pairs.member", text: t.Member, known: names})
		if t.Through != nil && t.Through.HTTP != nil {
			out = append(out, templated{field: "topology.pairs.through.http.contains", text: t.Through.HTTP.Contains, known: version, loose: true})
		}
		if m := t.Outer.Marker; m != nil && m.Watch != nil && m.Watch.HTTP != nil {
			names, field := []string{"{backend}", "{member}"}, "topology.pairs.outer.marker.watch.http."
			out = append(out, templated{field: field + "url", text: m.Watch.HTTP.URL, known: names},
				templated{field: field + "up", text: m.Watch.HTTP.Up, known: names, loose: true},
				templated{field: field + "out", text: m.Watch.HTTP.Out, known: names, loose: true})
		}
	}
	return out
}
