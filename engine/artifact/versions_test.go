package artifact_test

import (
	"context"
	"slices"
	"testing"
)

// TestVersions: those that the metadata lists, the newest first, by Maven's order.
func TestVersions(t *testing.T) {
	r := newRepo(t, map[string]string{base + "maven-metadata.xml": artifactMetadata})
	got, err := resolver(t).Versions(context.Background(), mavenApp(r.URL, nil))
	if want := []string{"2.0-SNAPSHOT", "1.10", "1.9"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the versions are %q, not %q: %v", got, want, err)
	}
	if got, err := resolver(t).Versions(context.Background(), urlApp(r.URL+"/web-{version}.zip", nil)); err != nil || len(got) > 0 {
		t.Errorf("an artifact without a list has the versions %q: %v", got, err)
	}
	r.files = map[string]string{}
	if _, err := resolver(t).Versions(context.Background(), mavenApp(r.URL, nil)); err == nil {
		t.Error("a repository without metadata has versions")
	}
}
