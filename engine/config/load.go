package config

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options says what to load.
type Options struct {
	// Dir is the config repository, or a folder in it: the module's root is found upward. "" is the working folder.
	Dir string
	// Paths limits which apps' mistakes are reported: to those in these folders, relative to Dir or absolute. Everything
	// is loaded all the same, since apps can clash. Empty: all.
	Paths []string
	// Golden is the folder with a golden file for the plan of each app in each environment, as people know it; "": Tests has no such
	// cases.
	Golden string
	// MaxFile is how large a CUE file may be, in bytes; 0 is 32 KiB. It bounds what one file can ask of the evaluator.
	MaxFile int64
	// Isolation evaluates in another process, under bounds; nil: in this one, without.
	Isolation *Isolation

	only  []string          // packages to evaluate, by folder relative to the module's root; none: all
	begin func(work) func() // is told of each file and package, and what it gives of its end; nil: nobody wants to know
}

// defaultMaxFile is the size of the largest CUE file, in bytes: about 1,000 lines.
const defaultMaxFile = 32 << 10

// Load reads a config repository and checks all of it. The error is an *Errors with every mistake, or ctx's. Beside mistakes the
// workspace has at least its Files and Warnings.
func Load(ctx context.Context, o Options) (Workspace, error) {
	if o.Isolation == nil {
		return loadHere(ctx, o)
	}
	a, err := isolated(ctx, o, request{Task: loadingTask})
	if err != nil {
		return Workspace{}, err
	}
	return a.workspace()
}

// LoadApp reads nothing but the app in one folder, relative to the module's root. Neither mistakes elsewhere are told nor those that it has
// only beside others; nothing is deployed by it.
func LoadApp(ctx context.Context, o Options, folder string) (Workspace, error) {
	o.only = []string{folder}
	return Load(ctx, o)
}

// loadHere is Load in this process.
func loadHere(ctx context.Context, o Options) (Workspace, error) {
	l, err := loadAll(ctx, o)
	return l.Workspace, err
}

// loading is a config repository as it was loaded, with what is needed to evaluate more of it.
type loading struct {
	Workspace
	evaluator
	folders  []folder
	outcomes []outcome
}

// loadAll reads, evaluates and checks a config repository.
func loadAll(ctx context.Context, o Options) (loading, error) {
	e, err := o.evaluator()
	if err != nil {
		return loading{}, err
	}
	m := e.module
	within, err := m.limits(o.Paths)
	if err != nil {
		return loading{}, err
	}
	for _, dir := range o.only {
		within = append(within, filepath.Join(m.root, filepath.FromSlash(dir)))
	}
	folders, diags, err := m.scan(ctx)
	if err != nil {
		return loading{}, fmt.Errorf("looking for CUE files: %w", err)
	}
	missing, lost := m.unresolved(folders)
	e.lost = lost
	told := map[string]bool{}
	for _, d := range diags {
		told[d.Pos.File] = true
	}
	diags = append(diags, missing...)
	diags = slices.DeleteFunc(diags, func(d Diagnostic) bool { return !within.covers(m.file(d.Pos)) && m.isLeaf(folders, d.Pos) })
	outcomes, err := e.all(ctx, o.wanted(m.classify(folders)))
	if err != nil {
		return loading{}, fmt.Errorf("evaluating: %w", err)
	}
	l := loading{Workspace: newWorkspace(m, outcomes), evaluator: e, folders: folders, outcomes: outcomes}
	l.Files, l.packages = m.filesOf(folders), m.packages(folders)
	if len(o.only) == 0 {
		diags = append(diags, l.across(within)...)
	}
	for _, o := range outcomes {
		if !within.covers(filepath.Join(m.root, filepath.FromSlash(o.folder.dir))) && !o.folder.has("environments") {
			continue
		}
		for _, d := range o.diags {
			if !told[d.Pos.File] {
				diags = append(diags, d)
			}
		}
	}
	l.Warnings = tidy(append(l.Warnings, m.moved(folders)...))
	l.Sound = len(diags) == 0
	if len(o.only) == 0 {
		diags = append(diags, l.readPolicies()...)
	}
	if len(diags) > 0 {
		return l, &Errors{List: tidy(merge(diags))}
	}
	return l, nil
}

// across gives the mistakes across packages that concern what is asked about.
func (l *loading) across(within limits) []Diagnostic {
	return slices.DeleteFunc(slices.Concat(l.check(l.folders, l.outcomes), l.module.overshadowed(l.folders)), func(d Diagnostic) bool {
		return !within.concern(l.module, d)
	})
}

// evaluator is what evaluates packages of the module that the options name.
func (o Options) evaluator() (evaluator, error) {
	m, err := findModule(cmp.Or(o.Dir, "."), cmp.Or(o.MaxFile, defaultMaxFile))
	if err != nil {
		return evaluator{}, err
	}
	if m.begin = o.begin; m.begin == nil {
		m.begin = func(work) func() { return func() {} }
	}
	over, err := m.overlay()
	return evaluator{module: m, overlay: over}, err
}

// wanted leaves out what is not to be evaluated.
func (o Options) wanted(folders []folder) []folder {
	return slices.DeleteFunc(folders, func(f folder) bool { return len(o.only) > 0 && !slices.Contains(o.only, f.dir) })
}

// limits is the folders that mistakes are reported for; none: all.
type limits []string

func (m module) limits(paths []string) (limits, error) {
	var out limits
	for _, p := range paths {
		abs := p
		if !filepath.IsAbs(p) {
			abs = filepath.Join(m.base, p)
		}
		if _, err := os.Stat(abs); err != nil {
			return nil, failure(fmt.Sprintf("%s: no such folder", p), "")
		}
		if _, ok := m.rel(abs); !ok {
			return nil, failure(fmt.Sprintf("%s is not in the config repository %s", p, m.root), "")
		}
		out = append(out, filepath.Clean(abs))
	}
	return out, nil
}

// concern reports whether a mistake that crosses packages is to be told.
func (l limits) concern(m module, d Diagnostic) bool {
	return l.covers(m.file(d.Pos)) || d.also.File != "" && l.covers(m.file(d.also))
}

// covers reports whether a file or folder is within the limits.
func (l limits) covers(name string) bool {
	return len(l) == 0 || slices.ContainsFunc(l, func(dir string) bool {
		return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
	})
}
