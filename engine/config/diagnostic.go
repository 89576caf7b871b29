package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// Diagnostic is one mistake, for the person who wrote it.
type Diagnostic struct {
	// Pos is the place in the user's file; File is relative to Options.Dir, with slashes. Zero when no file is at fault.
	Pos plan.Pos `json:"pos"`
	// Path is the dotted path of the value, relative to the app or the environment; "" where Message says it all.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	// Hint says what to do; "" when there is nothing to add.
	Hint string `json:"hint,omitempty"`

	exact bool     // the place and the message say which value: String leaves the path out
	vague bool     // CUE's own words, without a place of the user's: often the consequence of another mistake
	also  plan.Pos // the second place of a clash
	// absent: nothing is written there, so that several mistakes may have one place.
	absent bool
	whole  string // the path of all that the mistake is about, where that is more than Path says
}

// String writes the diagnostic on one line: file:line:col: path: what (hint).
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.Pos.File != "" {
		b.WriteString(place(d.Pos) + ": ")
	}
	if d.Path != "" && !d.exact {
		b.WriteString(d.Path + ": ")
	}
	b.WriteString(d.Message)
	if d.Hint != "" {
		b.WriteString(" (" + d.Hint + ")")
	}
	return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(b.String())
}

// place writes a position as editors and terminals know it.
func place(p plan.Pos) string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Errors is every mistake of one run, sorted by place.
type Errors struct {
	List []Diagnostic
}

// Error writes one line for each mistake.
func (e *Errors) Error() string {
	lines := make([]string, len(e.List))
	for i, d := range e.List {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// Join makes one *Errors of several; nil where there is no mistake. An error that is no *Errors is given as it is.
func Join(all ...error) error {
	var out Errors
	for _, err := range all {
		var wrong *Errors
		switch {
		case errors.As(err, &wrong):
			out.List = append(out.List, wrong.List...)
		case err != nil:
			return err
		}
	}
	if len(out.List) == 0 {
		return nil
	}
	out.List = tidy(out.List)
	return &out
}

// failure makes an error of one mistake without a place.
func failure(message, hint string) error {
	return &Errors{List: []Diagnostic{{Message: message, Hint: hint}}}
}

// tidy sorts diagnostics by place and drops equal ones.
func tidy(ds []Diagnostic) []Diagnostic {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(comparePos(a.Pos, b.Pos), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Hint, b.Hint))
	})
	return slices.Compact(ds)
}

func comparePos(a, b plan.Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
