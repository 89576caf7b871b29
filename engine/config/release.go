package config

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/cue/parser"
	"trikk.dev/engine/plan"
)

// Release is versions of apps that belong together, as a file of its own says.
type Release struct {
	Name string
	Apps map[string]ReleaseVersion
}

// ReleaseVersion is one app's version, and where the app is named.
type ReleaseVersion struct {
	Version string
	Pos     plan.Pos
}

const (
	releaseField = "release"
	releaseForm  = "the form is release: {name: \"2026.11\", apps: {map: \"1.4.2\"}}"
)

// ReadRelease reads a release file of the config repository; a relative path starts from Options.Dir. Mistakes are an *Errors.
func ReadRelease(ctx context.Context, o Options, file string) (Release, error) {
	if o.Isolation == nil {
		return releaseHere(o, file)
	}
	a, err := isolated(ctx, o, request{Task: releasingTask, Release: file})
	if err != nil {
		return Release{}, err
	}
	return a.Release, a.err()
}

// releaseHere is ReadRelease in this process.
func releaseHere(o Options, file string) (out Release, err error) {
	e, err := o.evaluator()
	if err != nil {
		return Release{}, err
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(e.base, file)
	}
	defer func() {
		if r := recover(); r != nil {
			err = failure(fmt.Sprintf("%s: the CUE library gave up: %v", e.show(file), r), "")
		}
	}()
	defer e.begin(work{File: e.show(file)})()
	out, wrong := e.release(file)
	if len(wrong) > 0 {
		return Release{}, &Errors{List: tidy(merge(wrong))}
	}
	return out, nil
}

// release reads one release file.
func (e evaluator) release(file string) (Release, []Diagnostic) {
	start := plan.Pos{File: e.show(file), Line: 1, Column: 1}
	if wrong := e.releaseFile(file, start); len(wrong) > 0 {
		return Release{}, wrong
	}
	config := &load.Config{Dir: e.root, ModuleRoot: e.root, Overlay: e.overlay, Env: []string{"CUE_REGISTRY=none"}}
	ctx := cuecontext.New()
	schema := instance(ctx, load.Instances([]string{schemaImport}, config)[0])
	if schema.err != nil {
		return Release{}, []Diagnostic{e.notLoaded(fmt.Errorf("reading the schema: %w", schema.err))}
	}
	l := instance(ctx, load.Instances([]string{file}, config)[0])
	if l.err != nil {
		return Release{}, e.plain(l.err)
	}
	known := schema.value.LookupPath(cue.MakePath(cue.Def("Release")))
	if unknown := e.misnamedFields(l.inst.Files, releaseField, known); len(unknown) > 0 {
		return Release{}, unknown
	}
	v := field(l.value, releaseField)
	if !v.Exists() {
		return Release{}, []Diagnostic{{Pos: start, Message: "the file has no release", Hint: releaseForm}}
	}
	v = v.Unify(known)
	begin := e.pos(e.valuePos(v))
	if begin.File == "" {
		begin = start
	}
	if open := e.openIn(v); len(open) > 0 {
		return Release{}, open
	}
	if err := v.Validate(cue.Concrete(true), cue.All()); err != nil {
		return Release{}, e.located(begin, err)
	}
	return e.readRelease(v, begin)
}

// openIn finds what is written in a release and has no value.
func (m module) openIn(v cue.Value) (out []Diagnostic) {
	look := func(path string, w cue.Value) {
		if pos := m.valuePos(w); w.IncompleteKind() == cue.StringKind && !w.IsConcrete() && pos.IsValid() {
			out = append(out, Diagnostic{Pos: m.pos(pos), Path: path, Message: "has no value yet", Hint: "a release has texts: \"1.4.2\""})
		}
	}
	for name, w := range children(v) {
		look("release."+name, w)
	}
	for name, w := range children(field(v, "apps")) {
		look("release.apps."+name, w)
	}
	return out
}

// readRelease takes a release out of a value that is sound.
func (m module) readRelease(v cue.Value, begin plan.Pos) (Release, []Diagnostic) {
	out := Release{Apps: map[string]ReleaseVersion{}}
	var read struct {
		Name string            `json:"name"`
		Apps map[string]string `json:"apps"`
	}
	if _, err := decode(v, &read); err != nil {
		return out, []Diagnostic{{Pos: begin, Message: err.Error()}}
	}
	out.Name = read.Name
	for name, w := range children(field(v, "apps")) {
		pos := m.pos(m.labelPos(w))
		if pos.File == "" {
			pos = begin
		}
		out.Apps[name] = ReleaseVersion{Version: read.Apps[name], Pos: pos}
	}
	return out, nil
}

// releaseFile finds what keeps a file from being read as a release.
func (m module) releaseFile(file string, start plan.Pos) []Diagnostic {
	refuse := func(message, hint string) []Diagnostic {
		return []Diagnostic{{Pos: start, Message: message, Hint: hint}}
	}
	if _, inside := m.rel(file); !inside {
		return refuse("is not in the config repository "+m.root, "a release is a file of the config repository, so that it is looked at as that is")
	}
	fi, err := os.Lstat(file)
	switch {
	case err != nil:
		return refuse("there is no such file", "")
	case !fi.Mode().IsRegular():
		return refuse("is not a regular file", "")
	case !strings.HasSuffix(file, ".cue"):
		return refuse("is no CUE file", "its name ends with .cue")
	case fi.Size() > m.maxFile:
		return refuse(m.tooLarge(fi.Size()), "raise --cue-file")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return refuse("can't be read: "+withoutPath(err).Error(), "")
	}
	f, err := parser.ParseFile(file, data)
	if err != nil {
		return assigned(withoutEcho(m.plain(err)), data)
	}
	if f.PackageName() != "" {
		return refuse("has a package clause", "remove it: a release is a file by itself")
	}
	if a := hasAttribute(f, "@extern("); a != nil {
		return []Diagnostic{{Pos: m.pos(a.Pos()), Message: a.Text + " is not allowed in a config repository", Hint: "write the text into the CUE file"}}
	}
	for _, l := range m.labels(f) {
		if l.name != releaseField && (l.name == "" || !strings.ContainsAny(l.name[:1], "_#")) {
			return []Diagnostic{{Pos: l.pos, Message: "does not belong here: a release file has the field release, and no other", Hint: releaseForm}}
		}
	}
	return nil
}

// isRelease reports whether a file without a package clause is a release, which belongs to no package.
func (m module) isRelease(f *ast.File) bool {
	return slices.ContainsFunc(m.labels(f), func(l label) bool { return l.name == releaseField })
}

// Fits checks that all apps of a release are deployed in an environment. The error is an *Errors.
func (w Workspace) Fits(r Release, env string) error {
	var names, here []string
	for _, a := range w.apps {
		names = append(names, a.Name)
		if a.Env == env {
			here = append(here, a.Name)
		}
	}
	var wrong []Diagnostic
	for _, name := range slices.Sorted(maps.Keys(r.Apps)) {
		d := Diagnostic{Pos: r.Apps[name].Pos, Path: "release.apps." + name, exact: true}
		switch {
		case slices.Contains(here, name):
			continue
		case slices.Contains(names, name):
			d.Message = fmt.Sprintf("app %q is not deployed in environment %q", name, env)
		default:
			d.Message, d.Hint = fmt.Sprintf("unknown app %q", name), suggest(name, names)
		}
		wrong = append(wrong, d)
	}
	if len(wrong) > 0 {
		return &Errors{List: tidy(wrong)}
	}
	return nil
}
