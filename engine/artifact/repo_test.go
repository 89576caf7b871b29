package artifact_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/artifact"
	"trikk.dev/engine/plan"
)

// repo is a repository in memory: bodies by path, and what was asked of it.
type repo struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
	asked []*http.Request
	// serve answers before files do; true: it did.
	serve func(w http.ResponseWriter, r *http.Request) bool
}

func newRepo(t *testing.T, files map[string]string) *repo {
	t.Helper()
	r := &repo{files: files}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *repo) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, req)
	if r.serve != nil && r.serve(w, req) {
		return
	}
	body, ok := r.files[req.URL.Path]
	if !ok {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"tag"`)
	_, _ = w.Write([]byte(body))
}

// count of requests with method for path.
func (r *repo) count(method, path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, q := range r.asked {
		if q.Method == method && q.URL.Path == path {
			n++
		}
	}
	return n
}

func resolver(t *testing.T) *artifact.Resolver {
	t.Helper()
	return &artifact.Resolver{
		Client: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second},
		Cache:  t.TempDir(),
		Wait:   time.Millisecond,
		Secrets: func(_ context.Context, s plan.Secret) (string, error) {
			return "s3cret-" + s.Env, nil
		},
	}
}

func mavenApp(url string, edit func(*plan.Maven)) plan.App {
	m := &plan.Maven{Repository: url + "/repo/", Group: "no.kommune.itas", Artifact: "itas", Extension: "zip"}
	if edit != nil {
		edit(m)
	}
	return plan.App{Name: "itas", Artifact: plan.Artifact{Maven: m}}
}

func urlApp(url string, edit func(*plan.URLArtifact)) plan.App {
	u := &plan.URLArtifact{URL: url}
	if edit != nil {
		edit(u)
	}
	return plan.App{Name: "web", Artifact: plan.Artifact{URL: u}}
}
