package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checked is the config repository of docs/checks.md, without environments of its own.
func checked(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := initialise(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "apps", "hello")); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			first, rest, _ := strings.Cut(b.text, "\n")
			if name, placed := strings.CutPrefix(first, "// "); placed && p.name == "docs/checks.md" {
				put(t, filepath.Join(dir, filepath.FromSlash(name)), rest)
			}
		}
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit replaces a text in a file, once.
func edit(t *testing.T, path, old, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %q: %v", path, old, err)
	}
	put(t, path, strings.Replace(string(data), old, text, 1))
}

// says runs a command line in a config repository.
func says(dir, line string) (code int, out, err string) {
	var o, e bytes.Buffer
	w := world{in: strings.NewReader(""), out: &o, err: &e, env: func(string) string { return "" }, now: func() time.Time { return time.Unix(0, 0) }, dir: dir}
	code = Main(strings.Fields(line), w)
	return code, o.String(), e.String()
}

// requireSays asserts the exit code, and that a text is printed, on whichever stream.
func requireSays(t *testing.T, dir, line string, code int, want string) {
	t.Helper()
	got, out, err := says(dir, line)
	if got != code || !strings.Contains(out+err, want) {
		t.Errorf("trikk %s: exit code %d\n%s%s\nwant %d and %s", line, got, out, err, code, want)
	}
}

// asShown is what a page prints below a command line.
func asShown(t *testing.T, name, command string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "$ "+command+"\n")
	if !found {
		t.Fatalf("%s shows no %s", name, command)
	}
	rest, _, _ = strings.Cut(rest, "```")
	rest, _, _ = strings.Cut(rest, "$ ")
	return rest
}

// The tests and the policies of docs/checks.md, as the page shows them.
func TestChecks(t *testing.T) {
	dir := checked(t)
	cases := filepath.Join(dir, "apps", "shop", "shop_test.cue")
	golden := filepath.Join(dir, "apps", "shop", "testdata", "the-whole-plan.plan.txt")
	requireSays(t, dir, "test", exitFailed, "there is no apps/shop/testdata/the-whole-plan.plan.txt (trikk test --update writes it)")
	requireSays(t, dir, "test --update", exitDone, "wrote apps/shop/testdata/the-whole-plan.plan.txt\n")
	requireSays(t, dir, "-C apps/shop test --match whole", exitDone, "ok    .: the whole plan\n1 test: all right\n")
	edit(t, golden, "start shop 2.0", "begin shop 2.0")
	requireSays(t, dir, "test --match whole", exitFailed, "\n        -      begin shop 2.0-")
	edit(t, golden, "begin shop 2.0", "start shop 2.0")
	if err := os.Rename(golden, golden+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(golden+".moved", golden); err != nil {
		t.Fatal(err)
	}
	requireSays(t, dir, "test --match whole", exitConfig, "is a symbolic link")
	if err := os.Rename(golden+".moved", golden); err != nil {
		t.Fatal(err)
	}
	edit(t, cases, "unpack: 2", "unpack: 1")
	requireSays(t, dir, "test", exitFailed, asShown(t, "docs/checks.md", "trikk test"))
	requireSays(t, dir, "test --json --match turns", exitFailed, `"findings":[{"column":19,"file":"apps/shop/shop_test.cue","found":"2","line":13,"message":"must be 1","path":"plan.kinds.unpack"}]`)
	requireSays(t, dir, "test --match nothing$", exitConfig, `no test matches "nothing$"`)
	requireSays(t, dir, "test --match (", exitUsage, "--match (: ")
}

// The plans of all apps are compared with golden files that nobody wrote a test for.
func TestGoldenPlans(t *testing.T) {
	dir := checked(t)
	const mend = "(trikk test --golden plans --update "
	requireSays(t, dir, "test --golden plans --match plan.of", exitFailed, "FAIL  apps/shop: plan of shop in test\n      apps/shop/app.cue:11:16: there is no plans/shop.test.txt "+mend+"writes it)\n1 test, 1 failed\n")
	requireSays(t, dir, "test --golden ./plans/ --match plan.of --update", exitDone, "ok    apps/shop: plan of shop in test\n1 test: all right\nwrote plans/shop.test.txt\n")
	put(t, filepath.Join(dir, "plans", "old.test.txt"), goldenHead+"old in test\n")
	put(t, filepath.Join(dir, "plans", "notes.test.txt"), "written by a person\n")
	put(t, filepath.Join(dir, "plans", "shop.prod.txt"), goldenHead+"shop in prod\n")
	edit(t, filepath.Join(dir, "apps", "shop", "app.cue"), "/ready", "/health")
	requireSays(t, dir, "test environments --golden plans --match old", exitFailed,
		"FAIL  plans: old.test.txt\n      plans/old.test.txt:1:1: there is no app old in test any more "+mend+"removes this file)\n1 test, 1 failed\n")
	requireSays(t, dir, "test --golden plans --match shop.in", exitFailed, "the plan differs from plans/shop.test.txt "+mend+"writes it anew):\n        --- plans/shop.test.txt\n        +++ the plan now\n")
	requireSays(t, dir, "test --golden plans --update --match ^plans|shop.in", exitDone, "wrote plans/shop.test.txt\nremoved plans/old.test.txt\nremoved plans/shop.prod.txt\n")
	code, out, err := says(dir, "test --golden plans --json --match ^plans|shop.in")
	if code != exitDone || strings.Count(out, "\n") != 2 || !strings.Contains(out, `"app":"shop","column":16,"dir":"apps/shop","env":"test"`) {
		t.Errorf("exit code %d\n%s%s", code, out, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "plans", "*")); len(left) != 2 {
		t.Errorf("in the folder: %v", left)
	}
	requireSays(t, dir, "test --golden apps/shop/app.cue", exitConfig, "apps/shop/app.cue is no folder")
	requireSays(t, dir, "test --golden=", exitUsage, "--golden \"\": it is the folder of the golden files")
}

func TestPoliciesAtWork(t *testing.T) {
	dir := checked(t)
	const plan = "plan shop@2.0-SNAPSHOT -e test --offline"
	requireSays(t, dir, "vet", exitDone, "all right")
	requireSays(t, dir, plan+" -o x.plan", exitRefused, asShown(t, "docs/checks.md", "trikk "+plan))
	if _, err := os.Stat(filepath.Join(dir, "x.plan")); err == nil {
		t.Error("a plan that breaks a policy is saved")
	}
	requireSays(t, dir, "plan shop@2.0 -e test --offline", exitDone, "deploy shop in test")
	edit(t, filepath.Join(dir, "apps", "shop", "app.cue"), `["app01", "app02"]`, `["app01"]`)
	requireSays(t, dir, "vet", exitConfig, `apps/shop/app.cue:12:3: policy "two-servers": what runs in test has two servers and a probe: shop in test: servers: must have at least 2, found ["app01"] (policy at policy/policy.cue:17:12)`)
	requireSays(t, dir, "vet environments", exitDone, "all right")
	edit(t, filepath.Join(dir, "policy", "policy.cue"), "servers:", "servres?:")
	requireSays(t, dir, "plan shop@2.0 -e test --offline", exitConfig, `policy/policy.cue:17:3: unknown field "servres" (did you mean "servers"?)`)
}

func TestSchemaCommand(t *testing.T) {
	dir := t.TempDir() // no config repository is needed
	for _, path := range []string{"app.probes.ready.http.port", "app.rolout"} {
		line := "schema " + path
		want, code := asShown(t, "docs/checks.md", "trikk "+line), exitDone
		if strings.HasPrefix(want, "trikk: ") {
			code = exitUsage
		}
		requireSays(t, dir, line, code, want)
	}
	requireSays(t, dir, "schema", exitDone, "environment  Environment names the servers")
	requireSays(t, dir, "schema --json app.name", exitDone, `"path":"app.name","required":true`)
	requireSays(t, dir, "schema app --format jsonschema", exitDone, `"$ref": "#/$defs/App"`)
	requireSays(t, dir, "schema test --format jsonschema", exitUsage, "it is of app or environment")
	requireSays(t, dir, "schema --format xml", exitUsage, "it is text or jsonschema")
}

// The tests of the example apps hold.
func TestExampleTests(t *testing.T) {
	code, out, err := says(repository, "test apps")
	if code != exitDone || !strings.Contains(out, "ok    apps/platform/status: it is down while it is replaced\n") {
		t.Errorf("exit code %d\n%s%s", code, out, err)
	}
}
