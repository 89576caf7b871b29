package artifact

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// timestamped is a SNAPSHOT's own version: 1.0-20260102.030405-7.
var timestamped = regexp.MustCompile(`^(.+)-\d{8}\.\d{6}-\d+$`)

// metadata is maven-metadata.xml, of an artifact or of one SNAPSHOT version.
type metadata struct {
	Versioning struct {
		Latest   string   `xml:"latest"`
		Release  string   `xml:"release"`
		Versions []string `xml:"versions>version"`
		Snapshot struct {
			Timestamp   string `xml:"timestamp"`
			BuildNumber string `xml:"buildNumber"`
			LocalCopy   bool   `xml:"localCopy"`
		} `xml:"snapshot"`
		SnapshotVersions []struct {
			Classifier string `xml:"classifier"`
			Extension  string `xml:"extension"`
			Value      string `xml:"value"`
		} `xml:"snapshotVersions>snapshotVersion"`
	} `xml:"versioning"`
}

// mavenFile is one artifact of a repository that was entered.
type mavenFile struct {
	r     *Resolver
	a     plan.Maven
	base  *url.URL // of the artifact: repository/group/artifact
	creds credentials
}

// entered gives the artifact's place in its repository, with what it takes to get in.
func (r *Resolver) entered(ctx context.Context, a plan.Maven) (mavenFile, error) {
	repo, err := parse(strings.TrimRight(a.Repository, "/"))
	if err != nil {
		return mavenFile{}, err
	}
	creds, err := r.credentials(ctx, a.Auth, repo)
	if err != nil {
		return mavenFile{}, err
	}
	return mavenFile{r, a, repo.JoinPath(append(strings.Split(a.Group, "."), a.Artifact)...), creds}, nil
}

func (r *Resolver) maven(ctx context.Context, a plan.Maven, version string) (plan.Resolved, error) {
	m, err := r.entered(ctx, a)
	if err != nil {
		return plan.Resolved{}, err
	}
	if version == "" {
		return plan.Resolved{}, m.misconfigured(errors.New("it needs a version"), "write version in the config, APP@VERSION, or version latest")
	}
	if version, err = m.meant(ctx, version); err != nil {
		return plan.Resolved{}, err
	}
	dir, exact, err := m.snapshot(ctx, version)
	if err != nil {
		return plan.Resolved{}, err
	}
	file := m.file(exact)
	res, err := r.remote(ctx, remote{target: m.base.JoinPath(dir, file), creds: m.creds, file: file, version: exact, digest: a.Digest})
	var e *Error
	if errors.As(err, &e) && e.Kind == NotFound {
		e.Hint = m.suggest(ctx, version)
	}
	return res, err
}

// file is the file name of one version.
func (m mavenFile) file(version string) string {
	name := m.a.Artifact + "-" + version
	if m.a.Classifier != "" {
		name += "-" + m.a.Classifier
	}
	return name + "." + m.a.Extension
}

// meant replaces latest and release by what the repository says they are.
func (m mavenFile) meant(ctx context.Context, version string) (string, error) {
	word := strings.ToLower(version)
	if word != "latest" && word != "release" {
		return version, nil
	}
	md, err := m.metadata(ctx, m.base.JoinPath("maven-metadata.xml"))
	if err != nil {
		return "", err
	}
	v := md.Versioning
	if word == "latest" && v.Latest != "" {
		return v.Latest, nil
	}
	if v.Release != "" {
		return v.Release, nil
	}
	newest := newest(v.Versions, word == "release")
	if newest == "" {
		return "", m.misconfigured(fmt.Errorf("its metadata names no %s version", word), "give a version")
	}
	return newest, nil
}

// snapshot gives the directory of a version and its exact version: they differ for SNAPSHOTs.
func (m mavenFile) snapshot(ctx context.Context, version string) (dir, exact string, err error) {
	if sub := timestamped.FindStringSubmatch(version); sub != nil {
		return sub[1] + "-SNAPSHOT", version, nil
	}
	base, ok := strings.CutSuffix(version, "-SNAPSHOT")
	if !ok {
		return version, version, nil
	}
	md, err := m.metadata(ctx, m.base.JoinPath(version, "maven-metadata.xml"))
	var e *Error
	if errors.As(err, &e) && e.Kind == NotFound {
		return version, version, nil // a repository of non-unique snapshots; a missing file says so next
	}
	if err != nil {
		return "", "", err
	}
	for _, s := range md.Versioning.SnapshotVersions {
		if s.Classifier == m.a.Classifier && s.Extension == m.a.Extension && s.Value != "" {
			return version, s.Value, nil
		}
	}
	if s := md.Versioning.Snapshot; s.Timestamp != "" && s.BuildNumber != "" && !s.LocalCopy {
		return version, base + "-" + s.Timestamp + "-" + s.BuildNumber, nil
	}
	return version, version, nil
}

func (m mavenFile) metadata(ctx context.Context, target *url.URL) (metadata, error) {
	body, resp, err := m.r.text(ctx, target, m.creds)
	if err != nil {
		return metadata{}, err
	}
	c := call{method: http.MethodGet, target: target, creds: m.creds, doing: "reading " + redactURL(target)}
	if err := refuse(c, resp); err != nil {
		return metadata{}, err
	}
	var md metadata
	if err := xml.Unmarshal([]byte(body), &md); err != nil {
		return metadata{}, &Error{Kind: BadMetadata, URL: target, Doing: c.doing, Err: fmt.Errorf("it is not Maven metadata: %w", err), Hint: "is this the URL of a Maven repository"}
	}
	return md, nil
}

// suggest says what could have been meant by a version that is not there.
func (m mavenFile) suggest(ctx context.Context, version string) string {
	md, err := m.metadata(ctx, m.base.JoinPath("maven-metadata.xml"))
	versions := md.Versioning.Versions
	if err != nil || len(versions) == 0 {
		return "check repository, group, artifact and version"
	}
	if slices.Contains(versions, version) {
		return "version " + version + " is there, but not this file: check classifier and extension"
	}
	return fmt.Sprintf("no version %s; nearest is %s, newest is %s", version, nearest(versions, version), newest(versions, false))
}

func (m mavenFile) misconfigured(err error, hint string) error {
	return &Error{Kind: Misconfigured, URL: m.base, Doing: fmt.Sprintf("resolving %s:%s", m.a.Group, m.a.Artifact), Err: err, Hint: hint}
}
