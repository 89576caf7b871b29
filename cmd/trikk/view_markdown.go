package main

import (
	"bytes"
	"fmt"
	"strings"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

// markdownMost is how many bytes a comment has at most; GitHub takes 65,536 characters.
const markdownMost = 65000

// markdownRows is how many apps the table of apps names.
const markdownRows = 200

// markdownSpare is kept for the line that says what was left out.
const markdownSpare = 400

// markdown is a plan as a comment of a pull request: a table of apps, then the waves, the diffs and the steps of each app, folded. What
// does not fit is left out in whole parts, the steps first, and named at the end. It holds no secret, as no plan does; and nothing
// that an app's config or a server says can end a fence, a cell or the folding around it.
func markdown(p plan.Plan, v planView) string {
	p = v.noted(p)
	if p.Empty() {
		return fmt.Sprintf("### trikk plan for %s\n\n%s\n%s", span(p.Env), nothingToDo(p), markdownNotes(p))
	}
	c := &comment{}
	c.add(fmt.Sprintf("### trikk plan for %s\n\n%s\n", span(p.Env), summary(p)), "the summary")
	c.add(markdownNotes(p), "notes")
	c.add(markdownApps(p), "the table of apps")
	for _, a := range p.Apps {
		c.add(markdownWaves(p, a), "the waves of "+a.App)
	}
	if rows := groupRows(p.Groups); len(rows) > 0 {
		c.add("\n"+markdownTable([]string{"after", "on", "does"}, cellsOf(rows)), "work that apps share")
	}
	for _, f := range v.files {
		c.add(markdownFile(f), "the diff of "+f.Path+" of "+f.App)
	}
	if text := limitsText(p); text != "" {
		c.add("\n"+htmlText(text)+"\n", "the limits")
	}
	if stay := untouched(p); len(stay) > 0 {
		c.add(folded("Not touched", fenced("text", strings.Join(stay, "\n"))), "what is not touched")
	}
	for _, a := range p.Apps {
		if c.full() {
			c.left = append(c.left, "the steps of "+a.App)
			continue
		}
		var steps bytes.Buffer
		showAppSteps(&steps, p, a, planView{full: v.full, scripts: v.scripts})
		c.add(folded("Steps of "+a.App, fenced("text", steps.String())), "the steps of "+a.App)
	}
	return c.text()
}

// comment collects parts as long as they fit.
type comment struct {
	b    strings.Builder
	left []string // what did not fit
}

// full tells whether hardly anything fits any more.
func (c *comment) full() bool { return c.b.Len() > markdownMost-2*markdownSpare }

func (c *comment) add(part, name string) {
	if c.b.Len()+len(part) > markdownMost-markdownSpare {
		c.left = append(c.left, name)
		return
	}
	c.b.WriteString(part)
}

func (c *comment) text() string {
	if len(c.left) == 0 {
		return c.b.String()
	}
	first := c.left[:min(3, len(c.left))]
	names := make([]string, len(first))
	for i, name := range first {
		names[i] = shortened(name, 80)
	}
	more := ""
	if n := len(c.left) - len(first); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return c.b.String() + "\nLeft out, because a comment has a limit: " + span(strings.Join(names, ", ")) + more + ". `trikk plan --full` shows all.\n"
}

func markdownNotes(p plan.Plan) string {
	var b bytes.Buffer
	showNotes(&b, p)
	if b.Len() == 0 {
		return ""
	}
	return "\n" + fenced("text", strings.TrimSpace(b.String()))
}

func markdownApps(p plan.Plan) string {
	var rows [][]string
	for _, a := range p.Apps {
		from := strings.Join(a.From, ", ")
		if from == "" {
			from = "nothing"
		}
		rows = append(rows, []string{a.Intent, a.App, from, a.To, hostsText(hostsOf(a)), strings.Join(a.After, ", ")})
	}
	if n := len(rows) - markdownRows; n > 0 {
		rows = append(rows[:markdownRows:markdownRows], []string{"", fmt.Sprintf("%d more", n)})
	}
	return "\n" + markdownTable([]string{"", "app", "from", "to", "servers", "after"}, rows)
}

func markdownWaves(p plan.Plan, a plan.AppPlan) string {
	title := ""
	if len(p.Apps) > 1 {
		title = "\n#### " + span(a.App) + "\n"
	}
	return title + "\n" + markdownTable([]string{"wave", "servers", "does"}, cellsOf(appRows(a)))
}

func markdownFile(f act.FileDiff) string {
	if firstOfAll(f) {
		return ""
	}
	title := f.App + ": " + fileTitle(f)
	if f.Diff == "" {
		return "\n" + span(title) + "\n"
	}
	return folded(title, fenced("diff", f.Diff))
}

func cellsOf(rows []row) [][]string {
	var out [][]string
	for _, r := range rows {
		out = append(out, []string{r.wave, r.hosts, r.what})
	}
	return out
}

// markdownTable is a table whose cells are shown as they are.
func markdownTable(head []string, rows [][]string) string {
	var b strings.Builder
	b.WriteString("| " + strings.Join(head, " | ") + " |\n|" + strings.Repeat("---|", len(head)) + "\n")
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, text := range r {
			cells[i] = strings.ReplaceAll(span(text), "|", `\|`)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String()
}

// span is text in a line as it is: nothing in it is markup, or calls somebody.
func span(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

// fenced is text in a block that nothing in it can end.
func fenced(lang, text string) string {
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	return fence + lang + "\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}

// longestRun counts the most backticks in a row.
func longestRun(text string) int {
	longest, n := 0, 0
	for _, r := range text {
		if r != '`' {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}

// folded is a block below a title that is clicked on.
func folded(title, block string) string {
	return "\n<details><summary>" + htmlText(title) + "</summary>\n\n" + block + "\n</details>\n"
}

// htmlText is text in HTML as it is. An @ is written so that it calls nobody.
func htmlText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "&#96;", "@", "&#64;", "*", "&#42;", "_", "&#95;", "[", "&#91;", "\n", " ").Replace(text)
}
