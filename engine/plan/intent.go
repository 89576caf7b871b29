package plan

import (
	"fmt"
	"sort"
)

// Intent is what a person asked for.
type Intent struct {
	Kind      string // Deploy or Rollback
	ID        string // of the plan; IDs sort by time
	CreatedAt string // RFC 3339
	CreatedBy string
	Offline   bool
	Release   string // that the versions are of; ""
	// Deadline is how long the run may take; 0: as the apps say.
	Deadline Duration
	// KeepGoing leaves apps out that can't be planned, instead of planning nothing.
	KeepGoing bool
	// Versions: by app name, the version that was asked for (APP@VERSION, --to); else Wanted decides.
	Versions map[string]string
}

// Wanted tells which version of an app should run: the one asked for, the config's, or what is live (a config-only
// change). It is needed before artifacts are resolved, so it looks only at what is installed.
func Wanted(app App, installed map[string]Installed, in Intent) (string, error) {
	if v := in.Versions[app.Name]; v != "" {
		return v, nil
	}
	if app.Version != "" {
		return app.Version, nil
	}
	if app.Artifact.File != nil && app.Artifact.File.Path != "" {
		return "", nil // its digest names it
	}
	live := liveVersions(app, installed)
	switch len(live) {
	case 1:
		return live[0], nil
	case 0:
		if in.Offline {
			return "VERSION", nil
		}
		return "", &Refusal{Pos: app.Pos, Text: fmt.Sprintf("%s was never deployed to %s and no version is given", app.Name, app.Env),
			Hint: fmt.Sprintf("name one: %s@VERSION, or set version in the config", app.Name)}
	}
	return "", &Refusal{Pos: app.Pos, Text: fmt.Sprintf("servers of %s run different versions: %v", app.Name, live),
		Hint: fmt.Sprintf("name one: %s@VERSION", app.Name)}
}

func liveVersions(app App, installed map[string]Installed) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range app.Servers {
		i := installed[s]
		if r, ok := i.release(i.Current); ok && r.Complete && !seen[r.Manifest.Version] {
			seen[r.Manifest.Version] = true
			out = append(out, r.Manifest.Version)
		}
	}
	sort.Strings(out)
	return out
}

func (i Installed) release(name string) (InstalledRelease, bool) {
	for _, r := range i.Releases {
		if r.Name == name && name != "" {
			return r, true
		}
	}
	return InstalledRelease{}, false
}

func (i Installed) complete(name string) bool {
	r, ok := i.release(name)
	return ok && r.Complete
}

func (i Installed) cached(file string) bool {
	for _, c := range i.Cached {
		if c == file {
			return true
		}
	}
	return false
}

// Refusal is a plan that can't be made: what is wrong, where it is written and what to do.
type Refusal struct {
	Pos  Pos
	Text string
	Hint string
}

// Error gives `file:line:col: what (hint)`.
func (r *Refusal) Error() string {
	s := r.Text
	if r.Pos.File != "" {
		s = fmt.Sprintf("%s:%d:%d: %s", r.Pos.File, r.Pos.Line, r.Pos.Column, s)
	}
	if r.Hint != "" {
		s += " (" + r.Hint + ")"
	}
	return s
}

// place gives the position of a field of the app, or of the app.
func (a App) place(path string) Pos {
	if p, ok := a.Places[path]; ok {
		return p
	}
	return a.Pos
}
