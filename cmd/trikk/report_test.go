package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"golang.org/x/tools/txtar"
)

// here calls trikk in this process, without a terminal: the config repository is evaluated in this process too.
func here(dir string, env map[string]string, args ...string) (code int, out, err string) {
	var stdout, stderr bytes.Buffer
	w := world{in: strings.NewReader(""), out: &stdout, err: &stderr, env: func(name string) string { return env[name] }, now: time.Now, dir: dir,
		signals: make(chan os.Signal), capture: func() func() { return func() {} }}
	code = Main(args, w)
	return code, stdout.String(), stderr.String()
}

// lay writes the files of a txtar archive.
func lay(t *testing.T, dir string, files []txtar.File) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// reported is a Git repository with a config repository in its folder deploy, and odd names everywhere.
func reported(t *testing.T) (top, deploy string) {
	t.Helper()
	a, err := txtar.ParseFile("testdata/report/repository.txtar")
	if err != nil {
		t.Fatal(err)
	}
	top = t.TempDir()
	lay(t, top, a.Files)
	return top, filepath.Join(top, "deploy")
}

// wrongs are the mistakes and the warning of that repository: what each place begins with.
var wrongs = []struct{ file, level, rule, begins string }{
	{"deploy/apps/odd, 50%/app.cue", "error", "value", `"é𝄞"`},
	{"deploy/apps/odd, 50%/app.cue", "error", "value", "3}"},
	{"deploy/apps/odd, 50%/app.cue", "error", "unknown-field", "prots"},
	{"deploy/apps/odd, 50%/app.cue", "error", "unknown-name", "tset"},
	{"deploy/apps/same/app.cue", "warning", "same-url", `"https`},
}

// beginsAt fails unless the text at a place, whose column counts UTF-16 units, begins as it should.
func beginsAt(t *testing.T, top, file string, line, column int, begins string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	units := utf16.Encode([]rune(strings.Split(string(text), "\n")[line-1]))
	if rest := string(utf16.Decode(units[column-1:])); !strings.HasPrefix(rest, begins) {
		t.Errorf("%s:%d:%d is %q, not %q", file, line, column, rest, begins)
	}
}

func TestReportsOfMistakes(t *testing.T) {
	t.Parallel()
	top, deploy := reported(t)
	checks := map[string]func(t *testing.T, top, out string){"github": checkGitHub, "gitlab": checkGitLab, "junit": checkJUnit, "sarif": checkSARIF}
	for name, ending := range map[string]string{"github": "txt", "gitlab": "json", "junit": "xml", "sarif": "json"} {
		t.Run(name, func(t *testing.T) {
			code, out, said := here(deploy, nil, "vet", "--format", name)
			if code != exitConfig {
				t.Fatalf("exit code %d: %s", code, said)
			}
			out = strings.ReplaceAll(out, buildVersion(), "VERSION")
			checks[name](t, top, out)
			golden(t, "report/"+name+"."+ending, []byte(out))
			golden(t, "report/stderr.txt", []byte(said))
			if strings.Contains(out, top) {
				t.Error("a path is absolute")
			}
		})
	}
	for env, args := range map[string][]string{"TRIKK_FORMAT": {"vet", "--json"}, "TRIKK_JSON": {"vet", "--format", "json"}, "": {"vet", "--format", "json", "--json"}} {
		if code, out, said := here(deploy, map[string]string{env: "1"}, args...); code != exitConfig || !strings.HasPrefix(out, `{"time":`) || said != "" {
			t.Errorf("%s=1 %q: exit code %d\n%s%s", env, args, code, out, said)
		}
	}
}

func checkSARIF(t *testing.T, top, out string) {
	r, err := sarif.FromString(out, sarif.WithStrictValidation())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
	run := r.Runs[0]
	if len(r.Runs) != 1 || len(run.Results) != len(wrongs) || run.ColumnKind == nil || *run.ColumnKind != "utf16CodeUnits" || !*run.Invocations[0].ExecutionSuccessful {
		t.Fatalf("the report is another one:\n%s", out)
	}
	for i, want := range wrongs {
		got := run.Results[i]
		rule := run.Tool.Driver.Rules[got.RuleIndex]
		if *got.RuleID != want.rule || *rule.ID != want.rule || got.Level != want.level || *rule.Help.Text == "" {
			t.Errorf("result %d is %s, %s", i, *got.RuleID, got.Level)
		}
		at := got.Locations[0].PhysicalLocation
		u, err := url.Parse(*at.ArtifactLocation.URI)
		if err != nil || u.IsAbs() || u.Path != want.file {
			t.Errorf("result %d is in %s: %v", i, *at.ArtifactLocation.URI, err)
		}
		beginsAt(t, top, want.file, *at.Region.StartLine, *at.Region.StartColumn, want.begins)
	}
}

func checkGitLab(t *testing.T, _, out string) {
	var issues []gitlabIssue
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&issues); err != nil || len(issues) != len(wrongs) {
		t.Fatalf("%d issues: %v", len(issues), err)
	}
	prints := map[string]bool{}
	for i, want := range wrongs {
		got := issues[i]
		severe := got.Severity == map[string]string{"error": "critical", "warning": "minor"}[want.level]
		if got.Location.Path != want.file || got.CheckName != "trikk/"+want.rule || !severe || got.Location.Lines.Begin < 1 || got.Description == "" {
			t.Errorf("issue %d is %+v", i, got)
		}
		prints[got.Fingerprint] = true
	}
	if len(prints) != len(wrongs) {
		t.Error("two issues have one fingerprint")
	}
}

func checkJUnit(t *testing.T, top, out string) {
	var r junitSuites
	if err := xml.Unmarshal([]byte(out), &r); err != nil || len(r.Suites) != 1 {
		t.Fatal(err)
	}
	s := r.Suites[0]
	if s.Tests != len(s.Cases) || s.Tests != 4 || s.Failures != 1 || s.Errors != 0 {
		t.Errorf("%d tests, %d failures, %d errors, %d cases", s.Tests, s.Failures, s.Errors, len(s.Cases))
	}
	for _, c := range s.Cases {
		if _, err := os.Stat(filepath.Join(top, c.File)); err != nil || c.Name != c.File {
			t.Errorf("%s is no file: %v", c.File, err)
		}
		if c.Failure != nil && strings.Count(c.Failure.Text, c.File) != 4 {
			t.Errorf("%s fails with %q", c.File, c.Failure.Text)
		}
	}
}

// command is a workflow command as GitHub's runner takes it apart.
var command = regexp.MustCompile(`^::([a-z-]+) ([^:]*)::(.*)$`)

func checkGitHub(t *testing.T, top, out string) {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != len(wrongs) {
		t.Fatalf("%d lines", len(lines))
	}
	for i, want := range wrongs {
		level, properties, text := runner(t, lines[i])
		if level != want.level || properties["file"] != want.file || properties["title"] != "trikk vet: "+want.rule || text == "" {
			t.Errorf("line %d is %s, %v", i, level, properties)
		}
		var line, column int
		if err := json.Unmarshal([]byte("["+properties["line"]+","+properties["col"]+"]"), &[]any{&line, &column}); err != nil {
			t.Fatal(err)
		}
		beginsAt(t, top, want.file, line, column, want.begins)
	}
}

// runner reads a workflow command.
func runner(t *testing.T, line string) (level string, properties map[string]string, text string) {
	t.Helper()
	m := command.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("%q is no workflow command", line)
	}
	plain := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	properties = map[string]string{}
	for p := range strings.SplitSeq(m[2], ",") {
		name, value, _ := strings.Cut(p, "=")
		properties[name] = plain.Replace(value)
	}
	return m[1], properties, strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(m[3])
}

// A report of what is right has tests and rules, and no findings; one of what can't be read says why.
func TestReportsWithoutMistakes(t *testing.T) {
	t.Parallel()
	top, deploy := reported(t)
	if err := os.RemoveAll(filepath.Join(deploy, "apps", "odd, 50%")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(top, ".git")); err != nil { // paths start from the config repository then
		t.Fatal(err)
	}
	for format, want := range map[string][]string{
		"github": {"::warning file=apps/same/app.cue,line="}, "gitlab": {`"severity": "minor"`, `"path": "apps/same/app.cue"`},
		"junit": {`tests="3" failures="0" errors="0"`, "<system-out>warning: apps/same/app.cue:"}, "sarif": {`"level": "warning"`, `"uri": "apps/same/app.cue"`},
	} {
		code, out, said := here(filepath.Join(deploy, "apps"), nil, "vet", "--format", format)
		if code != exitDone || !strings.HasPrefix(said, "warning: same/app.cue:7:22: the URL") || !strings.HasSuffix(said, "2 apps in 1 environment, 2 deployments: all right\n") {
			t.Errorf("exit code %d\n%s", code, said)
		}
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%s lacks %s:\n%s", format, text, out)
			}
		}
		if code, out, _ := here(deploy, nil, "vet", "--format", format, "apps/hello"); code != exitDone || strings.Contains(out, "same/") {
			t.Errorf("vet apps/hello: exit code %d\n%s", code, out)
		}
	}
	for format, want := range map[string]string{"github": "::error title=trikk vet%3A config::", "gitlab": `"begin": 1`, "junit": `errors="1"`, "sarif": `"executionSuccessful": false`} {
		code, out, said := here(t.TempDir(), nil, "vet", "--format", format)
		if code != exitConfig || !strings.HasPrefix(said, "trikk: ") || !strings.Contains(said, "is not in a config repository") || !strings.Contains(out, want) {
			t.Errorf("exit code %d\n%s%s", code, out, said)
		}
	}
}

// Columns count UTF-16 units from behind a byte order mark, as those of CUE count bytes.
func TestColumns(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "app.cue")
	if err := os.WriteFile(file, []byte("\ufeffé: 𝄞x\n𝄞y"), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[[2]int]int{{1, 1}: 1, {1, 3}: 2, {1, 5}: 4, {1, 9}: 6, {2, 5}: 3} {
		if got := column(file, at[0], at[1]); got != want {
			t.Errorf("%v is column %d, not %d", at, got, want)
		}
	}
}

// A fingerprint stays when lines move, and differs for each of several equal mistakes.
func TestFingerprints(t *testing.T) {
	t.Parallel()
	before := report{findings: []finding{{file: "a", line: 3, rule: "clash", text: "x (the other is at b:7:2)"}, {file: "a", line: 9, rule: "clash", text: "x (the other is at b:7:2)"}, {file: "b", line: 3, rule: "clash", text: "x"}}}
	after := report{findings: slices.Clone(before.findings)}
	for i := range after.findings {
		after.findings[i].line += 10
		after.findings[i].text = strings.Replace(after.findings[i].text, ":7:2", ":17:4", 1)
	}
	before.number()
	after.number()
	prints := map[string]bool{}
	for i := range before.findings {
		if before.findings[i].print != after.findings[i].print {
			t.Errorf("the fingerprint of finding %d changed", i)
		}
		prints[before.findings[i].print] = true
	}
	if len(prints) != 3 {
		t.Errorf("%d fingerprints of 3 findings", len(prints))
	}
}

// Nothing that is written in a config can be taken for anything but text.
func TestReportsEscape(t *testing.T) {
	t.Parallel()
	text := "100% of a,b: <c>&\"d\"]]>\r\n::error::e\x00\x1b\xff"
	file := "a b/é%,:\n<x>.cue"
	r := report{findings: []finding{{file: file, line: 1, column: 2, rule: "value", level: levelMistake, text: text}}, files: []string{file}}
	var github, gitlab, junit, sarifs bytes.Buffer
	for b, write := range map[*bytes.Buffer]string{&github: "github", &gitlab: "gitlab", &junit: "junit", &sarifs: "sarif"} {
		if err := documents()[write](b, r); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(github.String(), "\n") != 1 {
		t.Errorf("more than one line: %q", github.String())
	}
	if _, properties, said := runner(t, strings.TrimSuffix(github.String(), "\n")); properties["file"] != file || said != text || properties["line"] != "1" || properties["col"] != "2" {
		t.Errorf("%q %q", properties, said)
	}
	var issues []gitlabIssue
	if err := json.Unmarshal(gitlab.Bytes(), &issues); err != nil || issues[0].Location.Path != file || issues[0].Description != strings.ToValidUTF8(text, "�") {
		t.Errorf("%+v: %v", issues, err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(junit.Bytes(), &suites); err != nil || suites.Suites[0].Cases[0].Name != file || !strings.Contains(suites.Suites[0].Cases[0].Failure.Text, "100% of a,b: <c>&\"d\"]]>\r\n::error::e") {
		t.Errorf("%+v: %v", suites, err)
	}
	s, err := sarif.FromBytes(sarifs.Bytes())
	if err != nil || s.Validate() != nil {
		t.Fatal(err, s.Validate())
	}
	if u, err := url.Parse(*s.Runs[0].Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI); err != nil || u.Path != file {
		t.Errorf("%v: %v", u, err)
	}
}
