package main

import (
	"encoding/json"
	"io"
)

// gitlabIssue is one entry of a code quality report.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
}

// writeGitLab writes a code quality report. GitLab wants a place of every issue: what has none is told of the module file.
func writeGitLab(w io.Writer, r report) error {
	issues := []gitlabIssue{}
	for _, f := range r.placed() {
		severity := "critical"
		if f.level == levelWarning {
			severity = "minor"
		}
		at := gitlabLocation{Path: f.file, Lines: gitlabLines{max(f.line, 1)}}
		if at.Path == "" {
			at.Path = "cue.mod/module.cue"
		}
		issues = append(issues, gitlabIssue{f.text, "trikk/" + f.rule, f.print, severity, at})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(issues)
}

// placed are the findings, with one that says why nothing could be checked.
func (r report) placed() []finding {
	if r.failed == "" || len(r.findings) > 0 {
		return r.findings
	}
	all := report{findings: []finding{{level: levelMistake, rule: "config", text: r.failed}}}
	all.number()
	return all.findings
}
