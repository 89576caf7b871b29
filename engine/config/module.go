package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/mod/modfile"
	"trikk.dev/engine/plan"
)

// schemaImport is how users import the schema.
const schemaImport = "trikk.dev/schema"

// module is a CUE module on disk.
type module struct {
	root string // absolute
	path string // without the major version
	base string // absolute: what positions are relative to
	// maxFile bounds one file, in bytes: a very long expression overflows the evaluator's stack.
	maxFile int64
	begin   func(work) func() // see Options
}

// findModule finds the module that dir is in.
func findModule(dir string, maxFile int64) (module, error) {
	base, err := filepath.Abs(dir)
	if err != nil {
		return module{}, failure(fmt.Sprintf("finding the config repository: %v", err), "")
	}
	if fi, err := os.Stat(base); err != nil || !fi.IsDir() {
		return module{}, failure(fmt.Sprintf("%s: no such folder", dir), "")
	}
	for root := base; ; root = filepath.Dir(root) {
		name := filepath.Join(root, "cue.mod", "module.cue")
		m := module{root: root, base: base, maxFile: maxFile}
		data, err := m.moduleFile(name)
		if err == nil {
			m.path, err = m.read(name, data)
			return m, err
		}
		var wrong *Errors
		if errors.As(err, &wrong) {
			return module{}, wrong
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return module{}, failure(fmt.Sprintf("reading the module file: %v", err), "")
		}
		if root == filepath.Dir(root) {
			return module{}, failure(fmt.Sprintf("%s is not in a config repository: no cue.mod/module.cue here or above", dir), "trikk init makes one")
		}
	}
}

// moduleFile reads the module file, which must be one of the repository: a regular file of a sane size.
func (m module) moduleFile(name string) ([]byte, error) {
	refuse := func(name, message, hint string) ([]byte, error) {
		return nil, &Errors{List: []Diagnostic{{Pos: plan.Pos{File: m.show(name), Line: 1, Column: 1}, Message: message, Hint: hint}}}
	}
	for _, part := range []string{filepath.Dir(name), name} {
		fi, err := os.Lstat(part)
		switch {
		case err != nil:
			return nil, err
		case fi.Mode()&fs.ModeSymlink != 0:
			return refuse(part, "is a symbolic link", noLinks)
		case part == name && !fi.Mode().IsRegular():
			return refuse(part, "is not a regular file", "")
		case part == name && fi.Size() > m.maxFile:
			return refuse(part, m.tooLarge(fi.Size()), "")
		}
	}
	return os.ReadFile(name)
}

// tooLarge says that a file has too many bytes.
func (m module) tooLarge(size int64) string {
	return fmt.Sprintf("has %d KiB; a CUE file may have %d", (size+1023)>>10, m.maxFile>>10)
}

// read gives the path of the module from its module file.
func (m module) read(name string, data []byte) (string, error) {
	f, err := modfile.ParseNonStrict(data, name)
	if err == nil {
		p, _, _ := strings.Cut(f.Module, "@")
		return p, nil
	}
	if v := languageVersion(data); v != "" && strings.Contains(err.Error(), "too new") {
		d := Diagnostic{Pos: m.at(name, data, max(0, strings.Index(string(data), v))), Message: fmt.Sprintf("language.version %s is newer than this trikk knows", v), Hint: "the newest it knows is " + cue.LanguageVersion()}
		return "", &Errors{List: []Diagnostic{d}}
	}
	return "", &Errors{List: m.wrongModule(name, data, err)}
}

// languageVersion finds the version in a module file that the library refuses to read.
func languageVersion(data []byte) string {
	for line := range strings.Lines(string(data)) {
		if _, rest, ok := strings.Cut(line, "version:"); ok {
			return strings.Trim(strings.TrimSpace(rest), `"} `)
		}
	}
	return ""
}

// isSchema reports whether a file is the schema's, or is in no folder of the user's. Packages that the user put under cue.mod
// are the user's.
func (m module) isSchema(file string) bool {
	if filepath.Base(file) == joinedFile {
		return true
	}
	rel, ok := m.rel(file)
	if !ok || path.Base(rel) == joinedFile {
		return true
	}
	if rest, ok := strings.CutPrefix(rel, "cue.mod/"); ok {
		_, name, _ := strings.Cut(rest, "/") // pkg, gen or usr, then the import path
		return path.Dir(name) == schemaImport
	}
	return m.path == path.Dir(schemaImport) && path.Dir(rel) == path.Base(schemaImport)
}

// isUser reports whether a file is one that the user can edit.
func (m module) isUser(file string) bool { return file != "" && !m.isSchema(file) }

// rel gives a file's path relative to the root, with slashes.
func (m module) rel(file string) (string, bool) {
	r, err := filepath.Rel(m.root, file)
	if err != nil || !filepath.IsLocal(r) {
		return "", false
	}
	return filepath.ToSlash(r), true
}

// dirOf gives the folder of a package of this module by its import path.
func (m module) dirOf(importPath string) (string, bool) {
	if importPath == m.path {
		return ".", true
	}
	rest, ok := strings.CutPrefix(importPath, m.path+"/")
	return rest, ok
}
