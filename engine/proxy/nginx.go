package proxy

import (
	"fmt"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// nginx drives nginx by the file of an upstream's servers.
func nginx(conf plan.Nginx) include {
	return include{
		servers: conf.Servers, generation: conf.Generation, test: conf.Test, reload: conf.Reload,
		dialect: dialect{
			program: "nginx", out: "down", syntax: nginxSyntax(), quotes: [2]string{`return 200 "`, `";`},
			look: func(file, address, pid string) host.Query {
				return host.NewQuery("", lookFiles+nginxOld+lookServers, file, address, pid)
			},
			backend: func(name string) string { return name },
			wants: func(backend, file, page string) string {
				return fmt.Sprintf("write `upstream %s { include %s; }` and, in the server that %s asks, `location = %s { include %s.generation; }`", backend, file, page, pathOf(page), file)
			},
		},
	}
}

// nginxOld counts workers that shut down. Their titles say so.
const nginxOld = `if grep -qsa '^nginx: master process' /proc/[0-9]*/cmdline; then
	old=$(grep -lsa '^nginx: worker process is shutting down' /proc/[0-9]*/cmdline | wc -l)
fi`

// nginxSyntax is that of an upstream's servers (ngx_http_upstream_module, "server"): server ADDRESS PARAMETER…; # NAME. Of its parameters
// only `down` is changed.
func nginxSyntax() syntax {
	return syntax{
		noun: "server", example: "server 10.0.1.1:8080; # app1",
		split: func(text string) []string { return strings.SplitAfter(text, "\n") },
		read:  readNginx, write: writeNginx,
	}
}

// readNginx reads a line. A server is named by the comment behind it, or by its address.
func readNginx(line string) (server, bool) {
	code, comment, _ := strings.Cut(line, "#")
	words := strings.Fields(strings.ReplaceAll(code, ";", " "))
	if len(words) < 2 || words[0] != "server" || !strings.Contains(code, ";") {
		return server{}, false
	}
	s := server{address: words[1]}
	if name := strings.TrimSpace(comment); name != "" {
		s.names = []string{name}
	}
	for _, parameter := range words[2:] {
		s.out = s.out || parameter == "down"
	}
	return s, true
}

// writeNginx writes the word down, or takes it away.
func writeNginx(line string, out bool) string {
	if s, ok := readNginx(line); !ok || s.out == out {
		return line
	}
	code, rest, _ := strings.Cut(line, ";")
	if out {
		return code + " down;" + rest
	}
	return withoutDown(code) + ";" + rest
}

// blanks may stand between the words of a line.
const blanks = " \t\r"

// withoutDown takes the word down, and the blanks before it, out of the code of a line.
func withoutDown(code string) string {
	var kept strings.Builder
	for code != "" {
		rest := strings.TrimLeft(code, blanks)
		before := code[:len(code)-len(rest)]
		word := rest
		if i := strings.IndexAny(rest, blanks); i >= 0 {
			word = rest[:i]
		}
		if word != "down" {
			kept.WriteString(before + word)
		}
		code = rest[len(word):]
	}
	return strings.TrimRight(kept.String(), blanks)
}
