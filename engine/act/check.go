package act

import (
	"context"
	"net/url"
	"path"
	"path/filepath"

	"trikk.dev/engine/plan"
)

// Problem is something on a host that would make a run fail; Host is "" where it is of none.
type Problem struct {
	Host string
	Err  error
}

// Check reads, as Gather does, whether runs of the apps could work, and gives all problems, sorted by host. No artifact is looked up: what
// unpacking needs is told by the name that the artifact will have. That a host can't be connected to is not among the problems.
func (g *Gatherer) Check(ctx context.Context, env plan.Environment, apps []plan.App) []Problem {
	w := g.newLooker(env, apps)
	w.strict = true
	w.look(ctx)
	for _, app := range apps {
		w.view.Facts.Artifacts[app.Name] = plan.Resolved{File: artifactName(app.Artifact), Digest: app.Artifact.Options().Digest}
	}
	w.checkUnpackers()
	var out []Problem
	for _, e := range w.problems.list() {
		if _, is := whole(e.err); !is {
			out = append(out, Problem{e.host, e.err})
		}
	}
	return out
}

// artifactName is the end of the name that an artifact's file has.
func artifactName(a plan.Artifact) string {
	switch {
	case a.Maven != nil:
		return a.Maven.Artifact + "." + a.Maven.Extension
	case a.URL != nil:
		u, err := url.Parse(a.URL.URL)
		if err != nil {
			return ""
		}
		return path.Base(u.Path)
	case a.File != nil:
		return filepath.Base(a.File.Path)
	}
	return ""
}
