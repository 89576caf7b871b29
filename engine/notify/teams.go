package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"trikk.dev/engine/plan"
)

// teamsText is how many characters of text a card has at most: a request may have 28 KB.
const teamsText = 6000

// teams posts an Adaptive Card to a workflow of Microsoft Teams ("Create incoming webhooks with Workflows": a message with the card as
// its attachment; 202 is the answer).
type teams struct {
	site
	template executer
}

func newTeams(n plan.Notifier, client *http.Client, address string) (notifier, error) {
	t, err := textTemplate(n, n.Teams.Template, "chat.tmpl", plain)
	if err != nil {
		return nil, err
	}
	if at, err := url.Parse(address); address != "" && (err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http") {
		return nil, &Error{Doing: "teams: what the secret holds is no URL", Final: true, Hint: "it is the address that the workflow shows"}
	}
	return &teams{site{client: client, name: "teams", base: address, explain: teamsSays,
		denied: "is the workflow's address whole? it ends with a signature", missing: "is the workflow still there?"}, t}, nil
}

// teamsSays reads an error of the workflow: {"error": {"code": …, "message": …}}.
func teamsSays(body []byte) string {
	var e struct{ Error struct{ Message string } }
	_ = json.Unmarshal(body, &e)
	return e.Error.Message
}

func (s *teams) show(r Report) (string, error) {
	text, err := render(s.template, r.mapped(cardEscape))
	return cut(text, teamsText), err
}

// cardEscape makes text that is no Markdown in a card.
func cardEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "`", "\\`").Replace(s)
}

// block is a TextBlock of a card.
type block struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Wrap    bool   `json:"wrap"`
	Weight  string `json:"weight,omitempty"`
	Color   string `json:"color,omitempty"`
	Spacing string `json:"spacing,omitempty"`
}

// card is the message: a line is a block, for a card knows no single line breaks.
func card(text string, r Report) []byte {
	var blocks []block
	for l := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if strings.TrimSpace(l) == "" {
			continue
		}
		b := block{Type: "TextBlock", Text: l, Wrap: true, Spacing: "Small"}
		if len(blocks) == 0 {
			b.Weight, b.Color = "Bolder", "Attention"
			if r.Good() {
				b.Color = "Good"
			}
		}
		blocks = append(blocks, b)
	}
	content := map[string]any{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": blocks}
	return encode(map[string]any{"type": "message", "attachments": []any{map[string]any{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": content}}})
}

func (s *teams) send(ctx context.Context, r Report, m *memo) ([]string, error) {
	text, err := s.show(r)
	if err != nil {
		return nil, err
	}
	return nil, m.once("card", func(bool) (string, error) {
		return "", s.call(ctx, request{doing: "posting a card", method: http.MethodPost, body: card(text, r)}, nil)
	})
}
