package main

import (
	"fmt"
	"io"
	"strings"
)

// writeGitHub writes workflow commands, which GitHub shows as annotations of the changed files.
func writeGitHub(w io.Writer, r report) error {
	for _, f := range r.findings {
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", f.level, strings.Join(githubPlace(f), ","), githubText.Replace(f.text)); err != nil {
			return err
		}
	}
	if r.failed != "" && len(r.findings) == 0 {
		_, err := fmt.Fprintf(w, "::error title=trikk vet::%s\n", githubText.Replace(r.failed))
		return err
	}
	return nil
}

// githubPlace are the properties of a command. A file as a whole has no line.
func githubPlace(f finding) []string {
	var out []string
	if f.file != "" {
		out = append(out, "file="+githubValue.Replace(f.file))
	}
	if f.line > 0 {
		out = append(out, fmt.Sprintf("line=%d", f.line), fmt.Sprintf("col=%d", max(f.column, 1)))
	}
	return append(out, "title=trikk vet%3A "+githubValue.Replace(f.rule))
}

var (
	githubText  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubValue = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
