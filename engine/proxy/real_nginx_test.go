package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// startNginx starts nginx on loopback with one upstream, app, of the servers b1, b2, ….
func startNginx(t *testing.T, servers ...string) *realInclude {
	t.Helper()
	binary, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatalf("this test needs nginx (apt-get install nginx-light): %v", err)
	}
	dir, port := t.TempDir(), hosttest.FreePort(t)
	n := &realInclude{dir: dir, file: "app.servers", url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	user := ""
	if os.Getuid() == 0 {
		user = "user nobody nogroup;\n"
		for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) { // nobody must reach the scratch folders
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	var lines strings.Builder
	for i, s := range servers {
		fmt.Fprintf(&lines, "server %s max_fails=0; # b%d\n", strings.TrimPrefix(s, "http://"), i+1)
	}
	n.write(t, "app.servers", lines.String())
	n.write(t, "app.servers.generation", "return 200 \"first\";\n")
	n.write(t, "nginx.conf", fmt.Sprintf(`%[1]sdaemon off;
pid %[2]s/pid;
error_log stderr notice;
worker_processes 1;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	upstream app { include %[2]s/app.servers; }
	server {
		listen 127.0.0.1:%[3]d;
		location / { proxy_pass http://app; proxy_next_upstream off; }
		location = /_trikk/app { include %[2]s/app.servers.generation; }
	}
}
`, user, dir, port))
	command := binary + " -p " + dir + " -c " + dir + "/nginx.conf"
	startProgram(t, exec.Command(binary, "-p", dir, "-c", dir+"/nginx.conf"))
	n.point = at("lb1")
	n.point.Driver = plan.Driver{Nginx: &plan.Nginx{
		Servers: dir + "/{backend}.servers", Generation: n.url + "/_trikk/{backend}", Test: command + " -t", Reload: command + " -s reload",
	}}
	answers := func() bool { got, err := fetch(n.url+"/_trikk/app", ""); return err == nil && got == "first" }
	if !within(10*time.Second, answers) {
		t.Fatal("nginx does not answer")
	}
	return n
}

// TestRealNginx: a server leaves and comes back.
func TestRealNginx(t *testing.T) {
	t.Parallel()
	first, second := &slowApp{name: "b1", takes: 2 * time.Second}, &slowApp{name: "b2"}
	startNginx(t, serve(t, first).URL, serve(t, second).URL).comesAndGoes(t, first)
}

// TestRealNginxSticky: clients that nginx sends to a server by their cookie lose nothing when it leaves, and come back to it.
func TestRealNginxSticky(t *testing.T) {
	t.Parallel()
	n := startNginx(t, serve(t, &slowApp{name: "b1"}).URL, serve(t, &slowApp{name: "b2"}).URL)
	n.write(t, "nginx.conf", strings.Replace(contents(t, n.dir+"/nginx.conf"), "upstream app {", "upstream app { hash $cookie_S;", 1))
	if out, err := exec.Command("sh", "-c", n.point.Driver.Nginx.Reload).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	hosts, p := everywhere{&local{home: n.dir}}, n.point
	cookie := ""
	chosen := func() bool {
		cookie += "x"
		got, err := fetch(n.url, cookie)
		return err == nil && got == "b1"
	}
	if !within(10*time.Second, chosen) {
		t.Fatal("no cookie leads to b1")
	}
	stop := sticking(n.url, cookie)
	drained, err := draining(t.Context(), hosts, drainOp(p), nil)
	only(t, n.url, cookie, "b2")
	admitted, err2 := Admit(t.Context(), hosts, plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}, nil)
	if failed := stop(); len(failed) > 0 || !drained || !admitted || errors.Join(err, err2) != nil {
		t.Errorf("drained %v, %v; admitted %v, %v; %d requests failed: %v", drained, err, admitted, err2, len(failed), errors.Join(failed...))
	}
	only(t, n.url, cookie, "b1")
}

// TestRealNginxAtOnce: turns that are taken at once change one file; none overwrites what another did, and none waits for long.
func TestRealNginxAtOnce(t *testing.T) {
	t.Parallel()
	var apps []string
	for i := range 8 {
		apps = append(apps, serve(t, &slowApp{name: fmt.Sprintf("b%d", i+1)}).URL)
	}
	n := startNginx(t, apps...)
	hosts := everywhere{&local{home: n.dir}}
	errs := make([]error, len(apps))
	var all sync.WaitGroup
	for i := range apps {
		p := n.point
		p.Member, p.Server = fmt.Sprintf("b%d", i+1), fmt.Sprintf("app%d", i+1)
		op := drainOp(p)
		op.Deadline = seconds(20)
		all.Go(func() { _, errs[i] = draining(t.Context(), hosts, op, nil) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(n.servers(t), " down;"); got != len(apps) {
		t.Errorf("%d of %d servers are down:\n%s", got, len(apps), n.servers(t))
	}
}

// TestRealNginxRefuses: a configuration that nginx does not take changes nothing, and each cause is named.
func TestRealNginxRefuses(t *testing.T) {
	t.Parallel()
	url := serve(t, http.NotFoundHandler()).URL
	n := startNginx(t, url, url)
	hosts, p := everywhere{&local{home: n.dir}}, n.point
	was := n.servers(t)

	config := contents(t, filepath.Join(n.dir, "nginx.conf"))
	n.write(t, "nginx.conf", strings.Replace(config, "proxy_pass", "proxy_pass_typo", 1))
	if err := wants(Preflight(t.Context(), hosts, p), "-t` on lb1 ended with status 1", `unknown directive "proxy_pass_typo"`); err != nil {
		t.Error(err)
	}
	op := drainOp(p)
	op.Deadline = seconds(2)
	if _, err := draining(t.Context(), hosts, op, nil); wants(err, "unknown directive", "nothing was changed") != nil {
		t.Errorf("a broken configuration: %v", err)
	}
	if text := n.servers(t); text != was {
		t.Errorf("the file is left as\n%s", text)
	}
	n.write(t, "nginx.conf", config)
	if err := Preflight(t.Context(), hosts, p); err != nil {
		t.Errorf("mended: %v", err)
	}

	n.write(t, "app.servers.generation", "return 200 \"second\";\n")
	if err := wants(Preflight(t.Context(), hosts, p), `answers with "return 200 \"first\";"`, "reload nginx"); err != nil {
		t.Error(err)
	}
	gone := p
	gone.Backend = "other"
	if err := wants(Preflight(t.Context(), hosts, gone), "other.servers is missing, or the login user can't read it", "upstream other { include "); err != nil {
		t.Error(err)
	}
	gone = p
	gone.Member = "b7"
	if err := wants(Preflight(t.Context(), hosts, gone), `has no server "b7"`); err != nil {
		t.Error(err)
	}
}

// TestRealNginxSlowUpload: a worker that shuts down chooses a server for a request when it has all of it. Until then the server that
// leaves may get it, though there is no connection to it. It keeps a worker, which other tests would wait for.
func TestRealNginxSlowUpload(t *testing.T) {
	first := serve(t, &slowApp{name: "b1"})
	n := startNginx(t, first.URL)
	body, pen := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		resp, err := http.Post(n.url, "text/plain", body)
		if err == nil && resp.StatusCode != 200 {
			err = errors.New(resp.Status)
		}
		sent <- err
	}()
	for range 3 {
		if _, err := io.WriteString(pen, "some of it\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	time.AfterFunc(3*time.Second, func() { _ = pen.Close() })
	if _, err := Drain(t.Context(), everywhere{&local{home: n.dir}}, drainOp(n.point), nil); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if err := <-sent; err != nil {
		t.Errorf("the upload was lost: %v", err)
	}
}

// TestRealNginxPinned: a worker that another server's request keeps holds a drain up for half of its deadline, and fails none. It keeps a
// worker, as above.
func TestRealNginxPinned(t *testing.T) {
	second := &slowApp{name: "b2", takes: 12 * time.Second}
	n := startNginx(t, serve(t, &slowApp{name: "b1"}).URL, serve(t, second).URL)
	fetching(n.url+"/slow", "")
	fetching(n.url+"/slow", "")
	if !within(5*time.Second, func() bool { return second.slow.Load() > 0 }) {
		t.Fatal("the requests did not arrive")
	}
	op := drainOp(n.point)
	op.Deadline = seconds(8)
	begin, said := time.Now(), &log{}
	if _, err := Drain(t.Context(), everywhere{&local{home: n.dir}}, op, said.add); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 3*time.Second || took > 7*time.Second {
		t.Errorf("it took %s", took)
	}
	said.has(t, "may be reading requests")
	begin, op.Again = time.Now(), true
	if _, err := Drain(t.Context(), everywhere{&local{home: n.dir}}, op, nil); err != nil || time.Since(begin) > 3*time.Second {
		t.Errorf("again, after %s: %v", time.Since(begin), err)
	}
}

// TestRealNginxCutShort: changes die before their reload.
func TestRealNginxCutShort(t *testing.T) {
	t.Parallel()
	n := startNginx(t, serve(t, &slowApp{name: "b1"}).URL, serve(t, &slowApp{name: "b2"}).URL)
	n.isCutShort(t, nginx(*n.point.Driver.Nginx))
}
