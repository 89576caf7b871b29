//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// StickyCookie is the cookie that proxies with sticky clients look at.
const StickyCookie = "S"

// sticky are the clients that keep a cookie, and so their server.
func sticky() []kind {
	return []kind{
		{name: "GET sticky", method: "GET", path: "/", keepAlive: true, sticky: true, pause: 20 * time.Millisecond},
		{name: "GET sticky", method: "GET", path: "/", sticky: true, pause: 35 * time.Millisecond},
		{name: "POST sticky", method: "POST", path: "/echo", body: "posted", keepAlive: true, sticky: true, pause: 30 * time.Millisecond},
	}
}

// jar is the cookie of one client, and the server that answered last.
type jar struct{ cookie, server string }

// newJar has a value of the client's own: a proxy that hashes it sticks to it, the others replace it.
func newJar(client int) *jar { return &jar{cookie: fmt.Sprintf("%s=client%d", StickyCookie, client)} }

// header is the line that is sent, with its end.
func (j *jar) header() string {
	if j == nil {
		return ""
	}
	return "Cookie: " + j.cookie + "\r\n"
}

// keep takes the cookie that a proxy set.
func (j *jar) keep(resp *http.Response) {
	if j == nil {
		return
	}
	for _, c := range resp.Cookies() {
		if c.Name == StickyCookie {
			j.cookie = c.Name + "=" + c.Value
		}
	}
}

// moved notes which server gave an answer, and tells whether another one gave the last.
func (j *jar) moved(text string) bool {
	_, rest, _ := strings.Cut(text, " ")
	server, _, _ := strings.Cut(rest, " ")
	was := j.server
	j.server = server
	return was != "" && was != server
}
