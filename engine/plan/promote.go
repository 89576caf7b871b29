package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Promote says what an environment takes: only versions that are live and healthy in another one.
type Promote struct {
	From   string   `json:"from"` // the other environment
	Except []string `json:"except,omitempty"`
}

// Concerns tells whether a plan's app must have proven itself. A rollback goes to what was good where it is.
func (m Promote) Concerns(a AppPlan) bool {
	return a.Intent == Deploy && !slices.Contains(m.Except, a.App)
}

// Unproven says why versions of a plan are not live and healthy in the environment that they should come from, a line each; none: they
// are. The apps are those of that environment, and the facts are what was seen of them there.
func (m Promote) Unproven(p Plan, apps []App, f Facts) []string {
	var out []string
	from := m.From
	for _, a := range p.Apps {
		if !m.Concerns(a) {
			continue
		}
		i := slices.IndexFunc(apps, func(app App) bool { return app.Name == a.App })
		if i < 0 {
			out = append(out, fmt.Sprintf("%s is not deployed in %s", a.App, from))
			continue
		}
		for _, server := range apps[i].Servers {
			if why := unprovenOn(a, server, f); why != "" {
				out = append(out, fmt.Sprintf("%s on %s in %s: %s", a.App, server, from, why))
			}
		}
	}
	return out
}

// unprovenOn says why a server does not prove the version of an app's plan; "": it does.
func unprovenOn(a AppPlan, server string, f Facts) string {
	if why, gone := f.Unreachable[server]; gone {
		return "can't be reached: " + why
	}
	at, known := f.Apps[a.App][server]
	if !known {
		return "could not be read"
	}
	live, complete := at.release(at.Current)
	switch {
	case at.Current == "":
		return "nothing is live"
	case !complete || !live.Complete:
		return at.Current + " is live, which trikk did not complete"
	case live.Manifest.Version != a.Version:
		return fmt.Sprintf("%s is live, not %s", live.Manifest.Version, a.Version)
	case otherContent(live.Manifest.Artifact, a.Resolved.Digest):
		return fmt.Sprintf("%s is live with another artifact, %s instead of %s", a.Version, shortDigest(live.Manifest.Artifact), shortDigest(a.Resolved.Digest))
	case at.Trial == at.Current:
		return at.Current + " is live and on trial"
	case !live.Good:
		return at.Current + " is live and not proven good yet"
	case at.Running != "" && at.Running != at.Current:
		return fmt.Sprintf("%s is live, and %s still runs", at.Current, at.Running)
	case at.Service == "inactive":
		return at.Current + " is live and stopped"
	case at.Marked:
		return at.Current + " is live and disabled by its marker"
	}
	for _, r := range f.Rotation[a.App][server] {
		if r.State != RotationIn && r.State != RotationUnknown {
			return fmt.Sprintf("%s is live, and the server is %s at %s", at.Current, r.State, r.Proxy)
		}
	}
	return ""
}

// otherContent reports whether two digests are of one kind and differ. What stands in for a digest has no kind, and says nothing.
func otherContent(a, b string) bool {
	kind, _, known := strings.Cut(a, ":")
	other, _, too := strings.Cut(b, ":")
	return known && too && kind == other && a != b
}

// shortDigest is a digest as people compare it.
func shortDigest(digest string) string {
	kind, hex, _ := strings.Cut(digest, ":")
	return kind + ":" + hex[:min(12, len(hex))] + "…"
}
