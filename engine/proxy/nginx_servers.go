package proxy

import (
	"errors"
	"fmt"
	"strings"
)

// nginxServers is a file with the servers of one upstream, a line each (ngx_http_upstream_module, `server`), as a person or
// `trikk render` wrote it. Only the parameter `down` is ever changed; all else is kept byte for byte.
type nginxServers struct{ lines []string }

func parseNginx(text string) nginxServers { return nginxServers{strings.SplitAfter(text, "\n")} }

func (n nginxServers) String() string { return strings.Join(n.lines, "") }

// nginxServer is one line: server ADDRESS PARAMETER…; # NAME
type nginxServer struct {
	address string
	name    string // in the comment behind it
	down    bool
}

// parseServer reads a line; ok is false for a line that is no server.
func parseServer(line string) (s nginxServer, ok bool) {
	code, comment, _ := strings.Cut(line, "#")
	words := strings.Fields(strings.ReplaceAll(code, ";", " "))
	if len(words) < 2 || words[0] != "server" || !strings.Contains(code, ";") {
		return nginxServer{}, false
	}
	s = nginxServer{address: words[1], name: strings.TrimSpace(comment)}
	for _, parameter := range words[2:] {
		s.down = s.down || parameter == "down"
	}
	return s, true
}

// find gives the line of a member, which is named by the comment or by the address.
func (n nginxServers) find(member string) (int, nginxServer, error) {
	var names []string
	for i, line := range n.lines {
		s, ok := parseServer(line)
		if !ok {
			continue
		}
		if member != "" && (s.name == member || s.address == member) {
			return i, s, nil
		}
		if s.name != "" {
			names = append(names, s.name)
		} else {
			names = append(names, s.address)
		}
	}
	if len(names) == 0 {
		return 0, nginxServer{}, errors.New("it has no line such as `server 10.0.1.1:8080; # app1`")
	}
	return 0, nginxServer{}, fmt.Errorf("it has no server %q%s", member, suggest(member, names))
}

// with gives the servers with the member down, or not. How many may be down at once is the plan's to say: nginx takes an upstream of
// which all are, and answers every request with 502.
func (n nginxServers) with(member string, down bool) (nginxServers, error) {
	at, s, err := n.find(member)
	if err != nil || s.down == down {
		return n, err
	}
	out := nginxServers{append([]string(nil), n.lines...)}
	code, rest, _ := strings.Cut(out.lines[at], ";")
	if down {
		code += " down"
	} else {
		code = withoutDown(code)
	}
	out.lines[at] = code + ";" + rest
	return out, nil
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
