package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/plan"
)

// webhook posts JSON, signed: Trikk-Signature is "t=SECONDS,v1=HEX", the HMAC-SHA256 of "SECONDS.BODY". docs/notifications.md shows how it
// is verified. Trikk-Delivery is the same when the same is told again.
type webhook struct {
	site
	key      []byte
	now      func() time.Time
	template executer // nil: the report itself
}

func newWebhook(n plan.Notifier, client *http.Client, secret string, now func() time.Time) (notifier, error) {
	w := &webhook{key: []byte(secret), now: now, site: site{client: client, name: "webhook", base: n.Webhook.URL,
		denied: "does the receiver have the same key, and the right time?", missing: "check its url"}}
	if n.Webhook.Template == "" {
		return w, nil
	}
	var err error
	w.template, err = textTemplate(n, n.Webhook.Template, "", plain)
	return w, err
}

func (w *webhook) show(r Report) (string, error) {
	if w.template == nil {
		return string(encode(r)) + "\n", nil
	}
	text, err := render(w.template, r)
	if err == nil && !json.Valid([]byte(text)) {
		return "", &Error{Doing: "webhook: what the template makes is no JSON", Final: true, Hint: "write texts as {{json .Env}}"}
	}
	return text, err
}

func (w *webhook) send(ctx context.Context, r Report, m *memo) ([]string, error) {
	text, err := w.show(r)
	if err != nil {
		return nil, err
	}
	body := []byte(strings.TrimSpace(text))
	return nil, m.once("post", func(bool) (string, error) {
		header := http.Header{"Trikk-Signature": {Signature(w.key, w.now(), body)}, "Trikk-Delivery": {delivery(r)}}
		return "", w.call(ctx, request{doing: "posting", method: http.MethodPost, header: header, body: body}, nil)
	})
}

// Signature signs the body of a webhook at a time.
func Signature(key []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s", t, body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
