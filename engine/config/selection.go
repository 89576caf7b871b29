package config

import (
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// Selection says which apps are meant. With names and labels, an app must fit both.
type Selection struct {
	Names []string
	// Labels is a Kubernetes label selector: "team=gis,tier!=batch,site in (a,b),!old". "": not asked for.
	Labels string
	// All selects every app of the environment.
	All bool
}

// Select gives the deployments of an environment that are selected, sorted by app. A selection that matches nothing, an
// unknown name and a wrong selector are errors.
func (w Workspace) Select(env string, s Selection) ([]plan.App, error) {
	if _, err := w.Environment(env); err != nil {
		return nil, err
	}
	if len(s.Names) == 0 && s.Labels == "" && !s.All {
		return nil, fmt.Errorf("no app is selected (name apps, or select by label, or all)")
	}
	for _, n := range s.Names {
		if _, err := w.Deployment(n, env); err != nil {
			return nil, err
		}
	}
	terms, err := parseSelector(s.Labels)
	if err != nil {
		return nil, err
	}
	var out []plan.App
	var keys []string
	for _, a := range w.apps {
		if a.Env != env {
			continue
		}
		for k := range a.Labels {
			keys = append(keys, k)
		}
		if s.names(a) && terms.match(a.Labels) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return nil, w.nothing(env, s, terms, keys)
	}
	return out, nil
}

// nothing is the error of a selection that matches no app.
func (w Workspace) nothing(env string, s Selection, terms selector, keys []string) error {
	if s.Labels == "" {
		return fmt.Errorf("environment %q has no apps", env)
	}
	for _, t := range terms {
		if !slices.Contains(keys, t.key) {
			return fmt.Errorf("no app in environment %q matches %q: no app has label %q%s", env, s.Labels, t.key, bracket(suggest(t.key, keys)))
		}
	}
	none, whose := fmt.Sprintf("no app in environment %q matches", env), "its"
	switch {
	case len(s.Names) == 1:
		none = fmt.Sprintf("%s does not match", s.Names[0])
	case len(s.Names) > 1:
		none, whose = fmt.Sprintf("none of %s matches", strings.Join(s.Names, ", ")), "their"
	}
	var labels []string
	for _, a := range w.apps {
		for k, v := range a.Labels {
			if a.Env == env && s.names(a) {
				labels = append(labels, k+"="+v)
			}
		}
	}
	slices.Sort(labels)
	labels = slices.Compact(labels)
	return fmt.Errorf("%s %q (%s labels: %s)", none, s.Labels, whose, strings.Join(labels, ", "))
}

// names tells whether an app is named, where only some are.
func (s Selection) names(a plan.App) bool {
	return len(s.Names) == 0 || slices.Contains(s.Names, a.Name)
}

// selector is terms that must all hold.
type selector []term

// term is one requirement on labels.
type term struct {
	key    string
	want   relation
	values []string
}

type relation int

const (
	isIn relation = iota
	isNotIn
	exists
	isMissing
)

func (s selector) match(labels map[string]string) bool {
	return !slices.ContainsFunc(s, func(t term) bool { return !t.match(labels) })
}

// match follows Kubernetes: an app without the label also fits != and notin.
func (t term) match(labels map[string]string) bool {
	v, ok := labels[t.key]
	switch t.want {
	case isIn:
		return ok && slices.Contains(t.values, v)
	case isNotIn:
		return !ok || !slices.Contains(t.values, v)
	case exists:
		return ok
	default:
		return !ok
	}
}

// parseSelector reads a Kubernetes label selector; "" matches everything.
func parseSelector(text string) (selector, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var out selector
	for _, part := range splitTerms(text) {
		t, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("label selector %q: %w", text, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// splitTerms splits at the commas that are not in parentheses.
func splitTerms(text string) []string {
	var out []string
	start, depth := 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	return append(out, text[start:])
}

func parseTerm(s string) (term, error) {
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		return named(term{key: strings.TrimSpace(rest), want: isMissing})
	}
	if k, v, ok := strings.Cut(s, "!="); ok {
		return named(term{key: strings.TrimSpace(k), want: isNotIn, values: []string{strings.TrimSpace(v)}})
	}
	if k, v, ok := strings.Cut(s, "="); ok {
		return named(term{key: strings.TrimSpace(k), want: isIn, values: []string{strings.TrimSpace(strings.TrimPrefix(v, "="))}})
	}
	key, rest, ok := strings.Cut(s, " ")
	if !ok {
		return named(term{key: s, want: exists})
	}
	rest = strings.TrimSpace(rest)
	for _, o := range []struct {
		word string
		want relation
	}{{"notin", isNotIn}, {"in", isIn}} {
		if set, ok := strings.CutPrefix(rest, o.word); ok {
			return parseSet(term{key: key, want: o.want}, strings.TrimSpace(set))
		}
	}
	return term{}, fmt.Errorf("can't read %q (forms are key=value, key!=value, key in (a,b), key notin (a,b), key, !key)", s)
}

// parseSet reads (a,b) into a term.
func parseSet(t term, s string) (term, error) {
	inner, ok := strings.CutPrefix(s, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !ok || !closed {
		return term{}, fmt.Errorf("%q needs values in parentheses, such as (a,b)", t.key)
	}
	for v := range strings.SplitSeq(inner, ",") {
		t.values = append(t.values, strings.TrimSpace(v))
	}
	return named(t)
}

// named checks that a term has a plain key and plain values.
func named(t term) (term, error) {
	if t.key == "" {
		return term{}, fmt.Errorf("a term has no key")
	}
	for _, s := range append([]string{t.key}, t.values...) {
		if strings.ContainsAny(s, " ()=!,<>") {
			return term{}, fmt.Errorf("can't read %q", s)
		}
	}
	return t, nil
}
