//go:build linux

package e2e_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// Artifacts that aren't there, or aren't what they should be. What is known before is told before anything is changed.
func TestBadArtifact(t *testing.T) {
	s := newScene(t)
	url := func(path, more string) parts {
		return parts{artifact: fmt.Sprintf("\tartifact: url: {url: %q, %s}", path, more)}
	}

	t.Run("unknown version", func(t *testing.T) {
		s.refuses(t, s.config(t, parts{}), bad{args: []string{"apply", "hello@2.1", "-e", "test", "--yes"}, code: 1, says: []string{
			"hello: resolving " + s.repo.URL + "/example/city/hello/2.1/hello-2.1-dist.zip", "404", "no version 2.1; nearest is 2.0, newest is 4.0"}})
	})
	t.Run("unknown classifier", func(t *testing.T) {
		c := s.config(t, parts{artifact: strings.Replace(s.maven(""), `"dist"`, `"bin"`, 1)})
		s.refuses(t, c, bad{code: 1, says: []string{"hello-2.0-bin.zip", "404", "version 2.0 is there, but not this file: check classifier and extension"}})
	})
	t.Run("repository is down", func(t *testing.T) {
		c := s.config(t, url("http://10.80.0.1:9/hello-{version}.zip", ""))
		s.refuses(t, c, bad{code: 1, says: []string{"hello: resolving http://10.80.0.1:9/hello-2.0.zip", "10.80.0.1:9 refuses connections", "is the repository up"}})
	})
	t.Run("missing local file", func(t *testing.T) {
		c := s.config(t, parts{artifact: `	artifact: file: path: "target/hello.zip"`})
		s.refuses(t, c, bad{args: []string{"apply", "hello", "-e", "test", "--yes"}, code: 1, says: []string{"hello: reading artifact " + c.Dir + "/apps/hello/target/hello.zip", "there is no such file", "build it first"}})
	})
	t.Run("build fails", func(t *testing.T) {
		c := s.config(t, parts{artifact: `	artifact: file: path: "target/hello.zip"`, more: `	build: ["echo compiling; echo no such class: Hello >&2; exit 3"]`})
		s.refuses(t, c, bad{args: []string{"apply", "hello", "-e", "test", "--yes"}, code: 1, says: []string{"building hello: ", "ended with status 3", "no such class: Hello"}})
	})
	t.Run("digest of the config is another", func(t *testing.T) {
		c := s.config(t, parts{artifact: s.maven(`digest: "sha256:` + strings.Repeat("ab", 32) + `"`)})
		s.refuses(t, c, bad{code: 1, says: []string{"hello-2.0-dist.zip", "the config says sha256:abab", "the repository publishes sha256:", "correct the digest in the config"}})
	})
	t.Run("login page", func(t *testing.T) {
		base := s.serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintln(w, "<!DOCTYPE html><title>Sign in</title>")
		})
		s.refuses(t, s.config(t, url(base+"/hello-{version}.zip", "")), bad{code: 1, says: []string{base + "/hello-2.0.zip", "an HTML page instead of the artifact", "a login page? no credentials were used: add auth to the artifact"}})
	})
	t.Run("login page for the servers only", func(t *testing.T) {
		base := s.serve(t, func(w http.ResponseWriter, q *http.Request) {
			if q.Method == http.MethodHead || strings.Contains(q.URL.Path, ".sha") {
				w.WriteHeader(map[bool]int{true: 200, false: 404}[q.Method == http.MethodHead])
				return
			}
			fmt.Fprintln(w, "<!DOCTYPE html><title>Sign in</title>")
		})
		s.keepsNothing(t, s.config(t, url(base+"/hello-{version}.zip", "")), "FAILED", "fetching "+base+"/hello-2.0.zip: the answer is an HTML page", "a login page?")
	})
	t.Run("fault 30: corrupt artifact", func(t *testing.T) {
		s.repo.Put("/corrupt-2.0.zip", s.f.Zip(t, "2.0", e2e.Healthy))
		s.repo.Bare("/corrupt-2.0.zip", append(s.f.Zip(t, "2.0", e2e.Healthy), 'x'))
		s.keepsNothing(t, s.config(t, url(s.repo.URL+"/corrupt-{version}.zip", "")), "FAILED", "fetching "+s.repo.URL+"/corrupt-2.0.zip", "the digest or size is", "nothing was kept")
	})
	t.Run("corrupt artifact through the controller", func(t *testing.T) {
		s.keepsNothing(t, s.config(t, url(s.repo.URL+"/corrupt-{version}.zip", `fetch: "controller"`)), "FAILED", "downloading "+s.repo.URL+"/corrupt-2.0.zip", "its digest is sha256:")
	})
	t.Run("fault 30: truncated download", func(t *testing.T) {
		whole := s.f.Zip(t, "2.0", e2e.Healthy)
		base := s.serve(t, func(w http.ResponseWriter, q *http.Request) {
			if strings.Contains(q.URL.Path, ".sha") {
				http.NotFound(w, q)
				return
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			if q.Method == http.MethodGet {
				_, _ = w.Write(whole[:len(whole)/2])
				panic(http.ErrAbortHandler)
			}
		})
		s.keepsNothing(t, s.config(t, url(base+"/hello-{version}.zip", "")), "FAILED", "fetching "+base+"/hello-2.0.zip broke off")
	})
	t.Run("not an archive", func(t *testing.T) {
		s.repo.Put("/text-2.0.zip", []byte("this is no zip"))
		s.keepsNothing(t, s.config(t, url(s.repo.URL+"/text-{version}.zip", "")), "FAILED", "refused to unpack ", "text-2.0.zip: its list can't be read: it is no zip archive")
	})
	t.Run("fault 30: zip slip in a zip", func(t *testing.T) {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		_, err := w.Create("../../shared/slipped")
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		s.repo.Put("/slip-2.0.zip", out.Bytes())
		s.keepsNothing(t, s.config(t, url(s.repo.URL+"/slip-{version}.zip", "")), "FAILED", "refused to unpack ", "slip-2.0.zip: a name in it leaves the release: ../../shared/slipped")
	})
	t.Run("fault 30: zip slip", func(t *testing.T) {
		s.repo.Put("/slip-2.0.tar.gz", tarball(t, tar.Header{Name: "ok.txt", Size: 2}, tar.Header{Name: "../../shared/slipped", Size: 2}))
		s.keepsNothing(t, s.config(t, url(s.repo.URL+"/slip-{version}.tar.gz", "")), "FAILED", "refused to unpack ", "slip-2.0.tar.gz: a name in it leaves the release: ../../shared/slipped")
	})
	t.Run("fault 30: symlink escape", func(t *testing.T) {
		s.repo.Put("/link-2.0.tar.gz", tarball(t, tar.Header{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "../../../../../../etc"}))
		s.keepsNothing(t, s.config(t, url(s.repo.URL+"/link-{version}.tar.gz", "")), "FAILED", "refused to unpack ", "link-2.0.tar.gz: a link in it leaves the release: bin -> ../../../../../../etc")
	})
	t.Run("fault 30: writing through a symlink", func(t *testing.T) {
		s.repo.Put("/through-2.0.tar.gz", tarball(t, tar.Header{Name: "x", Typeflag: tar.TypeSymlink, Linkname: "../../../shared"}, tar.Header{Name: "x/slipped", Size: 2}))
		s.keepsNothing(t, s.config(t, url(s.repo.URL+"/through-{version}.tar.gz", "")), "FAILED", "through-2.0.tar.gz: tar: x/slipped: ")
	})
	s.clean(t)
}

// keepsNothing asserts that the install of 2.0 fails on every server: the exit code is 1, the servers are named with the
// cause, and nothing of the archive is left.
func (s *scene) keepsNothing(t *testing.T, c *e2e.Config, says ...string) {
	t.Helper()
	before := s.listing(t)
	r := s.runs(t, c, bad{code: 1})
	r.Says(t, append(says, "hello failed, and nothing was changed in test", "app1: not changed", "app2: not changed")...)
	r.Lacks(t, "rotate 1/2\n  app")
	if after := s.listing(t); after != before {
		var left []string
		for line := range strings.Lines(difference(before, after)) {
			// A whole archive that was refused only when it was unpacked stays in the cache, for the next try.
			if !strings.Contains(line, "/.trikk/cache/") {
				left = append(left, line)
			}
		}
		if len(left) > 0 {
			t.Errorf("something was changed:\n%s", strings.Join(left, ""))
		}
	}
}

// tarball is a tar.gz of these members; regular ones hold "ok".
func tarball(t *testing.T, members ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, h := range members {
		h.Mode = 0o755
		err := w.WriteHeader(&h)
		if err == nil && h.Typeflag != tar.TypeSymlink {
			_, err = w.Write([]byte("ok"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// serve starts a web server beside the repository, until the test ends, and gives its URL.
func (s *scene) serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", strings.TrimPrefix(s.repo.URL[:strings.LastIndex(s.repo.URL, ":")], "http://")+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handle)
	_ = server.Listener.Close()
	server.Listener = l
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
