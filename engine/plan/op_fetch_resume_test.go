package plan_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// large is an artifact that transfers can be cut in.
var large = strings.Repeat("0123456789abcdef", 4096)

// cutting is a repository with one artifact. It remembers the range that each request asked for, and answers it as how says.
type cutting struct {
	*httptest.Server

	mu     sync.Mutex
	how    string
	ranges []string
}

func newCutting(t *testing.T) *cutting {
	c := &cutting{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked := q.Header.Get("Range")
		c.mu.Lock()
		c.ranges = append(c.ranges, asked)
		how := c.how
		c.mu.Unlock()
		switch {
		case how == "cut":
			http.ServeContent(&short{ResponseWriter: w, left: 10_000}, q, "", time.Time{}, strings.NewReader(large))
		case how == "no progress" && asked != "":
			http.ServeContent(&short{ResponseWriter: w}, q, "", time.Time{}, strings.NewReader(large))
		case how == "no ranges":
			_, _ = w.Write([]byte(large))
		case how == "errors" && asked != "":
			http.Error(w, strings.Repeat("no ranges here", 100), http.StatusNotImplemented)
		default:
			http.ServeContent(w, q, "", time.Time{}, strings.NewReader(large))
		}
	}))
	t.Cleanup(c.Close)
	return c
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

// asked gives the ranges that were asked for since the last call, and answers the next requests in another way.
func (c *cutting) asked(how string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.ranges
	c.ranges, c.how = nil, how
	return was
}

// TestFetchResumes: a fetch that was cut off goes on where it ended, and each piece counts.
func TestFetchResumes(t *testing.T) {
	onClients(t, func(t *testing.T, s *server, _ *repository) {
		c := newCutting(t)
		op := plan.Fetch{URL: c.URL + "/a.jar", Root: s.root, File: "a.jar", Digest: sha256Of(large)}
		c.asked("cut")
		s.fails(op, "fetching "+op.URL+" broke off: ", "(the next fetch goes on after 10000 bytes)")
		s.onlyInCache(".a.jar.part", ".a.jar.part.from")
		s.fails(op, "(the next fetch goes on after 20000 bytes)")
		whole := c.asked("")
		s.changes(op)
		if s.read(".trikk/cache/a.jar") != large {
			t.Error("something else was fetched")
		}
		s.onlyInCache("a.jar")
		if got := append(whole, c.asked("")...); !slices.Equal(got, []string{"", "bytes=10000-", "bytes=20000-"}) {
			t.Errorf("asked for %q", got)
		}
	})
}

// TestFetchStartsAnew: a part that can't be gone on with, or is wrong, costs one more fetch and no more. TRIKK_FULL=1 makes it take
// all cases.
func TestFetchStartsAnew(t *testing.T) {
	half := large[:30_000]
	tests := map[string]struct {
		how, part, from string // from: the record of the part; "": the right one
		want            []string
		always          bool
	}{
		"the part is of another file":         {"", strings.Repeat("x", 30_000), "", []string{"bytes=30000-", ""}, true},
		"ranges are not supported":            {"no ranges", half, "", []string{"bytes=30000-", ""}, true},
		"ranges are an error":                 {"errors", half, "", []string{"bytes=30000-", ""}, false},
		"a range brings nothing":              {"no progress", half, "", []string{"bytes=30000-", ""}, true},
		"the part is longer than the file":    {"", large + "more", "", []string{"bytes=65540-", ""}, false},
		"the part is of another address":      {"", half, "http://127.0.0.1:1/a.jar " + strings.TrimPrefix(sha256Of(large), "sha256:"), []string{""}, false},
		"the part was to have another digest": {"", half, "URL abc", []string{""}, false},
		"the part is whole":                   {"", large, "", nil, false},
	}
	onClients(t, func(t *testing.T, s *server, _ *repository) {
		c := newCutting(t)
		op := plan.Fetch{URL: c.URL + "/a.jar", Root: s.root, Digest: sha256Of(large)}
		right := op.URL + " " + strings.TrimPrefix(op.Digest, "sha256:")
		seed := func(part, from string) {
			if from == "" {
				from = right
			}
			s.write(".trikk/cache/."+op.File+".part", part)
			s.write(".trikk/cache/."+op.File+".part.from", strings.Replace(from, "URL", op.URL, 1)+"\n")
		}
		var cached []string
		for name, test := range tests {
			if !test.always && os.Getenv("TRIKK_FULL") == "" {
				continue
			}
			op.File = strings.ReplaceAll(name, " ", "-") + ".jar"
			c.asked(test.how)
			seed(test.part, test.from)
			s.changes(op)
			if s.read(".trikk/cache/"+op.File) != large {
				t.Errorf("%s: something else was fetched", name)
			}
			cached = append(cached, op.File)
			s.onlyInCache(cached...)
			if got := c.asked(""); !slices.Equal(got, test.want) {
				t.Errorf("%s: asked for %q, want %q", name, got, test.want)
			}
		}
		op.File, op.Digest = "other.jar", sha256Of("another artifact")
		right = op.URL + " " + strings.TrimPrefix(op.Digest, "sha256:")
		seed(half, "")
		s.fails(op, "nothing was kept")
		if got := c.asked(""); !slices.Equal(got, []string{"bytes=30000-", ""}) {
			t.Errorf("an artifact that is wrong in the repository: asked for %q", got)
		}
		s.onlyInCache(cached...)
		op.Digest = sha256Of(large)
		right = op.URL + " " + strings.TrimPrefix(op.Digest, "sha256:")
		seed(half, "")
		c.Close()
		s.fails(op, "failed: ")
		s.onlyInCache(append(cached, ".other.jar.part", ".other.jar.part.from")...)
	})
}
