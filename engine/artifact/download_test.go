package artifact_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trikk.dev/engine/artifact"
	"trikk.dev/engine/plan"
)

func TestDownload(t *testing.T) {
	r := newRepo(t, map[string]string{"/a.zip": "content"})
	res := resolver(t)
	f := plan.Fetch{URL: r.URL + "/a.zip", File: "a-1.zip", Digest: "sha256:" + hash256("content"), Size: 7, Controller: true}
	path, fresh, err := res.Download(t.Context(), f)
	if err != nil || !fresh {
		t.Fatalf("%v, fresh %v", err, fresh)
	}
	if b, _ := os.ReadFile(path); string(b) != "content" {
		t.Fatalf("content %q", b)
	}
	again, fresh, err := res.Download(t.Context(), f)
	if err != nil || fresh || again != path {
		t.Fatalf("second time: %s, fresh %v, %v", again, fresh, err)
	}
	if n := r.count(http.MethodGet, "/a.zip"); n != 1 {
		t.Errorf("%d downloads, want 1", n)
	}
	if err := os.WriteFile(path, []byte("rotten"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, fresh, err = res.Download(t.Context(), f); err != nil || !fresh {
		t.Errorf("a rotten entry: fresh %v, %v", fresh, err)
	}
	if entry, err := res.Entry(f.File, f.Digest); err != nil || entry != path {
		t.Errorf("entry %s, %v; want %s", entry, err, path)
	}
}

// All servers want the same artifact at the same moment.
func TestDownloadOnce(t *testing.T) {
	r := newRepo(t, map[string]string{"/a.zip": "content"})
	res := resolver(t)
	var all sync.WaitGroup
	var fresh atomic.Int32
	for range 12 {
		all.Go(func() {
			_, f, err := res.Download(t.Context(), plan.Fetch{URL: r.URL + "/a.zip", File: "a-1.zip", Digest: "sha256:" + hash256("content"), Controller: true})
			if err != nil {
				t.Error(err)
			}
			if f {
				fresh.Add(1)
			}
		})
	}
	all.Wait()
	if n := r.count(http.MethodGet, "/a.zip"); n != 1 || fresh.Load() != 1 {
		t.Errorf("%d downloads, %d fresh; want one", n, fresh.Load())
	}
}

func TestDownloadErrors(t *testing.T) {
	tests := []struct {
		name  string
		kind  artifact.Kind
		fetch plan.Fetch
		serve func(http.ResponseWriter, *http.Request) bool
		want  []string
	}{
		{"digest", artifact.DigestMismatch, plan.Fetch{File: "a", Digest: "sha256:" + hash256("other")}, nil, []string{hash256("other"), hash256("content")}},
		{"size", artifact.DigestMismatch, plan.Fetch{File: "a", Size: 8}, nil, []string{"7 bytes, not 8"}},
		{"gone", artifact.NotFound, plan.Fetch{File: "a"}, status(404), []string{"404"}},
		{"page", artifact.Page, plan.Fetch{File: "a"}, func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>"))
			return true
		}, []string{"HTML page"}},
		{"cut", artifact.Unreachable, plan.Fetch{File: "a"}, func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
			return true
		}, []string{"broke after 4 bytes"}},
		{"file name", artifact.Misconfigured, plan.Fetch{File: "../a"}, nil, []string{"not a file name"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepo(t, map[string]string{"/a.zip": "content"})
			r.serve = tt.serve
			res := resolver(t)
			tt.fetch.URL = r.URL + "/a.zip"
			_, _, err := res.Download(t.Context(), tt.fetch)
			var e *artifact.Error
			if !errors.As(err, &e) || e.Kind != tt.kind {
				t.Fatalf("error %v; want kind %s", err, tt.kind)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error does not say %q: %v", w, err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(res.Cache, "*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			if left, _ := filepath.Glob(filepath.Join(res.Cache, ".*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestDownloadRetriesACutTransfer(t *testing.T) {
	r := newRepo(t, map[string]string{"/a.zip": "content"})
	cut := true
	r.serve = func(w http.ResponseWriter, _ *http.Request) bool {
		if !cut {
			return false
		}
		cut = false
		w.Header().Set("Content-Length", "7")
		_, _ = w.Write([]byte("con"))
		return true
	}
	path, _, err := resolver(t).Download(t.Context(), plan.Fetch{URL: r.URL + "/a.zip", File: "a", Digest: "sha256:" + hash256("content")})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "content" {
		t.Errorf("content %q", b)
	}
}

func TestDownloadThatStandsStill(t *testing.T) {
	r := newRepo(t, nil)
	r.serve = func(w http.ResponseWriter, q *http.Request) bool {
		w.Header().Set("Content-Length", "100")
		w.(http.Flusher).Flush()
		<-q.Context().Done()
		return true
	}
	res := resolver(t)
	res.Idle = 20 * time.Millisecond
	_, _, err := res.Download(t.Context(), plan.Fetch{URL: r.URL + "/a.zip", File: "a"})
	if err == nil || !strings.Contains(err.Error(), "nothing came for 20ms") {
		t.Fatalf("error %v", err)
	}
}
