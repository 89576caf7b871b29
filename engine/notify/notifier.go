package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"trikk.dev/engine/plan"
)

// notifier tells one receiver. Its methods are called by one goroutine at a time.
type notifier interface {
	// show is what send would tell, for people.
	show(r Report) (string, error)
	// send tells the report. After an error it is called again with the same memo, which keeps it from doing twice what was done. Errors
	// are *Error, or errNothing. Warnings are what could not be done and will not be tried again.
	send(ctx context.Context, r Report, m *memo) (warnings []string, err error)
}

// Sender makes notifiers and sends by them. It may be used concurrently.
type Sender struct {
	// Secrets reads a secret; its value is kept in memory only.
	Secrets func(context.Context, plan.Secret) (string, error)
	// Wait is the first pause between two attempts; 0: a second.
	Wait time.Duration
	// Roots are the certificates that are trusted; nil: the system's.
	Roots *x509.CertPool
	// Now is the clock.
	Now func() time.Time
}

// notifier makes the notifier of a config, with the value of its secret; "" where it is only to show.
func (s *Sender) notifier(n plan.Notifier, secret string) (notifier, error) {
	switch {
	case n.Jira != nil:
		return newJira(n, s.client(), secret)
	case n.Confluence != nil:
		return newConfluence(*n.Confluence, s.client(), secret), nil
	case n.Slack != nil:
		return newSlack(n, s.client(), secret)
	case n.Mattermost != nil:
		return newMattermost(n, s.client(), secret)
	case n.Teams != nil:
		return newTeams(n, s.client(), secret)
	case n.Webhook != nil:
		return newWebhook(n, s.client(), secret, s.Now)
	case n.Mail != nil:
		return newMail(n, s.tls(), secret)
	}
	return nil, &Error{Doing: "a notifier of no kind", Final: true}
}

func (s *Sender) client() *http.Client {
	c := newClient(nil)
	if t, ok := c.Transport.(bounding).RoundTripper.(*http.Transport); ok {
		t.TLSClientConfig = s.tls()
	}
	return c
}

func (s *Sender) tls() *tls.Config {
	return &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// secret reads the secret that a notifier needs, as one line. A ciphertext that is another one by now is right too.
func (s *Sender) secret(ctx context.Context, n plan.Notifier) (string, error) {
	_, ref := n.Secret()
	if ref == nil {
		return "", nil
	}
	now := *ref
	now.Digest = ""
	value, err := s.Secrets(ctx, now)
	if err == nil {
		value, err = plan.Needed{Secret: now}.Value(strings.TrimSpace(value))
	}
	if err != nil {
		return "", &Error{Doing: n.Kind(), Err: err, Hint: "it is read where trikk runs"}
	}
	return value, nil
}

// Show is what a notifier would tell of a report, for people. No secret is read.
func (s *Sender) Show(n plan.Notifier, r Report) (string, error) {
	to, err := s.notifier(n, "")
	if err != nil {
		return "", err
	}
	return to.show(r)
}

// Check finds what is wrong with a notifier's templates, by a sample.
func (s *Sender) Check(n plan.Notifier) error {
	for _, status := range []string{plan.Done, plan.Partly} {
		r := Sample("example", "somebody@example", "2026-01-01T12:00:00Z")
		r.Status = status
		if _, err := s.Show(n, r); err != nil {
			return err
		}
	}
	return nil
}

// Try tells a report at once, with one attempt and without an outbox.
func (s *Sender) Try(ctx context.Context, n plan.Notifier, r Report) (warnings []string, err error) {
	warnings, err = s.attempt(ctx, &Item{Notifier: n, Report: r}, func(Item) error { return nil })
	if errors.Is(err, errNothing) {
		err = nil
	}
	return warnings, err
}

// attempt sends an item once.
func (s *Sender) attempt(ctx context.Context, i *Item, save func(Item) error) ([]string, error) {
	secret, err := s.secret(ctx, i.Notifier)
	if err != nil {
		return nil, err
	}
	to, err := s.notifier(i.Notifier, secret)
	if err != nil {
		return nil, scrubbed(err, secret)
	}
	warnings, err := to.send(ctx, i.Report, &memo{item: i, save: save})
	for k, w := range warnings {
		warnings[k] = scrub(w, secret)
	}
	return warnings, scrubbed(err, secret)
}

// scrubbed is an error without a secret, whatever said it. The notifiers put none into errors; the other side might.
func scrubbed(err error, secret string) error {
	if err == nil || !strings.Contains(err.Error(), secret) || secret == "" {
		return err
	}
	return &Error{Doing: scrub(err.Error(), secret), Final: final(err), After: after(err)}
}

func scrub(text, secret string) string {
	if secret == "" {
		return text
	}
	return strings.ReplaceAll(text, secret, "***")
}

// filled puts an app and a version into a text of the config.
func filled(text string, a App) string {
	return strings.NewReplacer("{app}", a.App, "{version}", a.Version).Replace(text)
}

// cut shortens a text that is too long for its receiver.
func cut(text string, most int) string {
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	const more = "\n… (cut here; trikk show has all of it)"
	return string(r[:most-len([]rune(more))]) + more
}

// delivery is what is the same whenever the same is told of the same run.
func delivery(r Report) string { return fmt.Sprintf("%s-%s-%s", r.Run, r.Status, r.Ended) }
