package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"trikk.dev/engine/notify"
)

// receivers are a webhook that works, one that is closed for an hour and then works, one that is not there, and a chat.
type receivers struct {
	*httptest.Server
	mu    sync.Mutex
	got   map[string][]string // bodies by path
	mends bool
}

func newReceivers(t *testing.T) *receivers {
	r := &receivers{got: map[string][]string{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receivers) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[req.URL.Path] = append(r.got[req.URL.Path], string(body))
	switch {
	case req.Method == http.MethodGet:
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(req.URL.Path, "/slack/"):
		fmt.Fprint(w, `{"ok":true,"channel":"C1","ts":"1.1"}`)
	case req.URL.Path == "/later" && !r.mends:
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	case req.URL.Path == "/wrong" && !r.mends:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (r *receivers) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mends = true
}

func (r *receivers) at(path string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got[path]
}

// TestNotify: a run's end is told to those who can be told; the others change nothing about it, and are told later. What died before it
// told is told later too.
func TestNotify(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, 1)
	r := newReceivers(t)
	b.write("environments/key", "hush-4711\n")
	hook := func(path string) string {
		return fmt.Sprintf("webhook: {url: %q, secret: file: \"key\"}", r.URL+path)
	}
	b.edit("environments/environment.cue", "\tservers: {\n", "\tnotify: {\n\t\thook: "+hook("/hook")+"\n\t\tlater: "+hook("/later")+"\n\t\twrong: "+hook("/wrong")+
		"\n\t\tbad: {on: \"failure\", "+hook("/bad")+"}\n\t\tchat: slack: {channel: \"C1\", token: file: \"key\", url: \""+r.URL+"/slack/\"}\n\t\ttickets: {on: \"failure\", jira: {url: \""+r.URL+"\", token: file: \"key\", fixVersion: \"{app} {version}\"}}\n\t}\n\tservers: {\n")
	ran := b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes", "--issue", "GIS-1,GIS-2")
	run := runOf(t, ran)
	ran.says("hello runs 1.0-", "told chat (slack), hook (webhook)", "later was not told: webhook: posting: 503 Service Unavailable\n  the next run tries again, or: trikk notify retry "+run,
		"wrong was not told: webhook: posting: 404 Not Found (check its url)\n  when that is mended: trikk notify retry "+run)
	var report notify.Report
	if told := r.at("/hook"); len(told) != 1 || json.Unmarshal([]byte(told[0]), &report) != nil {
		t.Fatalf("%q", told)
	}
	app := report.Apps[0]
	if report.Run != run || report.Status != "done" || strings.Join(report.Issues, " ") != "GIS-1 GIS-2" || !strings.HasPrefix(app.Servers[0].Now, "1.0-") || app.Servers[0].State != notify.OnNew || report.Seconds <= 0 {
		t.Errorf("%+v", report)
	}
	if len(r.at("/bad")) != 0 || len(r.at("/slack/chat.postMessage")) != 1 || len(r.at("/slack/chat.update")) == 0 {
		t.Errorf("%v", r.got)
	}
	b.holdsNoSecret(run)

	// The process died after the run's end, before it told.
	b.reopen(run, "hook")
	r.mend()
	b.trikk(0, "notify", "retry").says("told ", "hook (webhook)", "later (webhook)", "wrong (webhook)")
	if len(r.at("/hook")) != 2 || len(r.at("/later")) != 2 || len(r.at("/wrong")) != 2 {
		t.Errorf("%v", r.got)
	}
	b.trikk(0, "notify", "retry").says("nothing is left to tell")
	b.trikk(64, "notify", "retry", run).says("run " + run + " has nothing left to tell; no run has")

	b.trikk(0, "notify", "test", "-e", "demo", "hook", "chat").says("chat (slack): ok\nhook (webhook): ok\n")
	b.trikk(1, "notify", "test", "-e", "demo", "tickets").says("tickets (jira): FAILED: jira: asking who the account is: 401 Unauthorized (check the personal access token")
	if told := r.at("/hook"); !strings.Contains(told[len(told)-1], `"test":true`) {
		t.Errorf("%q", told)
	}
	b.trikk(0, "notify", "show", "chat", "-e", "demo").says("chat (slack)\n  *TEST, nothing was deployed: example 1.0-0a1b2c3d → 2.0-4e5f6a7b in demo: partly done*\n")
	b.trikk(3, "notify", "show", "chats", "-e", "demo").says(`environment demo has no notifier "chats" (there are: bad, chat, hook, later, tickets, wrong)`)
	b.write("environments/chat.tmpl", "{{.Env}} {{.Nothing}}")
	b.edit("environments/environment.cue", "channel: \"C1\"", "channel: \"C1\", template: \"chat.tmpl\"")
	b.trikk(3, "vet").says("environments.demo.notify.chat: template chat.tmpl:1:11: executing \"chat.tmpl\" at <.Nothing>: can't evaluate field Nothing", "trikk: 1 mistake")
}

// TestNotifyChanges: what a run could not tell is told by the notifier as a later run's config has it, one that was taken out of the config is
// told nothing more, and notify retry says why a run that was cut off tells nothing.
func TestNotifyChanges(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, 1)
	r := newReceivers(t)
	b.write("environments/key", "hush-4711\n")
	hook := func(name, path string) string {
		return fmt.Sprintf("%s: webhook: {url: %q, secret: file: \"key\"}\n", name, r.URL+path)
	}
	b.edit("environments/environment.cue", "\tservers: {\n", "\tnotify: {\n"+hook("moves", "/later")+hook("goes", "/wrong")+"\t}\n\tservers: {\n")
	run := runOf(t, b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes").says("moves was not told", "goes was not told"))

	b.edit("environments/environment.cue", "/later", "/hook")
	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--yes").says("told moves (webhook)\n")
	if told := r.at("/hook"); len(told) != 2 || !strings.Contains(told[0]+told[1], run) {
		t.Errorf("%q", told)
	}
	b.edit("environments/environment.cue", hook("goes", "/wrong"), "")
	b.trikk(0, "notify", "retry", run).says("goes (webhook) is no longer told of run " + run + ": demo has no such notifier any more")
	b.trikk(64, "notify", "retry", run).says("has nothing left to tell")

	cut := runOf(t, b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes"))
	b.reopen(cut, "moves")
	if err := errors.Join(os.Remove(filepath.Join(b.state, "runs", cut, "outcome.json")), os.WriteFile(filepath.Join(b.state, "outbox", cut), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	b.trikk(0, "notify", "retry").says("run " + cut + " was cut off: it tells when it is ended (trikk resume " + cut + ")")
}

// holdsNoSecret: what is kept of a run has references, and no value of a secret.
func (b *bench) holdsNoSecret(run string) {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.state, "runs", run, "outbox", "*.json"))
	if err != nil || len(files) != 4 {
		b.t.Fatalf("%v: %v", files, err)
	}
	for _, f := range append(files, filepath.Join(b.state, "runs", run, "plan.json")) {
		text, err := os.ReadFile(f)
		if err != nil || strings.Contains(string(text), "hush") {
			b.t.Errorf("%s: %v\n%s", f, err, text)
		}
		if strings.HasSuffix(f, "plan.json") && strings.Contains(string(text), "webhook") {
			b.t.Error("who is told is in the plan")
		}
	}
}

// reopen makes an item what it is while its run goes on.
func (b *bench) reopen(run, name string) {
	b.t.Helper()
	path := filepath.Join(b.state, "runs", run, "outbox", name+".json")
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), `"state": "sent"`, `"state": "open"`, 1)), 0o600); err != nil {
		b.t.Fatal(err)
	}
}
