package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// jira writes to issues: a comment, a transition, a fix version. Jira Cloud is spoken to by REST API v3, with an account and its API
// token, and comments in the Atlassian Document Format; a Data Center by v2, with a personal access token, and plain text.
type jira struct {
	site
	config   plan.Jira
	api      string // "/rest/api/3"
	open     site   // without credentials, for the change log
	template executer
}

func newJira(n plan.Notifier, client *http.Client, token string) (notifier, error) {
	t, err := textTemplate(n, n.Jira.Template, "plain.tmpl", plain)
	if err != nil {
		return nil, err
	}
	j := &jira{config: *n.Jira, api: "/rest/api/2", template: t, open: site{client: client, name: "jira"}}
	if j.cloud() {
		j.api = "/rest/api/3"
	}
	j.site = atlassian("jira", n.Jira.URL, n.Jira.Email, token, client)
	j.missing = "is the issue there, and may the account see it?"
	return j, nil
}

// atlassian is a site of Atlassian's: Cloud with an account, Data Center with a personal access token alone.
func atlassian(name, base, email, token string, client *http.Client) site {
	s := site{client: client, name: name, base: strings.TrimRight(base, "/"), auth: "Bearer " + token, explain: atlassianSays,
		denied: "check the personal access token, and what its owner may do"}
	if email != "" {
		s.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(email+":"+token))
		s.denied = "check email and token, and what the account may do"
	}
	return s
}

// atlassianSays reads an error of Jira's, {"errorMessages": […], "errors": {field: …}}, or of Confluence's, {"message": …} or
// {"errors": [{"title": …}]}.
func atlassianSays(body []byte) string {
	var e struct {
		ErrorMessages []string
		Errors        json.RawMessage
		Message       string
	}
	_ = json.Unmarshal(body, &e)
	said := e.ErrorMessages
	var fields map[string]string
	if json.Unmarshal(e.Errors, &fields) == nil {
		for _, name := range sorted(fields) {
			said = append(said, name+": "+fields[name])
		}
	}
	var list []struct{ Title string }
	if json.Unmarshal(e.Errors, &list) == nil {
		for _, one := range list {
			said = append(said, one.Title)
		}
	}
	if e.Message != "" {
		said = append(said, e.Message)
	}
	return strings.Join(said, "; ")
}

func (j *jira) cloud() bool { return j.config.Email != "" }

// comment is the text of the comment. Its last line finds it again.
func (j *jira) comment(r Report) (string, error) {
	if !j.cloud() {
		r = r.mapped(wikiEscape)
	}
	text, err := render(j.template, r)
	return cut(text, 30000) + mark(r) + "\n", err // jira.text.field.character.limit is 32,767
}

// mark is the last line of a comment.
func mark(r Report) string { return "(trikk " + r.Run + " " + r.Ended + ")" }

// wikiEscape makes text that is no markup in the wiki renderer of a Data Center.
func wikiEscape(s string) string {
	return strings.NewReplacer("{", `\{`, "[", `\[`, "*", `\*`, "!", `\!`, "|", `\|`).Replace(s)
}

func (j *jira) show(r Report) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "issues: %s\n", strings.Join(append(slices.Clone(r.Issues), j.sources()...), ", "))
	for _, a := range r.Apps {
		if fixed(a) {
			if j.config.Transition != "" {
				fmt.Fprintf(&b, "transition of the issues of %s: %s\n", a.App, j.config.Transition)
			}
			if j.config.FixVersion != "" {
				fmt.Fprintf(&b, "fix version of the issues of %s: %s\n", a.App, filled(j.config.FixVersion, a))
			}
		}
	}
	text, err := j.comment(r)
	if j.config.Comment {
		b.WriteString("comment:\n" + text)
	}
	return b.String(), err
}

// sources says where issues are from, beside the command line.
func (j *jira) sources() []string {
	if j.config.Changelog == "" {
		return []string{"those of --issue"}
	}
	return []string{"those of --issue", "those in " + j.config.Changelog}
}

// fixed: the app was deployed, to the end. Only then are its issues done.
func fixed(a App) bool { return a.Status == plan.Done && a.Intent == plan.Deploy }

func (j *jira) send(ctx context.Context, r Report, m *memo) ([]string, error) {
	if r.Test {
		return j.try(ctx, r, m)
	}
	issues, warnings, err := j.issues(ctx, r, m)
	if err != nil {
		return warnings, err
	}
	if len(issues) == 0 {
		return warnings, errNothing
	}
	var wrong []error
	for _, i := range issues {
		more, err := j.write(ctx, r, i, m)
		warnings = append(warnings, more...)
		if status(err) == http.StatusNotFound && !i.asked {
			warnings = append(warnings, "jira: "+i.key+", which the change log names, is no issue that the account may see")
			continue
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	return warnings, lightest(wrong)
}

// lightest is one error for all: one that passes, as long as there is one.
func lightest(errs []error) error {
	for _, err := range errs {
		if !final(err) {
			return err
		}
	}
	if len(errs) > 0 {
		return errs[0]
	}
	return nil
}

// try proves the account, and comments on the issues that were named.
func (j *jira) try(ctx context.Context, r Report, m *memo) ([]string, error) {
	if err := j.call(ctx, request{doing: "asking who the account is", method: http.MethodGet, path: j.api + "/myself"}, nil); err != nil {
		return nil, err
	}
	for _, key := range r.Issues {
		if err := j.addComment(ctx, r, key, m); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// write does to one issue all that is asked for.
func (j *jira) write(ctx context.Context, r Report, i issue, m *memo) (warnings []string, err error) {
	if j.config.Comment {
		if err := j.addComment(ctx, r, i.key, m); err != nil {
			return nil, err
		}
	}
	for _, a := range i.apps {
		if !fixed(a) {
			continue
		}
		if j.config.FixVersion != "" {
			if err := j.addFixVersion(ctx, i.key, filled(j.config.FixVersion, a), m); err != nil {
				return warnings, err
			}
		}
	}
	if j.config.Transition != "" && len(i.apps) > 0 && !slices.ContainsFunc(i.apps, func(a App) bool { return !fixed(a) }) {
		warning, err := j.move(ctx, i.key, m)
		if warning != "" {
			warnings = append(warnings, warning)
		}
		return warnings, err
	}
	return warnings, nil
}

// addComment adds a comment ("Add comment"). Where an attempt ended unknown, the newest comments are looked at first ("Get comments").
func (j *jira) addComment(ctx context.Context, r Report, key string, m *memo) error {
	text, err := j.comment(r)
	if err != nil {
		return err
	}
	path := j.api + "/issue/" + url.PathEscape(key) + "/comment"
	return m.once("comment "+key, func(begun bool) (string, error) {
		if begun {
			there, err := j.commented(ctx, key, path, mark(r))
			if err != nil || there {
				return "", err
			}
		}
		var made struct{ ID string }
		var body any = text
		if j.cloud() {
			body = document(text)
		}
		err := j.call(ctx, request{doing: "commenting on " + key, method: http.MethodPost, path: path, body: encode(map[string]any{"body": body})}, &made)
		return made.ID, err
	})
}

// commented tells whether a comment with a mark is among the newest.
func (j *jira) commented(ctx context.Context, key, path, mark string) (bool, error) {
	var page struct {
		Comments []struct{ Body json.RawMessage }
	}
	err := j.call(ctx, request{doing: "reading the comments of " + key, method: http.MethodGet, path: path + "?orderBy=-created&maxResults=50"}, &page)
	for _, c := range page.Comments {
		if strings.Contains(string(c.Body), mark) {
			return true, nil
		}
	}
	return false, err
}

// document is a text in the Atlassian Document Format: a paragraph for lines without an empty one between them.
func document(text string) any {
	type node = map[string]any
	var paragraphs []node
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var content []node
		for l := range strings.SplitSeq(strings.Trim(part, "\n"), "\n") {
			if len(content) > 0 {
				content = append(content, node{"type": "hardBreak"})
			}
			if l != "" { // a text node is not empty
				content = append(content, node{"type": "text", "text": l})
			}
		}
		paragraphs = append(paragraphs, node{"type": "paragraph", "content": content})
	}
	return node{"type": "doc", "version": 1, "content": paragraphs}
}

// move makes a transition, by its name or by that of the status it leads to ("Get transitions", "Transition issue"). None of that name is a
// warning, unless the issue is there already.
func (j *jira) move(ctx context.Context, key string, m *memo) (warning string, err error) {
	path := j.api + "/issue/" + url.PathEscape(key)
	err = m.once("transition "+key, func(bool) (string, error) {
		var there struct {
			Transitions []struct {
				ID, Name string
				To       struct{ Name string }
			}
		}
		if err := j.call(ctx, request{doing: "reading the transitions of " + key, method: http.MethodGet, path: path + "/transitions"}, &there); err != nil {
			return "", err
		}
		var names []string
		for _, t := range there.Transitions {
			if strings.EqualFold(t.Name, j.config.Transition) || strings.EqualFold(t.To.Name, j.config.Transition) {
				body := encode(map[string]any{"transition": map[string]string{"id": t.ID}})
				return t.ID, j.call(ctx, request{doing: "moving " + key + " on", method: http.MethodPost, path: path + "/transitions", body: body}, nil)
			}
			names = append(names, t.Name)
		}
		var now struct {
			Fields struct{ Status struct{ Name string } }
		}
		if err := j.call(ctx, request{doing: "reading the status of " + key, method: http.MethodGet, path: path + "?fields=status"}, &now); err != nil {
			return "", err
		}
		if !strings.EqualFold(now.Fields.Status.Name, j.config.Transition) {
			warning = fmt.Sprintf("jira: %s has no transition %q from %s (there are: %s)", key, j.config.Transition, now.Fields.Status.Name, strings.Join(names, ", "))
		}
		return "", nil
	})
	return warning, err
}

// addFixVersion adds a fix version to an issue ("Edit issue"), which is made where the project lacks it ("Get project versions", "Get
// project", "Create version").
func (j *jira) addFixVersion(ctx context.Context, key, name string, m *memo) error {
	return m.once("fix version "+key+" "+name, func(bool) (string, error) {
		project := key[:max(0, strings.LastIndex(key, "-"))]
		if err := j.makeVersion(ctx, project, name); err != nil {
			return "", err
		}
		body := encode(map[string]any{"update": map[string]any{"fixVersions": []any{map[string]any{"add": map[string]string{"name": name}}}}})
		return "", j.call(ctx, request{doing: "giving " + key + " the fix version " + name, method: http.MethodPut, path: j.api + "/issue/" + url.PathEscape(key), body: body}, nil)
	})
}

func (j *jira) makeVersion(ctx context.Context, project, name string) error {
	there, err := j.hasVersion(ctx, project, name)
	if err != nil || there {
		return err
	}
	var p struct{ ID string }
	if err := j.call(ctx, request{doing: "looking for project " + project, method: http.MethodGet, path: j.api + "/project/" + url.PathEscape(project)}, &p); err != nil {
		return err
	}
	body := encode(map[string]any{"name": name, "projectId": json.Number(p.ID)})
	err = j.call(ctx, request{doing: "making version " + name + " in " + project, method: http.MethodPost, path: j.api + "/version", body: body}, nil)
	if status(err) != http.StatusBadRequest {
		return err
	}
	if there, again := j.hasVersion(ctx, project, name); again == nil && there { // somebody else was faster
		return nil
	}
	return err
}

func (j *jira) hasVersion(ctx context.Context, project, name string) (bool, error) {
	var all []struct{ Name string }
	err := j.call(ctx, request{doing: "reading the versions of " + project, method: http.MethodGet, path: j.api + "/project/" + url.PathEscape(project) + "/versions"}, &all)
	return slices.ContainsFunc(all, func(v struct{ Name string }) bool { return v.Name == name }), err
}
