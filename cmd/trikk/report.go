package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"trikk.dev/engine/config"
)

// How vet can print. Text and JSON are written as they come; the others are one document.
const (
	formatText = "text"
	formatJSON = "json"
)

// documents are the formats of vet that are one document.
func documents() map[string]func(io.Writer, report) error {
	return map[string]func(io.Writer, report) error{"github": writeGitHub, "gitlab": writeGitLab, "junit": writeJUnit, "sarif": writeSARIF}
}

// formats are all that --format takes.
func formats() []string {
	return append([]string{formatText, formatJSON}, slices.Sorted(maps.Keys(documents()))...)
}

// settleFormat makes one of --format and --json, which say the same thing.
func (c *cli) settleFormat(set *pflag.FlagSet, format *string) error {
	if !slices.Contains(formats(), *format) {
		return usage("--format %s: it is one of %s", *format, strings.Join(formats(), ", "))
	}
	if c.flags.json && *format != formatJSON && set.Changed("format") {
		return usage("--json is --format json: give one of --json and --format %s", *format)
	}
	c.flags.json = c.flags.json || *format == formatJSON
	return nil
}

// finding is one mistake or warning as a report has it.
type finding struct {
	file   string // relative to the top, with slashes; "" where no file is at fault
	line   int    // from 1; 0 where file is "", or as a whole at fault
	column int    // from 1, in UTF-16 units
	rule   string
	level  string // levelMistake or levelWarning
	text   string // all that is said of it on its one line, but the place
	shown  string // the line as people get it
	// print is the same as long as the mistake is the same, wherever in the file it is; no two findings of a report share one.
	print string
}

const (
	levelMistake = "error"
	levelWarning = "warning"
)

// report is all that vet found, for a document. Files are relative to the top of the Git repository, where CI looks for them.
type report struct {
	findings []finding // by file and line
	files    []string  // that were checked, sorted
	failed   string    // why nothing could be checked; ""
	right    string    // what is said if all is right
}

// mistakes are how many findings are no mere warnings.
func (r report) mistakes() int {
	n := 0
	for _, f := range r.findings {
		if f.level == levelMistake {
			n++
		}
	}
	return n
}

// showReport writes the document, and tells people on standard error what is in it.
func (c *cli) showReport(v findings, wrong error, write func(io.Writer, report) error) error {
	r := c.reportOf(v, wrong)
	if err := write(c.out, r); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if r.failed != "" {
		return &exitError{exitConfig, wrong}
	}
	for _, f := range r.findings {
		c.say("%s", f.shown)
	}
	if n := r.mistakes(); n > 0 {
		fmt.Fprintf(c.world.err, "trikk: %s\n", plural(n, "mistake"))
		return &exitError{code: exitConfig}
	}
	c.say("%s", r.right)
	return nil
}

// reportOf makes a report of what was found and of the error that holds the mistakes.
func (c *cli) reportOf(v findings, wrong error) report {
	top := c.top()
	r := report{right: v.String()}
	for _, f := range v.files {
		r.files = append(r.files, c.fromTop(top, f))
	}
	var list *config.Errors
	switch {
	case errors.As(wrong, &list):
		for _, d := range list.List {
			r.findings = append(r.findings, c.finding(top, levelMistake, d))
		}
	case wrong != nil:
		r.failed = wrong.Error()
	}
	if list != nil && list.List[0].Pos.File == "" {
		r.failed = wrong.Error()
	}
	for _, d := range v.warnings {
		r.findings = append(r.findings, c.finding(top, levelWarning, d))
	}
	slices.SortStableFunc(r.findings, func(a, b finding) int {
		if by := strings.Compare(a.file, b.file); by != 0 {
			return by
		}
		return a.line - b.line
	})
	for _, f := range r.findings {
		if f.file != "" {
			r.files = append(r.files, f.file)
		}
	}
	slices.Sort(r.files)
	r.files = slices.Compact(r.files)
	r.number()
	return r
}

// finding makes one of a diagnostic.
func (c *cli) finding(top, level string, d config.Diagnostic) finding {
	f := finding{rule: d.Rule(), level: level, shown: d.String(), line: d.Pos.Line, column: d.Pos.Column}
	if level == levelWarning {
		f.shown = "warning: " + f.shown
	}
	if d.Pos.File != "" {
		f.file = c.fromTop(top, d.Pos.File)
		f.column = column(c.inRepository(filepath.FromSlash(d.Pos.File)), d.Pos.Line, d.Pos.Column)
	}
	d.Pos.File = ""
	f.text = d.String()
	return f
}

// top is the folder that CI's paths start from: that of the Git repository, else that of the config repository.
func (c *cli) top() string {
	start := c.absolute(c.flags.dir)
	for _, mark := range []string{".git", filepath.Join("cue.mod", "module.cue")} {
		for dir := start; ; dir = filepath.Dir(dir) {
			if _, err := os.Lstat(filepath.Join(dir, mark)); err == nil {
				return dir
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return start
}

// fromTop makes the path of a mistake relative to the top.
func (c *cli) fromTop(top, file string) string {
	rel, err := filepath.Rel(top, c.inRepository(filepath.FromSlash(file)))
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}

// column counts in UTF-16 units, as CI systems do, what CUE counts in bytes. A file that can't be read leaves it as it is.
func column(file string, line, at int) int {
	text, err := os.ReadFile(file)
	if err != nil || at < 1 {
		return at
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // which CUE doesn't count
	for n := 1; n < line; n++ {
		_, rest, _ := strings.Cut(string(text), "\n")
		text = []byte(rest)
	}
	units := 1
	for i, r := range string(text) {
		if i >= at-1 || r == '\n' {
			break
		}
		if units++; r > 0xffff {
			units++
		}
	}
	return units
}

// otherPlace is a place that a message names: it moves with lines that have nothing to do with the mistake.
var otherPlace = regexp.MustCompile(`:\d+:\d+`)

// number gives each finding its print.
func (r *report) number() {
	seen := map[string]int{}
	for i, f := range r.findings {
		what := strings.Join([]string{f.file, f.rule, f.level, otherPlace.ReplaceAllString(f.text, "")}, "\x00")
		seen[what]++
		r.findings[i].print = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", what, seen[what])))
	}
}
