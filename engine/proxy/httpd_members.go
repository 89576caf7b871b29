package proxy

import (
	"net"
	"net/url"
	"strings"
)

// httpdSyntax is that of a balancer's members (mod_proxy, "BalancerMember"): BalancerMember URL KEY=VALUE…. Of its parameters only
// the flags of status that keep requests away are changed.
func httpdSyntax() syntax {
	return syntax{
		noun: "member", example: "BalancerMember http://10.0.1.1:8080 route=app1",
		split: splitHTTPD, read: readHTTPD, write: writeHTTPD,
	}
}

// splitHTTPD gives the lines; one that ends with a backslash goes on in the next.
func splitHTTPD(text string) []string {
	var out []string
	for line := range strings.SplitAfterSeq(text, "\n") {
		if last := len(out) - 1; last >= 0 && endsOpen(out[last]) {
			out[last] += line
			continue
		}
		out = append(out, line)
	}
	return out
}

func endsOpen(line string) bool { return strings.HasSuffix(strings.TrimRight(line, "\r\n"), `\`) }

// httpdWord is a word of a line and where it stands.
type httpdWord struct {
	from, to int
	text     string // without quotes
}

// httpdWords splits a line as httpd does.
func httpdWords(line string) []httpdWord {
	var out []httpdWord
	for i := 0; i < len(line); {
		if isBlank(line, i) {
			i++
			continue
		}
		from, quote := i, line[i]
		if quote == '"' || quote == '\'' {
			for i++; i < len(line) && line[i] != quote; i++ {
			}
			out = append(out, httpdWord{from, min(i+1, len(line)), line[from+1 : i]})
			i++
			continue
		}
		for i < len(line) && !isBlank(line, i) {
			i++
		}
		out = append(out, httpdWord{from, i, line[from:i]})
	}
	return out
}

// isBlank tells whether a blank is at i, or the backslash at the end of a line.
func isBlank(line string, i int) bool {
	return strings.IndexByte(blanks+"\n", line[i]) >= 0 || line[i] == '\\' && strings.TrimLeft(line[i+1:], "\r\n") != line[i+1:]
}

// parameter is the value of a word such as route=app1.
func (w httpdWord) parameter(key string) (string, bool) {
	k, value, ok := strings.Cut(w.text, "=")
	return value, ok && strings.EqualFold(k, key)
}

// readHTTPD reads a line. A member is named by its route, its URL or its HOST:PORT. Of parameters that are there twice the last one counts.
func readHTTPD(line string) (server, bool) {
	words := httpdWords(line)
	if len(words) < 2 || !strings.EqualFold(words[0].text, "BalancerMember") {
		return server{}, false
	}
	var s server
	worker, route, status := "", "", ""
	for _, w := range words[1:] {
		if v, ok := w.parameter("route"); ok {
			route = v
		}
		if v, ok := w.parameter("status"); ok {
			status = v
		}
		if worker == "" && !strings.Contains(w.text, "=") && !strings.HasPrefix(w.text, "balancer://") {
			worker = w.text
		}
	}
	if route != "" {
		s.names = append(s.names, route)
	}
	s.names, s.address = append(s.names, worker), workerAddress(worker)
	flags := statusFlags(status)
	s.out = flags['D'] || flags['S']
	if flags['N'] {
		s.half = "draining"
	}
	return s, worker != ""
}

// workerAddress is where the member of a URL is connected to.
func workerAddress(worker string) string {
	u, err := url.Parse(worker)
	if err != nil || u.Host == "" || strings.HasPrefix(worker, "unix:") {
		return worker
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "wss": "443", "h2": "443", "ajp": "8009", "fcgi": "8000", "scgi": "4000", "uwsgi": "3031"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// statusFlag is one letter of a status, which is set or cleared. A sign holds for all letters behind it.
type statusFlag struct {
	sign   string // as it is written
	letter byte
	set    bool
}

func parseStatus(status string) []statusFlag {
	var out []statusFlag
	sign, set := "", true
	for i := range len(status) {
		switch c := status[i]; c {
		case '+', '-':
			sign, set = string(c), c == '+'
		default:
			out = append(out, statusFlag{sign, strings.ToUpper(string(c))[0], set})
			sign = ""
		}
	}
	return out
}

// statusFlags are the letters that are set in the end.
func statusFlags(status string) map[byte]bool {
	flags := map[byte]bool{}
	for _, f := range parseStatus(status) {
		flags[f.letter] = f.set
	}
	return flags
}

// admitting is a status without what keeps requests away: disabled, stopped, draining.
func admitting(status string) string {
	var b strings.Builder
	set := true
	for _, f := range parseStatus(status) {
		if f.set && strings.IndexByte("DSN", f.letter) >= 0 {
			continue
		}
		switch {
		case f.sign == "" && f.set == set:
		case f.set:
			b.WriteString("+")
		default:
			b.WriteString("-")
		}
		b.WriteByte(f.letter)
		set = f.set
	}
	return b.String()
}

// writeHTTPD adds the flag D to the status that counts, or takes all flags away that keep requests from the member.
func writeHTTPD(line string, out bool) string {
	s, ok := readHTTPD(line)
	switch {
	case !ok || s.out == out && (out || s.half == ""):
		return line
	case out:
		return disabled(line)
	}
	words := httpdWords(line)
	for i := len(words) - 1; i > 0; i-- {
		w := words[i]
		status, is := w.parameter("status")
		if !is || admitting(status) == status {
			continue
		}
		rest := line[w.to:]
		if status = admitting(status); status == "" {
			line = strings.TrimRight(line[:w.from], blanks) + rest
			continue
		}
		line = line[:w.from] + "status=" + status + rest
	}
	return line
}

func disabled(line string) string {
	words := httpdWords(line)
	last := words[len(words)-1]
	for _, w := range words[1:] {
		if _, is := w.parameter("status"); is {
			last = w
		}
	}
	if status, is := last.parameter("status"); is {
		return line[:last.from] + "status=" + status + "+D" + line[last.to:]
	}
	return line[:last.to] + " status=+D" + line[last.to:]
}
