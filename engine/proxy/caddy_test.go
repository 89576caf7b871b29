package proxy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// caddyAdmin answers as Caddy's admin API does: a list by its id, with an Etag, which a change must match.
type caddyAdmin struct {
	t    *testing.T
	url  string
	host *local

	mu      sync.Mutex
	list    string // JSON; "": there is no such id
	version int
	// transport of the handler
	transport string
	patches   []string
	lies      bool   // a change is answered with 200 and not made
	races     int    // so many changes come after one of somebody else
	status    int    // of a change; 0: what it should be
	open      string // what ss prints
}

func newCaddy(t *testing.T, upstreams ...string) *caddyAdmin {
	t.Helper()
	c := &caddyAdmin{t: t, transport: `{"protocol":"http","keep_alive":{"idle_timeout":"2s"}}`}
	var list []map[string]string
	for _, u := range upstreams {
		list = append(list, map[string]string{"dial": u})
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	c.list = string(text)
	s := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(s.Close)
	c.url = s.URL
	tools := t.TempDir()
	if err := os.WriteFile(filepath.Join(tools, "ss"), []byte("#!/bin/sh\n[ ! -e "+tools+"/open ] || cat "+tools+"/open\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.open = tools + "/open"
	c.host = &local{home: tools, path: tools + ":/usr/bin:/bin"}
	return c
}

func (c *caddyAdmin) serve(w http.ResponseWriter, q *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.URL.Path == "/id/app/transport" {
		_, _ = io.WriteString(w, c.transport)
		return
	}
	if q.URL.Path != "/id/app/upstreams" || c.list == "" {
		http.Error(w, `{"error":"unknown object ID 'app'"}`, http.StatusNotFound)
		return
	}
	tag := fmt.Sprintf(`"/config/apps/http/upstreams %d"`, c.version)
	if q.Method == http.MethodGet {
		w.Header().Set("Etag", tag)
		_, _ = io.WriteString(w, c.list+"\n")
		return
	}
	body, _ := io.ReadAll(q.Body)
	c.patches = append(c.patches, q.Method+" "+string(body))
	if c.races > 0 {
		c.races--
		c.version++
		tag = ""
	}
	switch {
	case c.status != 0:
		http.Error(w, `{"error":"loading new config: provisioning failed"}`, c.status)
	case q.Header.Get("If-Match") != tag:
		http.Error(w, `{"error":"If-Match header did not match current config hash"}`, http.StatusPreconditionFailed)
	case !c.lies:
		c.list = string(body)
		c.version++
	}
}

// connections lets ss count so many.
func (c *caddyAdmin) connections(n int) {
	c.t.Helper()
	if err := os.WriteFile(c.open, []byte(strings.Repeat("0 0 10.0.0.9:4711 10.0.0.1:8080\n", n)), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caddyAdmin) point(member string) plan.Point {
	p := at("lb1")
	p.Address, p.Member = "10.0.0.1", member
	p.Driver = plan.Driver{Caddy: &plan.Caddy{Admin: c.url + "/", ID: "{backend}"}}
	return p
}

// TestCaddyDrains: out by one change that names the list it was made from, in by another; a repetition sends nothing; and all of it
// also where the SSH server forwards nothing.
func TestCaddyDrains(t *testing.T) {
	for _, forbid := range []bool{false, true} {
		t.Run(fmt.Sprintf("forbid forwarding %v", forbid), func(t *testing.T) {
			c := newCaddy(t, "10.0.0.1:8080", "10.0.0.2:8080")
			c.host.forbid = forbid
			hosts, p := everywhere{c.host}, c.point("10.0.0.1:8080")
			if err := Preflight(t.Context(), hosts, p); err != nil {
				t.Fatal(err)
			}
			for _, want := range []bool{true, false} {
				if changed, err := draining(t.Context(), hosts, drainOp(p), nil); changed != want || err != nil {
					t.Fatalf("drain: changed %v, %v", changed, err)
				}
			}
			if s, err := Read(t.Context(), hosts, p); err != nil || s.State != plan.RotationOut || s.Said != "it is no upstream" {
				t.Errorf("%+v, %v", s, err)
			}
			if err := Preflight(t.Context(), hosts, p); err != nil {
				t.Error(err)
			}
			op := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(10)}
			for _, want := range []bool{true, false} {
				if changed, err := Admit(t.Context(), hosts, op, nil); changed != want || err != nil {
					t.Fatalf("admit: changed %v, %v", changed, err)
				}
			}
			want := []string{`PATCH [{"dial":"10.0.0.2:8080"}]`, `PATCH [{"dial":"10.0.0.2:8080"},{"dial":"10.0.0.1:8080"}]`}
			if strings.Join(c.patches, "\n") != strings.Join(want, "\n") {
				t.Errorf("sent %q", c.patches)
			}
		})
	}
}

// TestCaddyWaitsForConnections: Caddy no longer counts what an upstream that it lost still answers, so its connections are counted.
func TestCaddyWaitsForConnections(t *testing.T) {
	c := newCaddy(t, "10.0.0.1:8080", "10.0.0.2:8080")
	c.connections(2)
	p := c.point("10.0.0.1:8080")
	op := drainOp(p)
	op.Deadline, op.OnTimeout = seconds(1), "abort"
	if err := wants(drained(t, c, op), "is not drained after 1s", "it is no upstream, 2 connections to it are open"); err != nil {
		t.Error(err)
	}
	time.AfterFunc(time.Second, func() { c.connections(0) })
	op.Deadline = seconds(20)
	if err := drained(t, c, op); err != nil {
		t.Error(err)
	}
}

func drained(t *testing.T, c *caddyAdmin, op plan.DrainOp) error {
	_, err := draining(t.Context(), everywhere{c.host}, op, nil)
	return err
}

// TestCaddyLies: what a 200 is worth, changes by others, and refusals.
func TestCaddyLies(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*caddyAdmin)
		want string
	}{
		"lies":     {func(c *caddyAdmin) { c.lies = true }, "app1 (app/10.0.0.1:8080) at lb1 is not drained after 3s, looked at every 250ms; last seen: it is an upstream"},
		"refuses":  {func(c *caddyAdmin) { c.status = 400 }, `answers 400 to a change: {"error":"loading new config: provisioning failed"}`},
		"one race": {func(c *caddyAdmin) { c.races = 1 }, ""},
		"races":    {func(c *caddyAdmin) { c.races = 1000 }, `caddy on lb1 was changed by others 5 times while trikk changed "app"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCaddy(t, "10.0.0.1:8080", "10.0.0.2:8080")
			test.set(c)
			op := drainOp(c.point("10.0.0.1:8080"))
			op.Deadline, op.OnTimeout = seconds(3), "abort"
			err := drained(t, c, op)
			if test.want == "" && err != nil {
				t.Fatal(err)
			}
			if err := wants(err, test.want); test.want != "" && err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCaddyPreflight: what can't be drained, or is misspelt, is told before anything happens.
func TestCaddyPreflight(t *testing.T) {
	for name, test := range map[string]struct {
		list, member, want string
	}{
		"fine":          {`[{"dial":"10.0.0.1:8080"},{"dial":"10.0.0.2:8080"}]`, "10.0.0.1:8080", ""},
		"drained":       {`[{"dial":"10.0.0.2:8080"}]`, "10.0.0.1:8080", ""},
		"by name":       {`[{"dial":"10.0.0.2:8080"}]`, "app1:8080", "app1 has no address"}, // nor has it for Caddy
		"no list":       {`null`, "10.0.0.1:8080", `has with the id "app" has no upstreams`},
		"no id":         {``, "10.0.0.1:8080", `caddy on lb1 has nothing with the id "app": write "@id": "app" into the reverse_proxy handler`},
		"an object":     {`{"dial":"10.0.0.1:8080"}`, "10.0.0.1:8080", "are no list"},
		"no port":       {`[{"dial":"10.0.0.1:8080"}]`, "app1", "write `member: \"{address}:8080\"` into the app's topology"},
		"another host":  {`[{"dial":"10.0.0.1:8080"}]`, "10.0.0.7:8080", `the member "10.0.0.7:8080" is no upstream of "app"`},
		"another name":  {`[{"dial":"web.example:8080"}]`, "web.example:8080", `the upstream "web.example:8080" of "app" in caddy on lb1 is not HOST:PORT of app1, so that trikk would not put it back`},
		"another port":  {`[{"dial":"10.0.0.2:8080"}]`, "10.0.0.1:8081", `caddy on lb1 has no upstream "10.0.0.1:8081" in "app", and none with that port: it has 10.0.0.2:8080`},
		"by its name":   {`[{"dial":"app1:8080"},{"dial":"10.0.0.2:8080"}]`, "10.0.0.1:8080", `caddy on lb1 has the upstream "app1:8080" in "app", which is app1 too`},
		"by its IP":     {`[{"dial":"10.0.0.1:8080"},{"dial":"10.0.0.2:8080"}]`, "app1:8080", `caddy on lb1 has the upstream "10.0.0.1:8080" in "app", which is app1 too`},
		"by network":    {`[{"dial":"tcp/10.0.0.1:8080"},{"dial":"10.0.0.2:8080"}]`, "10.0.0.1:8080", `caddy on lb1 has the upstream "tcp/10.0.0.1:8080" in "app", which is app1 too`},
		"the last one":  {`[{"dial":"10.0.0.1:8080"}]`, "10.0.0.1:8080", ""},
		"has more":      {`[{"dial":"10.0.0.1:8080","max_requests":5},{"dial":"10.0.0.2:8080"}]`, "10.0.0.1:8080", "has more than an address, which a drain would lose"},
		"other has one": {`[{"dial":"10.0.0.1:8080"},{"dial":"10.0.0.2:8080","max_requests":5}]`, "10.0.0.1:8080", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCaddy(t)
			c.list = test.list
			err := Preflight(t.Context(), everywhere{c.host}, c.point(test.member))
			if test.want == "" && err != nil {
				t.Fatal(err)
			}
			if err := wants(err, test.want); test.want != "" && err != nil {
				t.Error(err)
			}
			if len(c.patches) > 0 {
				t.Errorf("a preflight changed something: %q", c.patches)
			}
		})
	}
	c := newCaddy(t, "10.0.0.1:8080", "10.0.0.2:8080")
	c.host.path = "/nowhere"
	if err := wants(Preflight(t.Context(), everywhere{c.host}, c.point("10.0.0.1:8080")), "ss is not installed", "package iproute2"); err != nil {
		t.Error(err)
	}
	c = newCaddy(t, "10.0.0.1:8080", "10.0.0.2:8080")
	for transport, fine := range map[string]bool{
		"null\n": false, `{"protocol":"http"}`: false, `{"keep_alive":{"idle_timeout":"2m"}}`: false, `{"keep_alive":{"idle_timeout":120000000000}}`: false,
		`{"keep_alive":{"idle_timeout":2000000000}}`: true, `{"keep_alive":{"enabled":false}}`: true, `{"keep_alive":{"enabled":true}}`: false,
	} {
		c.transport = transport
		err := Preflight(t.Context(), everywhere{c.host}, c.point("10.0.0.1:8080"))
		if fine && err != nil || !fine && wants(err, `the handler "app" in caddy on lb1 keeps idle connections`) != nil {
			t.Errorf("%s: %v", transport, err)
		}
	}
	p := c.point("10.0.0.1:8080")
	p.Driver.Caddy.Admin = "http://127.0.0.1:1"
	if err := wants(Preflight(t.Context(), everywhere{c.host}, p), "is Caddy's admin API on, and at http://127.0.0.1:1?"); err != nil {
		t.Error(err)
	}
}

// TestCaddyRisk: what Linux does with waiting connections at a change is told where it loses them, and only for Caddy.
func TestCaddyRisk(t *testing.T) {
	for says, want := range map[string]string{"echo 0": "tcp_migrate_req=1", "echo 1": "", "exit 1": ""} {
		c := newCaddy(t, "10.0.0.1:8080")
		if err := os.WriteFile(filepath.Join(c.host.home, "cat"), []byte("#!/bin/sh\n"+says+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		p := c.point("10.0.0.1:8080")
		if got := Risk(t.Context(), everywhere{c.host}, p); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q", says, got)
		}
		p.Driver = plan.Driver{HAProxy: &plan.HAProxy{Socket: "/run/haproxy.sock"}}
		if got := Risk(t.Context(), everywhere{c.host}, p); got != "" {
			t.Errorf("HAProxy, %s: %q", says, got)
		}
	}
}
