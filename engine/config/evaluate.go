package config

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	"trikk.dev/engine/plan"
)

const (
	// batchSize is how many packages share one CUE context: a context keeps about 320 KB a package for its whole life.
	batchSize = 20
	// fewest is how many packages are worth a context of their own: each context reads the schema again.
	fewest = 4
	// workers is how many contexts are at work at once.
	workers = 2
)

// outcome is what one package gave.
type outcome struct {
	folder folder
	apps   []plan.App
	envs   []plan.Environment
	json   map[source][]byte // what CUE made of each
	diags  []Diagnostic
	// name is the app's name where it could be read, also of an app with mistakes; "" where there is none.
	name string
	// places are where the fields of environments are written, by the environments' own places.
	places map[plan.Pos]map[string]plan.Pos
	// salvaged is what is sound where there are mistakes.
	salvaged salvaged
}

// source names an app in an environment, or an environment without an app.
type source struct{ app, env string }

// keep keeps what CUE made of one.
func (o *outcome) keep(s source, json []byte) {
	if o.json == nil {
		o.json = map[source][]byte{}
	}
	o.json[s] = json
}

// place keeps where the fields of an environment are written.
func (o *outcome) place(e plan.Environment, places map[string]plan.Pos) {
	if o.places == nil {
		o.places = map[plan.Pos]map[string]plan.Pos{}
	}
	o.places[e.Pos] = places
}

// failed reports whether the package has mistakes.
func (o outcome) failed() bool { return len(o.diags) > 0 }

// nameless reports whether the package may be an app whose name can't be read because of mistakes.
func (o outcome) nameless() bool { return o.failed() && o.name == "" && o.folder.mayBeApp() }

// evaluator evaluates packages of one module.
type evaluator struct {
	module
	overlay map[string]load.Source
	// inSource tells that apps are joined to the schema in their source; otherwise it is done when they are read.
	inSource bool
	lost     []token.Pos // imports of packages that don't exist, which are told
	// tested tells that files for tests belong to their packages.
	tested bool
}

// parseFile is how load reads a file.
type parseFile func(name string, src any, cfg parser.Config) (*ast.File, error)

// all evaluates folders, a batch at a time, and gives their outcomes in the same order.
func (e evaluator) all(ctx context.Context, folders []folder) ([]outcome, error) {
	size := min(max(fewest, (len(folders)+workers-1)/workers), batchSize)
	parts := slices.Collect(slices.Chunk(folders, size))
	out := make([][]outcome, len(parts))
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	for i, part := range parts {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() == nil {
				out[i] = e.batch(part)
			}
		})
	}
	wg.Wait()
	return slices.Concat(out...), ctx.Err()
}

// batch evaluates folders in one CUE context. What isn't sound is evaluated once more without the file that joins it to the schema,
// so that the mistakes are told of what people wrote.
func (e evaluator) batch(folders []folder) []outcome {
	out := e.joined(folders).together(folders)
	var again []folder
	for _, o := range out {
		if o.failed() {
			again = append(again, o.folder)
		}
	}
	if len(again) == 0 {
		return out
	}
	told := e.together(again)
	for i := range out {
		if out[i].failed() {
			out[i], told = told[0], told[1:]
		}
	}
	return out
}

// together evaluates folders in one CUE context.
func (e evaluator) together(folders []folder) []outcome {
	out := make([]outcome, len(folders))
	b, err := e.build(folders, nil)
	for i, f := range folders {
		if err != nil {
			out[i] = outcome{folder: f, diags: []Diagnostic{e.notLoaded(err)}}
			continue
		}
		out[i] = e.guarded(f, b.values[i], b.language)
	}
	return out
}

// notLoaded is the mistake that keeps all packages from being read: what the module file says.
func (m module) notLoaded(err error) Diagnostic {
	d := Diagnostic{Pos: m.inModuleFile(), Message: err.Error()}
	switch {
	case strings.Contains(d.Message, "is not available in version"):
		d.Pos = m.inModuleFile("language", "version")
		d.Message, d.Hint = "language.version is older than the schema's", "raise it to "+cue.LanguageVersion()
	case strings.Contains(d.Message, "cannot expand module graph"):
		d.Pos = m.inModuleFile("deps")
		d.Message, d.Hint = "deps are not fetched", "packages of other modules go under cue.mod/pkg"
	}
	return d
}

// built is packages in one CUE context.
type built struct {
	language language
	ctx      *cue.Context
	values   []loaded
}

// loaded is one package: its value, or why there is none.
type loaded struct {
	value cue.Value
	inst  *build.Instance
	ctx   *cue.Context
	err   error
}

// build loads and builds folders, with the schema, in a fresh context.
func (e evaluator) build(folders []folder, parse parseFile) (b built, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the CUE library gave up: %v", r)
		}
	}()
	args := []string{schemaImport}
	for _, f := range folders {
		args = append(args, "./"+f.dir+":"+f.pkg)
	}
	insts := load.Instances(args, &load.Config{
		Dir: e.root, ModuleRoot: e.root, Overlay: e.overlay, Env: []string{"CUE_REGISTRY=none"}, ParseFile: parse, Tests: e.tested,
	})
	if len(insts) != len(args) {
		return built{}, loadError(insts)
	}
	ctx := cuecontext.New()
	b.ctx = ctx
	schema := instance(ctx, insts[0])
	if schema.err != nil {
		return built{}, fmt.Errorf("reading the schema: %w", schema.err)
	}
	if b.language, err = newLanguage(ctx, schema.value); err != nil {
		return built{}, err
	}
	for i, in := range insts[1:] {
		ended := e.begin(work{folders[i].dir, folders[i].start(e.module).File})
		b.values = append(b.values, instance(ctx, in))
		ended()
	}
	return b, nil
}

// loadError is the error of a load that gave no instances of its own.
func loadError(insts []*build.Instance) error {
	for _, in := range insts {
		if in.Err != nil {
			return fmt.Errorf("loading: %w", in.Err)
		}
	}
	return fmt.Errorf("loading: %d packages came back", len(insts))
}

// instance builds one package.
func instance(ctx *cue.Context, in *build.Instance) loaded {
	if in.Err != nil {
		return loaded{err: in.Err}
	}
	v := ctx.BuildInstance(in)
	if in.Err != nil { // building found what loading didn't
		return loaded{err: in.Err}
	}
	if !v.Exists() {
		return loaded{err: v.Err()}
	}
	return loaded{value: v, inst: in, ctx: ctx}
}

func (e evaluator) reader(f folder, lang language) reader {
	return reader{evaluator: e, folder: f, language: lang, outcome: outcome{folder: f}, cuts: cuts{}}
}

// guarded evaluates one package; a panic of the evaluator is a mistake of the package.
func (e evaluator) guarded(f folder, l loaded, lang language) (o outcome) {
	defer func() {
		if r := recover(); r != nil {
			o = outcome{folder: f, diags: []Diagnostic{{Pos: f.start(e.module), Message: fmt.Sprintf("the CUE library gave up on this package: %v", r)}}}
		}
	}()
	defer e.begin(work{f.dir, f.start(e.module).File})()
	p := e.reader(f, lang)
	p.read(l)
	p.outcome.diags = tidy(merge(p.outcome.diags))
	return p.outcome
}
