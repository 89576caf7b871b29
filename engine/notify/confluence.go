package notify

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"trikk.dev/engine/plan"
)

// conflicts is how often a page is read again because somebody else was faster.
const conflicts = 5

// confluence keeps a table on a page, between two anchors. Confluence Cloud is spoken to by REST API v2 ("Get page by id", "Update page"),
// a Data Center by /rest/api/content ("Get content by ID", "Update content"). Both take the page as a whole with the next version's number,
// and answer 409 when that is taken.
type confluence struct {
	site
	config plan.Confluence
}

func newConfluence(c plan.Confluence, client *http.Client, token string) notifier {
	s := atlassian("confluence", c.URL, c.Email, token, client)
	s.missing = "is the page there, and may the account edit it?"
	return &confluence{s, c}
}

func (c *confluence) cloud() bool { return c.config.Email != "" }

func (c *confluence) show(r Report) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "rows of the table on page %s:\n", c.config.Page)
	for _, row := range rowsOf(r) {
		fmt.Fprintf(&b, "  %s\n", strings.Join(row.cells, " | "))
	}
	return b.String(), nil
}

// page is what is needed of a page.
type page struct {
	title   string
	version int
	body    string
}

func (c *confluence) send(ctx context.Context, r Report, m *memo) ([]string, error) {
	rows := rowsOf(r)
	if r.Test { // nothing that is not so is written to the page
		_, err := c.read(ctx)
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errNothing
	}
	var err error
	for range conflicts {
		var p page
		if p, err = c.read(ctx); err != nil {
			return nil, err
		}
		var body string
		if body, err = withRows(p.body, rows); err != nil || body == p.body {
			return nil, err
		}
		p.body = body
		if err = c.write(ctx, p, r); status(err) != http.StatusConflict {
			return nil, err
		}
	}
	return nil, &Error{Doing: "confluence: writing page " + c.config.Page, Err: fmt.Errorf("others changed it %d times meanwhile", conflicts)}
}

func (c *confluence) read(ctx context.Context) (page, error) {
	var p struct {
		Title   string
		Version struct{ Number int }
		Body    struct{ Storage struct{ Value string } }
	}
	path := "/rest/api/content/" + c.config.Page + "?expand=body.storage,version"
	if c.cloud() {
		path = "/wiki/api/v2/pages/" + c.config.Page + "?body-format=storage"
	}
	err := c.call(ctx, request{doing: "reading page " + c.config.Page, method: http.MethodGet, path: path}, &p)
	return page{p.Title, p.Version.Number, p.Body.Storage.Value}, err
}

func (c *confluence) write(ctx context.Context, p page, r Report) error {
	const message = "written by trikk"
	storage := map[string]string{"value": p.body, "representation": "storage"}
	version := map[string]any{"number": p.version + 1, "message": message + ", run " + r.Run}
	path := "/rest/api/content/" + c.config.Page
	what := map[string]any{"id": c.config.Page, "type": "page", "title": p.title, "version": version, "body": map[string]any{"storage": storage}}
	if c.cloud() {
		path = "/wiki/api/v2/pages/" + c.config.Page
		what = map[string]any{"id": c.config.Page, "status": "current", "title": p.title, "version": version, "body": storage}
	}
	return c.call(ctx, request{doing: "writing page " + c.config.Page, method: http.MethodPut, path: path, body: encode(what)}, nil)
}
