package model

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"

	"trikk.dev/engine/plan"
)

// addressOf is where a check connects to; "" for a command.
func addressOf(c plan.Check) string {
	switch {
	case c.HTTP != nil:
		return net.JoinHostPort(c.HTTP.Host, strconv.Itoa(c.HTTP.Port))
	case c.TCP != nil:
		return net.JoinHostPort(c.TCP.Host, strconv.Itoa(c.TCP.Port))
	}
	return ""
}

// serveHTTP answers one request with 200.
func serveHTTP(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
}
