package plan

import (
	"encoding/json"
	"fmt"
	"strings"
)

// haproxyFront is a backend (HAProxy configuration manual, "backend", "server").
func haproxyFront(f front) []Rendered {
	var b strings.Builder
	fmt.Fprintf(&b, "backend %s\n", f.backend)
	if f.check != "" {
		fmt.Fprintf(&b, "    option httpchk GET %s\n", haproxyWord(f.check))
	}
	for _, m := range f.members {
		fmt.Fprintf(&b, "    server %s %s check%s\n", m.name, m.address, m.ifIdle(" disabled"))
	}
	return []Rendered{{Path: f.backend + ".cfg", Content: b.String()}}
}

// haproxyWord is one word of HAProxy's configuration (section 2.2, "Quoting and escaping"). The schema keeps out what can't be in a URL; an
// apostrophe can.
func haproxyWord(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, `#`, `\#`, ` `, `\ `).Replace(s)
}

// httpdFront is a balancer (mod_proxy, "BalancerMember").
func httpdFront(f front) []Rendered {
	var b strings.Builder
	name := strings.TrimPrefix(f.backend, "balancer://")
	fmt.Fprintf(&b, "<Proxy balancer://%s>\n", name)
	for _, m := range f.members {
		fmt.Fprintf(&b, "    BalancerMember %s%s\n", m.worker(), m.ifIdle(" status=+D"))
	}
	b.WriteString("</Proxy>\n")
	return []Rendered{{Path: name + ".conf", Content: b.String()}}
}

// worker is the URL of httpd's member, and its route, unless its name is the URL or the address.
func (m frontMember) worker() string {
	switch {
	case strings.Contains(m.name, "://"):
		return m.name
	case m.name == m.address:
		return "http://" + m.address
	}
	return "http://" + m.address + " route=" + m.name
}

// nginxFront is an upstream and the two files that trikk changes (ngx_http_upstream_module, "server").
func nginxFront(f front) []Rendered {
	at := strings.ReplaceAll(f.proxy.Driver.Nginx.Servers, "{backend}", f.backend)
	var servers strings.Builder
	for _, m := range f.members {
		fmt.Fprintf(&servers, "server %s%s; # %s\n", m.address, m.ifIdle(" down"), m.name)
	}
	upstream := fmt.Sprintf("upstream %s { include %s; }\n# in the server that %s asks:\n# location = /_trikk/%s { include %s.generation; }\n",
		f.backend, at, strings.ReplaceAll(f.proxy.Driver.Nginx.Generation, "{backend}", f.backend), f.backend, at)
	return []Rendered{
		{Path: f.backend + ".conf", Content: upstream},
		{Path: f.backend + ".servers", Content: servers.String()},
		{Path: f.backend + ".servers.generation", Content: "return 200 \"first\";\n"},
	}
}

// caddyFront is a handler (Caddy's JSON structure, "reverse_proxy"). A standby server is no upstream. Idle connections
// end soon, because they look like requests in flight; websockets live as long as a drain may take.
func caddyFront(f front) []Rendered {
	type upstream struct {
		Dial string `json:"dial"`
	}
	handler := struct {
		ID        string          `json:"@id"`
		Handler   string          `json:"handler"`
		Transport json.RawMessage `json:"transport"`
		Delay     string          `json:"stream_close_delay,omitempty"`
		Upstreams []upstream      `json:"upstreams"`
	}{ID: strings.ReplaceAll(f.proxy.Driver.Caddy.ID, "{backend}", f.backend), Handler: "reverse_proxy", Transport: json.RawMessage(`{"protocol":"http","keep_alive":{"idle_timeout":"2s"}}`)}
	if d := f.app.Rollout.DrainDeadline.D(); d > 0 {
		handler.Delay = d.String()
	}
	for _, m := range f.members {
		if !m.idle {
			handler.Upstreams = append(handler.Upstreams, upstream{m.address})
		}
	}
	text, err := json.MarshalIndent(handler, "", "  ")
	if err != nil {
		panic(err) // strings only
	}
	return []Rendered{{Path: f.backend + ".json", Content: string(text) + "\n"}}
}

// ifIdle is the word by which a proxy holds a member out, for one that starts out of rotation.
func (m frontMember) ifIdle(word string) string {
	if m.idle {
		return word
	}
	return ""
}
