package proxy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// frontFiles writes what trikk renders for one proxy of a driver into a folder. second is the address of the second server.
func frontFiles(t *testing.T, d plan.Driver, member, second string) string {
	t.Helper()
	dir := t.TempDir()
	if files := dir + "/lb 1;/{backend}"; d.Nginx != nil || d.HTTPD != nil && d.HTTPD.Include != nil {
		if d.Nginx != nil {
			d.Nginx.Servers = files + ".servers"
		} else {
			d.HTTPD.Include.Members = files + ".members"
		}
		if err := os.Symlink(dir+"/lb1", dir+"/lb 1;"); err != nil {
			t.Fatal(err)
		}
	}
	env := plan.Environment{
		Servers: map[string]plan.Host{"app1": {Name: "app1", Address: "127.0.0.1"}, "app2": {Name: "app2", Address: second}, "app3": {Name: "app3", Address: "localhost"}},
		Proxies: map[string]plan.Proxy{"lb1": {Host: plan.Host{Name: "lb1"}, Driver: d}},
	}
	app := plan.App{
		Name: "shop", Servers: []string{"app1", "app2"}, Standby: []string{"app3"}, Ports: map[string]int{"http": 8080},
		Probes:   map[string]plan.Check{"ready": {HTTP: &plan.HTTPCheck{Path: "/ready?deep=1", Port: 8080, Status: []int{200, 204}}}},
		Topology: plan.Topology{Shared: &plan.Shared{Proxies: []string{"lb1"}, Backend: "{app}", Member: member}},
		Rollout:  plan.Rollout{DrainDeadline: seconds(90)},
	}
	files, _, err := plan.Fronts(env, []plan.App{app})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.Content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir + "/lb1/"
}

// TestRealFronts: each program's own check takes what trikk renders for it, inside of a configuration that a person would write.
func TestRealFronts(t *testing.T) {
	checks := map[string]struct {
		driver  plan.Driver
		member  string
		file    string
		around  func(dir string) string
		command func(file string) []string
	}{
		"haproxy": {plan.Driver{HAProxy: &plan.HAProxy{}}, "{server}", "haproxy.cfg", func(dir string) string {
			return "defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nfrontend f\n  bind 127.0.0.1:8203\n  default_backend shop\n" + contents(t, dir+"shop.cfg")
		}, func(file string) []string { return []string{"haproxy", "-c", "-f", file} }},
		"httpd": {plan.Driver{HTTPD: &plan.HTTPD{}}, "{server}", "httpd.conf", func(dir string) string {
			return aroundHTTPD(dir, "")
		}, func(file string) []string { return []string{"/usr/sbin/apache2", "-t", "-f", file} }},
		"httpd by a file": {plan.Driver{HTTPD: &plan.HTTPD{Include: &plan.HTTPDInclude{Generation: "http://127.0.0.1/_trikk/{backend}"}}}, "{server}", "httpd.conf", func(dir string) string {
			return aroundHTTPD(dir, " alias")
		}, func(file string) []string { return []string{"/usr/sbin/apache2", "-t", "-f", file} }},
		"nginx": {plan.Driver{Nginx: &plan.Nginx{Generation: "http://127.0.0.1/_trikk/{backend}"}}, "{server}", "nginx.conf", func(dir string) string {
			return "error_log stderr;\npid " + dir + "pid;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path " + dir + "a;\nproxy_temp_path " + dir + "b;\nfastcgi_temp_path " + dir + "c;\nuwsgi_temp_path " + dir + "d;\nscgi_temp_path " + dir + "e;\ninclude " + dir + "shop.conf;\nserver {\nlisten 127.0.0.1:8201;\nlocation / { proxy_pass http://shop; }\nlocation = /_trikk/shop { include " + dir + "shop.servers.generation; }\n}\n}\n"
		}, func(file string) []string { return []string{"/usr/sbin/nginx", "-t", "-c", file} }},
		"caddy": {plan.Driver{Caddy: &plan.Caddy{ID: "{backend}"}}, "{address}:8080", "caddy.json", func(dir string) string {
			return `{"apps":{"http":{"servers":{"shop":{"listen":["127.0.0.1:8202"],"routes":[{"handle":[` + contents(t, dir+"shop.json") + `]}]}}}}}`
		}, func(file string) []string { return []string{builtCaddy(t), "validate", "--config", file} }},
	}
	for name, c := range checks {
		t.Run(name, func(t *testing.T) {
			if name == "caddy" && os.Getenv("TRIKK_FULL") != "1" {
				t.Skip("it builds Caddy: TRIKK_FULL=1 runs it")
			}
			second := "::1"
			if name == "caddy" { // whose members are addresses, written in one way for all servers
				second = "127.0.0.2"
			}
			dir := frontFiles(t, c.driver, c.member, second)
			if err := os.WriteFile(dir+c.file, []byte(c.around(dir)), 0o644); err != nil {
				t.Fatal(err)
			}
			args := c.command(dir + c.file)
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s\nof\n%s", args, err, out, contents(t, dir+c.file))
			}
		})
	}
}

// aroundHTTPD is a configuration of httpd that includes a balancer, with a few more modules.
func aroundHTTPD(dir, more string) string {
	var modules strings.Builder
	for m := range strings.FieldsSeq("mpm_event authz_core slotmem_shm proxy proxy_http proxy_balancer lbmethod_byrequests" + more) {
		fmt.Fprintf(&modules, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", m, m)
	}
	return "ServerRoot " + dir + "\nDefaultRuntimeDir " + dir + "\nServerName localhost\nErrorLog " + dir + "log\nListen 127.0.0.1:8200\n" + modules.String() + "Include " + dir + "shop.conf\nProxyPass / balancer://shop/\n"
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
