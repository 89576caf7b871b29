package notify

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/plan"
)

// planned is a plan of hello on four servers: app04 has the release already, app05 can't be reached.
func planned() plan.Plan {
	lane := func(host string) plan.Lane { return plan.Lane{Host: host, From: "1.0-a"} }
	source := plan.App{Name: "hello", Servers: []string{"app01", "app02", "app03", "app04", "app05"}}
	observed := map[string]plan.Installed{"app01": {Current: "1.0-a"}, "app02": {Current: "1.0-a"}, "app03": {Current: "1.0-a"}, "app04": {Current: "2.0-b"}}
	return plan.Plan{Env: "prod", Observed: plan.Facts{Apps: map[string]map[string]plan.Installed{"hello": observed}}, Skipped: []plan.Skipped{{App: "hello", Host: "app05", Reason: "no route"}},
		Apps: []plan.AppPlan{{App: "hello", Intent: plan.Deploy, From: []string{"1.0-a"}, To: "2.0-b", Version: "2.0", Source: source,
			Waves: []plan.Wave{{Name: plan.WaveInstall, Lanes: []plan.Lane{lane("app01"), lane("app02"), lane("app03")}}, {Name: "rotate 1/3", Lanes: []plan.Lane{lane("app01")}}}}}}
}

func turn(host, wave, state string, changed bool) plan.LaneOutcome {
	return plan.LaneOutcome{App: "hello", Host: host, Wave: wave, State: state, Changed: changed}
}

// The report says what really happened on each server.
func TestReport(t *testing.T) {
	stuck := turn("app02", "rotate 2/3", plan.LaneStuck, true)
	stuck.Error, stuck.UndoError = "probe: no\nmore", "start: exit 1\nmore"
	o := plan.Outcome{Status: plan.Broken, Apps: []plan.AppOutcome{{App: "hello", Status: plan.Broken, Reason: "app02: probe: no\x1b[31m\nmore", Cut: 2}},
		Groups: []plan.GroupOutcome{{Group: "reload lb01", Status: plan.FailedClean, Reason: "not started"}},
		Lanes: []plan.LaneOutcome{turn("app01", plan.WaveInstall, plan.LaneDone, false), turn("app01", "rotate 1/3", plan.LaneDone, true), turn("app02", plan.WaveInstall, plan.LaneDone, false), stuck,
			turn("app03", plan.WaveInstall, plan.LaneDone, false), turn("app03", "rotate 3/3", plan.LanePending, false), turn("app04", plan.WavePrune, plan.LanePending, false)}}
	began := time.Date(2026, 11, 26, 13, 19, 29, 0, time.UTC)
	r := New(planned(), Ending{Run: "r1", Who: "anna@ci", Began: began, Ended: began.Add(90 * time.Second), Outcome: o, Trouble: errors.New("disk full"), Issues: []string{"A-1"}})
	var b strings.Builder
	b.WriteString(r.Headline() + "\n")
	for _, a := range r.Apps {
		b.WriteString(a.Word() + ": " + a.Reason + "\n" + strings.Join(a.Where(), "\n") + "\n" + a.runs() + "\n")
	}
	b.WriteString(strings.Join(r.Problems, "\n") + "\n" + r.Took())
	want := `hello 1.0-a → 2.0-b in prod: FAILED, a person is needed
FAILED, a person is needed: app02: probe: no [31m
app01: on 2.0-b
app02: half done: start: exit 1
app03: not touched, on 1.0-a
app04: was on 2.0-b already
app05: left out, can't be reached: no route
2.0-b on app01, app04; half done on app02; 1.0-a on app03; not known on app05
reload lb01 was not done: not started
the run could not be recorded: disk full
1m30s`
	if b.String() != want {
		t.Errorf("%s\n---\n%s", b.String(), want)
	}
	if !r.Changed || !r.Told(plan.OnFailure) || r.Apps[0].Cut != 2 {
		t.Errorf("%+v", r)
	}
}

// Our own texts, to the letter.
func TestOwnTexts(t *testing.T) {
	r := failed()
	r.Apps[0].Reason, r.Apps[0].Cut, r.Problems = "app01: probe failed", 3, []string{"reload lb01 was not done: no"}
	r.Apps = append(r.Apps, App{App: "roads", Intent: plan.Rollback, From: []string{"3-c"}, To: "2-b", Version: "2", Status: plan.Done, Servers: []Server{{Server: "app01", State: OnNew, Now: "2-b"}}})
	chat, err := sender().Show(plan.Notifier{Slack: &plan.Slack{Channel: "C1"}}, r)
	want := `*hello, roads in prod: failed and rolled back*
hello 1.0-bdc7a1fa → 2.0-11bde121: failed and rolled back: app01: probe failed
• app01: back on 1.0-bdc7a1fa
• app02: not touched, on 1.0-bdc7a1fa
• requests that were cut: 3
roads 3-c → 2-b (rollback): done
• app01: on 2-b
reload lb01 was not done: no
run 20261126T131929-ffa6 of anna@ci, took 18.5s
`
	if err != nil || chat != want {
		t.Errorf("%s: %v", chat, err)
	}
	mail, err := sender().Show(plan.Notifier{Mail: &plan.Mail{From: "a@b", To: []string{"c@d"}}}, r)
	want = `From: a@b
To: c@d
Subject: [prod] hello, roads in prod: failed and rolled back

hello, roads in prod: failed and rolled back

hello 1.0-bdc7a1fa → 2.0-11bde121: failed and rolled back: app01: probe failed
  app01: back on 1.0-bdc7a1fa
  app02: not touched, on 1.0-bdc7a1fa
  requests that were cut: 3

roads 3-c → 2-b (rollback): done
  app01: on 2-b

reload lb01 was not done: no

run 20261126T131929-ffa6 of anna@ci, started 2026-11-26T13:19:29Z, took 18.5s

<!doctype html>
`
	if err != nil || !strings.HasPrefix(mail, want) {
		t.Errorf("%s: %v", mail, err)
	}
}

// Apps that a notifier is not told of have no part in the status that it is told.
func TestReportOnly(t *testing.T) {
	r := done()
	r.Status = plan.Partly
	r.Apps = append(r.Apps, App{App: "roads", Status: plan.FailedClean, Servers: []Server{{Server: "app01", State: Kept}}})
	good, _ := r.Only(func(app string) bool { return app == "hello" })
	bad, _ := r.Only(func(app string) bool { return app == "roads" })
	_, some := r.Only(func(string) bool { return false })
	if good.Status != plan.Done || !good.Changed || bad.Status != plan.FailedClean || bad.Changed || some || len(r.Apps) != 2 {
		t.Errorf("%+v\n%+v", good, bad)
	}
}

// The fields of the JSON are a promise to receivers.
func TestReportJSON(t *testing.T) {
	text, err := json.Marshal(done())
	want := `{"format":1,"run":"20261126T131929-ffa6","env":"prod","who":"anna@ci","status":"done","started":"2026-11-26T13:19:29Z","ended":"2026-11-26T13:19:48Z","seconds":18.5,"changed":true,"apps":[{"app":"hello","intent":"deploy","from":["1.0-bdc7a1fa"],"to":"2.0-11bde121","version":"2.0","status":"done","cut":0,"servers":[{"server":"app01","state":"new","before":"1.0-bdc7a1fa","now":"2.0-11bde121"},{"server":"app02","state":"new","before":"1.0-bdc7a1fa","now":"2.0-11bde121"}]}],"problems":[]}`
	if err != nil || string(text) != want {
		t.Errorf("%s: %v", text, err)
	}
}

// stuck is a template that does not end before it is told to.
type stuck chan bool

func (s stuck) Execute(io.Writer, any) error { <-s; return nil }

func TestTemplateWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := make(stuck)
		if _, err := render(s, done()); err == nil || !strings.Contains(err.Error(), "did not end within 2s") {
			t.Error(err)
		}
		close(s)
	})
}

// Templates of the user's own stand for ours; what is wrong with them is found by a sample.
func TestTemplates(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want, wrong string }{
		"own":       {"{{.Env}}: {{range .Apps}}{{.App}} is {{.Status | upper}}{{end}}", "prod: hello is REVERTED\n", ""},
		"field":     {"{{.Environment}}", "", `template it:1:2: executing "it" at <.Environment>: can't evaluate field Environment in type notify.Report (the fields are those of docs/notifications.md)`},
		"syntax":    {"{{if .Env}}", "", "template it:1: unexpected EOF"},
		"too large": {"{{range 1000000}}0123456789{{end}}", "", "it makes more than 65536 bytes"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "it"), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		n := plan.Notifier{Slack: &plan.Slack{Channel: "C1", Template: "it"}, Dir: dir}
		got, err := sender().Show(n, failed())
		if got != c.want || (err == nil) != (c.wrong == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if c.wrong != "" && (!strings.Contains(err.Error(), c.wrong) || sender().Check(n) == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := plan.Notifier{Webhook: &plan.Webhook{Template: "it"}, Dir: dir}
	for text, right := range map[string]bool{`{"text": {{json .Headline}}}`: true, `{"text": "{{.Headline}}`: false} {
		if err := os.WriteFile(filepath.Join(dir, "it"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := sender().Check(n); (err == nil) != right {
			t.Errorf("%s: %v", text, err)
		}
	}
	n.Webhook.Template = "none"
	if err := sender().Check(n); err == nil || !strings.Contains(err.Error(), "template none: no such file") {
		t.Error(err)
	}
}

// Apps that the plan left out are told of as ones that failed, from the start on, and by their labels to those who want to know.
func TestReportOfLeftOut(t *testing.T) {
	p := planned()
	p.LeftOut = []plan.LeftOut{{App: "roads", Version: "3.0", Reason: "roads: there is no roads-3.0.tar.gz"}}
	if r := Start(p, Ending{}); len(r.Apps) != 2 || r.Apps[0].Status != Running || r.Apps[1].Status != plan.FailedClean {
		t.Errorf("at the start: %+v", r.Apps)
	}
	o := plan.Outcome{Status: plan.Partly, Apps: []plan.AppOutcome{{App: "hello", Status: plan.Done}}, LeftOut: p.LeftOut}
	r := New(p, Ending{Outcome: o})
	only, fits := r.Only(func(app string) bool { return app == "roads" })
	if !fits || only.Status != plan.FailedClean || only.Headline() != "roads in prod: failed, nothing was changed" || only.Apps[0].Reason != "left out: roads: there is no roads-3.0.tar.gz" {
		t.Errorf("of roads alone: %q, %+v", only.Headline(), only)
	}
	if all := r.Headline(); all != "hello, roads in prod: partly done" {
		t.Errorf("of all: %q", all)
	}
}
