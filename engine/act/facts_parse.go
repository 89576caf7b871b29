package act

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// seen is what the facts script said of one app on one host.
type seen struct {
	plan.Installed
	root, real string // as given with ~ resolved; with all links resolved
	problems   []string
	lock       *Holder
	asks       string  // the run that asked for approval here, and has no answer
	cut        *Holder // left by a run that was cut off
	logged     string  // last line of the step log
}

// userFacts is what the facts script said as one user.
type userFacts struct {
	home, user string
	root       bool // the user is root
	tools      []string
	apps       map[string]*seen
}

// factsParser takes in the script's lines.
type factsParser struct {
	out   userFacts
	app   *seen
	good  map[string]string // of the app
	links []string          // current: target, resolved
	trikk []string          // what trikk linked, and while it switched what was linked before
	found []string          // where the app's process works, then what its command line names
	end   bool
}

var errFacts = errors.New("the facts script answered nonsense")

func parseFacts(out []byte) (userFacts, error) {
	p := factsParser{out: userFacts{apps: map[string]*seen{}}}
	for line := range strings.Lines(string(out)) {
		key, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if err := p.line(key, rest); err != nil {
			return userFacts{}, fmt.Errorf("%w: %q: %w", errFacts, strings.TrimSpace(line), err)
		}
	}
	if !p.end {
		return userFacts{}, fmt.Errorf("%w: it broke off", errFacts)
	}
	return p.out, nil
}

func (p *factsParser) line(key, rest string) error {
	if key == "manifest" {
		return p.manifest(rest)
	}
	if key == "problem" {
		return p.problem(rest)
	}
	fields, err := decodeFields(rest)
	if err != nil {
		return err
	}
	f := fieldsOf(fields)
	switch key {
	case "user":
		p.out.user, p.out.root = f(0), f(1) == "0"
	case "home":
		p.out.home = f(0)
	case "tool":
		p.out.tools = append(p.out.tools, f(0))
	case "app":
		p.finish()
		p.app = &seen{Installed: plan.Installed{Home: p.out.home}}
		p.out.apps[f(0)] = p.app
	case "end":
		p.finish()
		p.end = true
	default:
		return p.fact(key, fields)
	}
	return nil
}

// fact is a line about the app at hand.
func (p *factsParser) fact(key string, fields []string) error {
	if p.app == nil {
		return errors.New("it belongs to no app")
	}
	a, f := p.app, fieldsOf(fields)
	switch key {
	case "root":
		a.root, a.real = f(0), f(1)
	case "current":
		p.links = []string{f(0), f(1)}
	case "linked":
		p.trikk = fields
	case "edited":
		return p.edited(f(0))
	case "release":
		a.Releases = append(a.Releases, plan.InstalledRelease{Name: f(0), Foreign: f(1) == "foreign"})
	case "good":
		p.good[f(0)] = f(1)
	case "trial":
		a.Trial = f(0)
	case "approval":
		if run, open := strings.CutSuffix(f(0), " "+asked); open {
			a.asks = run
		}
	case "cached":
		a.Cached = append(a.Cached, f(0))
	case "used":
		a.Used = append(a.Used, f(0))
	case "marked":
		a.Marked = true
	case "lock":
		a.lock = parseHolder(f(1))
		a.lock.Alive = f(0) == "held"
	case "cut":
		a.cut = parseHolder(f(0))
	case "logged":
		a.logged = f(0)
	case "service":
		a.Service = serviceState(f(0))
	case "cwd", "argument", "found":
		p.found = append(p.found, f(0))
	default:
		return errors.New("it is not known")
	}
	return nil
}

// fieldsOf finds the fields of a line by their index; one that is missing is "".
func fieldsOf(fields []string) func(int) string {
	return func(i int) string {
		if i < len(fields) {
			return fields[i]
		}
		return ""
	}
}

// edited adds a generated file to the release that was named last. Only what is inside the release counts.
func (p *factsParser) edited(name string) error {
	if len(p.app.Releases) == 0 {
		return errors.New("it belongs to no release")
	}
	r := &p.app.Releases[len(p.app.Releases)-1]
	if filepath.IsLocal(name) {
		r.Edited = append(r.Edited, name)
	}
	return nil
}

func (p *factsParser) problem(rest string) error {
	if p.app == nil {
		return errors.New("it belongs to no app")
	}
	words, err := decodeFields(rest)
	if err != nil {
		return err
	}
	p.app.problems = append(p.app.problems, strings.Join(words, " "))
	return nil
}

// manifest completes the release that was named last. One that can't be read leaves it incomplete.
func (p *factsParser) manifest(text string) error {
	if p.app == nil || len(p.app.Releases) == 0 {
		return errors.New("it belongs to no release")
	}
	r := &p.app.Releases[len(p.app.Releases)-1]
	if err := json.Unmarshal([]byte(text), &r.Manifest); err != nil || r.Manifest.Release != r.Name || strings.Contains(text, `\u0000`) {
		r.Manifest = plan.Manifest{}
		p.app.problems = append(p.app.problems, fmt.Sprintf("the manifest of release %s is damaged (rm %s/releases/%s/.trikk/manifest.json, and trikk apply installs it again where it is needed)", r.Name, p.app.root, r.Name))
		return nil
	}
	r.Complete = true
	return nil
}

// finish draws the conclusions that need all lines of an app.
func (p *factsParser) finish() {
	if a := p.app; a != nil {
		for i := range a.Releases {
			seq, good := p.good[a.Releases[i].Name]
			a.Releases[i].Good, a.Releases[i].GoodSeq = good, seq
			slices.Sort(a.Releases[i].Edited)
		}
		p.current()
		p.linked()
		a.Cut = a.cutOff()
		for _, place := range p.found {
			if a.Running = runningIn(place, a.real); a.Running != "" {
				break
			}
		}
		slices.SortFunc(a.Releases, func(x, y plan.InstalledRelease) int { return strings.Compare(x.Name, y.Name) })
		slices.Sort(a.Cached)
		slices.Sort(a.Used)
	}
	p.app, p.good, p.links, p.trikk, p.found = nil, map[string]string{}, nil, nil, nil
}

// linked names the release that trikk linked. A run that died while it switched recorded both what it was about to link and
// what was linked before: whichever is linked then, trikk linked it.
func (p *factsParser) linked() {
	if len(p.trikk) == 0 {
		return
	}
	p.app.Linked = p.trikk[0]
	if slices.Contains(p.trikk, p.app.Current) {
		p.app.Linked = p.app.Current
	}
}

// cutOff is the run that was cut off: by the mark that its holder left; or the one whose holder was killed itself, so that it still
// names the lock.
func (s *seen) cutOff() *plan.CutOff {
	by := s.cut
	if s.lock != nil && !s.lock.Alive {
		by = s.lock
	}
	if by == nil {
		return nil
	}
	cut := &plan.CutOff{Run: by.Run, Who: by.Who, Since: by.Since}
	if words := strings.Fields(s.logged); len(words) > 2 && words[0] == by.Run {
		cut.Step, cut.Ended = words[1], words[2] == "done"
	}
	return cut
}

// current names the release that the link points to: by its text, so that a dangling link is told too, else by where it
// leads to.
func (p *factsParser) current() {
	if len(p.links) == 0 {
		return
	}
	a := p.app
	target := p.links[0]
	if !path.IsAbs(target) {
		target = path.Join(a.root, target)
	}
	for _, try := range []struct{ place, root string }{{target, a.root}, {target, a.real}, {p.links[1], a.real}} {
		if name := releaseOf(try.place, try.root); name != "" && path.Join(try.root, "releases", name) == path.Clean(try.place) {
			a.Current = name
			return
		}
	}
	a.problems = append(a.problems, fmt.Sprintf("the link to the current release points to %s, which is none of trikk's releases (remove the link, or choose another layout.current)", p.links[0]))
}

// releaseOf is the name of the release that a place is in, or "".
func releaseOf(place, root string) string {
	rest, ok := strings.CutPrefix(place, root+"/releases/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(name, ".") {
		return ""
	}
	return name
}

// runningIn is the release that a process runs by the place that it works in, or "". One whose directory was removed, or replaced by the
// same release, is another one than what is there now.
func runningIn(place, root string) string {
	dir, gone := strings.CutSuffix(place, " (deleted)")
	name, inside := strings.CutPrefix(dir, root+"/releases/")
	if inside && strings.HasPrefix(name, ".") {
		name, _, gone = cutAside(name[1:])
	}
	if gone && name != "" && !strings.Contains(name, "/") {
		return name + plan.Removed
	}
	return releaseOf(dir, root)
}

// cutAside takes apart the name that a release's directory gets before it is removed.
func cutAside(name string) (release, rest string, aside bool) {
	if release, rest, aside = strings.Cut(name, ".old."); aside {
		return release, rest, true
	}
	return strings.Cut(name, ".pruned.")
}

// serviceState reads what systemctl is-active and the script itself say.
func serviceState(s string) string {
	switch s {
	case "active", "reloading", "activating", "deactivating":
		return "active"
	case "inactive", "failed":
		return "inactive"
	}
	return "unknown"
}

// decodeFields takes apart what put of the facts script wrote.
func decodeFields(rest string) ([]string, error) {
	if rest == "" {
		return nil, nil
	}
	fields := strings.Split(rest, " ")
	for i, f := range fields {
		if f == "%" {
			fields[i] = ""
			continue
		}
		d, err := url.PathUnescape(f)
		if err != nil {
			return nil, err
		}
		fields[i] = d
	}
	return fields, nil
}
