package artifact

import (
	"context"
	"slices"

	"trikk.dev/engine/plan"
)

// Versions are those of the app's artifact that its repository lists, the newest first. Only Maven repositories list any: other artifacts
// have none, and no error. A failure is an *Error.
func (r *Resolver) Versions(ctx context.Context, app plan.App) ([]string, error) {
	if app.Artifact.Maven == nil {
		return nil, nil
	}
	m, err := r.entered(ctx, *app.Artifact.Maven)
	if err != nil {
		return nil, err
	}
	md, err := m.metadata(ctx, m.base.JoinPath("maven-metadata.xml"))
	if err != nil {
		return nil, err
	}
	versions := slices.Clone(md.Versioning.Versions)
	slices.SortStableFunc(versions, func(a, b string) int { return plan.CompareVersions(b, a) })
	return slices.Compact(versions), nil
}
