package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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
	dir, port := t.TempDir(), freePort(t)
	config := fmt.Sprintf("ServerRoot %[1]s\nDefaultRuntimeDir %[1]s\nPidFile %[1]s/pid\nErrorLog /dev/stderr\nMutex file:%[1]s\nListen 127.0.0.1:%[2]d\nServerName localhost\n", dir, port)
	if os.Getuid() == 0 {
		config += "User nobody\nGroup nogroup\n"
	}
	for _, m := range []string{"mpm_event", "authz_core", "authz_host", "proxy", "proxy_http", "proxy_balancer", "proxy_hcheck", "slotmem_shm", "lbmethod_byrequests"} {
		config += fmt.Sprintf("LoadModule %[1]s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", m)
	}
	config += "ProxyHCExpr up {%{REQUEST_STATUS} =~ /^[23]/}\n<Proxy balancer://app>\n"
	for i, m := range members {
		config += fmt.Sprintf("BalancerMember %s route=b%d", m, i+1) + " hcmethod=GET hcuri=/health hcexpr=up hcinterval=1 hcfails=1 hcpasses=1\n"
	}
	config += "ProxySet stickysession=S\n</Proxy>\nProxyPass /balancer-manager !\nProxyPass / balancer://app/\n<Location /balancer-manager>\nSetHandler balancer-manager\nRequire local\n</Location>\n"
	file := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(binary, "-DFOREGROUND", "-f", file)
	var out bytes.Buffer
	server.Stdout, server.Stderr = &out, &out
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	return fmt.Sprintf("http://127.0.0.1:%d", port), server.Process
}

// TestRealHTTPDMarker: httpd's health check sees the marker, its balancer-manager says so, a slow request ends before the
// drain does, and none fails.
func TestRealHTTPDMarker(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "shared/config/disabled")
	var slow atomic.Int64
	apps := make([]string, 2)
	for i := range apps {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			_, err := os.Stat(file)
			switch {
			case q.URL.Path == "/health" && i == 0 && !errors.Is(err, os.ErrNotExist):
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			case q.URL.Path == "/slow":
				slow.Add(1)
				time.Sleep(3 * time.Second)
			}
			_, _ = fmt.Fprintf(w, "b%d", i+1)
		}))
		t.Cleanup(s.Close)
		apps[i] = s.URL
	}
	url, _ := startHTTPD(t, apps...)
	p := marked(plan.Marking{File: "config/disabled", Watch: &plan.Watch{HTTPD: &plan.WatchHTTPD{URL: url + "/balancer-manager"}}})
	p.Root, p.Member = root, apps[0]
	hosts := everywhere{&local{home: root}}
	op := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
	if changed, err := Admit(t.Context(), hosts, op, nil); changed || err != nil {
		t.Fatalf("at the start: changed %v, %v", changed, err)
	}
	if err := Preflight(t.Context(), hosts, p); err != nil {
		t.Fatal(err)
	}
	answers := make(chan answer, 2)
	for range 2 {
		go func() {
			body, err := fetch(url+"/slow", "")
			answers <- answer{body, err}
		}()
	}
	for end := time.Now().Add(5 * time.Second); slow.Load() < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the requests did not arrive")
		}
	}
	begin := time.Now()
	said := &log{}
	if changed, err := Drain(t.Context(), hosts, drainOp(p), said.add); !changed || err != nil {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("drained after %s, with a request in flight", took)
	}
	for range 2 {
		if a := <-answers; a.err != nil {
			t.Error(a.err)
		}
	}
	for range 6 {
		if got, err := fetch(url, ""); err != nil || got != "b2" {
			t.Errorf("%q, %v", got, err)
		}
	}
	if s, err := Read(t.Context(), hosts, p); err != nil || s.State != plan.RotationOut {
		t.Errorf("%+v, %v", s, err)
	}
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
