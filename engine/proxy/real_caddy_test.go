package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/host/hosttest"
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
	dir, port, admin := t.TempDir(), hosttest.FreePort(t), hosttest.FreePort(t)
	c := &realCaddy{binary: builtCaddy(t), dir: dir, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	var list []string
	for _, s := range servers {
		list = append(list, fmt.Sprintf(`{"dial":%q}`, strings.TrimPrefix(s, "http://")))
	}
	config := fmt.Sprintf(`{"admin":{"listen":"127.0.0.1:%d"},"apps":{"http":{"servers":{"app":{"listen":["127.0.0.1:%d"],"automatic_https":{"disable":true},"routes":[{"handle":[
		{"@id":"app","handler":"reverse_proxy","stream_close_delay":"30s","load_balancing":{"selection_policy":{"policy":"cookie","name":"S","secret":"salt"}},"transport":{"protocol":"http","keep_alive":{"idle_timeout":"2s"}},"upstreams":[%s]}]}]}}}}}`, admin, port, strings.Join(list, ","))
	if err := os.WriteFile(filepath.Join(dir, "caddy.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(c.binary, "run", "--config", dir+"/caddy.json")
	server.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	startProgram(t, server)
	c.point = at("lb1")
	c.point.Address, c.point.Member = "127.0.0.2", strings.TrimPrefix(servers[0], "http://")
	c.point.Driver = plan.Driver{Caddy: &plan.Caddy{Admin: fmt.Sprintf("http://127.0.0.1:%d", admin), ID: "{backend}"}}
	answers := func() bool { _, err := fetch(c.url, ""); return err == nil }
	if !within(20*time.Second, answers) {
		t.Fatal("caddy does not answer")
	}
	return c
}

// serveAt is an app server at HOST:PORT.
func serveAt(t *testing.T, address string, app http.Handler) *httptest.Server {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: app}}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// cookieOf gives the value of the cookie S that sticks to a server.
func cookieOf(t *testing.T, url, server string) string {
	t.Helper()
	value := ""
	found := func() bool {
		resp, err := http.Get(url)
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		for _, c := range resp.Cookies() {
			value = c.Value
		}
		got, err := io.ReadAll(resp.Body)
		return err == nil && string(got) == server
	}
	if !within(10*time.Second, found) {
		t.Fatalf("no answer comes from %s", server)
	}
	return value
}

// TestRealCaddy: a server leaves by the admin API, a request in flight ends before the drain does, nothing is sent there meanwhile, a
// reload of the configuration file, which forgets the drain, is seen, and the server comes back.
func TestRealCaddy(t *testing.T) {
	if os.Getenv("TRIKK_FULL") != "1" {
		t.Skip("it builds Caddy: TRIKK_FULL=1 runs it")
	}
	t.Parallel()
	first, second := &slowApp{name: "b1", takes: 2 * time.Second}, &slowApp{name: "b2"}
	port := hosttest.FreePort(t) // one port, as a real app has it
	c := startCaddy(t, serveAt(t, fmt.Sprintf("127.0.0.2:%d", port), first).URL, serveAt(t, fmt.Sprintf("127.0.0.3:%d", port), second).URL)
	hosts, p := everywhere{&local{home: c.dir}}, c.point
	op := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
	if err := Preflight(t.Context(), hosts, p); err != nil {
		t.Fatal(err)
	}
	isIn(t, hosts, op)
	busy := func() bool {
		if first.slow.Load() > 0 {
			return true
		}
		fetching(c.url+"/slow", "")
		return false
	}
	if !within(10*time.Second, busy) {
		t.Fatal("no request arrives at b1")
	}
	cookie := cookieOf(t, c.url, "b1")
	only(t, c.url, cookie, "b1")
	stop := sticking(c.url, cookie)
	drainBusy(t, hosts, p, time.Second)
	only(t, c.url, "", "b2")
	only(t, c.url, cookie, "b2")
	if failed := stop(); len(failed) > 0 {
		t.Errorf("%d requests of a client that sticks failed: %v", len(failed), failed[0])
	}
	reload := exec.Command(c.binary, "reload", "--config", c.dir+"/caddy.json", "--address", strings.TrimPrefix(p.Driver.Caddy.Admin, "http://"), "--force")
	if out, err := reload.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	again := drainOp(p)
	again.Again = true
	drainForgotten(t, hosts, again)
	other := p
	other.Address, other.Member, other.Server = "127.0.0.3", fmt.Sprintf("127.0.0.3:%d", port), "app2"
	if changed, err := draining(t.Context(), hosts, drainOp(other), nil); !changed || err != nil {
		t.Errorf("the last one: changed %v, %v", changed, err)
	}
	if got, err := fetch(c.url, ""); err == nil {
		t.Errorf("without an upstream, caddy answers %q", got)
	}
	if changed, err := Admit(t.Context(), hosts, plan.AdmitOp{Points: []plan.Point{other}, Deadline: op.Deadline}, nil); !changed || err != nil {
		t.Errorf("admit the last one: changed %v, %v", changed, err)
	}
	if changed, err := Admit(t.Context(), hosts, op, nil); !changed || err != nil {
		t.Errorf("admit: changed %v, %v", changed, err)
	}
	both(t, c.url)
}
