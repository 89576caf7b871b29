package notify

import (
	"encoding/json"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// written is what Confluence made of a table of ours: with attributes of its own, and somebody's text around it.
const written = `<h1>Ours &amp; theirs</h1><p local-id="1"><ac:structured-macro ac:name="anchor" ac:schema-version="1" ac:macro-id="ab"><ac:parameter ac:name="">trikk-begin</ac:parameter></ac:structured-macro></p>` +
	`<table data-layout="default"><tbody><tr><th>App</th></tr><tr><td><p>hello</p></td><td><p>prod</p></td><td>1.0</td></tr><tr><td><strong>a&amp;b</strong></td><td>prod</td><td>7</td></tr></tbody></table>` +
	`<p><ac:structured-macro ac:name="anchor" ac:schema-version="1"><ac:parameter ac:name="">trikk-end</ac:parameter></ac:structured-macro></p><p>after</p>`

func pageJSON(t *testing.T, number int, body string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"id": "42", "status": "current", "title": "What runs where", "version": map[string]any{"number": number}, "body": map[string]any{"storage": map[string]any{"value": body, "representation": "storage"}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestConfluenceCloud(t *testing.T) {
	const at = "/wiki/api/v2/pages/42"
	conflict := answer{status: 409, body: `{"errors":[{"status":409,"code":"CONFLICT","title":"Version must be incremented when updating a page."}]}`}
	s := serve(t, map[string][]answer{
		"GET " + at: {ok(pageJSON(t, 6, written)), ok(pageJSON(t, 7, written+"<p>somebody else</p>"))},
		"PUT " + at: {conflict, ok(pageJSON(t, 8, ""))},
	})
	d, _ := deliver(t, plan.Notifier{Confluence: &plan.Confluence{URL: s.URL, Email: "anna@example.com", Token: token(), Page: "42"}}, done())
	if d.State != Sent || d.Attempts != 1 {
		t.Fatalf("%+v\n%s", d, s.asked())
	}
	var put struct {
		ID, Status, Title string
		Version           struct{ Number int }
		Body              struct{ Representation, Value string }
	}
	if err := json.Unmarshal([]byte(s.last("PUT").body), &put); err != nil {
		t.Fatal(err)
	}
	if put.ID != "42" || put.Status != "current" || put.Title != "What runs where" || put.Version.Number != 8 || put.Body.Representation != "storage" {
		t.Errorf("%+v", put)
	}
	wants(t, put.Body.Value, "<h1>Ours &amp; theirs</h1>", "<p>after</p><p>somebody else</p>", "<tr><td><strong>a&amp;b</strong></td><td>prod</td><td>7</td></tr>",
		"<td>hello</td><td>prod</td><td>2.0-11bde121 on app01, app02</td><td>2026-11-26T13:19:48Z</td><td>anna@ci</td>")
	if strings.Contains(put.Body.Value, "<td>1.0</td>") || strings.Count(put.Body.Value, "trikk-begin") != 1 {
		t.Errorf("the old row is there: %s", put.Body.Value)
	}
	// What is there already is not written again.
	again, err := withRows(put.Body.Value, rowsOf(done()))
	if err != nil || again != put.Body.Value {
		t.Errorf("%v: %s", err, again)
	}
}

func TestConfluenceDataCenter(t *testing.T) {
	const at = "/rest/api/content/42"
	s := serve(t, map[string][]answer{"GET " + at: {ok(pageJSON(t, 1, "<p>mine</p>"))}, "PUT " + at: {ok("{}")}})
	r := done()
	r.Apps[0].Status = plan.Broken
	r.Apps[0].Servers[1] = Server{Server: "app02", State: HalfDone, Error: "no <way>"}
	if d, _ := deliver(t, plan.Notifier{Confluence: &plan.Confluence{URL: s.URL, Token: token(), Page: "42"}}, r); d.State != Sent {
		t.Fatalf("%+v", d)
	}
	c := s.last("PUT")
	wants(t, c.body, `"type":"page"`, `"number":2`, `<p>mine</p><p><ac:structured-macro ac:name=\"anchor\">`, "2.0-11bde121 on app01; half done on app02", "a person is needed")
	if c.header.Get("Authorization") != "Bearer "+hush {
		t.Error(c.header)
	}
}

func TestConfluenceSpoilt(t *testing.T) {
	_, err := withRows("<p>x</p>"+anchor(anchorEnd), rowsOf(done()))
	if err == nil || !final(err) {
		t.Fatal(err)
	}
	wants(t, err.Error(), "only one of the anchors")
	s := serve(t, map[string][]answer{"GET /rest/api/content/42": {{status: 404, body: `{"statusCode":404,"message":"No content found with id : ContentId{id=42}"}`}}})
	d, _ := deliver(t, plan.Notifier{Confluence: &plan.Confluence{URL: s.URL, Token: token(), Page: "42"}}, done())
	if d.State != Failed {
		t.Errorf("%+v", d)
	}
	wants(t, d.Error, "404 Not Found: No content found", "may the account edit it?")
}
