package plan

import (
	"encoding/json"
	"fmt"
	"strings"
)

// haproxyFront is a backend (HAProxy configuration manual, "backend", "server").
func haproxyFront(f front) []Rendered {
	var b strings.Builder
	state := f.proxy.Driver.HAProxy.StateFile
	if state != "" {
		fmt.Fprintf(&b, "# in the global section:\n# server-state-file %s\n", state)
	}
	fmt.Fprintf(&b, "backend %s\n", f.backend)
	if state != "" {
		b.WriteString("    load-server-state-from-file global\n")
	}
	if f.check != nil {
		fmt.Fprintf(&b, "    option httpchk GET %s\n", haproxyWord(f.check.Path))
		if codes := f.check.Status; len(codes) > 0 {
			fmt.Fprintf(&b, "    http-check expect status %s\n", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(codes)), ","), "[]"))
		}
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
	if f.proxy.Driver.HTTPD.Include != nil {
		return httpdIncludeFront(f, *f.proxy.Driver.HTTPD.Include)
	}
	return []Rendered{{Path: f.backend + ".conf", Content: balancer(f.backend, f.workers("    "))}}
}

// balancer is a section of httpd's.
func balancer(name, lines string) string {
	return fmt.Sprintf("<Proxy balancer://%s>\n%s</Proxy>\n", name, lines)
}

// workers are the members of httpd's balancer.
func (f front) workers(indent string) string {
	var b strings.Builder
	for _, m := range f.members {
		fmt.Fprintf(&b, "%sBalancerMember %s%s\n", indent, m.worker(), m.ifIdle(" status=+D"))
	}
	return b.String()
}

// httpdIncludeFront is a balancer and the two files that trikk changes. The page answers with the text of an error, which 200 is none: so
// no module is needed but mod_alias (core, "ErrorDocument"; mod_alias, "Redirect").
func httpdIncludeFront(f front, conf HTTPDInclude) []Rendered {
	at := strings.ReplaceAll(conf.Members, "{backend}", f.backend)
	page := strings.ReplaceAll(conf.Generation, "{backend}", f.backend)
	path := httpdWord(pathIn(page))
	text := balancer(f.backend, "    Include "+httpdWord(at)+"\n") + fmt.Sprintf("# of the server that %s asks:\n<Location %s>\n    Redirect 200 %s\n    Include %s\n</Location>\n",
		page, path, path, httpdWord(at+".generation"))
	return []Rendered{
		{Path: f.backend + ".conf", Content: text},
		{Path: f.backend + ".members", Content: f.workers("")},
		{Path: f.backend + ".members.generation", Content: "ErrorDocument 200 \"first\"\n"},
	}
}

// httpdWord is one word of httpd's configuration, in quotes where it holds what ends or changes a word.
func httpdWord(s string) string {
	if !strings.ContainsAny(s, " <>'\"\\#") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
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
	page := strings.ReplaceAll(f.proxy.Driver.Nginx.Generation, "{backend}", f.backend)
	upstream := fmt.Sprintf("upstream %s { include %s; }\n# in the server that %s asks:\n# location = %s { include %s; }\n",
		f.backend, nginxWord(at), page, nginxWord(pathIn(page)), nginxWord(at+".generation"))
	return []Rendered{
		{Path: f.backend + ".conf", Content: upstream},
		{Path: f.backend + ".servers", Content: servers.String()},
		{Path: f.backend + ".servers.generation", Content: "return 200 \"first\";\n"},
	}
}

// nginxWord is one word of nginx's configuration, in quotes where it holds what ends or changes a word.
func nginxWord(s string) string {
	if !strings.ContainsAny(s, " ;{}'\"\\#") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// pathIn is the path of a URL, without its query.
func pathIn(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	return "/" + path
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
	}{ID: f.proxy.Driver.Caddy.handler(f.backend), Handler: "reverse_proxy", Transport: json.RawMessage(`{"protocol":"http","keep_alive":{"idle_timeout":"2s"}}`)}
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
	file := f.backend
	if !bareName(file) { // where the ID does not hold it, it may be anything
		file = handler.ID
	}
	return []Rendered{{Path: file + ".json", Content: string(text) + "\n"}}
}

// ifIdle is the word by which a proxy holds a member out, for one that starts out of rotation.
func (m frontMember) ifIdle(word string) string {
	if m.idle {
		return word
	}
	return ""
}
