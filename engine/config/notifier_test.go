package config_test

import (
	"reflect"
	"strings"
	"testing"

	"trikk.dev/engine/config"
)

// Those who are told of runs come through the pipe with what was found of their secrets, and where their templates are.
func TestNotifiers(t *testing.T) {
	const archive = `
-- inventory/notify.cue --
package inventory

environments: dev: notify: {
	tickets: {labels: "team in (gis)", jira: {url: "https://jira.example", token: age: file: "token.age", fixVersion: "{app} {version}"}}
	chat: slack: {channel: "C1", token: env: "SLACK", template: "chat.tmpl"}
}
-- inventory/token.age --
age-encryption.org/v1
-- inventory/chat.tmpl --
{{.Headline}}
`
	dir := t.TempDir()
	write(t, dir, parse(archive))
	o := config.Options{Dir: dir}
	here, err := config.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Isolation = isolation(t)
	there, err := config.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(here.Environments, there.Environments) {
		t.Errorf("%+v\n%+v", here.Environments, there.Environments)
	}
	env, err := there.Environment("dev")
	if err != nil {
		t.Fatal(err)
	}
	tickets, chat := env.Notify["tickets"], env.Notify["chat"]
	if tickets.Jira == nil || !tickets.Jira.Comment || !strings.HasPrefix(tickets.Jira.Token.Digest, "sha256:") || !strings.HasSuffix(tickets.Jira.Token.Dir, "/inventory") {
		t.Errorf("%+v", tickets.Jira)
	}
	if chat.On != "always" || chat.Slack.URL != "https://slack.com/api/" || !strings.HasSuffix(chat.Dir, "/inventory") {
		t.Errorf("%+v %+v", chat, chat.Slack)
	}
	if !config.Selects(tickets.Labels, map[string]string{"team": "gis"}) || config.Selects(tickets.Labels, nil) || !config.Selects("", nil) {
		t.Error("the selector selects something else")
	}
}
