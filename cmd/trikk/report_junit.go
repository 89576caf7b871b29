package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Time    string        `xml:"time,attr"`
	Error   *junitFailure `xml:"error"`
	Failure *junitFailure `xml:"failure"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes one test for each file, so that a right config has tests too. Warnings are what a test printed.
func writeJUnit(w io.Writer, r report) error {
	s := junitSuite{Name: "trikk vet", Time: "0"}
	if r.failed != "" {
		s.Errors = 1
		s.Cases = append(s.Cases, junitCase{Name: "config repository", Class: "trikk vet", Time: "0", Error: &junitFailure{Message: r.failed, Type: "config", Text: r.failed}})
	}
	for _, file := range r.files {
		c := junitCaseOf(file, r.findings)
		if c.Failure != nil {
			s.Failures++
		}
		s.Cases = append(s.Cases, c)
	}
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Suites: []junitSuite{s}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// junitCaseOf is the test of one file. It has one failure for all mistakes, since a test fails once.
func junitCaseOf(file string, all []finding) junitCase {
	c := junitCase{Name: file, Class: "trikk vet", File: file, Time: "0"}
	var wrong, warned []string
	for _, f := range all {
		if f.file != file {
			continue
		}
		line := fmt.Sprintf("%s:%d:%d: %s", f.file, f.line, f.column, f.text)
		if f.level == levelWarning {
			warned = append(warned, "warning: "+line)
			continue
		}
		if wrong = append(wrong, line); len(wrong) == 1 {
			c.Line = f.line
			c.Failure = &junitFailure{Message: f.text, Type: f.rule}
		}
	}
	if len(wrong) > 1 {
		c.Failure.Message = fmt.Sprintf("%s, and %s more", c.Failure.Message, plural(len(wrong)-1, "mistake"))
	}
	if c.Failure != nil {
		c.Failure.Text = strings.Join(wrong, "\n")
	}
	c.Out = strings.Join(warned, "\n")
	return c
}
