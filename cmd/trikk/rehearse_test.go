package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/model"
	"trikk.dev/engine/plan"
)

// TestRehearse compares rehearsals of example apps with their goldens. TRIKK_UPDATE=1 writes them.
func TestRehearse(t *testing.T) {
	for _, name := range []string{"jmsadmin", "portal", "basemap"} {
		t.Run(name, func(t *testing.T) {
			file := planFile(t, secondPlan(t, name))
			code, out, err := rehearseFile(file)
			if code != exitDone || err != "" {
				t.Errorf("exit code %d\n%s%s", code, out, err)
			}
			golden(t, "rehearse/"+name+".txt", []byte(out))
		})
	}
}

// TestRehearsalInTheDocs: what docs/how-it-works.md shows is what is printed.
func TestRehearsalInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/how-it-works.md")
	if err != nil {
		t.Fatal(err)
	}
	shown, err := os.ReadFile("testdata/rehearse/basemap.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, shown) {
		t.Error("docs/how-it-works.md shows another rehearsal than testdata/rehearse/basemap.txt: paste it anew")
	}
}

// TestRehearseEvents: one object a run, and one for all.
func TestRehearseEvents(t *testing.T) {
	file := planFile(t, secondPlan(t, "jmsadmin"))
	code, out, _ := rehearseFile(file, "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitDone || len(lines) < 50 {
		t.Fatalf("exit code %d, %d lines", code, len(lines))
	}
	exits := map[string]int{}
	for i, line := range lines {
		var e struct {
			Event, Fault, Step, Status string
			Exit                       int
			Hosts                      []model.Host
			Runs                       int
			Broken                     any
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if i == len(lines)-1 {
			if e.Event != "rehearsal.finished" || e.Runs != i || e.Broken != 0.0 {
				t.Errorf("the last line is %s", line)
			}
			continue
		}
		exits[e.Status]++
		if e.Event != "rehearsed" || e.Exit != exitOfOutcome(e.Status) || len(e.Hosts) == 0 || (e.Step == "") != (e.Fault == "") {
			t.Errorf("line %d is %s", i+1, line)
		}
	}
	for _, status := range []string{plan.Done, plan.FailedClean, plan.Reverted, plan.Partly, plan.Broken} {
		if exits[status] == 0 {
			t.Errorf("no run ends as %s: %v", status, exits)
		}
	}
}

// TestRehearseFindsAWrongPlan: a plan that was made by hand, whose two servers leave the rotation together, is told and fails.
func TestRehearseFindsAWrongPlan(t *testing.T) {
	p := secondPlan(t, "portal")
	var all []plan.Lane
	waves := p.Apps[0].Waves
	p.Apps[0].Waves = slices.DeleteFunc(slices.Clone(waves), func(w plan.Wave) bool {
		is := strings.HasPrefix(w.Name, plan.WaveRotate)
		if is {
			all = append(all, w.Lanes...)
		}
		return is
	})
	p.Apps[0].Waves = append(p.Apps[0].Waves, plan.Wave{Name: "rotate 1/1", Lanes: all})
	code, out, _ := rehearseFile(planFile(t, p))
	if code != exitFailed || !strings.Contains(out, "  WRONG portal/rotate-") || !strings.Contains(out, "active servers of portal serve, at least") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestRehearseRefuses(t *testing.T) {
	p := secondPlan(t, "portal")
	p.Offline = true
	if code, _, err := rehearseFile(planFile(t, p)); code != exitRefused || !strings.Contains(err, "was made offline") {
		t.Errorf("offline: exit code %d, %s", code, err)
	}
	if code, _, err := rehearseFile("none.plan"); code != exitFailed || !strings.Contains(err, "reading the plan") {
		t.Errorf("no file: exit code %d, %s", code, err)
	}
	for _, args := range [][]string{{}, {"a", "b"}, {"--all"}} {
		if code, _, err := rehearseFile(args...); code != exitUsage || !strings.Contains(err, "name one saved plan") {
			t.Errorf("%q: exit code %d, %s", args, code, err)
		}
	}
}

func rehearseFile(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	w := world{in: strings.NewReader(""), out: &o, err: &e, env: func(string) string { return "" }, now: time.Now, dir: ".",
		signals: make(chan os.Signal), capture: func() func() { return func() {} }}
	code = Main(append([]string{"rehearse"}, args...), w)
	return code, o.String(), e.String()
}

func planFile(t *testing.T, p plan.Plan) string {
	t.Helper()
	var doc bytes.Buffer
	if err := plan.Encode(&doc, p); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.plan")
	if err := os.WriteFile(file, doc.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// secondPlan takes an example app from nothing to 1.0, on a model of its fleet, and plans 2.0.
func secondPlan(t *testing.T, name string) plan.Plan {
	t.Helper()
	w := examples(t)
	for _, app := range onePerApp(w.Apps()) {
		if app.Name != name {
			continue
		}
		env, err := w.Environment(app.Env)
		if err != nil {
			t.Fatal(err)
		}
		app = elsewhere(app, w.Root)
		first := planned(t, env, app, "1.0", plan.Facts{})
		f, err := model.Of(first, time.Now, model.Pace{})
		if err != nil {
			t.Fatal(err)
		}
		if o, err := f.Walk(t.Context(), first); err != nil || o.Status != plan.Done {
			t.Fatalf("%+v, %v", o, err)
		}
		return planned(t, env, app, "2.0", f.Facts())
	}
	t.Fatalf("no app %s", name)
	return plan.Plan{}
}

func planned(t *testing.T, env plan.Environment, app plan.App, version string, facts plan.Facts) plan.Plan {
	t.Helper()
	file := app.Name + "-" + version + ".tar.gz"
	facts.Artifacts = map[string]plan.Resolved{app.Name: {Version: version, File: file, Digest: "sha256:" + strings.Repeat(version[:1]+"a", 32), URL: "https://repo.example/" + file, Size: 12_000_000}}
	in := plan.Intent{Kind: plan.Deploy, ID: "20261123T12" + version[:1] + "000-0001", CreatedAt: "2026-11-23T12:00:00Z", CreatedBy: "anna@controller"}
	p, err := plan.Compile(env, []plan.App{app}, facts, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
