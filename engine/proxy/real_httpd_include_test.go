package proxy

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// startHTTPDInclude starts Apache httpd on loopback with one balancer, app, of the members b1, b2, …, and no balancer-manager. Members have
// the cookie S for sticky clients.
func startHTTPDInclude(t *testing.T, members ...string) *realInclude {
	t.Helper()
	binary, err := exec.LookPath("apache2")
	if err != nil {
		t.Fatalf("this test needs Apache httpd (apt-get install apache2): %v", err)
	}
	dir, port := t.TempDir(), hosttest.FreePort(t)
	n := &realInclude{dir: dir, file: "app.members", url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	config := fmt.Sprintf("ServerRoot %[1]s\nDefaultRuntimeDir %[1]s\nPidFile %[1]s/pid\nErrorLog /dev/stderr\nMutex file:%[1]s\nListen 127.0.0.1:%[2]d\nServerName localhost\n", dir, port)
	if os.Getuid() == 0 {
		config += "User nobody\nGroup nogroup\n"
	}
	for m := range strings.FieldsSeq("mpm_event authz_core proxy proxy_http proxy_balancer slotmem_shm lbmethod_byrequests alias") {
		config += fmt.Sprintf("LoadModule %[1]s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", m)
	}
	config += fmt.Sprintf("<Proxy balancer://app>\nInclude %[1]s/app.members\nProxySet stickysession=S\n</Proxy>\n<Location /_trikk/app>\nRedirect 200 /_trikk/app\nInclude %[1]s/app.members.generation\n</Location>\nProxyPass / balancer://app/\n", dir)
	var lines strings.Builder
	for i, m := range members {
		fmt.Fprintf(&lines, "BalancerMember %s route=b%d\n", m, i+1)
	}
	n.write(t, n.file, lines.String())
	n.write(t, n.file+".generation", "ErrorDocument 200 \"first\"\n")
	n.write(t, "httpd.conf", config)
	command := binary + " -f " + dir + "/httpd.conf"
	startProgram(t, exec.Command(binary, "-DFOREGROUND", "-f", dir+"/httpd.conf"))
	n.point = at("lb1")
	n.point.Driver = plan.Driver{HTTPD: &plan.HTTPD{Include: &plan.HTTPDInclude{
		Members: dir + "/{backend}.members", Generation: n.url + "/_trikk/{backend}", PidFile: dir + "/pid", Test: command + " -t", Reload: command + " -k graceful",
	}}}
	answers := func() bool { got, err := fetch(n.url+"/_trikk/app", ""); return err == nil && got == "first" }
	if !within(10*time.Second, answers) {
		t.Fatal("httpd does not answer")
	}
	return n
}

// TestRealHTTPDInclude: a member leaves and comes back, also for clients that stick to it, and each cause of what can't be is named.
func TestRealHTTPDInclude(t *testing.T) {
	t.Parallel()
	first, second := &slowApp{name: "b1", takes: 2 * time.Second}, &slowApp{name: "b2"}
	n := startHTTPDInclude(t, serve(t, first).URL, serve(t, second).URL)
	n.comesAndGoes(t, first)
	n.refuses(t)

	hosts, was := everywhere{&local{home: n.dir}}, n.servers(t)
	only(t, n.url, "x.b1", "b1")
	stop := sticking(n.url, "x.b1")
	if _, err := draining(t.Context(), hosts, drainOp(n.point), nil); err != nil {
		t.Error(err)
	}
	only(t, n.url, "x.b1", "b2")
	if _, err := admitHere(t.Context(), hosts, n.point, nil); err != nil {
		t.Error(err)
	}
	if failed := stop(); len(failed) > 0 {
		t.Errorf("%d requests failed: %v", len(failed), failed)
	}
	only(t, n.url, "x.b1", "b1")
	if text := n.servers(t); text != was {
		t.Errorf("the file is left as\n%s", text)
	}
}

// refuses: a configuration that httpd does not take changes nothing.
func (n *realInclude) refuses(t *testing.T) {
	t.Helper()
	hosts, p, was := everywhere{&local{home: n.dir}}, n.point, n.servers(t)
	config := contents(t, filepath.Join(n.dir, "httpd.conf"))
	n.write(t, "httpd.conf", config+"ProxyPassTypo x\n")
	if err := wants(Preflight(t.Context(), hosts, p), "-t` on lb1 ended with status 1", "Invalid command 'ProxyPassTypo'"); err != nil {
		t.Error(err)
	}
	err := httpdInclude(*p.Driver.HTTPD.Include).Out(t.Context(), hosts, p)
	if err := wants(err, "Invalid command", "httpd does not take its configuration; nothing was changed"); err != nil {
		t.Error(err)
	}
	if text := n.servers(t); text != was {
		t.Errorf("the file is left as\n%s", text)
	}
	n.write(t, "httpd.conf", config)
	if err := Preflight(t.Context(), hosts, p); err != nil {
		t.Errorf("mended: %v", err)
	}
}

// TestRealHTTPDIncludeHalfSent: a process of an earlier generation chooses a member for a request when it has its head. Until then the
// drain waits for it, though there is no connection to the member.
func TestRealHTTPDIncludeHalfSent(t *testing.T) {
	t.Parallel()
	first := serve(t, &slowApp{name: "b1"})
	n := startHTTPDInclude(t, first.URL)
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(3*time.Second, func() { _, _ = io.WriteString(conn, "\r\n") })
	begin := time.Now()
	if _, err := Drain(t.Context(), everywhere{&local{home: n.dir}}, drainOp(n.point), nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("drained after %s, with a request on its way", took)
	}
	first.Close()
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), " 200 OK") || !strings.HasSuffix(string(answer), "b1") {
		t.Errorf("the request was lost: %v, %q", err, answer)
	}
}

// TestRealHTTPDIncludeCutShort: changes die before their reload.
func TestRealHTTPDIncludeCutShort(t *testing.T) {
	if os.Getenv("TRIKK_FULL") != "1" {
		t.Skip("nginx's test runs the same code: TRIKK_FULL=1 runs it")
	}
	t.Parallel()
	n := startHTTPDInclude(t, serve(t, &slowApp{name: "b1"}).URL, serve(t, &slowApp{name: "b2"}).URL)
	n.isCutShort(t, httpdInclude(*n.point.Driver.HTTPD.Include))
}
