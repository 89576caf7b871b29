package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// startHTTPD starts Apache httpd on loopback with one balancer, app, over the members, which it checks each second. It
// gives the address and the process. Members have the routes b1, b2, … and the cookie S for sticky clients.
func startHTTPD(t *testing.T, members ...string) (string, *os.Process) {
	t.Helper()
	binary, err := exec.LookPath("apache2")
	if err != nil {
		t.Fatalf("this test needs Apache httpd (apt-get install apache2): %v", err)
	}
	dir, port := t.TempDir(), hosttest.FreePort(t)
	config := fmt.Sprintf("ServerRoot %[1]s\nDefaultRuntimeDir %[1]s\nPidFile %[1]s/pid\nErrorLog /dev/stderr\nMutex file:%[1]s\nListen 127.0.0.1:%[2]d\nServerName localhost\n", dir, port)
	if os.Getuid() == 0 {
		config += "User nobody\nGroup nogroup\n"
	}
	for _, m := range []string{"mpm_event", "authz_core", "authz_host", "proxy", "proxy_http", "proxy_balancer", "proxy_hcheck", "slotmem_shm", "lbmethod_byrequests"} {
		config += fmt.Sprintf("LoadModule %[1]s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", m)
	}
	config += "ProxyHCExpr up {%{REQUEST_STATUS} =~ /^[23]/}\n<Proxy balancer://app>\n"
	for i, m := range members {
		config += fmt.Sprintf("BalancerMember %s route=b%d", m, i+1) + " hcmethod=GET hcuri=/health hcexpr=up hcinterval=1 hcfails=1 hcpasses=1 upgrade=websocket\n"
	}
	config += "ProxySet stickysession=S\n</Proxy>\nProxyPass /balancer-manager !\nProxyPass / balancer://app/\n<Location /balancer-manager>\nSetHandler balancer-manager\nRequire local\n</Location>\n"
	file := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	process := startProgram(t, exec.Command(binary, "-DFOREGROUND", "-f", file))
	return fmt.Sprintf("http://127.0.0.1:%d", port), process
}

// unhealthyBy answers requests for /health with 503 while the file exists, and leaves the others to the app.
func unhealthyBy(file string, app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if _, err := os.Stat(file); q.URL.Path == "/health" && !errors.Is(err, os.ErrNotExist) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		app.ServeHTTP(w, q)
	})
}

// TestRealHTTPDMarker: httpd's health check sees the marker, its balancer-manager says so, a slow request ends before the
// drain does, and none fails.
func TestRealHTTPDMarker(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "shared/config/disabled")
	first, second := &slowApp{name: "b1", takes: 3 * time.Second}, &slowApp{name: "b2", takes: 3 * time.Second}
	member := serve(t, unhealthyBy(file, first)).URL
	url, _ := startHTTPD(t, member, serve(t, second).URL)
	p := marked(plan.Marking{File: "config/disabled", Watch: &plan.Watch{HTTPD: &plan.WatchHTTPD{URL: url + "/balancer-manager"}}})
	p.Root, p.Member = root, member
	hosts := everywhere{&local{home: root}}
	op := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
	isIn(t, hosts, op)
	if err := Preflight(t.Context(), hosts, p); err != nil {
		t.Fatal(err)
	}
	answers := []<-chan answer{fetching(url+"/slow", ""), fetching(url+"/slow", "")}
	if !within(5*time.Second, func() bool { return first.slow.Load()+second.slow.Load() >= 2 }) {
		t.Fatal("the requests did not arrive")
	}
	drainBusy(t, hosts, p, 2*time.Second)
	for _, c := range answers {
		if a := <-c; a.err != nil {
			t.Error(a.err)
		}
	}
	only(t, url, "", "b2")
	only(t, url, "x.b1", "b2")
	isOut(t, hosts, p)
	for _, want := range []bool{true, false} {
		if changed, err := Admit(t.Context(), hosts, op, nil); changed != want || err != nil {
			t.Errorf("admit: changed %v, %v", changed, err)
		}
	}
	p.Member = "http://127.0.0.1:1"
	if err := wants(Preflight(t.Context(), hosts, p), `has no member "http://127.0.0.1:1" in balancer "app" (did you mean "http://127.0.0.1:`); err != nil {
		t.Error(err)
	}
}
