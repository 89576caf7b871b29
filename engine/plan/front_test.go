package plan_test

import (
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// fronted is an app on app01 and app02, with app03 in reserve, behind one proxy of a driver.
func fronted(driver plan.Driver) (plan.Environment, plan.App) {
	app := hello("app01", "app02")
	app.Standby = []string{"app03"}
	app.Ports = map[string]int{"http": 8080, "jmx": 2101}
	app.Topology = plan.Topology{Shared: &plan.Shared{Proxies: []string{"lb01"}, Backend: "{app}", Member: "{server}"}}
	env := plan.Environment{Name: "test", Servers: map[string]plan.Host{}, Proxies: map[string]plan.Proxy{"lb01": {Host: plan.Host{Name: "lb01", Address: "10.0.0.9"}, Driver: driver}}}
	for i, s := range []string{"app01", "app02", "app03"} {
		env.Servers[s] = plan.Host{Name: s, Address: "10.0.0." + string(rune('1'+i))}
	}
	return env, app
}

func TestFronts(t *testing.T) {
	for name, test := range map[string]struct {
		driver plan.Driver
		member string
		want   string
	}{
		"haproxy": {plan.Driver{HAProxy: &plan.HAProxy{}}, "{server}", `lb01/hello.cfg
backend hello
    option httpchk GET /
    server app01 10.0.0.1:8080 check
    server app02 10.0.0.2:8080 check
    server app03 10.0.0.3:8080 check disabled
`},
		"haproxy with a state file": {plan.Driver{HAProxy: &plan.HAProxy{StateFile: "/var/lib/haproxy-state/servers"}}, "{server}", `lb01/hello.cfg
# in the global section:
# server-state-file /var/lib/haproxy-state/servers
backend hello
    load-server-state-from-file global
    option httpchk GET /
    server app01 10.0.0.1:8080 check
    server app02 10.0.0.2:8080 check
    server app03 10.0.0.3:8080 check disabled
`},
		"httpd": {plan.Driver{HTTPD: &plan.HTTPD{}}, "{server}", `lb01/hello.conf
<Proxy balancer://hello>
    BalancerMember http://10.0.0.1:8080 route=app01
    BalancerMember http://10.0.0.2:8080 route=app02
    BalancerMember http://10.0.0.3:8080 route=app03 status=+D
</Proxy>
`},
		"httpd by a file": {plan.Driver{HTTPD: &plan.HTTPD{Include: &plan.HTTPDInclude{Members: "/etc/apache2/trikk/{backend}.members", Generation: "http://127.0.0.1/_trikk/{backend}"}}}, "{server}", `lb01/hello.conf
<Proxy balancer://hello>
    Include /etc/apache2/trikk/hello.members
</Proxy>
# of the server that http://127.0.0.1/_trikk/hello asks:
<Location /_trikk/hello>
    Redirect 200 /_trikk/hello
    Include /etc/apache2/trikk/hello.members.generation
</Location>
lb01/hello.members
BalancerMember http://10.0.0.1:8080 route=app01
BalancerMember http://10.0.0.2:8080 route=app02
BalancerMember http://10.0.0.3:8080 route=app03 status=+D
lb01/hello.members.generation
ErrorDocument 200 "first"
`},
		"nginx": {plan.Driver{Nginx: &plan.Nginx{Servers: "/etc/nginx/trikk/{backend}.servers", Generation: "http://127.0.0.1/_trikk/{backend}"}}, "{server}", `lb01/hello.conf
upstream hello { include /etc/nginx/trikk/hello.servers; }
# in the server that http://127.0.0.1/_trikk/hello asks:
# location = /_trikk/hello { include /etc/nginx/trikk/hello.servers.generation; }
lb01/hello.servers
server 10.0.0.1:8080; # app01
server 10.0.0.2:8080; # app02
server 10.0.0.3:8080 down; # app03
lb01/hello.servers.generation
return 200 "first";
`},
		"caddy": {plan.Driver{Caddy: &plan.Caddy{ID: "{backend}-lb"}}, "{address}:8080", `lb01/hello.json
{
  "@id": "hello-lb",
  "handler": "reverse_proxy",
  "transport": {
    "protocol": "http",
    "keep_alive": {
      "idle_timeout": "2s"
    }
  },
  "stream_close_delay": "30s",
  "upstreams": [
    {
      "dial": "10.0.0.1:8080"
    },
    {
      "dial": "10.0.0.2:8080"
    }
  ]
}
`},
	} {
		t.Run(name, func(t *testing.T) {
			env, app := fronted(test.driver)
			app.Topology.Shared.Member = test.member
			app.Rollout.DrainDeadline = plan.Duration(30 * time.Second)
			files, notes, err := plan.Fronts(env, []plan.App{app})
			if err != nil || len(notes) > 0 {
				t.Fatal(notes, err)
			}
			var got strings.Builder
			for _, f := range files {
				got.WriteString(f.Path + "\n" + f.Content)
			}
			if got.String() != test.want {
				t.Errorf("got\n%s\nwant\n%s", got.String(), test.want)
			}
		})
	}
}

// TestFrontsOfPairs: each proxy of a pair has its own server only.
func TestFrontsOfPairs(t *testing.T) {
	env, app := fronted(plan.Driver{HAProxy: &plan.HAProxy{}})
	env.Proxies["lb02"] = env.Proxies["lb01"]
	app.Standby = nil
	app.Topology = plan.Topology{Pairs: &plan.Pairs{Proxies: []string{"lb01", "lb02"}, Backend: "city", Member: "{proxy}"}}
	files, _, err := plan.Fronts(env, []plan.App{app})
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for i, want := range []string{"server app01 10.0.0.1:8080 check\n", "server app02 10.0.0.2:8080 check\n"} {
		if !strings.HasSuffix(files[i].Content, want) || strings.Count(files[i].Content, "server") != 1 || !strings.HasPrefix(files[i].Content, "backend hello\n") {
			t.Errorf("%s:\n%s", files[i].Path, files[i].Content)
		}
	}
}

func TestFrontsThatCantBe(t *testing.T) {
	env, app := fronted(plan.Driver{Marker: &plan.Marking{File: "x"}})
	if files, notes, err := plan.Fronts(env, []plan.App{app}); err != nil || len(files) > 0 || len(notes) != 1 || !strings.HasPrefix(notes[0], "lb01: ") {
		t.Error(files, notes, err)
	}
	for name, test := range map[string]struct {
		edit func(*plan.App)
		want string
	}{
		"no port": {func(a *plan.App) { a.Ports, a.Probes = nil, nil }, "hello: the port that its proxies ask is not known"},
		"a name":  {func(a *plan.App) { a.Topology.Shared.Backend = "a b;" }, `hello: the backend "a b;" is no name that HAProxy can have`},
	} {
		env, app := fronted(plan.Driver{HAProxy: &plan.HAProxy{}})
		test.edit(&app)
		if _, _, err := plan.Fronts(env, []plan.App{app}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	env, app = fronted(plan.Driver{HAProxy: &plan.HAProxy{}})
	other := app
	other.Name, other.Topology.Shared = "other", &plan.Shared{Proxies: []string{"lb01"}, Backend: "hello", Member: "{server}"}
	if _, _, err := plan.Fronts(env, []plan.App{app, other}); err == nil || !strings.Contains(err.Error(), "hello and other have the same backend hello on lb01, and the same members") {
		t.Error(err)
	}
}

// TestFrontsOfOneHandler: a handler of Caddy whose ID is fixed is that of one backend.
func TestFrontsOfOneHandler(t *testing.T) {
	env, app := fronted(plan.Driver{Caddy: &plan.Caddy{ID: "web"}})
	app.Standby, app.Topology.Shared.Member = nil, "{address}:8080"
	other := hello("app02")
	other.Name, other.Ports = "other", map[string]int{"http": 8081}
	other.Topology = plan.Topology{Shared: &plan.Shared{Proxies: []string{"lb01"}, Backend: "{app}", Member: "{address}:8081"}}
	probe(&other, 8081)
	if _, _, err := plan.Fronts(env, []plan.App{app, other}); err == nil || !strings.Contains(err.Error(), "hello and other have one handler web on lb01, and the backends hello and other") {
		t.Error(err)
	}
	other.Topology.Shared.Backend = "hello"
	if files, _, err := plan.Fronts(env, []plan.App{app, other}); err != nil || len(files) != 1 || strings.Count(files[0].Content, "dial") != 3 {
		t.Errorf("%v, %+v", err, files)
	}
}

// TestFrontsOfSharedBackends: two apps may have members of their own in one backend, which has one health check.
func TestFrontsOfSharedBackends(t *testing.T) {
	env, app := fronted(plan.Driver{HAProxy: &plan.HAProxy{}})
	app.Standby, app.Topology.Shared = nil, &plan.Shared{Proxies: []string{"lb01"}, Backend: "web", Member: "{app}-{server}"}
	other := hello("app02")
	other.Name, other.Ports, other.Topology.Shared = "other", map[string]int{"http": 8081}, app.Topology.Shared
	probe(&other, 8081)
	files, _, err := plan.Fronts(env, []plan.App{app, other})
	want := "backend web\n    option httpchk GET /\n    server hello-app01 10.0.0.1:8080 check\n    server hello-app02 10.0.0.2:8080 check\n    server other-app02 10.0.0.2:8081 check\n"
	if err != nil || len(files) != 1 || files[0].Content != want {
		t.Errorf("%v, %+v", err, files)
	}
	probe(&other, 8081).Path = "/other"
	if _, _, err := plan.Fronts(env, []plan.App{app, other}); err == nil || !strings.Contains(err.Error(), "the same backend web on lb01, and different health checks") {
		t.Error(err)
	}
}

// TestFrontsQuote: what can be in a URL's path and in a member's name stays what it is in the configuration of the proxy.
func TestFrontsQuote(t *testing.T) {
	for _, test := range []struct {
		driver     plan.Driver
		path, name string
		want       string
	}{
		{plan.Driver{HAProxy: &plan.HAProxy{}}, "/odata/Items('1')?$top=1", "{server}", `option httpchk GET /odata/Items(\'1\')?$top=1` + "\n"},
		{plan.Driver{HTTPD: &plan.HTTPD{}}, "/", "http://{address}:8080", "BalancerMember http://10.0.0.1:8080\n"},
		{plan.Driver{HTTPD: &plan.HTTPD{}}, "/", "{address}:8080", "BalancerMember http://10.0.0.1:8080\n"},
	} {
		env, app := fronted(test.driver)
		app.Topology.Shared.Member = test.name
		for _, c := range app.Probes {
			c.HTTP.Path = test.path
		}
		files, _, err := plan.Fronts(env, []plan.App{app})
		if err != nil || len(files) != 1 || !strings.Contains(files[0].Content, test.want) {
			t.Errorf("%v: got %v, want %q", err, files, test.want)
		}
	}
}

// TestFrontsOfOddApps: what is allowed and rare comes out as the driver and the program want it.
func TestFrontsOfOddApps(t *testing.T) {
	nginx := func(servers, page string) plan.Driver {
		return plan.Driver{Nginx: &plan.Nginx{Servers: servers, Generation: page}}
	}
	for name, test := range map[string]struct {
		driver     plan.Driver
		edit       func(*plan.App)
		path, want string
	}{
		"a probe of another port is no check of this one": {driver: plan.Driver{HAProxy: &plan.HAProxy{}}, path: "lb01/hello.cfg", want: "backend hello\n    server app01 10.0.0.1:8080 check\n",
			edit: func(a *plan.App) { probe(a, 9090) }},
		"statuses of the probe": {driver: plan.Driver{HAProxy: &plan.HAProxy{}}, path: "lb01/hello.cfg", want: "    option httpchk GET /\n    http-check expect status 200,401\n",
			edit: func(a *plan.App) { probe(a, 8080).Status = []int{200, 401} }},
		"a page elsewhere": {driver: nginx("/etc/nginx/trikk/{backend}.servers", "http://127.0.0.1:8089/gen/{backend}?x=1"), path: "lb01/hello.conf",
			want: "# location = /gen/hello { include /etc/nginx/trikk/hello.servers.generation; }\n"},
		"a path with blanks": {driver: nginx("/etc/nginx/of trikk/{backend}.servers", "http://127.0.0.1/_trikk/{backend}"), path: "lb01/hello.conf",
			want: `upstream hello { include "/etc/nginx/of trikk/hello.servers"; }`},
		"httpd's paths with blanks": {driver: plan.Driver{HTTPD: &plan.HTTPD{Include: &plan.HTTPDInclude{Members: "/srv/of trikk/{backend}", Generation: "http://127.0.0.1/it's/{backend}"}}}, path: "lb01/hello.conf",
			want: "<Proxy balancer://hello>\n    Include \"/srv/of trikk/hello\"\n</Proxy>\n# of the server that http://127.0.0.1/it's/hello asks:\n<Location \"/it's/hello\">\n    Redirect 200 \"/it's/hello\"\n    Include \"/srv/of trikk/hello.generation\"\n",
			edit: func(a *plan.App) { a.Topology.Shared.Backend = "balancer://Hello" }},
		"Caddy knows an upstream by the member": {driver: plan.Driver{Caddy: &plan.Caddy{ID: "{backend}"}}, path: "lb01/hello.json", want: `"dial": "app01:8081"`,
			edit: func(a *plan.App) { a.Topology.Shared.Member = "{server}:8081" }},
		"a backend that is no file name": {driver: plan.Driver{Caddy: &plan.Caddy{ID: "fixed"}}, path: "lb01/fixed.json", want: `"@id": "fixed"`,
			edit: func(a *plan.App) {
				a.Topology.Shared.Member, a.Topology.Shared.Backend = "{address}:8080", "../../up"
			}},
		"httpd keeps the lower case": {driver: plan.Driver{HTTPD: &plan.HTTPD{}}, path: "lb01/hello.conf", want: "<Proxy balancer://hello>\n",
			edit: func(a *plan.App) { a.Topology.Shared.Backend = "balancer://Hello" }},
	} {
		t.Run(name, func(t *testing.T) {
			env, app := fronted(test.driver)
			if test.edit != nil {
				test.edit(&app)
			}
			files, _, err := plan.Fronts(env, []plan.App{app})
			if err != nil || files[0].Path != test.path || !strings.Contains(files[0].Content, test.want) {
				t.Errorf("%v, %+v\nwant %s in %s", err, files, test.want, test.path)
			}
		})
	}
}

// probe makes the HTTP probe of an app one of a port.
func probe(a *plan.App, port int) *plan.HTTPCheck {
	for _, c := range a.Probes {
		if c.HTTP != nil {
			c.HTTP.Port = port
			return c.HTTP
		}
	}
	return nil
}

// TestFrontsWithoutAPort: an app whose port is not known is in nobody's way behind a proxy that trikk does not write for.
func TestFrontsWithoutAPort(t *testing.T) {
	env, app := fronted(plan.Driver{Command: &plan.Command{}})
	app.Ports, app.Probes = nil, nil
	if files, notes, err := plan.Fronts(env, []plan.App{app}); err != nil || len(files) > 0 || len(notes) != 1 {
		t.Error(files, notes, err)
	}
}

// TestMisnamed: names that a program can have, and those that it can't.
func TestMisnamed(t *testing.T) {
	page := func(url string) plan.Driver {
		return plan.Driver{Marker: &plan.Marking{Watch: &plan.Watch{HTTP: &plan.WatchHTTP{URL: url, Up: "{member}"}}}}
	}
	for _, test := range []struct {
		driver          plan.Driver
		backend, member string
		want            string
	}{
		{plan.Driver{HAProxy: &plan.HAProxy{}}, "web:1", "app_01.x-1", ""},
		{plan.Driver{HAProxy: &plan.HAProxy{}}, "web/1", "a b", "backend member"},
		{plan.Driver{HTTPD: &plan.HTTPD{}}, "balancer://Web", "unix:/run/a.sock|http://localhost/", ""},
		{plan.Driver{HTTPD: &plan.HTTPD{}}, "balancer://a/b", "a/b", "backend member"},
		{plan.Driver{HTTPD: &plan.HTTPD{}}, "web", "http://10.0.0.1:80/a b", "member"},
		{plan.Driver{Nginx: &plan.Nginx{}}, "web", "[fd00::1]:80", ""},
		{plan.Driver{Nginx: &plan.Nginx{}}, "web:1", "app01", "backend"},
		{plan.Driver{HTTPD: &plan.HTTPD{}}, "web", strings.Repeat("a", 63), ""},
		{plan.Driver{HTTPD: &plan.HTTPD{}}, "web", strings.Repeat("a", 64), "member"},
		{plan.Driver{HTTPD: &plan.HTTPD{}}, "web", strings.Repeat("a", 64) + ".example:80", ""},
		{plan.Driver{Nginx: &plan.Nginx{}}, "../web", "unix:/run/a.sock", "backend"},
		{plan.Driver{Caddy: &plan.Caddy{ID: "{backend}"}}, "a/b", "10.0.0.1:80", "backend"},
		{plan.Driver{Caddy: &plan.Caddy{ID: "fixed"}}, "a/b", "[10.0.0.1]:80", ""},
		{plan.Driver{Caddy: &plan.Caddy{ID: "fixed"}}, "a", "10.0.0.2:80", "member"},
		{plan.Driver{Caddy: &plan.Caddy{ID: "fixed"}}, "a", "app01:http", "member"},
		{page("http://x/{backend}"), "a b", "c d", "backend"},
		{page("http://x/"), "a b", "c d", ""},
		{plan.Driver{Command: &plan.Command{}}, "a b", "c'd", ""},
	} {
		var got []string
		for _, m := range (plan.Point{Server: "app01", Address: "10.0.0.1", Backend: test.backend, Member: test.member, Driver: test.driver}).Misnamed() {
			got = append(got, m.Field)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q, %q: %v is misnamed, want %q", test.backend, test.member, got, test.want)
		}
	}
}
