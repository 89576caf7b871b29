package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// desk is a config repository, and a folder of runs, at which somebody presses the Tab key.
type desk struct {
	t          *testing.T
	dir, state string
	env        map[string]string
	patience   time.Duration
}

// newDesk has the config repository that trikk init makes, an app that Maven has, one with a syntax error, and three runs.
func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t, t.TempDir(), t.TempDir(), map[string]string{}, time.Minute}
	if _, err := initialise(d.dir); err != nil {
		t.Fatal(err)
	}
	d.write("apps/broken/app.cue", "package broken\n\napp: {\n\tname: \"broken\"\n\tlabels: team: \"gis\"\n\tenvironments: test: servers: [\"app02\"]\n}\napp: {{\n")
	d.ran(run.Meta{Run: "20261101T080000-0001", Started: "2026-11-01T08:00:00Z"}, "test", plan.Done, plan.AppPlan{App: "hello", Version: "1.0", To: "1.0-aa"})
	d.ran(run.Meta{Run: "20261102T080000-0002", Started: "2026-11-02T08:00:00Z"}, "test", "", plan.AppPlan{App: "hello", Version: "1.1", To: "1.1-bb", From: []string{"1.0-aa"}})
	d.ran(run.Meta{Run: "20261103T080000-0003", Started: "2026-11-03T08:00:00Z"}, "prod", plan.Broken, plan.AppPlan{App: "roads", Version: "3.0", To: "3.0-cc"})
	return d
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// ran keeps a run; without a status it was cut off.
func (d *desk) ran(meta run.Meta, env, status string, app plan.AppPlan) {
	d.t.Helper()
	log, err := run.Create(filepath.Join(d.state, "runs"), meta, plan.Plan{ID: meta.Run, Env: env, Apps: []plan.AppPlan{app}})
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	if status == "" {
		return
	}
	if err := log.Finish(plan.Outcome{Status: status}); err != nil {
		d.t.Fatal(err)
	}
}

// tab gives what the shell is offered for the last word of a line, and the directive.
func (d *desk) tab(line string) ([]string, cobra.ShellCompDirective) {
	d.t.Helper()
	var out bytes.Buffer
	w := world{in: strings.NewReader(""), out: &out, err: io.Discard, now: time.Now, dir: d.dir, patience: d.patience, env: func(name string) string {
		return map[string]string{"TRIKK_STATE": d.state}[name] + d.env[name]
	}}
	if code := Main(append([]string{cobra.ShellCompRequestCmd}, strings.Split(line, " ")...), w); code != exitDone {
		d.t.Fatalf("%q ends with %d: %s", line, code, out.String())
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	var directive cobra.ShellCompDirective
	if _, err := fmt.Sscanf(lines[len(lines)-1], ":%d", &directive); err != nil {
		d.t.Fatalf("%q gives %q: %v", line, lines, err)
	}
	return lines[:len(lines)-1], directive
}

// TestCompletion: what the Tab key offers. A wanted word without a tab stands for one with any description.
func TestCompletion(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const none, file = cobra.ShellCompDirectiveNoFileComp, cobra.ShellCompDirectiveDefault
	const ordered, open, dirs = none | cobra.ShellCompDirectiveKeepOrder, none | cobra.ShellCompDirectiveNoSpace, cobra.ShellCompDirectiveFilterDirs
	const saved = cobra.ShellCompDirectiveFilterFileExt
	for _, test := range []struct {
		line      string
		directive cobra.ShellCompDirective
		want      string // separated by spaces
	}{
		{"plan ", none, "broken\ttest hello\tprod,·test"},
		{"apply h", none, "hello"},
		{"apply hello ", none, "broken"},
		{"apply hello@1.0 ", none, "broken"},
		{"apply -e prod ", none, "hello"},
		{"apply --plan ", saved, "plan json"},
		{"apply --plan x.plan ", none, ""},
		{"apply x.y --wait=", none, ""},
		{"rehearse ", file, "broken hello"},
		{"rollback hello ", none, ""},
		{"render ", none, "broken hello"},
		{"render hello ", none, ""},
		{"render --proxies hello ", none, "broken"},
		{"diff hello --from ", none, "prod test"},
		{"diff broken --to ", none, "test"},
		{"status -e ", none, "prod\t2·servers,·protected test\t2·servers"},
		{"plan broken -e ", none, "test"},
		{"hosts check --env=t", none, "test"},
		{"apply --confirm ", none, "prod"},
		{"apply -e test --confirm ", ordered, "test"},
		{"exec -e test --server ", none, "app01 app02 lb01"},
		{"exec -e test --server app01,", none, "app01,app02 app01,lb01"},
		{"exec broken -e test --server ", none, "app02"},
		{"exec -e test -- ", file, ""},
		{"exec -e test -- h", file, ""},
		{"render hello -e prod --server ", none, "app11 app12"},
		{"ps --app ", none, "broken hello"},
		{"ps --sort s", ordered, "swap"},
		{"status -l ", open, "team="},
		{"status -l team=", none, "team=gis"},
		{"status -l tier=a,!t", none, "tier=a,!team"},
		{"status -l team!=g", none, "team!=gis"},
		{"status -l site·in·(", none, ""},
		{"resume ", ordered, "20261103T080000-0003\t2026-11-03·08:00·prod:·roads,·broken 20261102T080000-0002\t2026-11-02·08:00·test:·hello,·cut·off"},
		{"show 202611", cobra.ShellCompDirectiveKeepOrder, "20261103T080000-0003 20261102T080000-0002 20261101T080000-0001"},
		{"show --json 20261101", cobra.ShellCompDirectiveKeepOrder, "20261101T080000-0001\t2026-11-01·08:00·test:·hello,·done"},
		{"unlock hello --run ", ordered, "20261102T080000-0002"},
		{"unlock hello -e prod --run ", ordered, ""},
		{"plan hello@", ordered, "hello@1.1\t2026-11-02·08:00·test hello@1.0\t2026-11-01·08:00·test"},
		{"plan -e prod hello@", ordered, ""},
		{"plan nobody@", ordered, ""},
		{"rollback hello --to ", ordered, "1.1 1.0-aa 1.0"},
		{"rollback --to ", none, ""},
		{"sign ", saved, "plan json"},
		{"schema ap", open, "app"},
		{"schema app.layout.ro", open, "app.layout.root"},
		{"schema app.lay.", none, ""},
		{"vet ", dirs, ""},
		{"init ", dirs, ""},
		{"init --from ansible ", file, ""},
		{"--color a", ordered, "auto always"},
		{"plan --format m", ordered, "markdown mermaid"},
		{"help host", none, "hosts"},
		{"help hosts ", none, "check"},
		{"-C ", dirs, ""},
		{"-C nowhere plan ", none, ""},
		{"plan --timeout ", none, ""},
		{"version ", none, ""},
	} {
		got, directive := d.tab(test.line)
		if directive != test.directive || !offered(got, strings.Fields(strings.ReplaceAll(test.want, "\t", "→"))) {
			t.Errorf("%q offers %q with %d", test.line, got, directive)
		}
	}
}

// offered compares lines with words, in which · is a space and → a tab.
func offered(lines, words []string) bool {
	return slices.EqualFunc(lines, words, func(line, word string) bool {
		want := strings.NewReplacer("·", " ", "→", "\t").Replace(word)
		name, _, _ := strings.Cut(line, "\t")
		return line == want || name == want
	})
}

// TestCompletionOfEnvironment: variables count as flags do, and a wrong one keeps nothing from being completed.
func TestCompletionOfEnvironment(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.env = map[string]string{"TRIKK_ENV": "prod", "TRIKK_COLOR": "pink"}
	if got, _ := d.tab("plan "); !offered(got, []string{"hello"}) {
		t.Errorf("in prod it offers %q", got)
	}
}

// TestCompletionComputes: where names are computed, they are evaluated.
func TestCompletionComputes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := os.RemoveAll(filepath.Join(d.dir, "apps", "broken")); err != nil {
		t.Fatal(err)
	}
	d.write("environments/more.cue", "package environments\n\nimport \"trikk.dev/schema\"\n\nenvironments: {for n in [1, 2] {\"dev\\(n)\": schema.#Environment & {servers: app01: address: \"app01.dev\\(n).example\"}}}\n")
	if got, _ := d.tab("plan -e dev"); !offered(got, []string{"dev1", "dev2"}) {
		t.Errorf("it offers %q", got)
	}
}

// TestCompletionAsksTheRepository for versions, beside mistakes of others, and no longer than a person waits.
func TestCompletionAsksTheRepository(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hangs := false
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hangs {
			<-r.Context().Done()
			return
		}
		if r.URL.Path != "/example/hello/maven-metadata.xml" || r.Header.Get("Authorization") != "" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "<metadata><versioning><versions><version>1.0</version><version>1.10</version><version>1.9</version><version>$(x)</version></versions></versioning></metadata>")
	}))
	defer r.Close()
	d.write("apps/hello/app.cue", fmt.Sprintf("package hello\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"hello\"\n\tartifact: maven: {repository: %q, group: \"example\", artifact: \"hello\", extension: \"zip\"}\n\tafter: [\"nobody\"]\n\tenvironments: test: servers: [\"app01\"]\n}\n", r.URL))
	if got, _ := d.tab("plan -e test hello@"); !offered(got, []string{"hello@1.10", "hello@1.9", "hello@1.1", "hello@1.0→2026-11-01·08:00·test"}) {
		t.Errorf("it offers %q", got)
	}
	hangs, d.patience = true, 100*time.Millisecond
	began := time.Now()
	if got, _ := d.tab("plan hello@"); !offered(got, []string{"hello@1.1", "hello@1.0"}) {
		t.Errorf("without the repository it offers %q", got)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestCompletionIsWhole: each command that takes arguments, and each flag that takes words, says what completes it.
func TestCompletionIsWhole(t *testing.T) {
	c := &cli{world: world{env: func(string) string { return "" }}}
	root := c.root()
	arguments, values := c.argumentCandidates(), c.valueCandidates()
	used := map[string]bool{}
	eachCommand(root, func(cmd *cobra.Command) {
		path := strings.TrimPrefix(cmd.CommandPath(), "trikk ")
		if cmd.Hidden {
			return
		}
		used[path] = true
		_, takes, _ := strings.Cut(cmd.Use, " ")
		takes = strings.TrimPrefix(takes, "-e ENV")
		if arguments[path] == nil && cmd.ValidArgsFunction == nil && strings.ToLower(takes) != takes && path != "ps" {
			t.Errorf("nothing says what completes the arguments of trikk %s: see argumentCandidates", cmd.Use)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			used["--"+f.Name], used[path+" --"+f.Name] = true, true
			if strings.HasPrefix(f.Value.Type(), "string") && values["--"+f.Name] == nil && values[path+" --"+f.Name] == nil {
				t.Errorf("nothing says what completes --%s of trikk %s: see valueCandidates", f.Name, path)
			}
		})
	})
	for _, all := range []map[string]candidates{arguments, values} {
		for name := range all {
			if !used[name] {
				t.Errorf("there is no %q to complete", name)
			}
		}
	}
}
