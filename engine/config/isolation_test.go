package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"trikk.dev/engine/config"
)

// TestMain is the evaluating process too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "evaluate" {
		if err := config.Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// isolation is this program as the evaluating process.
func isolation(t *testing.T) *config.Isolation {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &config.Isolation{Program: []string{program, "evaluate"}, Memory: memoryFactor * 400 << 20, Time: 3 * time.Second}
}

// What comes through the pipe is what is loaded here, to the last place.
func TestIsolatedIsTheSame(t *testing.T) {
	here := own(t)
	o := config.Options{Dir: "../..", Isolation: isolation(t)}
	o.Isolation.Time = time.Minute
	there, err := config.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(here.Apps(), there.Apps()) || !reflect.DeepEqual(here.Environments, there.Environments) || told(here.Warnings) != told(there.Warnings) ||
		here.Root != there.Root || here.Module != there.Module || len(here.Apps()) < 120 {
		t.Error("the isolated workspace is another one")
	}
}

func TestIsolatedMistakesAreTheSame(t *testing.T) {
	for _, name := range []string{"same-port", "unknown-field-many", "syntax", "import-broken", "wrong-type", "missing-in-many-environments"} {
		a, err := txtar.ParseFile("testdata/wrong/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		write(t, dir, a)
		o := config.Options{Dir: dir}
		here := lines(t, o)
		o.Isolation = isolation(t)
		if there := lines(t, o); here != there || here == "" {
			t.Errorf("%s: here\n%s\nisolated\n%s", name, here, there)
		}
	}
}

// bomb is an app whose evaluation ends only because somebody ends it.
type bomb struct{ text, want string }

func bombs() map[string]bomb {
	laughs := "_l0: \"ha\"\n"
	for i := range 12 {
		laughs += fmt.Sprintf("_l%d: \"%s\"\n", i+1, strings.Repeat(fmt.Sprintf(`\(_l%d)`, i), 10))
	}
	product := "_p: {e: 1}\n"
	for i := range 24 {
		product += fmt.Sprintf("_p: {a%d: 1} | {a%d: 2}\n", i, i)
	}
	loops := "_n: len([for a in _r for b in _r for c in _r for d in _r {a + b + c + d}])\n_r: list.Range(0, 1000, 1)\n"
	return map[string]bomb{
		"billion laughs":       {laughs + use("_l12"), "memory|takes more"},
		"a long range":         {"_r: list.Range(0, 1e9, 1)\n" + use(`"\(len(_r))"`), "memory|takes more"},
		"disjunction product":  {product + use(`"\(_p.e)"`), "memory|takes more"},
		"loops in loops":       {loops + use(`"\(_n)"`), "memory|takes more"},
		"a repeated text":      {use(`strings.Repeat("ha", 2000000000)`), "error in call"},
		"definition of itself": {"#T: {n: int, next: #T & {n: n + 1}}\n_t: #T & {n: 0}\n" + use(`"\(_t.next.n)"`), "interpolation"},
		"a circle":             {"_a: _b + 1\n_b: _a + 1\n" + use(`"\(_a)"`), "depends on itself"},
		"brackets":             {"_d: " + strings.Repeat("[", 15000) + strings.Repeat("]", 15000) + "\n" + use(`"\(len(_d))"`), "exceeds maximum nesting depth"},
		"braces":               {"_d: " + strings.Repeat("{a:", 8000) + "1" + strings.Repeat("}", 8000) + "\n" + use(`"\(_d.a.a.a)"`), "interpolation|exceeds maximum nesting depth"},
	}
}

// use makes a value part of the app.
func use(value string) string {
	return `app: schema.#App & {
	name:        "bomb"
	description: ` + value + `
	artifact: url: url: "https://repo.example/a.zip"
	environments: prod: servers: ["app01"]
}
`
}

// TestFault29UntrustedCUE: endless and huge CUE ends in bounded time and memory, with one error that names the package.
func TestFault29UntrustedCUE(t *testing.T) {
	for name, b := range bombs() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			imports := "package bomb\n\nimport \"trikk.dev/schema\"\n"
			for _, p := range []string{"list", "strings"} {
				if strings.Contains(b.text, p+".") {
					imports += "import \"" + p + "\"\n"
				}
			}
			write(t, dir, parse(small+"-- apps/bomb/app.cue --\n"+imports+b.text))
			began := time.Now()
			got := lines(t, config.Options{Dir: dir, Isolation: isolation(t)})
			took := time.Since(began)
			t.Logf("%.1fs: %.300s", took.Seconds(), got)
			if got == "" {
				got = "all right"
			}
			told := false
			for want := range strings.SplitSeq(b.want, "|") {
				told = told || strings.Contains(got, want)
			}
			if !told {
				t.Errorf("it says %.500s", got)
			}
			if got != "all right" && (!strings.Contains(got, "apps/bomb/app.cue:") || strings.Contains(got, "apps/a/")) {
				t.Errorf("it names something else: %.500s", got)
			}
			if limit := 2 * time.Minute; took > limit {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// A long expression in a file that is let through overflows the stack of the other process only.
func TestFault29UntrustedCUELongExpression(t *testing.T) {
	for name, value := range map[string]string{"sum": "0" + strings.Repeat("+1", 400_000), "brackets": strings.Repeat("(", 3_000_000) + "1" + strings.Repeat(")", 3_000_000)} {
		dir := t.TempDir()
		write(t, dir, parse(small+"-- apps/bomb/app.cue --\npackage bomb\n\nimport \"trikk.dev/schema\"\n_n: "+value+"\n"+use(`"\(_n)"`)))
		allow := isolation(t)
		allow.Time, allow.Memory = time.Minute, 2<<30
		got := lines(t, config.Options{Dir: dir, MaxFile: 100 << 20, Isolation: allow})
		if !strings.HasPrefix(got, "apps/bomb/app.cue:") || strings.Contains(got, "\n") || !strings.Contains(got, "nest") {
			t.Errorf("%s: %.300s", name, got)
		}
		t.Logf("%s: %.300s", name, got)
		if got := lines(t, config.Options{Dir: dir, Isolation: isolation(t)}); !strings.Contains(got, "a CUE file may have 32") {
			t.Errorf("%s: %.300s", name, got)
		}
	}
}

// Memory is bounded where time is not.
func TestFault29UntrustedCUEMemory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(small+"-- apps/bomb/app.cue --\npackage bomb\n\nimport \"trikk.dev/schema\"\nimport \"list\"\n_r: list.Range(0, 1e9, 1)\n"+use(`"\(len(_r))"`)))
	allow := isolation(t)
	allow.Memory, allow.Time = 150<<20, time.Minute
	got := lines(t, config.Options{Dir: dir, Isolation: allow})
	if !strings.HasPrefix(got, "apps/bomb/app.cue:1:1: this package needs more than 150 MiB of memory to be evaluated") || strings.Contains(got, "\n") {
		t.Errorf("it says %s", got)
	}
}

// The error names who did it, among many, also when it is in what others import.
func TestFault29UntrustedCUENames(t *testing.T) {
	dir := t.TempDir()
	var many strings.Builder
	for i := range 45 {
		many.WriteString(strings.NewReplacer("apps/a", fmt.Sprintf("apps/n%02d", i), "package a", "package n", `name: "a"`, fmt.Sprintf(`name: "n%02d"`, i)).Replace(small))
	}
	shared := "-- shared/shared.cue --\npackage shared\n\nimport \"list\"\n\n#Long: \"\\(len(list.Range(0, 1e9, 1)))\"\n" +
		"-- apps/user/app.cue --\npackage user\n\nimport (\n\t\"trikk.dev/schema\"\n\t\"test.example/shared\"\n)\n" + strings.Replace(use("shared.#Long"), "bomb", "user", 1)
	write(t, dir, parse(many.String()+shared))
	allow := isolation(t)
	allow.Memory = 400 << 20 * memoryFactor
	got := lines(t, config.Options{Dir: dir, Isolation: allow})
	t.Log(got)
	if strings.Contains(got, "apps/n") || !strings.Contains(got, "apps/user/app.cue:1:1: this package") && !strings.Contains(got, "shared/shared.cue:1:1: this package") {
		t.Errorf("it says %s", got)
	}
}

// The process is gone when its caller gives up, and when it is no such process.
func TestIsolationEnds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, parse(small+"-- apps/bomb/app.cue --\npackage bomb\n\nimport \"trikk.dev/schema\"\nimport \"list\"\n_r: list.Range(0, 1e9, 1)\n"+use(`"\(len(_r))"`)))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := config.Load(ctx, config.Options{Dir: dir, Isolation: isolation(t)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("given up: %v", err)
	}
	for _, program := range [][]string{{"/bin/false"}, {"/bin/echo", "hello"}, {"/bin/sh", "-c", "echo no such thing >&2; exit 3"}} {
		_, err := config.Load(t.Context(), config.Options{Dir: dir, Isolation: &config.Isolation{Program: program}})
		if err == nil || !strings.Contains(err.Error(), "ended the evaluation") {
			t.Errorf("%q: %v", program, err)
		}
	}
	if _, err := config.Load(t.Context(), config.Options{Dir: dir, Isolation: &config.Isolation{Program: []string{filepath.Join(dir, "none")}}}); err == nil {
		t.Error("a program that is not there evaluates")
	}
}
