package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

// wide is the plan of an app on 36 servers, of which some are up to date, and of another one that needs nothing.
func wide(t *testing.T) (plan.Plan, planView) {
	t.Helper()
	env := plan.Environment{Name: "prod", Servers: map[string]plan.Host{}, Proxies: map[string]plan.Proxy{}}
	for _, name := range []string{"lb01", "lb02"} {
		env.Proxies[name] = plan.Proxy{Host: plan.Host{Name: name, Address: name + ".example", User: "deploy"}, Driver: plan.Driver{HAProxy: &plan.HAProxy{Socket: "/run/h.sock"}}}
	}
	minute := plan.Duration(time.Minute)
	shop := plan.App{
		Name: "shop", Env: "prod", Version: "2.0", User: "shop",
		Artifact: plan.Artifact{URL: &plan.URLArtifact{URL: "https://repo.example/shop-{version}.tar.gz"}},
		Layout:   plan.Layout{Root: "/opt/shop", Current: "current", Keep: 5},
		Files:    map[string]plan.File{"config/shop.properties": {Properties: map[string]any{"log.level": "warn"}, Mode: "0644"}},
		Service:  plan.Service{Systemd: &plan.Systemd{Unit: "shop", Timeout: minute}},
		Probes: map[string]plan.Check{"home": {HTTP: &plan.HTTPCheck{Host: "127.0.0.1", Port: 8080, Path: "/",
			Timing: plan.Timing{Interval: plan.Duration(time.Second), Timeout: minute, Deadline: minute, Success: 1, Failure: 3}}}},
		Hooks:    plan.Hooks{Before: []string{"bin/check <all> | tee `log`"}, Timeout: minute},
		Rollout:  plan.Rollout{Rolling: &plan.Rolling{MaxUnavailable: 2}, OnFailure: "hold", OnDrainTimeout: "abort", DrainDeadline: minute, AdmitDeadline: minute},
		Topology: plan.Topology{Shared: &plan.Shared{Proxies: []string{"lb01", "lb02"}, Backend: "shop", Member: "{server}"}},
	}
	facts := plan.Facts{Apps: map[string]map[string]plan.Installed{"shop": {}, "roads": {}}, Rotation: map[string]map[string][]plan.Rotation{"shop": {}},
		Artifacts: map[string]plan.Resolved{"shop": {Version: "2.0", URL: "https://repo.example/shop-2.0.tar.gz", File: "shop-2.0.tar.gz", Digest: "sha256:549b08fc3a723ea8abff332305db62a645155eef33cc2e999fdf54c6a5cc6a60", Size: 1500000},
			"roads": {Version: "1.0", URL: "https://repo.example/roads-1.0.tar.gz", File: "roads-1.0.tar.gz", Digest: "sha256:649b08fc3a723ea8abff332305db62a645155eef33cc2e999fdf54c6a5cc6a60"}}}
	old := plan.InstalledRelease{Name: "1.0-aaaaaaaa", Complete: true, Good: true, GoodSeq: "R1",
		Manifest: plan.Manifest{App: "shop", Release: "1.0-aaaaaaaa", Version: "1.0", Artifact: "a", Digest: "b", Files: map[string]string{"config/shop.properties": "sha256:0"}}}
	for i := range 36 {
		name := fmt.Sprintf("app%02d", i+1)
		env.Servers[name] = plan.Host{Name: name, Address: name + ".example", User: "deploy"}
		shop.Servers = append(shop.Servers, name)
		facts.Apps["shop"][name] = plan.Installed{Current: old.Name, Linked: old.Name, Releases: []plan.InstalledRelease{old}, Service: "active", Running: old.Name}
		facts.Rotation["shop"][name] = []plan.Rotation{{Proxy: "lb01", State: plan.RotationIn}, {Proxy: "lb02", State: plan.RotationIn}}
	}
	in := plan.Intent{Kind: plan.Deploy, ID: "20261123T120000-0001"}
	p, err := plan.Compile(env, []plan.App{shop}, facts, in)
	if err != nil {
		t.Fatal(err)
	}
	to := p.Apps[0].To
	var made plan.Manifest
	for _, s := range stepsOf(p) {
		if op, is := s.Op.(plan.Record); is && op.Manifest != nil {
			made = *op.Manifest
		}
	}
	for _, name := range shop.Servers[30:] { // up to date
		done := old
		done.Name, done.Manifest, done.GoodSeq = to, made, "R2"
		facts.Apps["shop"][name] = plan.Installed{Current: to, Linked: to, Releases: []plan.InstalledRelease{old, done}, Service: "active", Running: to}
	}
	facts.Apps["roads"]["app01"] = plan.Installed{Current: "1.0-bbbbbbbb"}
	if p, err = plan.Compile(env, []plan.App{shop}, facts, in); err != nil {
		t.Fatal(err)
	}
	changes, err := plan.FileChanges(p)
	if err != nil {
		t.Fatal(err)
	}
	var files []act.FileDiff
	for _, c := range changes {
		files = append(files, act.FileDiff{FileChange: c, Diff: "--- a\n+++ b\n@@ -1 +1 @@\n-log.level=debug\n+log.level=warn\n"})
	}
	return p, planView{files: files}
}

func TestPlanOverview(t *testing.T) {
	p, v := wide(t)
	var text bytes.Buffer
	showPlan(&text, p, v)
	golden(t, "overview/wide.txt", text.Bytes())
	golden(t, "overview/wide.md", []byte(markdown(p, v)))
	golden(t, "overview/wide.mmd", []byte(mermaid(p)))
	text.Reset()
	v.full = true
	showPlan(&text, p, v)
	for _, s := range stepsOf(p) {
		if !strings.Contains(text.String(), s.Host) || !strings.Contains(text.String(), s.Title) {
			t.Errorf("--full lacks %s", s.ID)
		}
	}
}

// TestMarkdownHolds: what a plan's texts say can't end the fence, the cell or the folding that they are in, and a comment has a limit.
func TestMarkdownHolds(t *testing.T) {
	p, v := wide(t)
	evil := "````\n</details> @everyone <script> | `x` ``y``"
	p.Notes = []string{evil}
	p.Apps[0].Waves[0].Lanes[0].Steps[0].Title = evil
	v.files[0].Path, v.files[0].Diff = "a|b`c</summary>@all", "--- a\n+++ b\n@@ -1 +1 @@\n-```\n+`````\n"
	text := markdown(p, v)
	inside, outside := "", "" // the fence that is open
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		ticks := bare[:len(bare)-len(strings.TrimLeft(bare, "`"))]
		switch {
		case inside == "" && len(ticks) >= 3 && !strings.Contains(bare[len(ticks):], "`"):
			inside = ticks
		case inside != "" && bare == strings.Repeat("`", len(bare)) && len(bare) >= len(inside):
			inside = ""
		case inside == "":
			outside += line
		}
	}
	if inside != "" || strings.Count(outside, "<details>") != strings.Count(outside, "</details>") || strings.Count(outside, "<details>") != strings.Count(outside, "</summary>") {
		t.Errorf("something is open, or closed twice:\n%s", text)
	}
	for _, bad := range []string{"@all", "@everyone", "<script>"} {
		if strings.Contains(outside, bad) {
			t.Errorf("%s is not text: %s", bad, outside)
		}
	}
	v.files[0].Diff = strings.Repeat("+ and more\n", 8000)
	text = markdown(p, v)
	if len(text) > markdownMost || !strings.Contains(text, "Left out, because a comment has a limit: ``the diff of ") || !strings.Contains(text, "rotate 1/") {
		t.Errorf("%d bytes; it ends with %s", len(text), text[max(0, len(text)-300):])
	}
	for i := range 300 {
		more := p.Apps[0]
		more.App = fmt.Sprintf("app-%d", i)
		p.Apps = append(p.Apps, more)
	}
	if text = markdown(p, v); len(text) > markdownMost || !strings.Contains(text, " more. `trikk plan --full` shows all.") || !strings.Contains(text, "`101 more`") {
		t.Errorf("%d bytes; it ends with %s", len(text), text[max(0, len(text)-300):])
	}
}

// TestSharedWork: what apps share is shown after them, in every format, and nothing in a label of Mermaid ends it.
func TestSharedWork(t *testing.T) {
	p, v := wide(t)
	step := func(host string) plan.Step {
		op := plan.Reload{Command: `reload "it"`}
		return plan.Step{ID: "reload/" + host, Host: host, Title: op.Title(), Op: op}
	}
	for _, host := range []string{"lb01", "lb02"} {
		p.Groups = append(p.Groups, plan.Group{ID: "reload-" + host, Needs: []string{"shop"}, Lanes: []plan.Lane{{Host: host, Steps: []plan.Step{step(host)}}}})
	}
	var text bytes.Buffer
	showPlan(&text, p, v)
	for where, want := range map[string]string{
		text.String():  "\n\n  after shop  lb01  reload: reload \"it\" (can't be undone)\n              lb02  reload",
		markdown(p, v): "| `after shop` | `lb01` | `reload: reload \"it\" (can't be undone)` |",
		mermaid(p):     "  g1[\"reload-lb02<br>lb02: reload: reload #quot;it#quot; (can't be undone)\"]\n  a0 --> g1\n",
	} {
		if !strings.Contains(where, want) {
			t.Errorf("%q is not in\n%s", want, where)
		}
	}
}

// TestRowsLineUp: a name that is wider than a list of servers may be keeps the rows of the others in line.
func TestRowsLineUp(t *testing.T) {
	long := "application-server-01.datacenter-one.example.com"
	var b strings.Builder
	showRows(&b, []row{{"install", long + ", db01", "unpack"}, {"rotate 1/2", long, "drain"}, {"rotate 2/2", "db01", "drain"}})
	want := "  install     " + long + ", db01  unpack\n  rotate 1/2  " + long + "  drain\n  rotate 2/2  db01" + strings.Repeat(" ", len(long)-4) + "  drain\n"
	if b.String() != want {
		t.Errorf("it says\n%s\nwant\n%s", b.String(), want)
	}
}

func TestHostsText(t *testing.T) {
	for want, hosts := range map[string]string{
		"app01, app02, app03":               "app01 app02 app03",
		"app01…app04":                       "app01 app02 app03 app04",
		"app01…app04, app06":                "app01 app02 app03 app04 app06",
		"app8, app9, app10, app11":          "app8 app9 app10 app11",
		"a, b, c, d, e, f, g, h and 2 more": "a b c d e f g h i j",
		"web, db1":                          "web db1",
	} {
		if got := hostsText(strings.Fields(hosts)); got != want {
			t.Errorf("%s: %q, want %q", hosts, got, want)
		}
	}
}
