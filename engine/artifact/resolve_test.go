package artifact_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/artifact"
	"trikk.dev/engine/plan"
)

const base = "/repo/no/kommune/itas/itas/"

func hash256(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func hash512(s string) string {
	h := sha512.Sum512([]byte(s))
	return hex.EncodeToString(h[:])
}

func hash1(s string) string {
	h := sha1.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

const artifactMetadata = `<metadata><versioning><latest>2.0-SNAPSHOT</latest><release>1.10</release>
<versions><version>1.10</version><version>1.9</version><version>2.0-SNAPSHOT</version></versions></versioning></metadata>`

const snapshotMetadata = `<metadata><versioning><snapshot><timestamp>20260102.030405</timestamp><buildNumber>7</buildNumber></snapshot>
<snapshotVersions>
<snapshotVersion><extension>pom</extension><value>2.0-20260102.030405-7</value></snapshotVersion>
<snapshotVersion><classifier>dist</classifier><extension>zip</extension><value>2.0-20260102.030400-6</value></snapshotVersion>
</snapshotVersions></versioning></metadata>`

func TestResolveMaven(t *testing.T) {
	files := map[string]string{
		base + "maven-metadata.xml":                               artifactMetadata,
		base + "1.9/itas-1.9.zip":                                 "nine",
		base + "1.9/itas-1.9.zip.sha256":                          hash256("nine") + "  itas-1.9.zip\n",
		base + "1.9/itas-1.9-dist.tar.gz":                         "dist",
		base + "1.9/itas-1.9-dist.tar.gz.sha512":                  "SHA512(itas-1.9-dist.tar.gz)= " + strings.ToUpper(hash512("dist")),
		base + "1.10/itas-1.10.zip":                               "ten",
		base + "1.10/itas-1.10.zip.sha1":                          hash1("ten"),
		base + "2.0-SNAPSHOT/maven-metadata.xml":                  snapshotMetadata,
		base + "2.0-SNAPSHOT/itas-2.0-20260102.030405-7.zip":      "snap",
		base + "2.0-SNAPSHOT/itas-2.0-20260102.030400-6-dist.zip": "snap dist",
		base + "3.0-SNAPSHOT/itas-3.0-SNAPSHOT.zip":               "not unique",
		"/bare/no/kommune/itas/itas/maven-metadata.xml":           `<metadata><versioning><versions><version>1.2</version><version>1.10</version><version>1.9</version></versions></versioning></metadata>`,
		"/bare/no/kommune/itas/itas/1.10/itas-1.10.zip":           "bare ten",
		"/odd/no/kommune/itas/itas/1.9/itas-1.9.zip":              "odd",
		"/odd/no/kommune/itas/itas/1.9/itas-1.9.zip.sha256":       "\ufeffSHA256 (other.zip) = " + hash256("x") + "\nSHA256 (itas-1.9.zip) = " + hash256("odd") + "\n",
		"/starred/no/kommune/itas/itas/1.9/itas-1.9.zip":          "starred",
		"/starred/no/kommune/itas/itas/1.9/itas-1.9.zip.sha256":   hash256("starred") + " *target/itas-1.9.zip\r\n",
	}
	r := newRepo(t, files)
	tests := []struct {
		name, version string
		edit          func(*plan.Maven)
		want          plan.Resolved
	}{
		{"release", "1.9", nil, plan.Resolved{Version: "1.9", URL: base + "1.9/itas-1.9.zip", File: "itas-1.9.zip", Digest: "sha256:" + hash256("nine"), Size: 4}},
		{"classifier and extension, sha512", "1.9", func(m *plan.Maven) { m.Classifier, m.Extension = "dist", "tar.gz" },
			plan.Resolved{Version: "1.9", URL: base + "1.9/itas-1.9-dist.tar.gz", File: "itas-1.9-dist.tar.gz", Digest: "sha512:" + hash512("dist"), Size: 4}},
		{"release word, sha1", "release", nil, plan.Resolved{Version: "1.10", URL: base + "1.10/itas-1.10.zip", File: "itas-1.10.zip", Digest: "sha1:" + hash1("ten"), Size: 3}},
		{"snapshot by timestamp and build number", "2.0-SNAPSHOT", nil,
			plan.Resolved{Version: "2.0-20260102.030405-7", URL: base + "2.0-SNAPSHOT/itas-2.0-20260102.030405-7.zip", File: "itas-2.0-20260102.030405-7.zip", Size: 4}},
		{"snapshot by classifier and extension", "2.0-SNAPSHOT", func(m *plan.Maven) { m.Classifier = "dist" },
			plan.Resolved{Version: "2.0-20260102.030400-6", URL: base + "2.0-SNAPSHOT/itas-2.0-20260102.030400-6-dist.zip", File: "itas-2.0-20260102.030400-6-dist.zip", Size: 9}},
		{"latest is a snapshot", "LATEST", nil,
			plan.Resolved{Version: "2.0-20260102.030405-7", URL: base + "2.0-SNAPSHOT/itas-2.0-20260102.030405-7.zip", File: "itas-2.0-20260102.030405-7.zip", Size: 4}},
		{"a snapshot's exact version", "2.0-20260102.030405-7", nil,
			plan.Resolved{Version: "2.0-20260102.030405-7", URL: base + "2.0-SNAPSHOT/itas-2.0-20260102.030405-7.zip", File: "itas-2.0-20260102.030405-7.zip", Size: 4}},
		{"snapshot that is not unique", "3.0-SNAPSHOT", nil,
			plan.Resolved{Version: "3.0-SNAPSHOT", URL: base + "3.0-SNAPSHOT/itas-3.0-SNAPSHOT.zip", File: "itas-3.0-SNAPSHOT.zip", Size: 10}},
		{"release word without a tag goes by order", "release", func(m *plan.Maven) { m.Repository = strings.Replace(m.Repository, "/repo", "/bare", 1) },
			plan.Resolved{Version: "1.10", URL: "/bare/no/kommune/itas/itas/1.10/itas-1.10.zip", File: "itas-1.10.zip", Size: 8}},
		{"config digest", "1.9", func(m *plan.Maven) { m.Digest = "sha512:" + strings.ToUpper(hash512("nine")) },
			plan.Resolved{Version: "1.9", URL: base + "1.9/itas-1.9.zip", File: "itas-1.9.zip", Digest: "sha512:" + hash512("nine"), Size: 4}},
		{"checksum file of several", "1.9", func(m *plan.Maven) { m.Repository = strings.Replace(m.Repository, "/repo", "/odd", 1) },
			plan.Resolved{Version: "1.9", URL: "/odd/no/kommune/itas/itas/1.9/itas-1.9.zip", File: "itas-1.9.zip", Digest: "sha256:" + hash256("odd"), Size: 3}},
		{"checksum file of a binary", "1.9", func(m *plan.Maven) { m.Repository = strings.Replace(m.Repository, "/repo", "/starred", 1) },
			plan.Resolved{Version: "1.9", URL: "/starred/no/kommune/itas/itas/1.9/itas-1.9.zip", File: "itas-1.9.zip", Digest: "sha256:" + hash256("starred"), Size: 7}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := resolver(t).Resolve(t.Context(), mavenApp(r.URL, tt.edit), tt.version)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.URL = r.URL + tt.want.URL
			if got.Digest == "" && len(got.Identity) != 64 {
				t.Errorf("identity %q is no sha256", got.Identity)
			}
			if got.Digest != "" && got.Identity != "" {
				t.Errorf("a digest and an identity: %+v", got)
			}
			got.Identity = ""
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestIdentityFollowsTheServersWord(t *testing.T) {
	r := newRepo(t, map[string]string{"/web.tar.gz": "one"})
	identity := func() string {
		res, err := resolver(t).Resolve(t.Context(), urlApp(r.URL+"/web.tar.gz", nil), "1")
		if err != nil {
			t.Fatal(err)
		}
		return res.Identity
	}
	first, again := identity(), identity()
	r.files["/web.tar.gz"] = "other"
	changed := identity()
	if first != again || first == changed {
		t.Errorf("identities %s, %s, %s: want the first two equal and the third another", first, again, changed)
	}
}

func TestResolveURL(t *testing.T) {
	r := newRepo(t, map[string]string{"/web-1.0.tar.gz": "web", "/web-1.0.tar.gz.sha256": hash256("web")})
	got, err := resolver(t).Resolve(t.Context(), urlApp(r.URL+"/web-{version}.tar.gz", nil), "1.0")
	want := plan.Resolved{Version: "1.0", URL: r.URL + "/web-1.0.tar.gz", File: "web-1.0.tar.gz", Digest: "sha256:" + hash256("web"), Size: 3}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestResolveFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.zip"), []byte("built"), 0o600); err != nil {
		t.Fatal(err)
	}
	app := plan.App{Name: "a", Artifact: plan.Artifact{File: &plan.FileArtifact{Path: "app.zip"}}, Pos: plan.Pos{File: filepath.Join(dir, "app.cue")}}
	got, err := (&artifact.Resolver{}).Resolve(t.Context(), app, "")
	want := plan.Resolved{Version: "local-" + hash256("built")[:8], Path: filepath.Join(dir, "app.zip"), File: "app.zip", Digest: "sha256:" + hash256("built"), Size: 5}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
	app.Artifact.File.Digest = "sha1:" + hash1("other")
	if _, err := (&artifact.Resolver{}).Resolve(t.Context(), app, ""); err == nil || !strings.Contains(err.Error(), hash1("built")) {
		t.Errorf("wrong digest: error %v", err)
	}
	app.Artifact.File.Path, app.Build = "missing.zip", []string{"mvn package"}
	_, err = (&artifact.Resolver{}).Resolve(t.Context(), app, "")
	if err == nil || !strings.Contains(err.Error(), "build it first: mvn package") {
		t.Errorf("missing file: error %v", err)
	}
}

func TestResolveErrors(t *testing.T) {
	page := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<html>hello</html>"))
	}
	basic := &plan.Auth{Basic: &plan.BasicAuth{User: "deploy", Password: plan.Secret{Env: "PW"}}}
	sum := hash256("nine")
	closed := closedPort(t)
	tests := []struct {
		name  string
		kind  artifact.Kind
		files map[string]string
		serve func(http.ResponseWriter, *http.Request) bool
		app   func(url string) plan.App
		want  []string
	}{
		{"401 with credentials", artifact.Denied, nil, status(401), func(u string) plan.App { return mavenApp(u, func(m *plan.Maven) { m.Auth = basic }) },
			[]string{"401 Unauthorized", "used user deploy (password from env PW)", base + "1.9/itas-1.9.zip"}},
		{"403 without credentials", artifact.Denied, nil, status(403), nil, []string{"403 Forbidden", "no credentials were used"}},
		{"404 suggests the nearest", artifact.NotFound, map[string]string{base + "maven-metadata.xml": strings.ReplaceAll(artifactMetadata, "1.9", "1.91")}, nil, nil,
			[]string{"404 Not Found", base + "1.9/itas-1.9.zip", "nearest is 1.91, newest is 2.0-SNAPSHOT"}},
		{"404 of another extension", artifact.NotFound, map[string]string{base + "maven-metadata.xml": artifactMetadata}, nil, nil, []string{"version 1.9 is there, but not this file", "extension"}},
		{"404 without metadata", artifact.NotFound, nil, nil, nil, []string{"404", "check repository, group, artifact and version"}},
		{"404 of metadata for latest", artifact.NotFound, nil, nil, func(u string) plan.App { return versioned(mavenApp(u, nil), "latest") }, []string{"maven-metadata.xml", "404"}},
		{"digests disagree", artifact.DigestMismatch, map[string]string{base + "1.9/itas-1.9.zip": "nine", base + "1.9/itas-1.9.zip.sha256": sum}, nil,
			func(u string) plan.App {
				return mavenApp(u, func(m *plan.Maven) { m.Digest = "sha256:" + hash256("ten") })
			}, []string{hash256("ten"), sum, "the config says"}},
		{"bad digest in the config", artifact.Misconfigured, nil, nil, func(u string) plan.App { return mavenApp(u, func(m *plan.Maven) { m.Digest = "md5:aa" }) }, []string{`"md5:aa"`, "sha256:HEX"}},
		{"page instead of the artifact", artifact.Page, nil, func(w http.ResponseWriter, _ *http.Request) bool { page(w); return true }, nil, []string{"HTML page instead of the artifact", "login page?"}},
		{"redirect to a login page", artifact.Page, nil, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/login" {
				page(w)
				return true
			}
			http.Redirect(w, r, "/login?token=abc", http.StatusFound)
			return true
		}, nil, []string{"HTML page", "redirected to http://", "/login?…"}},
		{"endless redirects", artifact.Unreachable, nil, func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		}, nil, []string{"redirects more than 10 times"}},
		{"page as checksum", artifact.BadChecksum, map[string]string{base + "1.9/itas-1.9.zip": "nine", base + "1.9/itas-1.9.zip.sha256": "<!doctype html><html>"}, nil, nil,
			[]string{"itas-1.9.zip.sha256", "HTML page, not a checksum", "write digest in the config"}},
		{"empty checksum", artifact.BadChecksum, map[string]string{base + "1.9/itas-1.9.zip": "nine", base + "1.9/itas-1.9.zip.sha256": "\n"}, nil, nil, []string{"it is empty"}},
		{"checksum of others", artifact.BadChecksum, map[string]string{base + "1.9/itas-1.9.zip": "nine", base + "1.9/itas-1.9.zip.sha256": "deadbeef  x"}, nil, nil, []string{"0 sha256 checksums"}},
		{"5xx", artifact.Unreachable, nil, status(502), nil, []string{"502 Bad Gateway"}},
		{"refused connection", artifact.Unreachable, nil, nil, func(string) plan.App { return mavenApp("http://"+closed, nil) }, []string{closed, "refuses connections", "is the repository up"}},
		{"metadata that is none", artifact.BadMetadata, map[string]string{base + "maven-metadata.xml": "not xml <"}, nil, func(u string) plan.App { return versioned(mavenApp(u, nil), "release") }, []string{"not Maven metadata"}},
		{"credentials in the URL", artifact.Misconfigured, nil, nil, func(u string) plan.App {
			return mavenApp(strings.Replace(u, "http://", "http://joe:s3cret-pw@", 1), nil)
		}, []string{"holds credentials", "write them as auth"}},
		{"no URL", artifact.Misconfigured, nil, nil, func(string) plan.App { return mavenApp("ftp://x", nil) }, []string{"ftp://x", "not http"}},
		{"no version", artifact.Misconfigured, nil, nil, func(u string) plan.App { return versioned(mavenApp(u, nil), "") }, []string{"needs a version"}},
		{"no artifact", artifact.Misconfigured, nil, nil, func(string) plan.App { return plan.App{Name: "x"} }, []string{"no artifact"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepo(t, tt.files)
			r.serve = tt.serve
			app := versioned(mavenApp(r.URL, nil), "1.9")
			if tt.app != nil {
				app = tt.app(r.URL)
			}
			version := app.Version
			if app.Description != "versioned" {
				version = "1.9"
			}
			_, err := resolver(t).Resolve(t.Context(), app, version)
			var e *artifact.Error
			if !errors.As(err, &e) || e.Kind != tt.kind {
				t.Fatalf("error %v; want kind %s", err, tt.kind)
			}
			for _, w := range append(tt.want, "") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error does not say %q:\n%v", w, err)
				}
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "token=abc") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error leaks or has several lines: %q", err)
			}
		})
	}
}

// versioned marks the version that a test asks for.
func versioned(app plan.App, version string) plan.App {
	app.Version, app.Description = version, "versioned"
	return app
}

func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestCredentialsStayHome(t *testing.T) {
	other := newRepo(t, map[string]string{"/elsewhere.zip": "x"})
	home := newRepo(t, nil)
	home.serve = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/same.zip" {
			http.Redirect(w, r, other.URL+"/elsewhere.zip", http.StatusTemporaryRedirect)
			return true
		}
		if r.URL.Path == "/a.zip" {
			http.Redirect(w, r, "/same.zip", http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	app := urlApp(home.URL+"/a.zip", func(u *plan.URLArtifact) { u.Auth = &plan.Auth{Token: &plan.Secret{Env: "T"}} })
	if _, err := resolver(t).Resolve(t.Context(), app, "1"); err != nil {
		t.Fatal(err)
	}
	for _, q := range home.asked {
		if got := q.Header.Get("Authorization"); got != "Bearer s3cret-T" {
			t.Errorf("at home, %s: Authorization %q", q.URL.Path, got)
		}
	}
	if len(other.asked) == 0 {
		t.Fatal("the redirect was not followed")
	}
	for _, q := range other.asked {
		if got := q.Header.Get("Authorization"); got != "" {
			t.Errorf("elsewhere: Authorization %q", got)
		}
	}
}

func TestBasicAuth(t *testing.T) {
	r := newRepo(t, map[string]string{"/a.zip": "x"})
	app := urlApp(r.URL+"/a.zip", func(u *plan.URLArtifact) {
		u.Auth = &plan.Auth{Basic: &plan.BasicAuth{User: "deploy", Password: plan.Secret{Env: "P"}}}
	})
	if _, err := resolver(t).Resolve(t.Context(), app, "1"); err != nil {
		t.Fatal(err)
	}
	if user, pw, _ := r.asked[0].BasicAuth(); user != "deploy" || pw != "s3cret-P" {
		t.Errorf("user %q, password %q", user, pw)
	}
}

func TestRetries(t *testing.T) {
	r := newRepo(t, map[string]string{"/a.zip": "x"})
	failures := 2
	r.serve = func(w http.ResponseWriter, q *http.Request) bool {
		if q.URL.Path == "/a.zip" && failures > 0 {
			failures--
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	if _, err := resolver(t).Resolve(t.Context(), urlApp(r.URL+"/a.zip", nil), "1"); err != nil {
		t.Fatal(err)
	}
	if n := r.count(http.MethodHead, "/a.zip"); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	r.serve = status(500)
	if _, err := resolver(t).Resolve(t.Context(), urlApp(r.URL+"/b.zip", nil), "1"); err == nil {
		t.Fatal("no error")
	}
	if n := r.count(http.MethodHead, "/b.zip"); n != 4 {
		t.Errorf("%d requests, want 4: retries must end", n)
	}
}

func TestHeadNotAllowed(t *testing.T) {
	r := newRepo(t, map[string]string{"/a.zip": "content"})
	r.serve = func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return true
		}
		return false
	}
	res, err := resolver(t).Resolve(t.Context(), urlApp(r.URL+"/a.zip", nil), "1")
	if err != nil || res.Size != 7 {
		t.Fatalf("got %+v, %v", res, err)
	}
}

func TestResolveIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := newRepo(t, nil)
	r.serve = func(http.ResponseWriter, *http.Request) bool { cancel(); return true }
	if _, err := resolver(t).Resolve(ctx, urlApp(r.URL+"/a.zip", nil), "1"); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want cancelled", err)
	}
}

func TestRepositoryThatHangs(t *testing.T) {
	r := newRepo(t, nil)
	r.serve = func(_ http.ResponseWriter, q *http.Request) bool { <-q.Context().Done(); return true }
	res := resolver(t)
	res.Client.Timeout = 30 * time.Millisecond
	_, err := res.Resolve(t.Context(), urlApp(r.URL+"/a.zip", nil), "1")
	var e *artifact.Error
	if !errors.As(err, &e) || e.Kind != artifact.Unreachable || !strings.Contains(err.Error(), "no answer from 127.0.0.1") || !strings.Contains(err.Error(), "in time") {
		t.Fatalf("error %v", err)
	}
}

func TestSecretThatIsMissing(t *testing.T) {
	res := resolver(t)
	res.Secrets = func(context.Context, plan.Secret) (string, error) {
		return "", errors.New("reading secret env PW: it is not set")
	}
	app := urlApp("http://127.0.0.1:1/a.zip", func(u *plan.URLArtifact) { u.Auth = &plan.Auth{Token: &plan.Secret{Env: "PW"}} })
	if _, err := res.Resolve(t.Context(), app, "1"); err == nil || !strings.Contains(err.Error(), "env PW: it is not set") {
		t.Fatalf("error %v", err)
	}
	res.Secrets = nil
	if _, err := res.Resolve(t.Context(), app, "1"); err == nil || !strings.Contains(err.Error(), "secrets are not available") {
		t.Fatalf("error %v", err)
	}
}
