package act

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

const maxBody = 1 << 20 // bytes of an answer that are looked at

// answer is what a URL gave.
type answer struct {
	status int
	body   string
}

// httpAttempt asks from the server itself: through the connection, or with curl or wget where sshd refuses forwarding.
func (d *doing) httpAttempt(c plan.HTTPCheck, version string) attempt {
	address := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	target := "http://" + address + "/" + strings.TrimPrefix(c.Path, "/")
	refused := false
	return func(ctx context.Context, h host.Host) (string, error) {
		a, err := answer{}, error(nil)
		if !refused {
			a, err = getThrough(ctx, h, target)
			refused = forwardingRefused(err)
		}
		if refused {
			a, err = d.getOn(ctx, h, target)
		}
		if err != nil {
			return "", notListening(target, err)
		}
		return d.judge(a, c, version)
	}
}

// notListening says no more than that where sshd tried to connect and could not: an app that starts is met so.
func notListening(target string, err error) error {
	var e *host.Error
	if errors.As(err, &e) && e.Kind == host.Forwarding && !errors.Is(err, host.ErrProhibited) {
		return fmt.Errorf("%s: %w", target, e.Err)
	}
	return err
}

func (d *doing) judge(a answer, c plan.HTTPCheck, version string) (string, error) {
	said := fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	if !slices.Contains(c.Status, a.status) && (len(c.Status) > 0 || a.status < 200 || a.status > 299) {
		return "", errors.New(strings.TrimSuffix(said+": "+d.excerpt(a.body), ": "))
	}
	want := strings.ReplaceAll(c.Contains, "{version}", version)
	if !strings.Contains(a.body, want) {
		return "", fmt.Errorf("%s without %q: %s", said, want, d.excerpt(a.body))
	}
	return said, nil
}

// excerpt is the beginning of an answer on one line, without secrets.
func (d *doing) excerpt(text string) string {
	text = d.hidden.text(text)
	return oneLine(text[:min(len(text), 200)])
}

// getThrough asks over a connection from the server. Redirects are answers.
func getThrough(ctx context.Context, h host.Host, target string) (answer, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return h.Dial(ctx, network, addr)
		},
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("User-Agent", "trikk-probe")
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	return answer{resp.StatusCode, string(body)}, nil
}

// getScript asks for a URL on the server. Arguments: URL, seconds. Its first line names the tool.
const getScript = `unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
if command -v curl >/dev/null; then
	echo curl
	curl -sS -i --http1.1 --noproxy '*' --max-time "$2" -A trikk-probe -- "$1" 2>&1 | head -c 1048576
elif command -v wget >/dev/null; then
	echo wget
	wget -q -O - --save-headers --content-on-error --no-proxy --max-redirect=0 --tries=1 -T "$2" -U trikk-probe -- "$1" 2>&1 | head -c 1048576
else
	echo none
fi
exit 0`

// getOn asks with a tool of the server.
func (d *doing) getOn(ctx context.Context, h host.Host, target string) (answer, error) {
	out, err := h.Query(ctx, host.NewQuery("", getScript, target, seconds(ctx)))
	if err != nil {
		return answer{}, err
	}
	tool, rest, _ := strings.Cut(string(out.Stdout), "\n")
	if tool == "none" {
		return answer{}, errors.New("sshd forbids forwarding, and neither curl nor wget is installed (allow AllowTcpForwarding local, or install one)")
	}
	header, body, ok := strings.Cut(strings.ReplaceAll(rest, "\r\n", "\n"), "\n\n")
	words := strings.Fields(header)
	if !ok || len(words) < 2 || !strings.HasPrefix(words[0], "HTTP/") {
		return answer{}, fmt.Errorf("no answer by %s: %s", tool, lastLine(d.hidden.text(rest)))
	}
	status, err := strconv.Atoi(words[1])
	if err != nil {
		return answer{}, fmt.Errorf("no HTTP status by %s: %s", tool, d.excerpt(header))
	}
	return answer{status, body}, nil
}

// seconds until ctx ends, at least one.
func seconds(ctx context.Context) string {
	deadline, ok := ctx.Deadline()
	if !ok {
		return "5"
	}
	return strconv.Itoa(max(1, int(time.Until(deadline).Round(time.Second).Seconds())))
}

// tcpAttempt connects from the server.
func tcpAttempt(c plan.TCPCheck) attempt {
	address := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	refused := false
	return func(ctx context.Context, h host.Host) (string, error) {
		if !refused {
			conn, err := h.Dial(ctx, "tcp", address)
			if err == nil {
				return "connected", conn.Close()
			}
			if refused = forwardingRefused(err); !refused {
				return "", err
			}
		}
		return connectOn(ctx, h, c)
	}
}

// connectScript connects on the server. Arguments: host, port, seconds.
const connectScript = `if command -v nc >/dev/null; then
	nc -z -w "$3" "$1" "$2" </dev/null
elif command -v bash >/dev/null; then
	timeout "$3" bash -c ': <"/dev/tcp/$1/$2"' connect "$1" "$2"
else
	echo "neither nc nor bash is installed, and sshd forbids forwarding"
	exit 1
fi`

func connectOn(ctx context.Context, h host.Host, c plan.TCPCheck) (string, error) {
	out, err := h.Query(ctx, host.NewQuery("", connectScript, c.Host, strconv.Itoa(c.Port), seconds(ctx)))
	if err != nil {
		return "", err
	}
	if out.Exit != 0 {
		return "", fmt.Errorf("no connection: %s", lastLine(string(out.Stdout)))
	}
	return "connected", nil
}

// forwardingRefused: sshd forbids it, rather than that nothing listens.
func forwardingRefused(err error) bool {
	var e *host.Error
	return errors.As(err, &e) && e.Kind == host.Forwarding && strings.Contains(fmt.Sprint(e.Err), "prohibited")
}
