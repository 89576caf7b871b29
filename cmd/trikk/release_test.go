package main

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// TestReleaseFile: a release file chooses apps and versions, and is in nobody's way.
func TestReleaseFile(t *testing.T) {
	t.Parallel()
	base, err := txtar.ParseFile(filepath.Join(errorsDir, "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	lay(t, dir, append(base.Files,
		txtar.File{Name: "releases/2026.11.cue", Data: []byte("release: {\n\tname: \"2026.11\"\n\tapps: {hello: \"1.4.2\", pages: \"2.0\"}\n}\n")},
		txtar.File{Name: "releases/wrong.cue", Data: []byte("release: {\n\tname: \"wrong\"\n\tapps: {helo: \"1.4.2\", pages: \"2.0\"}\n}\n")}))
	for _, tc := range []struct {
		args string
		code int
		says []string
	}{
		{"vet", 0, []string{"2 apps in 2 environments, 3 deployments: all right"}},
		{"plan --offline -f releases/2026.11.cue -e test", 0, []string{"deploy hello in test: nothing → 1.4.2-", "deploy pages in test: nothing → 2.0-", ` of release "2026.11": 2 apps, `}},
		{"plan --offline -f releases/2026.11.cue -e test --json", 0, []string{`"release": "2026.11",`}},
		{"plan --offline -f releases/2026.11.cue -e prod", 3, []string{`trikk: releases/2026.11.cue:3:25: app "pages" is not deployed in environment "prod"`}},
		{"plan --offline -f releases/wrong.cue -e test", 3, []string{`trikk: releases/wrong.cue:3:9: unknown app "helo" (did you mean "hello"?)`}},
		{"plan -f releases/2026.11.cue", 64, []string{"name the environment: -e ENV"}},
		{"plan -f releases/2026.11.cue -e test --all", 64, []string{"-f FILE names its apps itself"}},
		{"apply --plan x.plan -f releases/2026.11.cue", 64, []string{"--plan FILE says it all"}},
	} {
		code, out, errs := here(dir, nil, strings.Fields(tc.args)...)
		if code != tc.code {
			t.Errorf("%s: exit code %d, want %d", tc.args, code, tc.code)
		}
		for _, text := range tc.says {
			if !strings.Contains(out+errs, text) {
				t.Errorf("%s: lacks %q:\n%s%s", tc.args, text, out, errs)
			}
		}
	}
}

// The history tells releases and overrides; a plan that is made again is of the same release.
func TestHistoryMore(t *testing.T) {
	l := historyLine{Release: "2026.11", Overrides: []run.Override{{Guard: guardFreeze, Reason: "haste"}, {Guard: guardPromotion, Reason: "test is down"}}}
	if got, want := historyMore(l), ` (release "2026.11"); freeze overridden: haste; promotion overridden: test is down`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := historyMore(historyLine{}); got != "" {
		t.Errorf("%q of a plain run", got)
	}
	if _, in := again(plan.Plan{Release: "2026.11"}); in.Release != "2026.11" {
		t.Errorf("the plan is made again for release %q", in.Release)
	}
}
