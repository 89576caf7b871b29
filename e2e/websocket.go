//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// talks is how long a websocket of the load lives, and how often it says something.
const (
	talks     = 3 * time.Second
	talkEvery = 200 * time.Millisecond
)

// talk opens a websocket, says a line now and then, and expects each back, until it ends the conversation itself. The app knows no
// frames, and neither do the proxies: after the upgrade they pass bytes.
func talk(to *url.URL, k kind) (string, error) {
	conn, err := net.DialTimeout("tcp", to.Host, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	r, err := upgrade(conn, to, k)
	if err != nil {
		return "", err
	}
	text := ""
	for i := range int(talks / talkEvery) {
		line := fmt.Sprintf("line %d\n", i)
		if _, err := io.WriteString(conn, line); err != nil {
			return "", fmt.Errorf("cut before line %d: %w", i, err)
		}
		text, err = r.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("cut at line %d: %w", i, err)
		}
		if !strings.HasSuffix(text, " "+line) {
			return "", fmt.Errorf("line %d came back as %q", i, text)
		}
		time.Sleep(talkEvery)
	}
	return text, nil
}

// upgrade asks for a websocket. Its key is the example of RFC 6455.
func upgrade(conn net.Conn, to *url.URL, k kind) (*bufio.Reader, error) {
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		k.method, k.path, to.Host); err != nil {
		return nil, err
	}
	r := bufio.NewReader(conn)
	if _, err := r.Peek(1); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoByte, err)
	}
	resp, err := http.ReadResponse(r, &http.Request{Method: k.method})
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("status %d, not 101", resp.StatusCode)
	}
	return r, nil
}
