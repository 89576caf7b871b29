package notify

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/slack-go/slack"
	"trikk.dev/engine/plan"
)

// slackText is how many characters a message has at most; Slack cuts text of chat.postMessage at 40,000 and advises 4,000.
const slackText = 4000

// slackNotifier posts one message a run and edits it: chat.postMessage and chat.update of Slack's Web API.
type slackNotifier struct {
	api      *slack.Client
	channel  string
	at       *url.URL
	template executer
}

func newSlack(n plan.Notifier, client *http.Client, token string) (notifier, error) {
	t, err := textTemplate(n, n.Slack.Template, "chat.tmpl", func(s string) string { return "*" + s + "*" })
	if err != nil {
		return nil, err
	}
	base := n.Slack.URL
	if base == "" {
		base = slack.APIURL
	}
	at, err := url.Parse(base)
	if err != nil {
		return nil, &Error{Doing: "slack: its address is no URL", Final: true}
	}
	api := slack.New(token, slack.OptionAPIURL(strings.TrimRight(base, "/")+"/"), slack.OptionHTTPClient(client))
	return &slackNotifier{api, n.Slack.Channel, at, t}, nil
}

// slackEscape makes text that is no markup ("Formatting text for app surfaces": the three characters to escape). Without < nobody is called.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func (s *slackNotifier) show(r Report) (string, error) {
	text, err := render(s.template, r.mapped(slackEscape))
	return cut(text, slackText), err
}

func (s *slackNotifier) send(ctx context.Context, r Report, m *memo) ([]string, error) {
	text, err := s.show(r)
	if err != nil {
		return nil, err
	}
	options := []slack.MsgOption{slack.MsgOptionText(text, false), slack.MsgOptionDisableLinkUnfurl()}
	if ts := m.kept("ts"); ts != "" {
		_, _, _, err := s.api.UpdateMessageContext(ctx, m.kept("channel"), ts, options...)
		if err == nil || !gone(err) {
			return nil, s.wrong("editing the message", err)
		}
	}
	channel, ts, err := s.api.PostMessageContext(ctx, s.channel, options...)
	if err != nil {
		return nil, s.wrong("posting to "+s.channel, err)
	}
	return nil, errors.Join(m.keep("channel", channel), m.keep("ts", ts))
}

// gone reports that a message can't be edited any more, so that another one is due.
func gone(err error) bool {
	var said slack.SlackErrorResponse
	return errors.As(err, &said) && slices.Contains([]string{"message_not_found", "edit_window_closed", "cant_update_message"}, said.Err)
}

// wrong words an error of Slack's. Its codes are those of chat.postMessage.
func (s *slackNotifier) wrong(doing string, err error) error {
	if err == nil {
		return nil
	}
	fail := &Error{Doing: "slack: " + doing, Err: err}
	var limited *slack.RateLimitedError
	var code slack.StatusCodeError
	var said slack.SlackErrorResponse
	switch {
	case errors.As(err, &limited):
		fail.After, fail.Status = limited.RetryAfter, http.StatusTooManyRequests
	case errors.As(err, &code):
		fail.Status = code.Code
		fail.Final = code.Code < 500 && code.Code != http.StatusTooManyRequests && code.Code != http.StatusRequestTimeout
	case errors.As(err, &said):
		fail.Err = errors.New(line(said.Err))
		fail.Final = !slices.Contains([]string{"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}, said.Err)
		fail.Hint = map[string]string{
			"not_in_channel":    "invite the bot to the channel",
			"channel_not_found": "is it the channel's ID, and is the bot a member?",
			"invalid_auth":      "check the token",
			"not_authed":        "check the token",
			"token_revoked":     "make a new token",
			"account_inactive":  "make a new token",
			"missing_scope":     "the bot needs the scope chat:write",
			"is_archived":       "the channel is archived",
		}[said.Err]
	default:
		return unreachable(fail, s.at, err)
	}
	return fail
}
