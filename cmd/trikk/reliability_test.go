package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// faultRows is how many faults docs/reliability.md has to tell of.
const faultRows = 33

var (
	faultRow  = regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	inTicks   = regexp.MustCompile("`([^`]+)`")
	faultTest = regexp.MustCompile(`^TestFault(\d\d)`)
)

// TestReliabilityTable: docs/reliability.md has a row for each fault, each row names tests, each test is in the code, and each test that
// is named after a fault is in the row of that fault.
func TestReliabilityTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	named := map[int][]string{}
	for _, row := range faultRow.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.Atoi(row[1])
		if err != nil || n < 1 || n > faultRows {
			t.Errorf("there is no fault %s", row[1])
		}
		if named[n] != nil {
			t.Errorf("fault %d has two rows", n)
		}
		for _, m := range inTicks.FindAllStringSubmatch(row[4], -1) {
			named[n] = append(named[n], m[1])
			if !slices.Contains(tests, m[1]) {
				t.Errorf("fault %d: there is no test %s", n, m[1])
			}
		}
		for where := range strings.SplitSeq(row[5], ", ") {
			if !slices.Contains([]string{"real sshd", "real HAProxy", "in-process", "real shells", "pure"}, strings.TrimSpace(where)) {
				t.Errorf("fault %d: tests don't run in %q", n, where)
			}
		}
	}
	for n := 1; n <= faultRows; n++ {
		if len(named[n]) == 0 {
			t.Errorf("fault %d has no row, or no test", n)
		}
	}
	for _, name := range tests {
		m := faultTest.FindStringSubmatch(name)
		if m == nil || strings.Contains(name, "/") {
			continue
		}
		if n, _ := strconv.Atoi(m[1]); !slices.Contains(named[n], name) {
			t.Errorf("%s is not in the row of fault %d", name, n)
		}
	}
}

// testNames are all tests of the repository, and those of their subtests whose names are written out: TestBadHosts/closed port.
func testNames(t *testing.T) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(repository), ".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != "." {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				out = append(append(out, f.Name.Name), subtests(f)...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// subtests are the names that a test gives to t.Run as they are.
func subtests(f *ast.FuncDecl) []string {
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		if run, ok := call.Fun.(*ast.SelectorExpr); !ok || run.Sel.Name != "Run" {
			return true
		}
		if text, ok := call.Args[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
			if name, err := strconv.Unquote(text.Value); err == nil {
				out = append(out, f.Name.Name+"/"+name)
			}
		}
		return true
	})
	return out
}
