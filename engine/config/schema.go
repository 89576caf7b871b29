package config

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/load"
	"trikk.dev/schema"
)

// language is the schema's values in one CUE context.
type language struct {
	schema      cue.Value
	app         cue.Value
	deployment  cue.Value
	environment cue.Value
	inventory   cue.Value // environments by name
	unions      cue.Value // for CUE, a union of which only "_" is written isn't a struct yet
}

// newLanguage looks up what this package needs of the built schema.
func newLanguage(ctx *cue.Context, v cue.Value) (language, error) {
	l := language{
		schema:      v,
		app:         v.LookupPath(cue.MakePath(cue.Def("App"))),
		deployment:  v.LookupPath(cue.MakePath(cue.Def("Deployment"))),
		environment: v.LookupPath(cue.MakePath(cue.Def("Environment"))),
		inventory:   ctx.CompileString("close({[#Name]: #Environment})", cue.Scope(v)),
		unions:      ctx.CompileString(unions),
	}
	for _, w := range []cue.Value{v, l.app, l.deployment, l.environment, l.inventory, l.unions} {
		if err := w.Err(); err != nil {
			return language{}, fmt.Errorf("reading the schema: %w", err)
		}
	}
	return l, nil
}

// overlay lays the binary's copy of the schema over the one in the repository, so that the two can't differ. In the module
// that the schema belongs to there is only one.
func (m module) overlay() (map[string]load.Source, error) {
	if m.path == path.Dir(schemaImport) {
		return nil, nil
	}
	dir := filepath.Join(m.root, "cue.mod", "pkg", filepath.FromSlash(schemaImport))
	over := map[string]load.Source{}
	if entries, err := os.ReadDir(dir); err == nil {
		for _, e := range entries { // a file that the schema no longer has
			if strings.HasSuffix(e.Name(), ".cue") {
				over[filepath.Join(dir, e.Name())] = load.FromString("package " + path.Base(schemaImport) + "\n")
			}
		}
	}
	names, err := fs.Glob(schema.FS, "*.cue")
	if err != nil {
		return nil, fmt.Errorf("listing the schema: %w", err)
	}
	for _, n := range names {
		data, err := schema.FS.ReadFile(n)
		if err != nil {
			return nil, fmt.Errorf("reading the schema: %w", err)
		}
		over[filepath.Join(dir, n)] = load.FromBytes(data)
	}
	return over, nil
}
