package act_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// vault has the value of each variable but GONE, and counts how often it was asked.
type vault map[string]int

func (v vault) read(_ context.Context, s plan.Secret) (string, error) {
	v[s.Env]++
	if s.Env == "GONE" {
		return "", errors.New("reading secret env GONE: it is not set")
	}
	return "value \\ of\n" + s.Env + "-second-line", nil
}

func write(format string, env ...string) plan.Write {
	w := plan.Write{Root: "~/web", Release: "1-aa", Path: "a", Mode: "0600", Format: format, Secrets: map[string]plan.Secret{}}
	for _, e := range env {
		name := strings.ToLower(e)
		w.Content += "{secret:" + name + "}"
		w.Secrets[name] = plan.Secret{Env: e}
	}
	return w
}

func planOf(apps ...plan.AppPlan) plan.Plan { return plan.Plan{Apps: apps} }

func appPlan(name string, ops ...plan.Op) plan.AppPlan {
	return plan.AppPlan{App: name, Waves: []plan.Wave{{Lanes: []plan.Lane{{Host: "app01", Steps: steps(ops...)}}}}}
}

func TestMissingSecretsAreAllNamedBeforeTheRun(t *testing.T) {
	a := act.New(act.Options{Hosts: fakes{}, Secrets: vault{}.read})
	err := a.ReadSecrets(t.Context(), planOf(
		appPlan("web", write("text", "GONE"), write("text", "GONE", "HERE")), appPlan("api", write("env", "HERE")), appPlan("db", write("text", "HERE"))))
	want := "api: secret env HERE: it holds a line break, which is not possible here\nweb: reading secret env GONE: it is not set"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := a.ReadSecrets(t.Context(), planOf(appPlan("db", write("text", "HERE")))); err != nil {
		t.Error(err)
	}
	installed := appPlan("web", plan.Prune{})
	text := "{secret:gone}"
	installed.Source.Files = map[string]plan.File{"a": {Text: &text, Secrets: map[string]plan.Secret{"gone": {Env: "GONE"}}}}
	if err := a.ReadSecrets(t.Context(), planOf(installed)); err != nil {
		t.Errorf("nothing writes it: %v", err)
	}
}

// What a step prints, says as its reason or tells as progress has no secret in it: neither as it was read, nor as the file has it,
// nor one line of it. So with files that were installed before.
func TestSecretsAreHiddenInWhatFollows(t *testing.T) {
	for _, format := range []string{"text", "properties", "json"} {
		h := hosttest.New(t, "app01")
		said := fmt.Sprintf("login %s with %s failed, %s\n%s", "value \\ of\nHERE-second-line", `value \\ of\nHERE-second-line`, "HERE-second-line", "value")
		h.OnStep("a").Reply(host.Record{Output: said})
		h.OnStep("b").Reply(host.Record{Exit: 1, Output: "it was HERE-second-line"})
		o := act.Options{Hosts: fakes{"app01": h}, Secrets: vault{}.read}
		a := act.New(o)
		app := appPlan("web")
		file := plan.File{Secrets: map[string]plan.Secret{"here": {Env: "HERE"}}}
		text := "{secret:here}"
		switch format {
		case "text":
			file.Text = &text
		case "properties":
			file.Properties = map[string]any{"a": text}
		default:
			file.JSON = text
		}
		app.Source.Files = map[string]plan.File{"a": file}
		if err := a.ReadSecrets(t.Context(), planOf(app)); err != nil {
			t.Fatal(err)
		}
		var got []plan.Result
		seg := plan.Segment{Host: "app01", Transport: plan.Script, Steps: steps(plan.Prune{}, plan.Prune{})}
		if err := a.Do(t.Context(), seg, func(r plan.Result) { got = append(got, r) }); err != nil {
			t.Fatal(err)
		}
		if format != "text" && got[0].Output != "login *** with *** failed, ***\nvalue" || strings.Contains(got[0].Output, "HERE") || got[1].Error != "it was ***" {
			t.Errorf("%s: %+v", format, got)
		}
	}
}

func TestSecretsInErrorsOfTheWay(t *testing.T) {
	h := hosttest.New(t, "app01")
	h.OnStep("a").Fail(&host.Error{Host: "app01", Kind: host.Unknown, Step: "a", Doing: "running", Output: "HERE-second-line", Err: errors.New("cut after HERE-second-line")})
	a := act.New(act.Options{Hosts: fakes{"app01": h}, Secrets: vault{}.read})
	if err := a.ReadSecrets(t.Context(), planOf(appPlan("web", write("text", "HERE")))); err != nil {
		t.Fatal(err)
	}
	err := a.Do(t.Context(), plan.Segment{Host: "app01", Transport: plan.Script, Steps: steps(plan.Prune{})}, func(plan.Result) {})
	var e *host.Error
	if !errors.As(err, &e) || strings.Contains(e.Output+err.Error(), "HERE") || e.Kind != host.Unknown {
		t.Errorf("got %v", err)
	}
}

// A secret is hidden too in a reason, which is made one line of what was printed, and in what a build prints before any plan is there.
func TestSecretsAreHiddenInOneLine(t *testing.T) {
	a := act.New(act.Options{Hosts: fakes{}, Secrets: func(context.Context, plan.Secret) (string, error) { return "pass  word", nil }})
	text := "{secret:a}"
	a.Hide(t.Context(), []plan.App{{Files: map[string]plan.File{"a": {Text: &text, Secrets: map[string]plan.Secret{"a": {Env: "A"}}}}}})
	seg := plan.Segment{Transport: plan.Local, Steps: steps(plan.Run{Command: "echo 'it is pass  word'; exit 3", Phase: "build", App: "web"})}
	err := a.Do(t.Context(), seg, func(r plan.Result) {
		if r.Output != "it is ***\n" || !strings.HasSuffix(r.Error, "it is ***") {
			t.Errorf("it prints %q, because %q", r.Output, r.Error)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// Half of a secret is not found any more, so secrets are hidden before a reason or a line of progress is cut, and where the middle of an
// output is missing.
func TestSecretsAreHiddenBeforeTheCut(t *testing.T) {
	const secret = "correct-horse-battery-staple"
	timing := plan.Timing{Interval: plan.Duration(time.Millisecond), Timeout: plan.Duration(time.Minute), Deadline: plan.Duration(time.Minute), Success: 1}
	probes := map[string]plan.Check{
		"exec": {Exec: &plan.ExecCheck{Timing: timing, Command: "true"}},
		"http": {HTTP: &plan.HTTPCheck{Timing: timing, Host: "127.0.0.1", Port: 8080, Path: "/"}},
	}
	text := "{secret:a}"
	apps := []plan.App{{Files: map[string]plan.File{"a": {Text: &text, Secrets: map[string]plan.Secret{"a": {Env: "A"}}}}}}
	for before := 150; before < 400; before += 5 { // so that the secret is across each cut
		said := strings.Repeat("x", before) + secret
		h := hosttest.New(t, "app01")
		h.OnStep("a").Reply(host.Record{Exit: 3, Output: said})
		var shown []string
		a := act.New(act.Options{Hosts: fakes{"app01": h}, Secrets: func(context.Context, plan.Secret) (string, error) { return secret, nil },
			Progress: func(_ plan.Step, line string) { shown = append(shown, line) }})
		a.Hide(t.Context(), apps)
		give := func(transport plan.Transport, s plan.Step) {
			err := a.Do(t.Context(), plan.Segment{Host: "app01", Transport: transport, Steps: []plan.Step{s}}, func(r plan.Result) { shown = append(shown, r.Error, r.Output) })
			if err != nil {
				t.Fatal(err)
			}
		}
		give(plan.Script, plan.Step{ID: "a", Op: plan.Prune{}})
		h.OnQuery("").Reply(host.Output{Exit: 1, Stdout: []byte(said + "\n")})
		h.OnQuery("").Reply(host.Output{})
		give(plan.Dial, plan.Step{ID: "b", Op: plan.ProbeOp{Check: probes["exec"]}})
		h.OnDial("tcp", "127.0.0.1:8080").Do(serve(t, answers("503 "+said)).dial)
		h.OnDial("tcp", "127.0.0.1:8080").Do(serve(t, answers("200 good")).dial)
		give(plan.Dial, plan.Step{ID: "c", Op: plan.ProbeOp{Check: probes["http"]}})
		if all := strings.Join(shown, "\n"); len(shown) != 8 || strings.Contains(all, secret[:4]) {
			t.Fatalf("after %d bytes it says %q", before, shown)
		}
	}
}

func TestHalvesOfSecretsAreHidden(t *testing.T) {
	h := hosttest.New(t, "app01")
	h.OnStep("a").Reply(host.Record{Output: "it is correct-ho\n[900 bytes left out]\nttery-staple, it is"})
	h.OnStep("b").Reply(host.Record{Output: "all\n[9 bytes left out]\ncorrect"})
	a := act.New(act.Options{Hosts: fakes{"app01": h}, Secrets: func(context.Context, plan.Secret) (string, error) { return "correct-horse-battery-staple", nil }})
	text := "{secret:a}"
	a.Hide(t.Context(), []plan.App{{Files: map[string]plan.File{"a": {Text: &text, Secrets: map[string]plan.Secret{"a": {Env: "A"}}}}}})
	var got []string
	seg := plan.Segment{Host: "app01", Transport: plan.Script, Steps: steps(plan.Prune{}, plan.Prune{})}
	if err := a.Do(t.Context(), seg, func(r plan.Result) { got = append(got, r.Output) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"it is ***\n[900 bytes left out]\n***, it is", "all\n[9 bytes left out]\ncorrect"}; !slices.Equal(got, want) {
		t.Errorf("it shows %q, want %q", got, want)
	}
}
