//go:build linux

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// password opens the repository. Its characters are those that shells and configuration files trip over.
const password = `s3cr3t "$(id)' \p%20w`

// A repository that wants credentials. Whether they are missing, wrong or right, the password is never in what trikk prints
// or keeps, in what is on the servers, or in a list of processes.
func TestBadCredentials(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	base := s.serve(t, guarded(s.f.Zip(t, "2.0", e2e.Healthy)))
	with := func(t *testing.T, more string) *e2e.Config {
		t.Helper()
		return s.config(t, parts{artifact: fmt.Sprintf("\tartifact: url: {url: %q, %s}", base+"/hello-{version}.zip", more)})
	}

	t.Run("none", func(t *testing.T) {
		s.refuses(t, with(t, ""), bad{code: 1, says: []string{"hello: resolving " + base + "/hello-2.0.zip: 401 Unauthorized", "no credentials were used: add auth to the artifact"}})
	})
	t.Run("wrong", func(t *testing.T) {
		t.Setenv("E2E_PASSWORD", "wrong"+password)
		c := with(t, `auth: basic: {user: "deploy", password: env: "E2E_PASSWORD"}`)
		s.refuses(t, c, bad{code: 1, says: []string{"401 Unauthorized", "used user deploy (password from env E2E_PASSWORD)"}}).Lacks(t, "s3cr3t", password)
	})
	t.Run("not set", func(t *testing.T) {
		c := with(t, `auth: basic: {user: "deploy", password: env: "E2E_PASSWORD"}`)
		s.refuses(t, c, bad{code: 1, says: []string{"E2E_PASSWORD", "is not set"}})
	})
	t.Run("no such file", func(t *testing.T) {
		c := with(t, `auth: basic: {user: "deploy", password: file: "/nonexistent/password"}`)
		s.refuses(t, c, bad{code: 1, says: []string{"/nonexistent/password"}})
	})
	t.Run("in the URL", func(t *testing.T) {
		c := s.config(t, parts{artifact: fmt.Sprintf("\tartifact: url: url: %q", strings.Replace(base, "http://", "http://deploy:s3cr3t@", 1)+"/hello-{version}.zip")})
		before := s.listing(t)
		r := s.f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes")
		if r.Code != 1 && r.Code != 3 {
			t.Errorf("exit code %d", r.Code)
		}
		r.Says(t, "auth").Lacks(t, "s3cr3t")
		if after := s.listing(t); after != before {
			t.Errorf("something was changed:\n%s", difference(before, after))
		}
	})
	for _, way := range e2e.Full(1, "curl", "wget", "controller") {
		t.Run("right, by "+way, func(t *testing.T) {
			file := filepath.Join(s.f.Dir(t), "password")
			if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			fetch := `fetch: "server"`
			switch way {
			case "wget":
				for _, m := range s.on {
					m.Hide(t, "/usr/bin/curl")
				}
			case "controller":
				fetch = `fetch: "controller"`
			}
			// Only the install is wanted: the hook keeps 1.0 in place, and the next way has to fetch again.
			c := s.config(t, parts{artifact: fmt.Sprintf("\tartifact: url: {url: %q, %s, auth: basic: {user: \"deploy\", password: file: %q}}", base+"/hello-{version}.zip", fetch, file), more: `	hooks: before: ["false"]`})
			watch := watchProcesses("hello-2.0.zip", "s3cr3t", encoded())
			r := s.runs(t, c, bad{args: []string{"apply", "hello@2.0", "-e", "test", "--yes", "-vv"}, code: 7})
			seen := watch()
			r.Says(t, "record release 2.0-").Lacks(t, "s3cr3t", encoded())
			if seen.processes < 20 || seen.marked == 0 && way != "controller" {
				t.Errorf("the watch saw %d processes, and %d of the download: it proves nothing", seen.processes, seen.marked)
			}
			for _, line := range seen.secrets {
				t.Errorf("a process shows the password: %q", line)
			}
			for _, dir := range []string{c.Dir, c.Dir + ".state"} {
				for _, secret := range []string{"s3cr3t", encoded()} {
					if found := grepTree(t, dir, secret); found != "" {
						t.Errorf("the password is in %s", found)
					}
				}
			}
			for _, m := range s.on {
				if found, err := m.Try("grep -rlF -e s3cr3t -e " + encoded() + " /home /srv /tmp /var/tmp /run 2>/dev/null"); err == nil {
					t.Errorf("the password is on %s in %s", m.Name, found)
				}
				m.Run(t, "rm -rf "+root+"/releases/2.0-* "+root+"/.trikk/cache/*hello-2.0.zip")
			}
		})
	}
	s.clean(t)
}

// encoded is the password as it goes over the wire.
func encoded() string { return base64.StdEncoding.EncodeToString([]byte("deploy:" + password)) }

// guarded serves one file, slowly and with its digest, to who has the password.
func guarded(body []byte) http.HandlerFunc {
	sum := sha256.Sum256(body)
	return func(w http.ResponseWriter, q *http.Request) {
		if user, got, _ := q.BasicAuth(); user != "deploy" || got != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="artifacts"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		switch {
		case strings.HasSuffix(q.URL.Path, ".sha256"):
			fmt.Fprintln(w, hex.EncodeToString(sum[:]))
			return
		case !strings.HasSuffix(q.URL.Path, ".zip"):
			http.NotFound(w, q)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		if q.Method == http.MethodHead {
			return
		}
		for part := range slices.Chunk(body, 1<<20) {
			_, _ = w.Write(part)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// watched is what was seen of all processes, those of the machines included, while something ran.
type watched struct {
	processes, marked int      // all of them, and those that the mark is on the command line of
	secrets           []string // command lines of processes that have a secret there or in their environment
}

// givenSecrets marks, in an environment, the processes on the controller that have secrets there because the test put them there.
const givenSecrets = "E2E_GIVEN_SECRETS=yes"

// watchProcesses looks at all processes all the time, until what it gives is called.
func watchProcesses(mark string, secrets ...string) func() watched {
	var out watched
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		seen := map[string]bool{}
		for {
			select {
			case <-stop:
				out.processes = len(seen)
				return
			default:
			}
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					continue
				}
				environ, _ := os.ReadFile(filepath.Dir(file) + "/environ")
				if bytes.Contains(environ, []byte(givenSecrets)) {
					environ = nil
				}
				if !seen[file] && bytes.Contains(text, []byte(mark)) {
					out.marked++
				}
				seen[file] = true
				for _, secret := range secrets {
					if bytes.Contains(text, []byte(secret)) || bytes.Contains(environ, []byte(secret)) {
						out.secrets = append(out.secrets, string(text))
					}
				}
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	return func() watched {
		close(stop)
		all.Wait()
		return out
	}
}

// grepTree names the files under a folder that hold a text.
func grepTree(t *testing.T, dir, text string) string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if bytes.Contains(body, []byte(text)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(found, " ")
}
