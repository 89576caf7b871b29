package notify

import (
	"encoding/json"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

const changes = "# Changes\n\n## 2.1 - soon\n- GIS-9\n\n## [2.0] - 2026-11-20\n- GIS-1: faster\n- see GIS-2, UTF-8, XY-1\n\n## v1.0\n- GIS-3\n"

// jiraCloud answers as Jira Cloud does: GIS-1 can be closed, GIS-2 can't, version "hello 2.0" is missing.
func jiraCloud(api string) map[string][]answer {
	return map[string][]answer{
		"GET /changes/hello":                       {ok(changes)},
		"POST " + api + "/issue/GIS-1/comment":     {{status: 201, body: `{"id":"10100"}`}},
		"POST " + api + "/issue/GIS-2/comment":     {{status: 201, body: `{"id":"10101"}`}},
		"POST " + api + "/issue/OPS-7/comment":     {{status: 404, body: `{"errorMessages":["Issue does not exist or you do not have permission to see it."],"errors":{}}`}},
		"POST " + api + "/issue/XY-1/comment":      {{status: 404, body: `{"errorMessages":["Issue does not exist."]}`}},
		"GET " + api + "/project/GIS/versions":     {ok(`[{"id":"1","name":"hello 1.0"}]`), ok(`[{"id":"1","name":"hello 1.0"},{"id":"2","name":"hello 2.0"}]`)},
		"GET " + api + "/project/GIS":              {ok(`{"id":"10000","key":"GIS"}`)},
		"POST " + api + "/version":                 {{status: 201, body: `{"id":"2","name":"hello 2.0"}`}},
		"PUT " + api + "/issue/GIS-1":              {{status: 204}},
		"PUT " + api + "/issue/GIS-2":              {{status: 204}},
		"GET " + api + "/issue/GIS-1/transitions":  {ok(`{"transitions":[{"id":"11","name":"Start","to":{"name":"In Progress"}},{"id":"31","name":"Ship it","to":{"name":"Released"}}]}`)},
		"POST " + api + "/issue/GIS-1/transitions": {{status: 204}},
		"GET " + api + "/issue/GIS-2/transitions":  {ok(`{"transitions":[{"id":"11","name":"Start","to":{"name":"In Progress"}}]}`)},
		"GET " + api + "/issue/GIS-2":              {ok(`{"fields":{"status":{"name":"Open"}}}`)},
	}
}

func jiraOf(s *server) plan.Jira {
	return plan.Jira{URL: s.URL + "/", Token: token(), Comment: true, Projects: []string{"GIS", "XY", "OPS"}, Transition: "released", FixVersion: "{app} {version}", Changelog: s.URL + "/changes/{app}"}
}

func TestJiraCloud(t *testing.T) {
	s := serve(t, jiraCloud("/rest/api/3"))
	config := jiraOf(s)
	config.Email = "anna@example.com"
	r := done()
	r.Issues = []string{"GIS-1", "OPS-7"}
	d, item := deliver(t, plan.Notifier{Jira: &config}, r)
	// The unknown issue fails for good; the others are told all the same.
	if d.State != Failed || d.Attempts != 1 {
		t.Errorf("%+v", d)
	}
	wants(t, d.Error, "jira: commenting on OPS-7: 404 Not Found: Issue does not exist", "(is the issue there, and may the account see it?)")
	wants(t, strings.Join(d.Warnings, "\n"), `jira: GIS-2 has no transition "released" from Open (there are: Start)`,
		"jira: XY-1, which the change log names, is no issue that the account may see")
	wants(t, s.asked(), "POST /rest/api/3/issue/GIS-1/comment", "POST /rest/api/3/version", "PUT /rest/api/3/issue/GIS-1\n", "POST /rest/api/3/issue/GIS-1/transitions", "PUT /rest/api/3/issue/GIS-2\n")
	for _, c := range s.all() {
		switch {
		case strings.HasPrefix(c.path, "/changes"):
			if c.header.Get("Authorization") != "" {
				t.Error("the change log is read with the token")
			}
		case c.header.Get("Authorization") != "Basic YW5uYUBleGFtcGxlLmNvbTpodXNoLTQ3MTEtdG9rZW4=":
			t.Errorf("%s is authorised by %q", c, c.header.Get("Authorization"))
		}
		if c.path == "/rest/api/3/version" && c.body != `{"name":"hello 2.0","projectId":10000}` {
			t.Errorf("version: %s", c.body)
		}
		if c.path == "/rest/api/3/issue/GIS-1" && c.body != `{"update":{"fixVersions":[{"add":{"name":"hello 2.0"}}]}}` {
			t.Errorf("fix version: %s", c.body)
		}
		if c.path == "/rest/api/3/issue/GIS-1/transitions" && c.method == "POST" && c.body != `{"transition":{"id":"31"}}` {
			t.Errorf("transition: %s", c.body)
		}
		if c.path == "/rest/api/3/issue/GIS-1/comment" {
			adf(t, c.body)
		}
	}
	if item.Done["comment GIS-1"] != "10100" || item.State != Failed {
		t.Errorf("%+v", item)
	}
}

// adf checks a comment against what the Atlassian Document Format asks for.
func adf(t *testing.T, body string) {
	t.Helper()
	var c struct {
		Body struct {
			Type    string
			Version int
			Content []struct {
				Type    string
				Content []struct{ Type, Text string }
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &c); err != nil || c.Body.Type != "doc" || c.Body.Version != 1 || len(c.Body.Content) == 0 {
		t.Fatalf("%v: %s", err, body)
	}
	var all []string
	for _, p := range c.Body.Content {
		for _, n := range p.Content {
			if p.Type != "paragraph" || n.Type != "text" && n.Type != "hardBreak" || (n.Type == "text") != (n.Text != "") {
				t.Errorf("%+v", p)
			}
			all = append(all, n.Text)
		}
	}
	wants(t, strings.Join(all, "\n"), "hello 1.0-bdc7a1fa → 2.0-11bde121 in prod: done", "app01, app02: on 2.0-11bde121", "(trikk 20261126T131929-ffa6 2026-11-26T13:19:48Z)")
}

// A Data Center has API v2, a bearer token and plain text, in which nothing is markup. A run that was rolled back comments and does no more.
func TestJiraDataCenter(t *testing.T) {
	s := serve(t, map[string][]answer{"POST /rest/api/2/issue/GIS-1/comment": {{status: 201, body: `{"id":"1"}`}}})
	config := jiraOf(s)
	r := failed()
	r.Issues = []string{"GIS-1"}
	if d, _ := deliver(t, plan.Notifier{Jira: &config}, r); d.State != Sent {
		t.Fatalf("%+v", d)
	}
	c := s.last("POST")
	if c.header.Get("Authorization") != "Bearer "+hush || len(s.all()) != 1 {
		t.Errorf("%q\n%s", c.header.Get("Authorization"), s.asked())
	}
	var body struct{ Body string }
	if err := json.Unmarshal([]byte(c.body), &body); err != nil {
		t.Fatal(err)
	}
	wants(t, body.Body, `probe \*failed\* <\!channel> @here \{code} \[x\|y]`, "app01: back on 1.0-bdc7a1fa", "app02: not touched, on 1.0-bdc7a1fa")
}

// A rate limit passes; a comment whose answer was lost is found again, and not made twice.
func TestJiraAgain(t *testing.T) {
	s := serve(t, map[string][]answer{
		"POST /rest/api/2/issue/GIS-1/comment": {{status: 502, body: "<html>Bad Gateway</html>"}},
		"GET /rest/api/2/issue/GIS-1/comment":  {{status: 429, header: map[string]string{"Retry-After": "0"}}, ok(`{"comments":[{"body":"mine"},{"body":"…\n(trikk 20261126T131929-ffa6 2026-11-26T13:19:48Z)"}]}`)},
	})
	r := done()
	r.Issues = []string{"GIS-1"}
	d, item := deliver(t, plan.Notifier{Jira: &plan.Jira{URL: s.URL, Token: token(), Comment: true}}, r)
	if d.State != Sent || d.Attempts != 3 || item.Done["comment GIS-1"] != "done" {
		t.Errorf("%+v\n%s", d, s.asked())
	}
	wants(t, s.asked(), "POST /rest/api/2/issue/GIS-1/comment\nGET /rest/api/2/issue/GIS-1/comment?orderBy=-created&maxResults=50\nGET ")
}

// A run that is about no issue asks nothing of JIRA.
func TestJiraNothing(t *testing.T) {
	s := serve(t, nil)
	if d, _ := deliver(t, plan.Notifier{Jira: &plan.Jira{URL: s.URL, Token: token(), Comment: true}}, done()); d.State != Sent || !d.Nothing {
		t.Errorf("%+v", d)
	}
}

func TestJiraTest(t *testing.T) {
	s := serve(t, map[string][]answer{"GET /rest/api/2/myself": {{status: 401, body: `<html>login</html>`}, ok(`{"name":"trikk"}`)}})
	n := plan.Notifier{Jira: &plan.Jira{URL: s.URL, Token: token(), Comment: true}}
	_, err := sender().Try(t.Context(), n, Sample("prod", "anna@ci", "2026-11-26T13:19:48Z"))
	if err == nil {
		t.Fatal("a wrong token is right")
	}
	wants(t, err.Error(), "jira: asking who the account is: 401 Unauthorized (check the personal access token")
	if _, err := sender().Try(t.Context(), n, Sample("prod", "anna@ci", "2026-11-26T13:19:48Z")); err != nil {
		t.Error(err)
	}
}

func TestChangelog(t *testing.T) {
	for name, c := range map[string]struct {
		text, to string
		from     []string
		want     string
		found    bool
	}{
		"between headings":  {changes, "2.0", []string{"1.0"}, "GIS-1 GIS-2 UTF-8 XY-1", true},
		"the first of all":  {changes, "2.0", nil, "GIS-1 GIS-2 GIS-3 UTF-8 XY-1", true},
		"no such version":   {changes, "3.0", []string{"2.0"}, "", false},
		"a longer version":  {"## 2.0.1\n- A1-1\n## 2.0-rc1\n- B-2", "2.0", nil, "", false},
		"the same again":    {"2.0\n=====\n- AB-1\n", "2.0", []string{"2.0"}, "AB-1", true},
		"skipped a version": {"* Version 3\nAB-3\n* Version 2\nAB-2\n* Version 1\nAB-1\n", "3", []string{"1"}, "AB-2 AB-3", true},
	} {
		keys, found := changelogIssues(c.text, c.to, c.from)
		got := strings.Join(keys, " ")
		if got != c.want || found != c.found {
			t.Errorf("%s: %q, %v", name, got, found)
		}
	}
}
