package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// teamsOf is a notifier whose secret is the workflow's address, signature and all.
func teamsOf(address string) (plan.Notifier, *Sender) {
	s := sender()
	s.Secrets = func(context.Context, plan.Secret) (string, error) { return address, nil }
	return plan.Notifier{Teams: &plan.Teams{URL: plan.Secret{Env: "TEAMS"}}}, s
}

func TestTeams(t *testing.T) {
	s := serve(t, map[string][]answer{"POST /workflows/1/triggers/manual/paths/invoke": {{status: 202}}})
	n, by := teamsOf(s.URL + "/workflows/1/triggers/manual/paths/invoke?api-version=2016-06-01&sig=" + hush)
	_, b := box(t)
	if d, _ := deliverBy(t, by, b, Item{Name: "it", Notifier: n}.ready(failed(), by.Now())); d.State != Sent {
		t.Fatalf("%+v", d)
	}
	var m struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Type, Version string
				Body          []struct {
					Type, Text, Weight, Color string
					Wrap                      bool
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(s.last("POST").body), &m); err != nil || m.Type != "message" || len(m.Attachments) != 1 {
		t.Fatalf("%v: %s", err, s.last("POST").body)
	}
	a := m.Attachments[0]
	if a.ContentType != "application/vnd.microsoft.card.adaptive" || a.Content.Type != "AdaptiveCard" || a.Content.Body[0].Weight != "Bolder" || a.Content.Body[0].Color != "Attention" || !a.Content.Body[0].Wrap {
		t.Errorf("%+v", a)
	}
	wants(t, a.Content.Body[1].Text, `probe \*failed\*`, `\[x|y\]`)
}

// The address of a workflow is a secret: no error has it, whatever happens.
func TestTeamsKeepsItsAddress(t *testing.T) {
	gone := serve(t, nil)
	address := gone.URL
	gone.Close()
	n, by := teamsOf(address + "/x?sig=" + hush)
	by.Secrets = func(context.Context, plan.Secret) (string, error) { return address + "/x?sig=" + hush, nil }
	_, b := box(t)
	d, _ := deliverFor(t, by, b, Item{Name: "it", Notifier: n}.ready(done(), by.Now()), 2*time.Second)
	if d.State != Pending || d.Attempts < 1 {
		t.Errorf("%+v", d)
	}
	wants(t, d.Error, "teams: posting a card:", "refuses connections")
}

func TestWebhook(t *testing.T) {
	s := serve(t, map[string][]answer{"POST /hook": {{status: 500, body: "oops"}, {status: 204}}})
	d, _ := deliver(t, plan.Notifier{Webhook: &plan.Webhook{URL: s.URL + "/hook", Secret: token()}}, done())
	if d.State != Sent || d.Attempts != 2 {
		t.Fatalf("%+v", d)
	}
	first, c := s.all()[0], s.last("POST")
	if got, want := c.header.Get("Trikk-Signature"), Signature([]byte(hush), time.Unix(1700000000, 0), []byte(c.body)); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if c.header.Get("Trikk-Delivery") == "" || c.header.Get("Trikk-Delivery") != first.header.Get("Trikk-Delivery") {
		t.Error(c.header)
	}
	var r Report
	if err := json.Unmarshal([]byte(c.body), &r); err != nil || r.Apps[0].Servers[1].Now != "2.0-11bde121" {
		t.Errorf("%v: %s", err, c.body)
	}
	// A known pair, computed with openssl: printf '1700000000.{}' | openssl dgst -sha256 -hmac key
	if got := Signature([]byte("key"), time.Unix(1700000000, 0), []byte("{}")); got != "t=1700000000,v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae" {
		t.Error(got)
	}
}

// Credentials stay at home: a redirect is followed with its body on the same site, and not followed to another, nor where the method would change.
func TestRedirects(t *testing.T) {
	other := serve(t, nil)
	for name, c := range map[string]struct {
		answers map[string][]answer
		state   string
		want    string
	}{
		"same site":   {map[string][]answer{"POST /hook": {{status: 307, header: map[string]string{"Location": "/there"}}}, "POST /there": {{status: 200}}}, Sent, ""},
		"other site":  {map[string][]answer{"POST /hook": {{status: 307, header: map[string]string{"Location": other.URL + "/steal?x=1"}}}}, Failed, "it redirects to " + other.URL + " (write that address"},
		"becomes GET": {map[string][]answer{"POST /hook": {{status: 302, header: map[string]string{"Location": "/login"}}}}, Failed, " that is not sent the message (check the path of its address"},
		"circle":      {map[string][]answer{"POST /hook": {{status: 308, header: map[string]string{"Location": "/hook"}}}}, Failed, "more than 3 times (check its address)"},
	} {
		s := serve(t, c.answers)
		d, _ := deliver(t, plan.Notifier{Webhook: &plan.Webhook{URL: s.URL + "/hook", Secret: token()}}, done())
		if d.State != c.state || !strings.Contains(d.Error, c.want) {
			t.Errorf("%s: %+v", name, d)
		}
		if c.state == Sent && s.last("POST").body == "" {
			t.Errorf("%s: the body was lost", name)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "Tue, 14 Nov 2000 00:00:00 GMT": 0} {
		if got := retryAfter(http.Header{"Retry-After": {value}}); got != want {
			t.Errorf("%q: %s", value, got)
		}
	}
	in := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	if got := retryAfter(http.Header{"Retry-After": {in}}); got < 59*time.Minute || got > time.Hour {
		t.Errorf("%s: %s", in, got)
	}
}
