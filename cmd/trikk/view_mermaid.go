package main

import (
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// mermaid is a plan as a flow chart: an app is a box, its waves follow each other in it, and arrows say what waits for what.
func mermaid(p plan.Plan) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	if p.Empty() {
		fmt.Fprintf(&b, "  nothing[%s]\n", quoted(nothingToDo(p)))
		return b.String()
	}
	for i, a := range p.Apps {
		fmt.Fprintf(&b, "  subgraph a%d[%s]\n    direction LR\n", i, quoted(headline(p, a)))
		nodes := nodesOf(appRows(a))
		for j, text := range nodes {
			fmt.Fprintf(&b, "    a%dw%d[%s]\n", i, j, text)
			if j > 0 {
				fmt.Fprintf(&b, "    a%dw%d --> a%dw%d\n", i, j-1, i, j)
			}
		}
		b.WriteString("  end\n")
	}
	for i, a := range p.Apps {
		arrows(&b, p, a.After, fmt.Sprintf("a%d", i))
	}
	for i, g := range p.Groups {
		fmt.Fprintf(&b, "  g%d[%s]\n", i, strings.Join(nodesOf(waveRows(g.ID, g.Lanes)), ""))
		arrows(&b, p, g.Needs, fmt.Sprintf("g%d", i))
	}
	return b.String()
}

// arrows lead from apps of the plan to what waits for them.
func arrows(b *strings.Builder, p plan.Plan, from []string, to string) {
	for _, name := range from {
		if i := slices.IndexFunc(p.Apps, func(a plan.AppPlan) bool { return a.App == name }); i >= 0 {
			fmt.Fprintf(b, "  a%d --> %s\n", i, to)
		}
	}
}

// nodesOf are the labels of waves. Rows of one wave are one label.
func nodesOf(rows []row) []string {
	var out []string
	for _, r := range rows {
		text := r.hosts + ": " + r.what
		if r.wave == "" && len(out) > 0 {
			out[len(out)-1] = strings.TrimSuffix(out[len(out)-1], `"`) + "<br>" + strings.TrimPrefix(quoted(text), `"`)
			continue
		}
		out = append(out, strings.TrimSuffix(quoted(r.wave), `"`)+"<br>"+strings.TrimPrefix(quoted(text), `"`))
	}
	return out
}

// quoted is a label of Mermaid that shows a text as it is.
func quoted(text string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", "\n", " ").Replace(text) + `"`
}
