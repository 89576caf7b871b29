package artifact_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/artifact"
	"trikk.dev/engine/plan"
)

// large is an artifact that transfers can be cut in.
var large = strings.Repeat("0123456789abcdef", 4096)

// cutting is a repository with one artifact. It remembers what piece each request asked for.
type cutting struct {
	*httptest.Server

	mu      sync.Mutex
	content string
	tag     string // ETag
	how     string // it answers
	cuts    int    // so many more answers are cut after 10,000 bytes
	ranges  []string
	begun   chan struct{} // gets one for each answer that stands still
}

func newCutting(t *testing.T) *cutting {
	c := &cutting{content: large, tag: `"v1"`, begun: make(chan struct{}, 10)}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *cutting) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	asked := strings.TrimSpace(q.Header.Get("Range") + " " + q.Header.Get("If-Range"))
	c.mu.Lock()
	c.ranges = append(c.ranges, asked)
	how, content, tag, cut := c.how, c.content, c.tag, c.cuts > 0
	c.cuts--
	c.mu.Unlock()
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	switch {
	case how == "stands still":
		w.Header().Set("Content-Length", "65536")
		_, _ = w.Write([]byte(content[:20_000]))
		w.(http.Flusher).Flush()
		c.begun <- struct{}{}
		<-q.Context().Done()
	case cut:
		http.ServeContent(&short{ResponseWriter: w, left: 10_000}, q, "", time.Time{}, strings.NewReader(content))
	case how == "no progress" && asked != "":
		http.ServeContent(&short{ResponseWriter: w}, q, "", time.Time{}, strings.NewReader(content))
	case how == "no ranges":
		_, _ = w.Write([]byte(content))
	case how == "errors" && asked != "":
		http.Error(w, "no ranges here", http.StatusNotImplemented)
	default:
		http.ServeContent(w, q, "", time.Time{}, strings.NewReader(content))
	}
}

// short breaks the connection after some bytes of the body.
type short struct {
	http.ResponseWriter
	left int
}

func (s *short) Write(b []byte) (int, error) {
	n, _ := s.ResponseWriter.Write(b[:min(s.left, len(b))])
	s.left -= n
	if n < len(b) {
		s.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

// asked gives what was asked for since the last call.
func (c *cutting) asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.ranges
	c.ranges = nil
	return was
}

func (c *cutting) fetch(digest string) plan.Fetch {
	f := plan.Fetch{URL: c.URL + "/a.zip", File: "a-1.zip", Controller: true}
	if digest != "" {
		f.Digest = "sha256:" + digest
	}
	return f
}

// inCache lists the files of a cache.
func inCache(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// requireAsked asserts what pieces were asked for.
func (c *cutting) requireAsked(t *testing.T, name string, want ...string) {
	t.Helper()
	if got := c.asked(); !slices.Equal(got, want) {
		t.Errorf("%s: asked for %q, want %q", name, got, want)
	}
}

// whole asserts that a download gives the content, and leaves nothing else.
func whole(t *testing.T, r *artifact.Resolver, f plan.Fetch, content string) {
	t.Helper()
	path, fresh, err := r.Download(t.Context(), f)
	if err != nil || !fresh {
		t.Fatalf("fresh %v, %v", fresh, err)
	}
	if b, _ := os.ReadFile(path); string(b) != content {
		t.Errorf("%d bytes of something else were fetched", len(b))
	}
	if got := inCache(t, r.Cache); !slices.Equal(got, []string{filepath.Base(path)}) {
		t.Errorf("left in the cache: %q", got)
	}
}

// TestDownloadResumes: a download that was cut off goes on where it ended, in another process too, and each piece counts.
func TestDownloadResumes(t *testing.T) {
	c := newCutting(t)
	c.cuts = 4
	first, second := resolver(t), resolver(t)
	second.Cache = first.Cache
	f := c.fetch(hash256(large))
	_, _, err := first.Download(t.Context(), f)
	if err == nil || !strings.Contains(err.Error(), "the transfer broke after 40000 bytes: ") || !strings.HasSuffix(err.Error(), " (the next fetch goes on after 40000 bytes)") {
		t.Errorf("error %v", err)
	}
	part := ".sha256-" + hash256(large) + ".part"
	if got := inCache(t, first.Cache); !slices.Equal(got, []string{part, part + ".from"}) {
		t.Errorf("in the cache: %q", got)
	}
	whole(t, second, f, large)
	c.requireAsked(t, "cut", "", `bytes=10000- "v1"`, `bytes=20000- "v1"`, `bytes=30000- "v1"`, `bytes=40000- "v1"`)
}

// TestDownloadInterrupted: what came before a person interrupts is kept.
func TestDownloadInterrupted(t *testing.T) {
	c := newCutting(t)
	c.how = "stands still"
	r := resolver(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Second, cancel)
	go func() {
		<-c.begun
		for part := filepath.Join(r.Cache, ".sha256-"+hash256(large)+".part"); ctx.Err() == nil; time.Sleep(time.Millisecond) {
			if st, err := os.Stat(part); err == nil && st.Size() == 20_000 {
				cancel()
			}
		}
	}()
	if _, _, err := r.Download(ctx, c.fetch(hash256(large))); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	c.mu.Lock()
	c.how = ""
	c.mu.Unlock()
	whole(t, r, c.fetch(hash256(large)), large)
	c.requireAsked(t, "interrupted", "", `bytes=20000- "v1"`)
}

// TestDownloadStartsAnew: a part that can't be gone on with, or is wrong, costs one more fetch and no more.
func TestDownloadStartsAnew(t *testing.T) {
	half, other := large[:30_000], strings.Repeat("x", 30_000)
	for name, tt := range map[string]struct {
		how, tag, part string
		from           string // the record of the part: its tag, after a key; "KEY" is the right one
		want           []string
	}{
		"all is well":                         {"", `"v1"`, half, "KEY\n\"v1\"\n", []string{`bytes=30000- "v1"`}},
		"the file has changed":                {"", `"v2"`, other, "KEY\n\"v1\"\n", []string{`bytes=30000- "v1"`}},
		"the part is of another file":         {"", "", other, "KEY\n\n", []string{"bytes=30000-", ""}},
		"ranges are not supported":            {"no ranges", "", half, "KEY\n\n", []string{"bytes=30000-"}},
		"ranges are an error":                 {"errors", "", half, "KEY\n\n", []string{"bytes=30000-", ""}},
		"a range brings nothing":              {"no progress", "", half, "KEY\n\n", []string{"bytes=30000-", ""}},
		"the part is longer than the file":    {"", "", large + "more", "KEY\n\n", []string{"bytes=65540-", ""}},
		"the part is of another address":      {"", "", half, strings.Repeat("0", 64) + " sha256:" + hash256(large) + "\n\n", []string{""}},
		"the part was to have another digest": {"", "", half, "KEY0\n\n", []string{""}},
		"nobody knows of what the part is":    {"", "", half, "", []string{""}},
		"the part is whole":                   {"", "", large, "KEY\n\n", nil},
	} {
		c, r := newCutting(t), resolver(t)
		f := c.fetch(hash256(large))
		c.how, c.tag = tt.how, tt.tag
		seed(t, r, f, tt.part, tt.from)
		whole(t, r, f, large)
		c.requireAsked(t, name, tt.want...)
	}
	c, r := newCutting(t), resolver(t)
	c.tag = ""
	f := c.fetch(hash256("another artifact"))
	seed(t, r, f, half, "KEY\n\n")
	var e *artifact.Error
	if _, _, err := r.Download(t.Context(), f); !errors.As(err, &e) || e.Kind != artifact.DigestMismatch {
		t.Errorf("error %v", err)
	}
	c.requireAsked(t, "an artifact that is wrong in the repository", "bytes=30000-", "")
	if left := inCache(t, r.Cache); len(left) > 0 {
		t.Errorf("left in the cache: %q", left)
	}
	seed(t, r, f, half, "KEY\n\n")
	c.Close()
	if _, _, err := r.Download(t.Context(), f); !errors.As(err, &e) || e.Kind != artifact.Unreachable {
		t.Errorf("error %v", err)
	}
	if left := inCache(t, r.Cache); len(left) != 2 {
		t.Errorf("where nobody could be asked there is %q in the cache", left)
	}
}

// seed leaves a part of an earlier download.
func seed(t *testing.T, r *artifact.Resolver, f plan.Fetch, part, from string) {
	t.Helper()
	entry, err := r.Entry(f.File, f.Digest)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(filepath.Dir(entry), "."+filepath.Base(entry)+".part")
	sum := sha256.Sum256([]byte(f.URL))
	from = strings.Replace(from, "KEY", hex.EncodeToString(sum[:])+" "+f.Digest, 1)
	for path, text := range map[string]string{name: part, name + ".from": from} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDownloadWithoutDigest: only an ETag tells that two pieces are of one file, and only while one download goes on.
func TestDownloadWithoutDigest(t *testing.T) {
	for tag, want := range map[string][]string{
		`"v1"`:   {"", `bytes=10000- "v1"`},
		`W/"v1"`: {"", ""},
		"":       {"", ""},
	} {
		c, r := newCutting(t), resolver(t)
		c.tag, c.cuts = tag, 1
		whole(t, r, c.fetch(""), large)
		c.requireAsked(t, "tag "+tag, want...)
	}
	c, r := newCutting(t), resolver(t)
	c.cuts = 4
	if _, _, err := r.Download(t.Context(), c.fetch("")); err == nil || strings.Contains(err.Error(), "goes on") {
		t.Errorf("error %v", err)
	}
	if left := inCache(t, r.Cache); len(left) > 0 {
		t.Errorf("left in the cache: %q", left)
	}
}

// TestDownloadBesideAnother: another process works on the same entry; its part is left alone.
func TestDownloadBesideAnother(t *testing.T) {
	c, r := newCutting(t), resolver(t)
	f := c.fetch(hash256(large))
	seed(t, r, f, large[:30_000], "KEY\n\"v1\"\n")
	part := filepath.Join(r.Cache, ".sha256-"+hash256(large)+".part")
	theirs, err := os.Open(part)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if err := syscall.Flock(int(theirs.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	path, _, err := r.Download(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != large {
		t.Errorf("%d bytes of something else were fetched", len(b))
	}
	c.requireAsked(t, "beside another", "")
	if b, _ := os.ReadFile(part); string(b) != large[:30_000] || len(inCache(t, r.Cache)) != 3 {
		t.Errorf("the other's part has %d bytes; in the cache: %q", len(b), inCache(t, r.Cache))
	}
}
