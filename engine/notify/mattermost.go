package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"trikk.dev/engine/plan"
)

// mattermostText is how many characters a message has at most (MaxPostSize is 16,383).
const mattermostText = 16000

// mattermost posts one message a run and edits it: POST /api/v4/posts and PUT /api/v4/posts/{id}/patch (API reference, "Create a post",
// "Patch a post").
type mattermost struct {
	site
	channel  string
	template executer
}

func newMattermost(n plan.Notifier, client *http.Client, token string) (notifier, error) {
	t, err := textTemplate(n, n.Mattermost.Template, "chat.tmpl", func(s string) string { return "**" + s + "**" })
	if err != nil {
		return nil, err
	}
	return &mattermost{site{client: client, name: "mattermost", base: strings.TrimRight(n.Mattermost.URL, "/"), auth: "Bearer " + token, explain: mattermostSays,
		denied: "check the token, and that the bot is a member of the channel", missing: "check the channel, and that the bot is a member of it"},
		n.Mattermost.Channel, t}, nil
}

// mattermostSays reads an error of the API: {"id": …, "message": …, "status_code": …}.
func mattermostSays(body []byte) string {
	var e struct{ Message string }
	_ = json.Unmarshal(body, &e)
	return e.Message
}

// markdownEscape makes text that is no Markdown and calls nobody.
func markdownEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_[]<>|~#", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		if r == '@' {
			b.WriteRune('\u200b')
		}
	}
	return b.String()
}

func (s *mattermost) show(r Report) (string, error) {
	text, err := render(s.template, r.mapped(markdownEscape))
	return cut(text, mattermostText), err
}

func (s *mattermost) send(ctx context.Context, r Report, m *memo) ([]string, error) {
	text, err := s.show(r)
	if err != nil {
		return nil, err
	}
	if id := m.kept("post"); id != "" {
		err := s.call(ctx, request{doing: "editing the message", method: http.MethodPut, path: "/api/v4/posts/" + url.PathEscape(id) + "/patch", body: encode(map[string]string{"message": text})}, nil)
		if err == nil || status(err) != http.StatusNotFound {
			return nil, err
		}
	}
	channel, err := s.channelID(ctx)
	if err != nil {
		return nil, err
	}
	var post struct{ ID string }
	// The server makes no second post of the same pending_post_id.
	body := encode(map[string]string{"channel_id": channel, "message": text, "pending_post_id": delivery(r)})
	if err := s.call(ctx, request{doing: "posting to " + s.channel, method: http.MethodPost, path: "/api/v4/posts", body: body}, &post); err != nil {
		return nil, err
	}
	return nil, m.keep("post", post.ID)
}

// channelID is the channel's ID; TEAM/CHANNEL is looked up ("Get a channel by name and team name").
func (s *mattermost) channelID(ctx context.Context) (string, error) {
	team, name, named := strings.Cut(s.channel, "/")
	if !named {
		return s.channel, nil
	}
	var channel struct{ ID string }
	path := "/api/v4/teams/name/" + url.PathEscape(team) + "/channels/name/" + url.PathEscape(name)
	err := s.call(ctx, request{doing: "looking for channel " + s.channel, method: http.MethodGet, path: path}, &channel)
	return channel.ID, err
}
