package plan_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"trikk.dev/engine/plan"
)

const artifact = "the artifact's bytes \x00\x01\xff\n"

func sha256Of(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// repository is an artifact repository; it counts downloads and remembers credentials that reached other hosts.
type repository struct {
	*httptest.Server
	other *httptest.Server // where /away leads to

	mu     sync.Mutex
	served int
	leaked []string
}

const password = `p"a\ss w'o$rd%s`

func newRepository(t *testing.T) *repository {
	r := &repository{}
	serve := func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		r.served++
		r.mu.Unlock()
		w.Header().Set("Content-Type", "application/java-archive")
		_, _ = w.Write([]byte(artifact))
	}
	r.other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if a := q.Header.Get("Authorization"); a != "" {
			r.mu.Lock()
			r.leaked = append(r.leaked, a)
			r.mu.Unlock()
		}
		serve(w, q)
	}))
	t.Cleanup(r.other.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("/hello-1.0.jar", serve)
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/basic/", func(w http.ResponseWriter, q *http.Request) {
		if user, pass, ok := q.BasicAuth(); !ok || user != "ci bot" || pass != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		serve(w, q)
	})
	mux.HandleFunc("/token/", func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Authorization") != "Bearer t0k.en~+/=" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		switch filepath.Base(q.URL.Path) {
		case "away":
			http.Redirect(w, q, r.other.URL+"/hello-1.0.jar", http.StatusFound)
		case "near":
			http.Redirect(w, q, "/token/x", http.StatusMovedPermanently)
		case "around":
			http.Redirect(w, q, "/token/around", http.StatusTemporaryRedirect)
		default:
			serve(w, q)
		}
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/hello-1.0.jar", http.StatusFound) })
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("\ufeff\n  <!DOCTYPE  HTML>\n<html>Log in</html>"))
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("short"))
	})
	mux.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

// count is how often the artifact was served.
func (r *repository) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.served
}

// onClients runs a test for each shell with curl only and with wget only. Each server has a proxy in its environment that
// must not be used.
func onClients(t *testing.T, test func(t *testing.T, s *server, r *repository)) {
	t.Helper()
	onShells(t, func(t *testing.T, s *server) {
		for _, client := range []string{"curl", "wget"} {
			t.Run(client, func(t *testing.T) {
				s := newServer(t, s.shell)
				s.only(client)
				for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"} {
					s.env = append(s.env, name+"=http://127.0.0.1:1/")
				}
				test(t, s, newRepository(t))
			})
		}
	})
}

func TestFetch(t *testing.T) {
	sums := map[string]string{"sha256": sha256Of(artifact)}
	sum1, sum512 := sha1.Sum([]byte(artifact)), sha512.Sum512([]byte(artifact))
	sums["sha1"], sums["sha512"] = "sha1:"+strings.ToUpper(hex.EncodeToString(sum1[:])), "sha512:"+hex.EncodeToString(sum512[:])
	sums["size"], sums["nothing"] = "", ""
	onClients(t, func(t *testing.T, s *server, r *repository) {
		for name, digest := range sums {
			before := r.count()
			op := plan.Fetch{URL: r.URL + "/hello-1.0.jar", Root: "~/hello", File: name + "-it's hello.jar", Digest: digest}
			if name == "size" {
				op.Size = int64(len(artifact))
			}
			s.twice(op)
			if got := s.read(".trikk/cache/" + op.File); got != artifact {
				t.Errorf("%s: the cache holds %q", name, got)
			}
			if got := r.count() - before; got != 1 {
				t.Errorf("%s: downloaded %d times", name, got)
			}
		}
		op := plan.Fetch{URL: r.URL + "/moved", Root: "~/hello", File: "moved.jar", Digest: sha256Of(artifact)}
		s.twice(op)
		s.write(".trikk/cache/moved.jar", "damaged")
		s.twice(op)
		s.onlyInCache("moved.jar", "sha1-it's hello.jar", "sha256-it's hello.jar", "sha512-it's hello.jar", "size-it's hello.jar", "nothing-it's hello.jar")
	})
}

// onlyInCache asserts what the archive cache holds, hidden files included.
func (s *server) onlyInCache(want ...string) {
	s.t.Helper()
	entries, err := os.ReadDir(s.root + "/.trikk/cache")
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		found := false
		for _, w := range want {
			found = found || w == e.Name()
		}
		if !found {
			s.t.Errorf("the cache holds %s", e.Name())
		}
	}
	if len(entries) < len(want) {
		s.t.Errorf("the cache holds %d files, want %q", len(entries), want)
	}
}

func TestFetchCredentials(t *testing.T) {
	onClients(t, func(t *testing.T, s *server, r *repository) {
		basic := &plan.Auth{Basic: &plan.BasicAuth{User: "ci bot", Password: plan.Secret{Env: "PASSWORD"}}}
		token := &plan.Auth{Token: &plan.Secret{Env: "TOKEN"}}
		for path, auth := range map[string]*plan.Auth{"/basic/a.jar": basic, "/token/b.jar": token, "/token/near": token, "/token/away": token} {
			op := plan.Fetch{URL: r.URL + path, Root: s.root, File: filepath.Base(path), Digest: sha256Of(artifact), Auth: auth}
			s.secrets = map[string]string{}
			for _, n := range plan.SecretsOf(op) {
				s.secrets[n.Variable] = map[string]string{"PASSWORD": password, "TOKEN": "t0k.en~+/="}[n.Secret.Env]
			}
			s.twice(op)
			if strings.Contains(op.Script(), password) {
				t.Error("the script holds the password")
			}
			for _, n := range plan.SecretsOf(op) {
				s.secrets[n.Variable] = "wrong"
			}
			op.File = "wrong-" + op.File
			s.fails(op, "wants other credentials", op.URL)
		}
		x := plan.Fetch{URL: r.URL + "/token/x", Root: s.root, File: "x", Auth: token}
		s.secrets = map[string]string{plan.SecretsOf(x)[0].Variable: "t0k.en~+/=\nurl = x"}
		s.fails(x, "holds a line end")
		s.secrets[plan.SecretsOf(x)[0].Variable] = "t0k.en~+/="
		s.fails(plan.Fetch{URL: r.URL + "/token/around", Root: s.root, File: "around", Auth: token}, "/token/around")
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.leaked) > 0 {
			t.Errorf("credentials reached another host: %q", r.leaked)
		}
	})
}

// Nobody sees a password in the list of processes, nor in the environment of the client.
func TestFetchHidesCredentials(t *testing.T) {
	onClients(t, func(t *testing.T, s *server, r *repository) {
		for _, client := range []string{"curl", "wget"} {
			real, err := exec.LookPath(client)
			check(t, err)
			if bin := s.home + "/bin/" + client; exists(bin) {
				check(t, os.Remove(bin))
				check(t, os.WriteFile(bin, []byte("#!/bin/sh\n{ printf '%s\\n' \"$@\"; env; } >>\"$HOME/seen\"\nexec "+real+" \"$@\"\n"), 0o755))
			}
		}
		op := plan.Fetch{URL: r.URL + "/token/near", Root: s.root, File: "x", Digest: sha256Of(artifact), Auth: &plan.Auth{Token: &plan.Secret{Env: "T"}}}
		s.secrets = map[string]string{plan.SecretsOf(op)[0].Variable: "t0k.en~+/="}
		s.env = append(s.env, "token=exported") // and would be again
		s.changes(op)
		seen, err := os.ReadFile(s.home + "/seen")
		check(t, err)
		if strings.Contains(string(seen), "t0k.en") || strings.Contains(string(seen), "127.0.0.1:1/") || !strings.Contains(string(seen), "/token/near") {
			t.Errorf("the client saw\n%s", seen)
		}
	})
}

func TestFetchFails(t *testing.T) {
	onClients(t, func(t *testing.T, s *server, r *repository) {
		for path, says := range map[string]string{
			"/none.jar": "answered 404: there is no such artifact", "/basic/x.jar": "answered 401", "/token/x.jar": "answered 403", "/error": "answered 502",
			"/login": "an HTML page", "/broken": "/broken", "/empty": "an empty file",
		} {
			s.fails(plan.Fetch{URL: r.URL + path, Root: s.root, File: "x.jar"}, says, r.URL+path)
		}
		op := plan.Fetch{URL: r.URL + "/hello-1.0.jar", Root: s.root, File: "x.jar", Digest: "sha256:" + strings.Repeat("0", 64)}
		s.fails(op, strings.TrimPrefix(sha256Of(artifact), "sha256:")+", not 0000")
		op.Digest, op.Size = "", 3
		s.fails(op, "bytes, not 3")
		op.Digest = "md9:abc"
		s.fails(op, "md9 digests are not known")
		op.URL, op.Digest, op.Size = "http://127.0.0.1:1/x.jar", "", 0
		s.fails(op, "fetching http://127.0.0.1:1/x.jar failed: ", "onnect")
		s.onlyInCache()
		s.twice(plan.Fetch{URL: r.URL + "/login", Root: s.root, File: "login.html"})
		s.write("file", "")
		op.Root = s.root + "/file"
		s.fails(op, "can't create "+s.root+"/file/.trikk/cache", "give it to")
	})
}

func TestFetchWithoutClient(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.only()
		s.fails(plan.Fetch{URL: "http://127.0.0.1:1/x", Root: s.root, File: "x"}, "neither curl nor wget is installed")
	})
}

func TestFetchStaged(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		app := filepath.Join(s.home, "app's home")
		s.fake("sudo", `#!/bin/sh
[ "$1 $2 $3 $4" = '-n -H -u itas' ] || { echo "sudo: unexpected $*" >&2; exit 9; }
shift 4
HOME="`+app+`" exec "$@"
`)
		check(t, os.MkdirAll(app+"/hello", 0o755))
		for user, home := range map[string]string{"": s.home, "itas": app} {
			s.root = home + "/hello"
			op := plan.Fetch{Staged: "aa-it's hello.jar", User: user, Root: "~/hello", File: "aa-it's hello.jar", Digest: sha256Of(artifact)}
			staged := s.home + "/.trikk-incoming/" + op.Staged
			s.fails(op, "is not there: upload it first")
			check(t, os.MkdirAll(filepath.Dir(staged), 0o700))
			check(t, os.WriteFile(staged, []byte("damaged"), 0o600))
			s.fails(op, "nothing was kept", "taking "+staged)
			if exists(staged) {
				t.Error("an upload that was not taken is left")
			}
			s.onlyInCache()
			check(t, os.WriteFile(staged, []byte(artifact), 0o600))
			s.twice(op)
			if exists(staged) || s.read(".trikk/cache/"+op.File) != artifact {
				t.Errorf("user %q: the upload was not moved", user)
			}
			check(t, os.WriteFile(staged, []byte(artifact), 0o600))
			s.same(op)
			if exists(staged) {
				t.Error("a needless upload was kept")
			}
			op.Digest = "md9:abc"
			s.fails(op, "upload it first")
		}
	})
}
