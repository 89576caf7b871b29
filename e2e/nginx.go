//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"testing"
	"text/template"
)

// Nginx is a running nginx whose servers are in a file that the login user may change.
type Nginx struct {
	Machine *Machine
	Port    int
}

// URL is where clients reach the app.
func (n *Nginx) URL() string { return fmt.Sprintf("http://%s:%d", n.Machine.Address, n.Port) }

// Driver is what a proxy's driver needs to know of it.
func (n *Nginx) Driver() string {
	const nginx = "sudo -n /usr/sbin/nginx -c /srv/nginx/nginx.conf "
	return fmt.Sprintf(`driver: nginx: {servers: "/srv/nginx/trikk/{backend}.servers", generation: "http://127.0.0.1:%d/_trikk/{backend}", test: "%s-t", reload: "%s-s reload"}`, n.Port, nginx, nginx)
}

// Nginx starts nginx on a machine, and ends it with the test.
func (f *Fleet) Nginx(t testing.TB, m *Machine, b Balancer) *Nginx {
	t.Helper()
	for name, text := range map[string]*template.Template{"/srv/nginx/nginx.conf": nginxConfig, "/srv/nginx/trikk/" + b.Name + ".servers": nginxServers} {
		var out bytes.Buffer
		if err := text.Execute(&out, b); err != nil {
			t.Fatal(err)
		}
		if err := m.WriteFile(name, out.String(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.WriteFile("/srv/nginx/trikk/"+b.Name+".servers.generation", "return 200 \"first\";\n", 0o644); err != nil {
		t.Fatal(err)
	}
	m.Run(t, "chown -R "+LoginUser+": /srv/nginx/trikk && /usr/sbin/nginx -c /srv/nginx/nginx.conf")
	t.Cleanup(func() {
		_, _ = m.Try(`pid=$(cat /run/nginx.pid) && kill -TERM $pid; n=0; while [ -d /proc/$pid ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n+1)); done; rm -rf /srv/nginx`)
	})
	m.Listens(t, b.Port)
	return &Nginx{Machine: m, Port: b.Port}
}

var nginxServers = template.Must(template.New("servers").Parse(`{{$port := .ToPort}}{{range .To}}server {{.Address}}:{{$port}} max_fails=0; # {{.Name}}
{{end}}`))

var nginxConfig = template.Must(template.New("nginx").Parse(`user www-data;
pid /run/nginx.pid;
error_log /srv/nginx/error.log notice;
worker_processes 2;
events { worker_connections 512; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path /run/nginx-body;
  proxy_temp_path /run/nginx-proxy;
  fastcgi_temp_path /run/nginx-fastcgi;
  uwsgi_temp_path /run/nginx-uwsgi;
  scgi_temp_path /run/nginx-scgi;
  map $http_upgrade $upgraded { default upgrade; '' close; }
{{if .Sticky}}  map $cookie_S $client { default $cookie_S; '' $request_id; }
{{end}}  upstream {{.Name}} { {{if .Sticky}}hash $client; {{end}}include /srv/nginx/trikk/{{.Name}}.servers; }
  server {
    listen {{.Port}};
    location / { proxy_pass http://{{.Name}}; proxy_next_upstream off; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgraded; proxy_buffering off; proxy_connect_timeout 3s; }
    location = /_trikk/{{.Name}} { include /srv/nginx/trikk/{{.Name}}.servers.generation; }
  }
}
`))
