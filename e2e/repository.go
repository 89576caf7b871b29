//go:build linux

package e2e

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Repository is an artifact repository over HTTP, in Maven's layout, that counts downloads.
type Repository struct {
	URL string

	mu    sync.Mutex
	files map[string][]byte
	gets  map[string]int // complete downloads, by path
}

// Repository starts an empty repository on the controller's address, and ends it with the test.
func (f *Fleet) Repository(t testing.TB) *Repository {
	t.Helper()
	r := &Repository{files: map[string][]byte{}, gets: map[string]int{}}
	l, err := net.Listen("tcp", controller+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(r)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

// ServeHTTP serves the files.
func (r *Repository) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	body, ok := r.files[q.URL.Path]
	if ok && q.Method == http.MethodGet {
		r.gets[q.URL.Path]++
	}
	r.mu.Unlock()
	if !ok {
		http.NotFound(w, q)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body)
}

// Put publishes a file under a path, with its checksums, and gives its digest.
func (r *Repository) Put(path string, body []byte) string {
	sum256, sum1 := sha256.Sum256(body), sha1.Sum(body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[path] = body
	r.files[path+".sha256"] = []byte(hex.EncodeToString(sum256[:]))
	r.files[path+".sha1"] = []byte(hex.EncodeToString(sum1[:]))
	return "sha256:" + hex.EncodeToString(sum256[:])
}

// Bare publishes a file without checksums.
func (r *Repository) Bare(path string, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[path] = body
}

// Gets counts the downloads of a path.
func (r *Repository) Gets(path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gets[path]
}

// Maven publishes an artifact under GROUP:NAME:VERSION with a classifier ("": none), and adds it to the metadata. It gives the
// artifact's path.
func (r *Repository) Maven(group, name, version, classifier, extension string, body []byte) string {
	dir := "/" + strings.ReplaceAll(group, ".", "/") + "/" + name
	file := name + "-" + version
	if classifier != "" {
		file += "-" + classifier
	}
	path := dir + "/" + version + "/" + file + "." + extension
	r.Put(path, body)
	r.Put(dir+"/maven-metadata.xml", []byte(r.metadata(dir, group, name, version)))
	return path
}

func (r *Repository) metadata(dir, group, name, version string) string {
	r.mu.Lock()
	old := string(r.files[dir+"/maven-metadata.xml"])
	r.mu.Unlock()
	_, rest, _ := strings.Cut(old, "<versions>")
	versions, _, _ := strings.Cut(rest, "</versions>")
	if tag := "<version>" + version + "</version>"; !strings.Contains(versions, tag) {
		versions += tag
	}
	return fmt.Sprintf("<metadata><groupId>%s</groupId><artifactId>%s</artifactId><versioning><latest>%s</latest><release>%s</release><versions>%s</versions></versioning></metadata>\n",
		group, name, version, version, versions)
}
