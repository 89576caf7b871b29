package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Release is what one app should be: a version of its artifact, unpacked and configured.
type Release struct {
	Name     string // directory name: VERSION-DIGEST8
	Version  string
	Digest   string // over the artifact's digest and all that shapes the directory
	File     string // name of the artifact in the archive cache
	Format   string // zip, tar, tar.gz, tar.xz, tar.zst or none
	Resolved Resolved
	Files    []Rendered
}

// newRelease names the release that an app and its resolved artifact make. The digest covers the artifact, what shapes the
// directory and the command that starts it, so that changing one property makes a new release and changing a probe does not.
func newRelease(app App, art Resolved) (Release, error) {
	files, err := Render(app)
	if err != nil {
		return Release{}, err
	}
	o := app.Artifact.Options()
	if o.Unpack != nil && *o.Unpack && foreignArchive(art.File) {
		return Release{}, &Refusal{Pos: app.place("artifact"), Text: fmt.Sprintf("%s: %s can't be unpacked: archives are %s", app.Name, art.File, unpackable),
			Hint: "publish one of these, or leave unpack out"}
	}
	r := Release{Version: art.Version, Resolved: art, Files: files, Format: ArchiveFormat(o, art.File), File: cacheName(art)}
	r.Digest = digestOf(struct {
		Artifact, Format, As string
		Strip                int
		Files                []any
		Modes                []Mode
		Persist              []string
		Marker               string
		Start                string
	}{identity(art), r.Format, o.As, o.Strip, identities(files), app.Modes, app.Layout.Persist, app.Marker, app.Service.startCommand()})
	r.Name = art.Version + "-" + strings.TrimPrefix(r.Digest, "sha256:")[:8]
	return r, nil
}

// identities are the generated files as a release's digest covers them: the templates, and the revisions of their secrets.
func identities(files []Rendered) []any {
	var out []any
	for _, f := range files {
		if len(f.Secrets) == 0 {
			out = append(out, f)
			continue
		}
		out = append(out, struct {
			Path, Content, Mode, Format string
			Secrets                     map[string]string
		}{f.Path, f.Content, f.Mode, f.Format, revisions(f.Secrets)})
	}
	return out
}

// startCommand is the command of the app's own that makes its process; "" for a unit, which is the server's.
func (s Service) startCommand() string {
	switch {
	case s.Process != nil:
		return s.Process.Command
	case s.Commands != nil:
		return s.Commands.Start
	}
	return ""
}

// identity tells artifacts apart: by digest, else by what the repository says, else by where it comes from.
func identity(art Resolved) string {
	switch {
	case art.Digest != "":
		return art.Digest
	case art.Identity != "":
		return art.Identity
	}
	return digestOf(art.URL + "\n" + art.Path + "\n" + art.Version)
}

// archiveDigits is how many digits of its digest an archive's name in the cache begins with.
const archiveDigits = 12

// cacheName is unique to the artifact's content, so that a file of another build never passes for it.
func cacheName(art Resolved) string {
	id := identity(art)
	id = id[strings.Index(id, ":")+1:]
	if len(id) > archiveDigits {
		id = id[:archiveDigits]
	}
	return id + "-" + art.File
}

// Options gives the options that all kinds of artifact share.
func (a Artifact) Options() ArtifactOptions {
	switch {
	case a.Maven != nil:
		return a.Maven.ArtifactOptions
	case a.URL != nil:
		return a.URL.ArtifactOptions
	case a.File != nil:
		return a.File.ArtifactOptions
	}
	return ArtifactOptions{}
}

// auth gives the credentials of the artifact's repository.
func (a Artifact) auth() *Auth {
	switch {
	case a.Maven != nil:
		return a.Maven.Auth
	case a.URL != nil:
		return a.URL.Auth
	}
	return nil
}

// Manifest is what completes the release on a host.
func (r Release) manifest(app App, planID string) Manifest {
	m := Manifest{App: app.Name, Release: r.Name, Version: r.Version, Artifact: identity(r.Resolved), Digest: r.Digest, Run: planID, File: r.File}
	for _, f := range r.Files {
		if m.Files == nil {
			m.Files = map[string]string{}
		}
		m.Files[f.Path] = sum(f.Content)
		if len(f.Secrets) > 0 {
			if m.Secrets == nil {
				m.Secrets = map[string]map[string]string{}
			}
			m.Secrets[f.Path] = revisions(f.Secrets)
		}
	}
	if app.Service.Commands != nil || app.Service.Process != nil {
		m.Service = &app.Service
	}
	m.Probes = app.Probes
	if m.Probes == nil {
		m.Probes = map[string]Check{}
	}
	return m
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(h[:])
}

// digestOf hashes a value's JSON. Values are made of structs, slices, strings and maps, which always encode.
func digestOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return sum(string(b))
}
