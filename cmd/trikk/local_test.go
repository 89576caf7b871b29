package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLocalRoute: a file of this machine is uploaded, built before where the app says how.
func TestLocalRoute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("pages/app.cue", b.pages())
	archive := b.download("hello-1.0.tar.gz")
	b.trikk(64, "apply", "--all", "-e", "demo", "--artifact", archive, "--yes").says("--artifact goes with one app, 2 are selected")
	b.trikk(1, "apply", "pages", "-e", "demo", "--artifact", archive+".none", "--yes").says("hello-1.0.tar.gz.none")
	ran := b.trikk(0, "apply", "pages", "-e", "demo", "--artifact", archive, "--yes").says("pages runs local-", "upload hello-1.0.tar.gz", "from the upload")
	golden(t, "run/local.out.txt", []byte(b.scrub(ran.out.String())))
	b.trikk(0, "plan", "pages", "-e", "demo", "--artifact", archive, "--detailed-exitcode").says("Nothing to do")

	hidden := strings.Replace(site, "build:", `files: "token": {text: "{secret:token}", secrets: token: file: "token"}`+"\n\tbuild:", 1)
	b.write("site/token", "hush-4711\n")
	b.write("site/app.cue", strings.Replace(hidden, "COMMAND", "echo compiling the site; cat token; exit 3", 1))
	failed := b.trikk(1, "apply", "site", "-e", "demo", "--yes").says("trikk: building site: ", "\n  compiling the site\n  ***")
	if strings.Contains(failed.String(), "hush") {
		t.Errorf("the build shows a secret:\n%s", failed)
	}
	b.write("site/app.cue", strings.Replace(site, "COMMAND", "mkdir -p dist && echo hello >index.html && tar -czf dist/site.tar.gz index.html", 1))
	b.trikk(0, "apply", "site", "-e", "demo", "--yes").says("building site: mkdir -p dist", "site runs local-")
	text, err := os.ReadFile(filepath.Join(b.fleet.Dir, "app01", "site", "current", "index.html"))
	if err != nil || string(text) != "hello\n" {
		t.Errorf("the built file is %q: %v", text, err)
	}
}

// site is an app that is built on the controller.
const site = `package site

import "trikk.dev/schema"

app: schema.#App & {
	name:     "site"
	artifact: file: path: "dist/site.tar.gz"
	build: ["COMMAND"]
	environments: demo: servers: ["app01"]
}
`

// repository is the URL of the fleet's artifacts.
func (b *bench) repository() string {
	b.t.Helper()
	_, after, _ := strings.Cut(b.read("hello/app.cue"), `url: "`)
	url, _, _ := strings.Cut(after, "/hello-")
	return url
}

// pages is an app without a service, beside hello.
func (b *bench) pages() string { return strings.Replace(second, "REPOSITORY", b.repository(), 1) }

// download takes an artifact to this machine.
func (b *bench) download(name string) string {
	b.t.Helper()
	r, err := http.Get(b.repository() + "/" + name)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		b.t.Fatal(r.Status, err)
	}
	path := b.path(name)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}
