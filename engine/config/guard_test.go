package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/config"
)

const small = `
-- apps/a/app.cue --
package a

import "trikk.dev/schema"

app: schema.#App & {
	name: "a"
	artifact: url: url: "https://repo.example/a.zip"
	environments: prod: servers: ["app01"]
}
`

// lines loads a folder and gives the mistakes, one a line.
func lines(t *testing.T, o config.Options) string {
	t.Helper()
	_, err := config.Load(t.Context(), o)
	var wrong *config.Errors
	if err != nil && !errors.As(err, &wrong) {
		t.Fatalf("error %v is not *config.Errors", err)
	}
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), o.Dir, "DIR")
}

func TestRefusedFiles(t *testing.T) {
	link := func(t *testing.T, from, to string) {
		t.Helper()
		if err := os.Symlink(from, to); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"a linked file": {
			func(t *testing.T, dir string) { link(t, "app.cue", filepath.Join(dir, "apps/a/b.cue")) },
			"apps/a/b.cue:1:1: is a symbolic link (a config repository has no symbolic links: copy the file, or import the package)",
		},
		"a dangling link": {
			func(t *testing.T, dir string) { link(t, "nowhere", filepath.Join(dir, "apps/a/b.cue")) },
			"apps/a/b.cue:1:1: is a symbolic link (a config repository has no symbolic links: copy the file, or import the package)",
		},
		"a linked folder": {
			func(t *testing.T, dir string) { link(t, "a", filepath.Join(dir, "apps/b")) },
			"apps/b:1:1: is a symbolic link to a folder with CUE files (a config repository has no symbolic links: copy the file, or import the package)",
		},
		"a linked folder of other things": {
			func(t *testing.T, dir string) { link(t, t.TempDir(), filepath.Join(dir, "apps/b")) },
			"",
		},
		"a large file": {
			func(t *testing.T, dir string) {
				data := "package a\n\n_x: \"" + strings.Repeat("x", 32<<10) + "\"\n"
				if err := os.WriteFile(filepath.Join(dir, "apps/a/big.cue"), []byte(data), 0o644); err != nil {
					t.Fatal(err)
				}
			},
			"apps/a/big.cue:1:1: has 33 KiB; a CUE file may have 32 (split the file, or raise --cue-file)",
		},
		"a large file of another module": {
			func(t *testing.T, dir string) {
				p := filepath.Join(dir, "cue.mod/pkg/other.example/big.cue")
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte("package other\n"+strings.Repeat(" ", 32<<10)), 0o644); err != nil {
					t.Fatal(err)
				}
			},
			"cue.mod/pkg/other.example/big.cue:1:1: has 33 KiB; a CUE file may have 32 (split the file, or raise --cue-file)",
		},
		"another module below": {
			func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, "other"), parse("-- bad.cue --\nnot cue {\n"))
			},
			"",
		},
		"folders that CUE skips": {
			func(t *testing.T, dir string) {
				for _, d := range []string{".git", "_old", "testdata"} {
					if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, d, "x.cue"), []byte("{"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, parse(small))
			tc.spoil(t, dir)
			if got := lines(t, config.Options{Dir: dir}); got != tc.want {
				t.Errorf("got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestNotARepository(t *testing.T) {
	dir := t.TempDir()
	if got, want := lines(t, config.Options{Dir: dir}), "DIR is not in a config repository: no cue.mod/module.cue here or above (trikk init makes one)"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	gone := filepath.Join(dir, "gone")
	if got, want := lines(t, config.Options{Dir: gone}), "DIR: no such folder"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestPathsLimitWhatIsTold(t *testing.T) {
	dir := t.TempDir()
	bad := strings.NewReplacer("-- apps/a", "-- apps/b", "package a", "package b", `name: "a"`, `name: "b"`+"\n\tvrsion: 1").Replace(small)
	broken := "-- apps/c/app.cue --\npackage c\n\napp: {\n"
	clash := strings.NewReplacer("-- apps/a", "-- apps/d", "package a", "package d", `name: "a"`, `name: "d"`+"\n\tlayout: root: \"~/a\"").Replace(small)
	write(t, dir, parse(small+bad+broken+clash))
	for name, tc := range map[string]struct {
		paths []string
		want  []string
	}{
		"all":             {nil, []string{"apps/b/app.cue:7:2: unknown", "apps/c/app.cue:4:2: expected", "apps/d/app.cue:7:16: directory"}},
		"one wrong":       {[]string{"apps/b"}, []string{"apps/b/app.cue:7:2: unknown"}},
		"one broken":      {[]string{filepath.Join(dir, "apps", "c")}, []string{"apps/c/app.cue:4:2: expected"}},
		"half of a clash": {[]string{"apps/a/"}, []string{"apps/d/app.cue:7:16: directory"}},
		"the inventory":   {[]string{"./inventory"}, nil},
		"missing":         {[]string{"apps/x"}, []string{"apps/x: no such folder"}},
		"outside":         {[]string{".."}, []string{".. is not in the config repository"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := lines(t, config.Options{Dir: dir, Paths: tc.paths})
			ls := strings.Split(got, "\n")
			if got == "" {
				ls = nil
			}
			if len(ls) != len(tc.want) {
				t.Fatalf("got %s\nwant %q", got, tc.want)
			}
			for i := range ls {
				if !strings.HasPrefix(ls[i], tc.want[i]) {
					t.Errorf("got %s\nwant %s", ls[i], tc.want[i])
				}
			}
		})
	}
}
