package model

import (
	"encoding/hex"
	"fmt"
	"strings"

	"trikk.dev/engine/plan"
)

// generated is one generated file of a release. Its texts begin with "=", so that an empty file is none that is missing.
type generated struct {
	has   string // "": it is missing
	wrote string // by trikk, as it recorded it; "": nothing is recorded
}

// edited tells whether the file is not as trikk wrote it.
func (g generated) edited() bool { return g.wrote != "" && g.has != g.wrote }

// edited are the paths of a release's generated files that are not as trikk wrote them, sorted.
func (r *release) edited() []string {
	var out []string
	for _, path := range sortedKeys(r.files) {
		if r.files[path].edited() {
			out = append(out, path)
		}
	}
	return out
}

// set replaces a file.
func (r *release) set(path string, g generated) {
	if r.files == nil {
		r.files = map[string]generated{}
	}
	r.files[path] = g
}

// editedFile is a file of a release on one host of an app.
type editedFile struct{ app, host, release, path string }

func (e editedFile) String() string {
	return fmt.Sprintf("%s of %s in %s on %s", e.path, e.app, e.release, e.host)
}

// write does what the op's shell does: what somebody edited is copied aside before it is written over.
func (p *place) write(op plan.Write) end {
	r := p.releases[op.Release]
	if r == nil {
		return failed("%s is not there: unpack the release first", op.Release)
	}
	was := r.files[op.Path]
	if op.Back {
		return p.writeBack(r, op, was)
	}
	now := generated{"=" + op.Content, "=" + op.Content}
	if was.edited() && was.has != now.has {
		p.aside(op.Release, op.Path, op.Keep, was.has)
	}
	r.set(op.Path, now)
	return unchanged(was == now)
}

// writeBack gives the edit that the run kept its place again, unless somebody edited the file anew.
func (p *place) writeBack(r *release, op plan.Write, was generated) end {
	kept := p.kept[keptAs(op.Release, op.Path, op.Keep)]
	if len(kept) == 0 || was.has != "" && was.edited() {
		return same
	}
	r.set(op.Path, generated{kept[len(kept)-1], was.wrote})
	return changed
}

// keptAs is the name by which the edits of a file are kept that a run found.
func keptAs(release, path, run string) string { return release + "/" + path + "." + run }

// aside keeps an edit, once.
func (p *place) aside(release, path, run, text string) {
	if text == "" {
		return
	}
	name := keptAs(release, path, run)
	for _, k := range p.kept[name] {
		if k == text {
			return
		}
	}
	if p.kept == nil {
		p.kept = map[string][]string{}
	}
	p.kept[name] = append(p.kept[name], text)
}

// keepEdits keeps the edits of a release that is about to go.
func (p *place) keepEdits(name, run string) {
	r := p.releases[name]
	if r == nil {
		return
	}
	for _, path := range r.edited() {
		p.aside(name, path, run, r.files[path].has)
	}
}

// Edit lets somebody change the generated files of the live release of an app on a host, or remove them where text is "".
func (f *Fleet) Edit(app, host, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.place(host, app)
	if p == nil || p.releases[p.current] == nil {
		return
	}
	r := p.releases[p.current]
	for _, path := range sortedKeys(r.files) {
		g := r.files[path]
		where := editedFile{app, host, p.current, path}
		delete(f.edits, where)
		g.has = ""
		if text != "" {
			g.has = "=" + text
			f.edits[where] = g.has
		}
		r.set(path, g)
	}
}

// checkEdits: what somebody wrote into a generated file is where it was, or among what is kept.
func (f *Fleet) checkEdits(what, host string) {
	for where, text := range f.edits {
		if where.host == host && !f.hasEdit(where, text) && !f.isKept(where, text) {
			f.breaks("%s: the edit of %s is lost", what, where)
			delete(f.edits, where)
		}
	}
}

func (f *Fleet) hasEdit(where editedFile, text string) bool {
	r := f.place(where.host, where.app).releases[where.release]
	return r != nil && r.files[where.path].has == text
}

func (f *Fleet) isKept(where editedFile, text string) bool {
	p := f.place(where.host, where.app)
	for name, kept := range p.kept {
		if !strings.HasPrefix(name, keptAs(where.release, where.path, "")) {
			continue
		}
		for _, k := range kept {
			if k == text {
				return true
			}
		}
	}
	return false
}

// inPlace are the edits that are where somebody made them.
func (f *Fleet) inPlace() map[editedFile]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[editedFile]string{}
	for where, text := range f.edits {
		if f.hasEdit(where, text) {
			out[where] = text
		}
	}
	return out
}

// lastEdit is what somebody wrote there last; "": nobody did, or removed the file since.
func (f *Fleet) lastEdit(where editedFile) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.edits[where]
}

// diffLines answers what edits changed: two lines a file. Arguments: two a file, release and path.
func (p *place) diffLines(args []string) string {
	var b strings.Builder
	for ; len(args) >= 2; args = args[2:] {
		var g generated
		if r := p.releases[args[0]]; r != nil {
			g = r.files[args[1]]
		}
		for _, text := range []string{g.wrote, g.has} {
			if text == "" {
				b.WriteString("none\n")
				continue
			}
			b.WriteString("text " + hex.EncodeToString([]byte(text[1:])) + "\n")
		}
	}
	return b.String() + "end\n"
}
