package notify

import (
	"cmp"
	"errors"
	"html"
	"regexp"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// row is a row of the table: an app in an environment. cells are texts; raw is the row as it is on the page, "" for a new one.
type row struct {
	cells []string
	raw   string
}

// columns are the heads of the table.
func columns() []string {
	return []string{"App", "Environment", "Release", "Since", "By", "Last run"}
}

// rowsOf are the rows of the apps that a run changed, or that were left half done: what runs where now.
func rowsOf(r Report) []row {
	var out []row
	for _, a := range r.Apps {
		if a.Status == plan.FailedClean || !r.Changed {
			continue
		}
		out = append(out, row{cells: []string{a.App, r.Env, a.runs(), r.Ended, r.Who, r.Run + " (" + a.Word() + ")"}})
	}
	return out
}

// runs says which release is on which servers: "2.0-… on app01, app02; half done on app03".
func (a App) runs() string {
	var releases []string
	hosts := map[string][]string{}
	for _, s := range a.Servers {
		name := s.Now
		switch {
		case s.State == HalfDone:
			name = "half done"
		case s.State == LeftOut:
			name = "not known"
		case name == "":
			name = "nothing"
		}
		if len(hosts[name]) == 0 {
			releases = append(releases, name)
		}
		hosts[name] = append(hosts[name], s.Server)
	}
	var out []string
	for _, name := range releases {
		out = append(out, name+" on "+strings.Join(hosts[name], ", "))
	}
	return strings.Join(out, "; ")
}

// The table lies between two anchors, macros of Confluence that show nothing.
const (
	anchorBegin = "trikk-begin"
	anchorEnd   = "trikk-end"
)

func anchor(name string) string {
	return `<p><ac:structured-macro ac:name="anchor"><ac:parameter ac:name="">` + name + `</ac:parameter></ac:structured-macro></p>`
}

// anchorAt finds an anchor with the paragraph around it. Confluence gives macros attributes of its own.
func anchorAt(body, name string) []int {
	at := regexp.MustCompile(`(?s)(<p[^>]*>\s*)?<ac:structured-macro\b[^>]*\bac:name="anchor"[^>]*>\s*<ac:parameter\b[^>]*>` + regexp.QuoteMeta(name) + `</ac:parameter>\s*</ac:structured-macro>(\s*</p>)?`)
	return at.FindStringIndex(body)
}

// withRows is a page with rows put into its table: those of the same app and environment are replaced, others stay as they are, and so does
// what is around the table. A page without a table gets one at its end.
func withRows(body string, rows []row) (string, error) {
	begin, end := anchorAt(body, anchorBegin), anchorAt(body, anchorEnd)
	switch {
	case begin == nil && end == nil:
		return body + anchor(anchorBegin) + table(rows) + anchor(anchorEnd), nil
	case begin == nil || end == nil || end[0] < begin[1]:
		return "", &Error{Doing: "confluence: looking for the table", Err: errors.New("only one of the anchors " + anchorBegin + " and " + anchorEnd + " is there, or they are in the wrong order"),
			Final: true, Hint: "remove what is left of it, and a new table is made at the page's end"}
	}
	old := rowsIn(body[begin[1]:end[0]])
	if same(old, rows) {
		return body, nil
	}
	return body[:begin[1]] + table(merged(old, rows)) + body[end[0]:], nil
}

// same reports that all rows are there already.
func same(old, rows []row) bool {
	return !slices.ContainsFunc(rows, func(r row) bool {
		return !slices.ContainsFunc(old, func(o row) bool { return slices.Equal(o.cells, r.cells) })
	})
}

// merged puts new rows into old ones.
func merged(old, rows []row) []row {
	out := slices.DeleteFunc(slices.Clone(old), func(o row) bool {
		return slices.ContainsFunc(rows, func(r row) bool { return o.key() == r.key() })
	})
	return append(out, rows...)
}

func (r row) key() string {
	if len(r.cells) < 2 {
		return ""
	}
	return r.cells[0] + "\n" + r.cells[1]
}

// rowsIn reads the rows of a table, without its head.
func rowsIn(body string) []row {
	rowAt := regexp.MustCompile(`(?s)<tr\b[^>]*>.*?</tr>`)
	cellAt := regexp.MustCompile(`(?s)<td\b[^>]*>(.*?)</td>`)
	tag := regexp.MustCompile(`(?s)<[^>]*>`)
	var out []row
	for _, raw := range rowAt.FindAllString(body, -1) {
		r := row{raw: raw}
		for _, c := range cellAt.FindAllStringSubmatch(raw, -1) {
			r.cells = append(r.cells, strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(c[1], ""))))
		}
		if len(r.cells) >= 2 {
			out = append(out, r)
		}
	}
	return out
}

// table writes rows in the storage format, sorted by environment and app.
func table(rows []row) string {
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.cells[1], b.cells[1]), cmp.Compare(a.cells[0], b.cells[0]))
	})
	var b strings.Builder
	b.WriteString("<table><tbody><tr>")
	for _, c := range columns() {
		b.WriteString("<th>" + c + "</th>")
	}
	b.WriteString("</tr>")
	for _, r := range rows {
		if r.raw != "" {
			b.WriteString(r.raw)
			continue
		}
		b.WriteString("<tr>")
		for _, c := range r.cells {
			b.WriteString("<td>" + html.EscapeString(c) + "</td>")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody></table>")
	return b.String()
}
