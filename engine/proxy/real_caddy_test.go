package proxy

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// realCaddy is Caddy on loopback, with a reverse_proxy handler of the id app.
type realCaddy struct {
	binary, dir, url string
	point            plan.Point
}

// builtCaddy is the path of Caddy, built out of e2e/caddy.
func builtCaddy(t *testing.T) string {
	t.Helper()
	binary := t.TempDir() + "/caddy"
	if out, err := exec.Command("go", "build", "-C", "../../e2e/caddy", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building caddy: %v\n%s", err, out)
	}
	return binary
}

func startCaddy(t *testing.T, servers ...string) *realCaddy {
	t.Helper()
	dir, port, admin := t.TempDir(), freePort(t), freePort(t)
	c := &realCaddy{binary: builtCaddy(t), dir: dir, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	var list []string
	for _, s := range servers {
		list = append(list, fmt.Sprintf(`{"dial":%q}`, strings.TrimPrefix(s, "http://")))
	}
	config := fmt.Sprintf(`{"admin":{"listen":"127.0.0.1:%d"},"apps":{"http":{"servers":{"app":{"listen":["127.0.0.1:%d"],"automatic_https":{"disable":true},"routes":[{"handle":[
		{"@id":"app","handler":"reverse_proxy","stream_close_delay":"30s","transport":{"protocol":"http","keep_alive":{"idle_timeout":"2s"}},"upstreams":[%s]}]}]}}}}}`, admin, port, strings.Join(list, ","))
	if err := os.WriteFile(filepath.Join(dir, "caddy.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(c.binary, "run", "--config", dir+"/caddy.json")
	server.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
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
	c.point = at("lb1")
	c.point.Address, c.point.Member = "127.0.0.2", strings.TrimPrefix(servers[0], "http://")
	c.point.Driver = plan.Driver{Caddy: &plan.Caddy{Admin: fmt.Sprintf("http://127.0.0.1:%d", admin), ID: "{backend}"}}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := fetch(c.url, ""); err == nil {
			return c
		}
		if time.Now().After(end) {
			t.Fatalf("caddy does not answer: %s", out.String())
		}
	}
}

// TestRealCaddy: a server leaves by the admin API, a request in flight ends before the drain does, nothing is sent there meanwhile, a
// reload of the configuration file, which forgets the drain, is seen, and the server comes back.
func TestRealCaddy(t *testing.T) {
	if os.Getenv("TRIKK_FULL") != "1" {
		t.Skip("it builds Caddy: TRIKK_FULL=1 runs it")
	}
	t.Parallel()
	var slow atomic.Int64
	apps, port := make([]string, 2), freePort(t)
	for i := range apps {
		apps[i] = fmt.Sprintf("http://127.0.0.%d:%d", i+2, port) // one port, as a real app has it
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/slow" && i == 0 {
				slow.Add(1)
				time.Sleep(2 * time.Second)
			}
			_, _ = fmt.Fprintf(w, "b%d", i+1)
		}))
		t.Cleanup(s.Close)
		listener, err := net.Listen("tcp", strings.TrimPrefix(apps[i], "http://"))
		if err != nil {
			t.Fatal(err)
		}
		s.Listener = listener
		s.Start()
	}
	c := startCaddy(t, apps...)
	hosts, p := everywhere{&local{home: c.dir}}, c.point
	op := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
	if err := Preflight(t.Context(), hosts, p); err != nil {
		t.Fatal(err)
	}
	if changed, err := Admit(t.Context(), hosts, op, nil); changed || err != nil {
		t.Fatalf("at the start: changed %v, %v", changed, err)
	}
	answers := make(chan answer, 4)
	for end := time.Now().Add(10 * time.Second); slow.Load() == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no request arrives at b1")
		}
		go func() {
			body, err := fetch(c.url+"/slow", "")
			answers <- answer{body, err}
		}()
	}
	began := time.Now()
	if changed, err := Drain(t.Context(), hosts, drainOp(p), nil); !changed || err != nil {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("drained after %v, with a request of two seconds in flight", took)
	}
	for range 6 {
		if got, err := fetch(c.url, ""); err != nil || got != "b2" {
			t.Errorf("%q, %v", got, err)
		}
	}
	reload := exec.Command(c.binary, "reload", "--config", c.dir+"/caddy.json", "--address", strings.TrimPrefix(p.Driver.Caddy.Admin, "http://"), "--force")
	if out, err := reload.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	said, again := &log{}, drainOp(p)
	again.Again = true
	if changed, err := Drain(t.Context(), hosts, again, said.add); !changed || err != nil {
		t.Errorf("after the reload: changed %v, %v", changed, err)
	}
	said.has(t, "the proxy has forgotten the drain")
	if changed, err := Admit(t.Context(), hosts, op, nil); !changed || err != nil {
		t.Errorf("admit: changed %v, %v", changed, err)
	}
	seen := ""
	for range 6 {
		got, err := fetch(c.url, "")
		if err != nil {
			t.Error(err)
		}
		seen += got
	}
	if !strings.Contains(seen, "b1") || !strings.Contains(seen, "b2") {
		t.Errorf("answers come from %s", seen)
	}
}
