package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"trikk.dev/engine/host"
)

// page is the answer to a request.
type page struct {
	url    string
	status int
	body   []byte
	header http.Header // nil where curl was asked for a page
}

// viaCurl gets the URL $1 with its own address as Referer; the last line is the status.
const viaCurl = `command -v curl >/dev/null 2>&1 || { echo "curl is not installed"; exit 127; }
exec curl -sS -m 8 --noproxy '*' -e "$1" -w '\n%{http_code}' -- "$1"`

// get asks for a URL from the host. Plain HTTP goes over a forwarded connection; HTTPS, and hosts that refuse to forward,
// through curl on the host.
func get(ctx context.Context, r host.Reader, on, address string) (page, error) {
	u, err := pageURL(address)
	if err != nil {
		return page{}, err
	}
	if u.Scheme == "https" {
		return getByCurl(ctx, r, on, address)
	}
	q, err := host.NewQuestion("GET %s HTTP/1.0\r\nHost: %s\r\nReferer: %s\r\nUser-Agent: trikk\r\nConnection: close\r\n\r\n", u.RequestURI(), u.Host, address)
	if err != nil {
		return page{}, stop(err)
	}
	answer, err := r.Ask(ctx, host.Socket{Network: "tcp", Address: net.JoinHostPort(u.Hostname(), portOf(u))}, q)
	if refused(err) {
		got, curlErr := getByCurl(ctx, r, on, address)
		if curlErr != nil {
			return page{}, fmt.Errorf("%w (without curl: %w)", curlErr, err)
		}
		return got, nil
	}
	if err != nil {
		return page{}, err
	}
	return parsePage(address, on, answer)
}

// pageURL is an address that get and send take.
func pageURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, stop(fmt.Errorf("%q is no http or https URL", address))
	}
	if u.User != nil {
		return nil, stop(fmt.Errorf("the URL of %s holds a password: let the proxy allow requests from its own host instead", u.Host))
	}
	return u, nil
}

// pathOf is the path of an address that is known to be one.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return "80"
}

// parsePage reads an HTTP answer.
func parsePage(address, on string, answer []byte) (page, error) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		return page{}, fmt.Errorf("%s on %s does not answer in HTTP: %w", address, on, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return page{}, fmt.Errorf("%s on %s: the answer was cut: %w", address, on, err)
	}
	return page{address, resp.StatusCode, body, resp.Header}, nil
}

func getByCurl(ctx context.Context, r host.Reader, on, address string) (page, error) {
	out, err := r.Query(ctx, host.NewQuery("", viaCurl, address))
	if err != nil {
		return page{}, err
	}
	return curlPage(address, on, out.Exit, string(out.Stdout))
}

// curlPage is what curl printed: the page, then a line with its status.
func curlPage(address, on string, exit int, text string) (page, error) {
	if exit != 0 {
		return page{}, fmt.Errorf("asking for %s on %s: exit status %d: %s", address, on, exit, firstLine(strings.TrimSpace(text)))
	}
	i := strings.LastIndexByte(strings.TrimRight(text, "\n"), '\n')
	status, err := strconv.Atoi(strings.TrimSpace(text[i+1:]))
	if err != nil {
		return page{}, fmt.Errorf("asking for %s on %s: no status in the answer", address, on)
	}
	return page{url: address, status: status, body: []byte(text[:max(i, 0)])}, nil
}
