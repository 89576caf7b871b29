package model

import (
	"encoding/json"
	"slices"
	"time"

	"trikk.dev/engine/plan"
)

// place is what one host has of one app.
type place struct {
	app      string
	root     string
	home     string
	releases map[string]*release
	current  string          // release that the link names; "" without a link
	linked   string          // release that was linked last by a run; "": that is not recorded
	trial    string          // release that is on trial; "": none
	marked   map[string]bool // files under <root>/shared that exist
	good     map[string]string
	used     map[string]string // by plan: the run that recorded it
	cached   map[string]bool
	log      []string  // the step log
	lock     string    // lock.info; "" without one
	held     *lease    // holds the lock
	freed    time.Time // when the lock was freed last
	cut      string    // lock.info of a run whose controller died

	running     string        // release that the process runs; "" without a process
	hidden      bool          // which release runs can't be told
	unsure      bool          // whether a process runs can't be told
	answersFrom time.Time     // when the process began, or will begin, to answer
	never       bool          // the process never answers
	sick        bool          // no process that is started here ever answers
	dangled     bool          // told already: current names no complete release
	crash       time.Duration // the next process dies so long after it began to answer; 0: it doesn't
	dies        time.Time     // when the process ends by itself; zero: never
	hooks       []string      // hooks that were run, by release and command

	kept map[string][]string // edits that were copied aside, by keptAs
}

// release is one directory under releases/.
type release struct {
	complete bool
	files    map[string]generated // by path
	manifest plan.Manifest
}

// newPlace puts on a host what facts say of it.
func newPlace(app plan.App, at plan.Installed) *place {
	p := &place{app: app.Name, root: app.Layout.Root, home: at.Home, releases: map[string]*release{}, current: at.Current, linked: at.Linked, trial: at.Trial,
		marked: map[string]bool{}, good: map[string]string{}, used: map[string]string{}, cached: map[string]bool{}}
	for _, r := range at.Releases {
		p.releases[r.Name] = newRelease(r)
		if r.Good {
			p.good[r.Name] = r.GoodSeq
		}
	}
	for _, c := range at.Cached {
		p.cached[c] = true
	}
	for _, u := range at.Used {
		p.used[u] = "another run"
	}
	if app.Marker != "" {
		p.mark(app.Marker, at.Marked)
	}
	if at.Cut != nil {
		p.cut = cutText(*at.Cut)
	}
	p.running = at.Running
	if at.Running == "" && (at.Service == "active" || at.Service == "unknown") {
		p.running, p.hidden = at.Current, true
	}
	p.unsure = at.Service == "unknown"
	if at.Service == "inactive" || at.Service == "" {
		p.running = ""
	}
	return p
}

// newRelease is one as facts tell of it.
func newRelease(is plan.InstalledRelease) *release {
	r := &release{complete: is.Complete, manifest: is.Manifest}
	for path, digest := range is.Manifest.Files {
		r.set(path, generated{"=" + digest, "=" + digest})
	}
	for _, path := range is.Edited {
		r.set(path, generated{"=edited by hand", r.files[path].wrote})
	}
	return r
}

func (p *place) mark(path string, there bool) {
	if there {
		p.marked[path] = true
		return
	}
	delete(p.marked, path)
}

// healthy tells whether the process answers at a time.
func (p *place) healthy(at time.Time) bool {
	return p.running != "" && !p.never && !at.Before(p.answersFrom) && (p.dies.IsZero() || at.Before(p.dies))
}

// alive is the release that a process runs at a time, or "".
func (p *place) alive(at time.Time) string {
	if !p.dies.IsZero() && !at.Before(p.dies) {
		return ""
	}
	return p.running
}

// complete tells whether a release is there, unpacked and configured to the end.
func (p *place) complete(name string) bool {
	return p.releases[name] != nil && p.releases[name].complete
}

// lastGood is the release whose good mark sorts last.
func (p *place) lastGood() string {
	last := ""
	for _, name := range sortedKeys(p.good) {
		if last == "" || p.good[name] >= p.good[last] {
			last = name
		}
	}
	return last
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// cutText is the mark of a run that was cut off, as its holder left it.
func cutText(c plan.CutOff) string {
	text, err := json.Marshal(map[string]string{"run": c.Run, "who": c.Who, "since": c.Since})
	if err != nil {
		panic(err) // strings can always be written
	}
	return string(text)
}

// cutOff is the run that was cut off here, or nil.
func (p *place) cutOff() *plan.CutOff {
	if p.cut == "" {
		return nil
	}
	var c plan.CutOff
	if json.Unmarshal([]byte(p.cut), &c) != nil {
		return nil
	}
	return &c
}
