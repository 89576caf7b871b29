package proxy

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"trikk.dev/engine/plan"
)

// TestHAProxyPreflight: names that HAProxy doesn't know, and a socket that can't drain.
func TestHAProxyPreflight(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*lb, *plan.Point)
		want   string
	}{
		{"fine", func(*lb, *plan.Point) {}, ""},
		{"member", func(_ *lb, p *plan.Point) { p.Member = "b2" }, `haproxy on lb1 has no server "b2" in backend "app" (did you mean "b1"?)`},
		{"backend", func(_ *lb, p *plan.Point) { p.Backend = "wep" }, `haproxy on lb1 has no backend "wep" (did you mean "web"?)`},
		{"level", func(l *lb, _ *plan.Point) { l.level = "operator" }, "the socket /s on lb1 is of level operator, so it can't drain: write `stats socket /s level admin`"},
		{"space", func(_ *lb, p *plan.Point) { p.Member = "b1 state ready" }, "is no name that haproxy can have"},
		{"second command", func(_ *lb, p *plan.Point) { p.Backend = "app;set" }, "is no name that haproxy can have"},
		{"empty", func(_ *lb, p *plan.Point) { p.Member = "" }, `the member "" is no name`},
		{"host", func(_ *lb, p *plan.Point) { p.Proxy = "lb9" }, "lb9: connecting"},
	} {
		l, p := newLB(t, "lb1", "b1"), at("lb1")
		c.change(l, &p)
		err := Preflight(t.Context(), fleet{"lb1": l}, p)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if err := wants(err, c.want); c.want != "" && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if len(l.said) != 0 {
			t.Errorf("%s: a preflight changed something: %q", c.what, l.said)
		}
	}
}

// TestForwardingRefused: each cause of one and the same refusal is told apart on the host, and a tool of the host is used
// where there is one.
func TestForwardingRefused(t *testing.T) {
	home := t.TempDir()
	file, socket := filepath.Join(home, "file"), filepath.Join(home, "s")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	tools := filepath.Join(home, "bin")
	answer := statHead + "app,b1,0,0,UP,,,\n\n" + adminHead + "3 app 1 b1 10.0.0.1 2 0 1\n\n"
	if err := os.Mkdir(tools, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, socket, tool, want string
	}{
		{"missing", filepath.Join(home, "none"), "", "no socket " + filepath.Join(home, "none") + " on lb1: is haproxy running"},
		{"file", file, "", file + " on lb1 is not a socket"},
		{"no tool", socket, "", "AllowStreamLocalForwarding yes"},
		{"no tool, tcp", "127.0.0.1:9999", "", "AllowTcpForwarding yes"},
		{"socat", socket, "socat", ""},
		{"nc", socket, "nc", ""},
		{"socat, tcp", "127.0.0.1:9999", "socat", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.tool != "" {
				script := "#!/bin/sh\necho \"$*\" >>" + home + "/args\n/bin/cat >>" + home + "/sent\nprintf '%s' '" + answer + "'\n"
				if err := os.WriteFile(filepath.Join(tools, c.tool), []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = os.Remove(filepath.Join(tools, c.tool)) }()
			}
			p := at("lb1")
			p.Driver.HAProxy.Socket = c.socket
			l := &local{home: home, path: tools, forbid: true}
			s, err := Read(t.Context(), everywhere{l}, p)
			if c.want != "" {
				if err := wants(err, c.want); err != nil {
					t.Error(err)
				}
				return
			}
			if err != nil || s.State != plan.RotationIn {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	for name, want := range map[string]string{
		"args": "-t 10 - UNIX-CONNECT:" + socket + "\n-U " + socket + "\n-t 10 - TCP:127.0.0.1:9999\n",
		"sent": "show stat app 4 -1;show servers state app;show info\nshow stat app 4 -1;show servers state app;show info\nshow stat app 4 -1;show servers state app;show info\n",
	} {
		if got, err := os.ReadFile(filepath.Join(home, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v\nwant %q", name, got, err, want)
		}
	}
}

// TestForwardingRefusedChanges sends a change through a tool of the host.
func TestForwardingRefusedChanges(t *testing.T) {
	home := t.TempDir()
	tools := filepath.Join(home, "bin")
	if err := os.Mkdir(tools, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n/bin/cat >" + home + "/sent\necho\n"
	if err := os.WriteFile(filepath.Join(tools, "socat"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	l := &local{home: home, path: tools, forbid: true}
	if err := (haproxy{socket: "127.0.0.1:9999"}).Out(t.Context(), everywhere{l}, at("lb1")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(home, "sent"))
	if err != nil || string(got) != "set server app/b1 state drain\n" {
		t.Errorf("%q, %v", got, err)
	}
	if err := wants((haproxy{socket: filepath.Join(home, "none")}).Out(t.Context(), everywhere{l}, at("lb1")), "no socket"); err != nil {
		t.Error(err)
	}
}

// TestPreflightOfNobody: where nothing listens, the error says what should.
func TestPreflightOfNobody(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"app.servers": "server 10.0.0.1:80; # b1\n", "app.servers.generation": "return 200 \"first\";\n",
		"app.members": "BalancerMember http://10.0.0.1:80 route=b1\n", "app.members.generation": "ErrorDocument 200 \"first\"\n", "pid": startSleepingHTTPD(t, dir)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for want, d := range map[string]plan.Driver{
		"is httpd running on lb1, and does it listen there with `<Location /manager>`, `SetHandler balancer-manager`":     {HTTPD: &plan.HTTPD{URL: "http://127.0.0.1:1/manager"}},
		"is nginx running on lb1, and does one of its servers listen there? If not, write `upstream app { include " + dir: {Nginx: &plan.Nginx{Servers: dir + "/{backend}.servers", Generation: "http://127.0.0.1:1/_gen/{backend}", Test: "true", Reload: "false"}},
		"is httpd running on lb1, and does one of its servers listen there? If not, write `Include " + dir:                {HTTPD: &plan.HTTPD{Include: &plan.HTTPDInclude{Members: dir + "/{backend}.members", Generation: "http://127.0.0.1:1/_gen/{backend}", PidFile: dir + "/pid", Test: "true", Reload: "false"}}},
	} {
		p := at("lb1")
		p.Driver = d
		if err := wants(Preflight(t.Context(), everywhere{&local{home: dir}}, p), want); err != nil {
			t.Error(err)
		}
	}
}

// TestMarkerPreflight: a balancer that does not check would never see a marker.
func TestMarkerPreflight(t *testing.T) {
	l := newLB(t, "lb1", "b1")
	l.servers["b1"].check = "no check"
	p := marked(plan.Marking{File: filepath.Join(t.TempDir(), "m"), Watch: &plan.Watch{HAProxy: &plan.WatchHAProxy{On: "outer", Socket: "/s"}}})
	hosts := fleet{"app1": &local{home: t.TempDir()}, "outer": l}
	if err := wants(Preflight(t.Context(), hosts, p), "give the server a health check"); err != nil {
		t.Error(err)
	}
}
