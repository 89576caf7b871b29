package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is what a folder may import: rooms of ours, other modules, and which packages of the standard library.
type room struct {
	ours    []string
	modules []string
	only    []string // if set, all it may import of the standard library
	never   []string // of the standard library
}

// rooms is the import table. A folder that is not here has no place: add a room only for a new responsibility, and say so in
// docs/design.
var rooms = map[string]room{
	"schema": {only: []string{"embed"}},
	"engine": {only: []string{}},
	"engine/plan": {only: []string{"bytes", "cmp", "crypto/sha256", "encoding/hex", "encoding/json", "errors", "fmt", "io", "maps", "math", "slices", "sort",
		"strconv", "strings", "time", "unicode", "unicode/utf8", "unicode/utf16"}},
	"engine/config":            {ours: []string{"engine/plan", "engine/sign", "schema"}, modules: []string{"cuelang.org/go", "mvdan.cc/sh/v3"}, never: []string{"net", "net/http"}},
	"engine/config/configtest": {never: []string{"testing", "net", "net/http"}},
	"engine/manual":            {modules: []string{"cuelang.org/go/cue/ast", "cuelang.org/go/cue/literal", "cuelang.org/go/cue/parser", "cuelang.org/go/cue/token"}, never: []string{"os", "net", "net/http"}},
	"engine/host": {modules: []string{"golang.org/x/crypto", "golang.org/x/sys", "github.com/pkg/sftp", "github.com/skeema/knownhosts", "github.com/kevinburke/ssh_config",
		"github.com/cenkalti/backoff/v5", "al.essio.dev/pkg/shellescape"}, never: []string{"net/http"}},
	"engine/host/hosttest": {ours: []string{"engine/host"}},
	"engine/host/sshtest":  {modules: []string{"golang.org/x/crypto", "github.com/pkg/sftp", "github.com/gliderlabs/ssh"}, never: []string{"testing", "net/http"}},
	"engine/proxy":         {ours: []string{"engine/plan", "engine/host"}, modules: []string{"al.essio.dev/pkg/shellescape"}, never: []string{"os", "os/exec"}},
	"engine/act": {ours: []string{"engine/plan", "engine/host", "engine/proxy", "engine/artifact", "engine/secret"},
		modules: []string{"al.essio.dev/pkg/shellescape", "github.com/aymanbagabas/go-udiff"}},
	"engine/survey": {ours: []string{"engine/plan", "engine/host"}, modules: []string{"al.essio.dev/pkg/shellescape"}, never: []string{"os", "os/exec", "net/http"}},
	"engine/artifact": {ours: []string{"engine/plan"}, never: []string{"os/exec"},
		modules: []string{"github.com/cenkalti/backoff/v5", "github.com/adrg/xdg", "github.com/klauspost/compress"}},
	"engine/model":  {ours: []string{"engine/plan", "engine/host", "engine/run"}, never: []string{"os", "os/exec", "net/http"}},
	"engine/run":    {ours: []string{"engine/plan"}, never: []string{"net", "net/http", "os/exec"}},
	"engine/notify": {ours: []string{"engine/plan"}, modules: []string{"github.com/wneessen/go-mail", "github.com/slack-go/slack", "github.com/cenkalti/backoff/v5"}, never: []string{"os/exec"}},
	"engine/secret": {ours: []string{"engine/plan"}, modules: []string{"filippo.io/age"}, never: []string{"net", "net/http"}},
	"engine/sign":   {ours: []string{"engine/plan"}, modules: []string{"golang.org/x/crypto"}, never: []string{"os", "os/exec", "net", "net/http", "time"}},
	"engine/demo":   {ours: []string{"engine/...", "schema"}, modules: []string{"golang.org/x/crypto", "github.com/pkg/sftp", "github.com/gliderlabs/ssh"}, never: []string{"testing"}},
	"cmd/trikk":     {ours: []string{"engine/...", "schema"}, modules: []string{"*"}, never: []string{"testing"}},
	"cmd/largerepo": {ours: []string{"engine/config/configtest"}},
	"cmd/schemadoc": {ours: []string{"schema", "engine/manual"}},
	"e2e":           {ours: []string{"engine/...", "schema", "cmd/..."}, modules: []string{"*"}},
	"e2e/testapp":   {},
	"e2e/zeroloss":  {ours: []string{"e2e"}},
	"e2e/batch":     {ours: []string{"e2e"}},
	"e2e/caddy":     {modules: []string{"github.com/caddyserver/caddy/v2"}}, // a module of its own: nothing else may import it
}

// noNames are names of folders that hold what has no place of its own.
var noNames = []string{"util", "utils", "common", "types", "helpers", "helper", "errors", "misc", "shared", "lib"}

// goFile is one parsed file of the repository.
type goFile struct {
	path  string // relative to the repository, with slashes
	set   *token.FileSet
	ast   *ast.File
	lines int
}

func (f goFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// at is where something is in the file.
func (f goFile) at(n ast.Node) string {
	return f.path + ":" + strconv.Itoa(f.set.Position(n.Pos()).Line)
}

// imports are the paths that the file imports.
func (f goFile) imports() []string {
	var out []string
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// uses calls report for each use of a name of an imported package of the standard library.
func (f goFile) uses(pkg string, report func(n ast.Node, name string)) {
	local := ""
	for _, spec := range f.ast.Imports {
		if spec.Path.Value != strconv.Quote(pkg) {
			continue
		}
		local = path.Base(pkg)
		if spec.Name != nil {
			local = spec.Name.Name
		}
	}
	if local == "" {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
				report(n, s.Sel.Name)
			}
		}
		return true
	})
}

// goFiles parses every Go file of the repository.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var out []goFile
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(filepath.ToSlash(name), "../")
		out = append(out, goFile{path: rel, set: set, ast: tree, lines: strings.Count(string(text), "\n")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d Go files were found", len(out))
	}
	return out
}

func TestImportTable(t *testing.T) {
	for _, f := range goFiles(t) {
		dir := path.Dir(f.path)
		r, ok := rooms[dir]
		if !ok {
			t.Errorf("%s: %s is no room of the import table", f.path, dir)
			continue
		}
		if f.test() {
			continue
		}
		for _, p := range f.imports() {
			if !r.allows(p) {
				t.Errorf("%s: %s may not import %s", f.path, dir, p)
			}
		}
	}
}

// allows tells whether a room may import a package.
func (r room) allows(p string) bool {
	if ours, ok := strings.CutPrefix(p, "trikk.dev/"); ok {
		return slices.ContainsFunc(r.ours, func(a string) bool {
			parent, all := strings.CutSuffix(a, "/...")
			return ours == a || all && strings.HasPrefix(ours, parent+"/")
		})
	}
	if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") {
		return slices.ContainsFunc(r.modules, func(m string) bool { return m == "*" || p == m || strings.HasPrefix(p, m+"/") })
	}
	if r.only != nil {
		return slices.Contains(r.only, p)
	}
	return !slices.Contains(r.never, p)
}

// The table itself refuses what it should: an empty check would pass everything.
func TestImportTableRefuses(t *testing.T) {
	for _, test := range []struct{ dir, pkg string }{
		{"engine/plan", "os"}, {"engine/plan", "net"}, {"engine/plan", "context"}, {"engine/plan", "math/rand"}, {"engine/plan", "crypto/rand"}, {"engine/plan", "os/exec"},
		{"engine/plan", "trikk.dev/engine/host"}, {"engine/plan", "cuelang.org/go/cue"}, {"engine/run", "trikk.dev/engine/act"}, {"engine/host", "trikk.dev/engine/plan"},
		{"engine/proxy", "trikk.dev/engine/act"}, {"engine/act", "trikk.dev/engine/config"}, {"engine/config", "trikk.dev/engine/host"}, {"schema", "os"}, {"engine", "fmt"},
		{"engine/demo", "testing"}, {"engine/host/sshtest", "testing"}, {"engine/artifact", "trikk.dev/engine/host"}, {"engine/secret", "trikk.dev/engine/artifact"},
	} {
		if rooms[test.dir].allows(test.pkg) {
			t.Errorf("%s may import %s", test.dir, test.pkg)
		}
	}
}

// The plan is pure: no clock, and so the same input gives the same plan at any time.
func TestPlanReadsNoClock(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local", "LoadLocation"}
	for _, f := range goFiles(t) {
		if path.Dir(f.path) != "engine/plan" || f.test() {
			continue
		}
		f.uses("time", func(n ast.Node, name string) {
			if slices.Contains(clock, name) {
				t.Errorf("%s: time.%s", f.at(n), name)
			}
		})
	}
}

func TestOnlyCommandsPrintAndOnlyMainExits(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test() || strings.HasPrefix(f.path, "e2e/") {
			continue // tests, and the programs that they run
		}
		commands := strings.HasPrefix(f.path, "cmd/")
		f.uses("fmt", func(n ast.Node, name string) {
			if strings.HasPrefix(name, "Print") {
				t.Errorf("%s: fmt.%s: commands print to the writers they were given, and nothing else prints", f.at(n), name)
			}
		})
		f.uses("os", func(n ast.Node, name string) {
			if slices.Contains([]string{"Stdout", "Stderr", "Stdin"}, name) && !commands {
				t.Errorf("%s: os.%s: only commands print", f.at(n), name)
			}
			if name == "Exit" && path.Base(f.path) != "main.go" {
				t.Errorf("%s: only main exits", f.at(n))
			}
		})
		f.uses("log", func(n ast.Node, name string) { t.Errorf("%s: log.%s: only commands print", f.at(n), name) })
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if x, ok := c.Fun.(*ast.Ident); ok && (x.Name == "println" || x.Name == "print") {
					t.Errorf("%s: %s", f.at(n), x.Name)
				}
			}
			return true
		})
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.lines >= 400 {
			t.Errorf("%s has %d lines; a file has less than 400", f.path, f.lines)
		}
	}
}

func TestFoldersHaveANoun(t *testing.T) {
	for _, f := range goFiles(t) {
		if name := path.Base(path.Dir(f.path)); slices.Contains(noNames, name) {
			t.Errorf("%s: %s says nothing", f.path, name)
		}
	}
}

func TestTopLevel(t *testing.T) {
	want := []string{"apps", "cmd", "cue.mod", "docs", "e2e", "engine", "schema"}
	built := []string{"bin", "dist"} // ignored by git
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(built, e.Name()) {
			got = append(got, e.Name())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the top level holds %q, not %q", got, want)
	}
	for file, line := range map[string]string{"../go.mod": "module trikk.dev\n", "../cue.mod/module.cue": "module: \"trikk.dev@v0\"\n"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(text), line) {
			t.Errorf("%s lacks %q", file, line)
		}
	}
}
