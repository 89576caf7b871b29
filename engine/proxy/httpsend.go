package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/host"
)

// request is one that may change something.
type request struct {
	method, url string
	header      map[string]string
	body        string
}

// send makes a request from the host, the ways that get asks.
func send(ctx context.Context, h host.Host, on string, q request) (page, error) {
	u, err := pageURL(q.url)
	if err != nil {
		return page{}, err
	}
	if u.Scheme == "https" {
		return sendByCurl(ctx, h, on, q)
	}
	conn, err := h.Dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), portOf(u)))
	if refused(err) {
		got, curlErr := sendByCurl(ctx, h, on, q)
		if curlErr != nil {
			return page{}, fmt.Errorf("%w (without curl: %w)", curlErr, err)
		}
		return got, nil
	}
	if err != nil {
		return page{}, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: trikk\r\nConnection: close\r\nContent-Length: %d\r\n", q.method, u.RequestURI(), u.Host, len(q.body))
	for _, line := range q.headers() {
		text.WriteString(line + "\r\n")
	}
	text.WriteString("\r\n" + q.body)
	if _, err := io.WriteString(conn, text.String()); err != nil {
		return page{}, fmt.Errorf("asking for %s on %s: %w", q.url, on, err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return page{}, fmt.Errorf("waiting for %s on %s to answer: %w", q.url, on, err)
	}
	return parsePage(q.url, on, answer)
}

// headers are the lines of the header, in order.
func (q request) headers() []string {
	var out []string
	for name, value := range q.header {
		out = append(out, name+": "+value)
	}
	slices.Sort(out)
	return out
}

// viaCurlSend makes the request $1 for the URL $2 with the body $3; what else curl is told follows. The answer comes with its header.
const viaCurlSend = `command -v curl >/dev/null 2>&1 || { echo "curl is not installed"; exit 127; }
method=$1 url=$2 body=$3
shift 3
printf %s "$body" | exec curl -sS -i --raw --http1.1 -m 8 --noproxy '*' -X "$method" -H Expect: --data-binary @- "$@" -- "$url"`

func sendByCurl(ctx context.Context, h host.Host, on string, q request) (page, error) {
	args := []string{q.method, q.url, q.body}
	for _, line := range q.headers() {
		args = append(args, "-H", line)
	}
	text := "set -- " + shellescape.QuoteCommand(args) + "\n" + viaCurlSend
	r, err := runStep(ctx, h, "", host.ScriptStep{ID: "send", Text: text})
	if err != nil {
		return page{}, err
	}
	if r.Exit != 0 {
		return page{}, fmt.Errorf("asking for %s on %s: exit status %d: %s", q.url, on, r.Exit, firstLine(strings.TrimSpace(r.Output)))
	}
	return parsePage(q.url, on, []byte(r.Output))
}
