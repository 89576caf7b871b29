package notify

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

func slackOf(s *server) plan.Notifier {
	return plan.Notifier{On: plan.OnAlways, Slack: &plan.Slack{Channel: "C1", Token: token(), URL: s.URL + "/api/"}}
}

func everything(plan.Notifier) func(string) bool { return func(string) bool { return true } }

// One message is posted when the run begins, and edited when it ends.
func TestSlackEdits(t *testing.T) {
	s := serve(t, map[string][]answer{
		"POST /api/chat.postMessage": {ok(`{"ok":true,"channel":"C1","ts":"1700000000.000100"}`)},
		"POST /api/chat.update":      {{status: 429, header: map[string]string{"Retry-After": "0"}}, ok(`{"ok":true,"channel":"C1","ts":"1700000000.000100"}`)},
	})
	_, b := box(t)
	start := done()
	start.Status = Running
	told, err := sender().Begin(b, map[string]plan.Notifier{"ops": slackOf(s)}, start, everything)
	if err != nil {
		t.Fatal(err)
	}
	told.live[0].end() // the first post is done
	got, err := told.End(t.Context(), failed(), 0)
	if err != nil || len(got) != 1 || got[0].State != Sent {
		t.Fatalf("%+v: %v\n%s", got, err, s.asked())
	}
	if s.asked() != "POST /api/chat.postMessage\nPOST /api/chat.update\nPOST /api/chat.update\n" {
		t.Error(s.asked())
	}
	post, _ := url.ParseQuery(s.all()[0].body)
	edit, _ := url.ParseQuery(s.last("POST").body)
	wants(t, post.Get("text"), "*hello 1.0-bdc7a1fa → 2.0-11bde121 in prod: running*")
	if edit.Get("ts") != "1700000000.000100" || edit.Get("channel") != "C1" {
		t.Error(edit)
	}
	wants(t, edit.Get("text"), "failed and rolled back*", `app01: probe *failed* &lt;!channel&gt; @here`, "• app01: back on 1.0-bdc7a1fa")
}

// A message that was removed meanwhile is posted anew.
func TestSlackPostsAnew(t *testing.T) {
	s := serve(t, map[string][]answer{
		"POST /api/chat.postMessage": {ok(`{"ok":true,"channel":"C1","ts":"2.2"}`)},
		"POST /api/chat.update":      {ok(`{"ok":false,"error":"message_not_found"}`)},
	})
	_, b := box(t)
	i := Item{Name: "it", Notifier: slackOf(s), Kept: map[string]string{"ts": "1.1", "channel": "C1"}}.ready(done(), sender().Now())
	d, item := deliverBy(t, sender(), b, i)
	if d.State != Sent || item.Kept["ts"] != "2.2" {
		t.Errorf("%+v %+v", d, item)
	}
}

func TestSlackFails(t *testing.T) {
	for said, c := range map[string]struct {
		answer answer
		state  string
		want   string
	}{
		"not_in_channel": {ok(`{"ok":false,"error":"not_in_channel"}`), Failed, "slack: posting to C1: not_in_channel (invite the bot to the channel)"},
		"invalid_auth":   {ok(`{"ok":false,"error":"invalid_auth"}`), Failed, "(check the token)"},
		"internal_error": {ok(`{"ok":false,"error":"internal_error"}`), Pending, "internal_error"},
		"503":            {answer{status: 503, body: "<html>"}, Pending, "503"},
		"much later":     {answer{status: 429, header: map[string]string{"Retry-After": "3600"}}, Pending, "rate limit"},
	} {
		s := serve(t, map[string][]answer{"POST /api/chat.postMessage": {c.answer}})
		_, b := box(t)
		patience := 20 * time.Second
		if said == "internal_error" || said == "503" {
			patience = 2 * time.Second
		}
		d, item := deliverFor(t, sender(), b, Item{Name: "it", Notifier: slackOf(s)}.ready(done(), sender().Now()), patience)
		if d.State != c.state {
			t.Errorf("%s: %+v", said, d)
		}
		wants(t, d.Error, c.want)
		if said == "much later" && (d.Attempts != 1 || item.Due(sender().Now()) || item.NotBefore != "2023-11-14T23:13:20Z") {
			t.Errorf("%+v %+v", d, item)
		}
	}
}

func TestMattermost(t *testing.T) {
	s := serve(t, map[string][]answer{
		"GET /api/v4/teams/name/gis/channels/name/ops": {ok(`{"id":"chan1"}`)},
		"POST /api/v4/posts":                           {{status: 429, body: "limit exceeded", header: map[string]string{"X-Ratelimit-Reset": "0"}}, {status: 201, body: `{"id":"post1"}`}},
		"PUT /api/v4/posts/post1/patch":                {ok(`{"id":"post1"}`)},
	})
	n := plan.Notifier{Mattermost: &plan.Mattermost{URL: s.URL, Channel: "gis/ops", Token: token()}}
	d, item := deliver(t, n, failed())
	if d.State != Sent || item.Kept["post"] != "post1" {
		t.Fatalf("%+v\n%s", d, s.asked())
	}
	wants(t, s.last("POST").body, `"channel_id":"chan1"`, `\\*failed\\*`, `\\<!channel\\>`, "@\u200bhere", `"pending_post_id":"20261126T131929-ffa6-reverted`, "**hello 1.0")
	_, b := box(t)
	if d, _ := deliverBy(t, sender(), b, item.ready(done(), sender().Now())); d.State != Sent {
		t.Fatalf("%+v", d)
	}
	wants(t, s.asked(), "PUT /api/v4/posts/post1/patch")
	s.answers["PUT /api/v4/posts/post1/patch"] = []answer{{status: 403, body: `{"id":"api.context.permissions.app_error","message":"You do not have the appropriate permissions.","status_code":403}`}}
	_, b = box(t)
	d, _ = deliverBy(t, sender(), b, item.ready(done(), sender().Now()))
	if d.State != Failed || !strings.Contains(d.Error, "403 Forbidden: You do not have the appropriate permissions. (check the token") {
		t.Errorf("%+v", d)
	}
}
