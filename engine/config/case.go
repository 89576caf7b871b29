package config

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// Case is one test of a config repository, as it went. Folders and files are relative to Options.Dir, with slashes.
type Case struct {
	Name, Dir string // Dir is the folder of the app, or of the test's file
	App, Env  string
	Pos       plan.Pos
	// Findings are the conditions that are not met.
	Findings []Finding
	// Golden is the file that the plan's text must be in; "": none.
	Golden string
	// Document is the plan as it is encoded, where there is a golden file; nil where the plan is refused.
	Document []byte
	Refused  string
	// Deployment: no file has this test. It is the plan of an app in an environment, whose golden file is in Options.Golden.
	Deployment bool
}

// Tested is what Tests found.
type Tested struct {
	Cases []Case
	// Goldens are the golden files of all deployments, with Options.Golden; Options.Paths leaves none out.
	Goldens []string
}

// Tests runs the tests of a config repository: the cases in files that end with _test.cue, in the folders of Options.Paths, and with
// Options.Golden a case for each deployment of the apps there. A mistake in the config repository, or in a test, is an *Errors, and no
// case is run then.
func Tests(ctx context.Context, o Options) (Tested, error) {
	if o.Isolation == nil {
		return testHere(ctx, o)
	}
	a, err := isolated(ctx, o, request{Task: testingTask, Golden: o.Golden})
	if err != nil {
		return Tested{}, err
	}
	return a.Tested, a.err()
}

// testHere is Tests in this process.
func testHere(ctx context.Context, o Options) (Tested, error) {
	all := o
	all.Paths = nil
	l, err := loadAll(ctx, all)
	if err != nil {
		return Tested{}, err
	}
	within, err := l.limits(o.Paths)
	if err != nil {
		return Tested{}, err
	}
	files, diags, err := l.scanFor(ctx, isTest)
	if err != nil {
		return Tested{}, fmt.Errorf("looking for tests: %w", err)
	}
	if len(diags) > 0 {
		return Tested{}, &Errors{List: tidy(diags)}
	}
	t := tester{loading: l}
	t.tested = true
	for _, f := range t.packages(files) {
		if within.covers(filepath.Join(l.root, filepath.FromSlash(f.dir))) && (len(o.only) == 0 || slices.Contains(o.only, f.dir)) {
			t.folders = append(t.folders, f)
		}
	}
	cases, err := t.run(ctx)
	if err == nil && len(t.diags) > 0 {
		err = &Errors{List: tidy(merge(t.diags))}
	}
	found := Tested{Cases: cases}
	if err == nil && o.Golden != "" {
		found.deployments(&t, within, o.Golden)
	}
	return found, err
}

// isTest reports whether a file of this name holds tests.
func isTest(base string) bool {
	return strings.HasSuffix(base, "_test.cue") && !strings.HasPrefix(base, "_") && !strings.HasPrefix(base, ".")
}

// packages are the folders whose packages have tests: those with files for tests, and the apps below one with files of the same
// package. A folder that only the ones below it rest on has no tests of its own.
func (t *tester) packages(files []folder) []folder {
	known := map[string]folder{} // by folder and package
	for _, f := range t.loading.folders {
		known[f.dir+":"+f.pkg] = f
	}
	var out []folder
	for _, f := range files {
		below := false
		for _, g := range t.loading.folders {
			if !f.above(g) || g.kind == parent {
				continue
			}
			below = true
			if !slices.ContainsFunc(files, func(h folder) bool { return h.dir == g.dir && h.pkg == g.pkg }) {
				g.files, g.labels, g.used = f.files, f.labels, f.used
				out = append(out, g)
			}
		}
		if is, ok := known[f.dir+":"+f.pkg]; !ok && below || ok && is.kind == parent {
			continue
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b folder) int { return strings.Compare(a.dir, b.dir) })
	return slices.CompactFunc(out, func(a, b folder) bool { return a.dir == b.dir && a.pkg == b.pkg })
}

// goldenOf is where the text of a case's plan is kept.
func (m module) goldenOf(dir, name string) string {
	return m.show(filepath.Join(m.root, filepath.FromSlash(dir), "testdata", slug(name)+".plan.txt"))
}

// slug makes a file name of a case's name: letters, digits and dashes.
func slug(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return ' '
	}, strings.ToLower(name))
	return strings.Join(strings.Fields(strings.ReplaceAll(plain, "..", " ")), "-")
}
