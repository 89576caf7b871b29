package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"trikk.dev/engine/plan"
)

const (
	maxTries     = 4
	maxRedirects = 10
	maxText      = 4 << 20 // bytes of a metadata or checksum file
	textTimeout  = 60 * time.Second
)

// credentials are what is sent to one origin, and how people call them.
type credentials struct {
	header string
	named  string // "user deploy (password from env NEXUS_PASSWORD)"
}

func (r *Resolver) credentials(ctx context.Context, a *plan.Auth, target *url.URL) (credentials, error) {
	if a == nil {
		return credentials{}, nil
	}
	fail := func(err error) (credentials, error) {
		return credentials{}, &Error{Kind: Denied, URL: target, Doing: "entering " + target.Host, Err: err}
	}
	if r.Secrets == nil {
		return fail(errors.New("secrets are not available here"))
	}
	switch {
	case a.Basic != nil:
		pw, err := r.secret(ctx, a.Basic.Password)
		if err != nil {
			return fail(err)
		}
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth(a.Basic.User, pw)
		return credentials{req.Header.Get("Authorization"), fmt.Sprintf("user %s (password from %s)", a.Basic.User, a.Basic.Password)}, nil
	case a.Token != nil:
		token, err := r.secret(ctx, *a.Token)
		if err != nil {
			return fail(err)
		}
		return credentials{"Bearer " + token, "the token from " + a.Token.String()}, nil
	}
	return credentials{}, nil
}

// secret reads a secret that goes into a header: one line.
func (r *Resolver) secret(ctx context.Context, s plan.Secret) (string, error) {
	v, err := r.Secrets(ctx, s)
	if err != nil {
		return "", err
	}
	return plan.Needed{Secret: s}.Value(v)
}

// parse refuses what isn't http, and credentials in URLs: they would end in a plan.
func parse(s string) (*url.URL, error) {
	doing := "reading the address " + redact(s)
	u, err := url.Parse(s)
	if err != nil {
		return nil, &Error{Kind: Misconfigured, Doing: doing, Err: errors.New("it is not a URL")}
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &Error{Kind: Misconfigured, URL: u, Doing: doing, Err: errors.New("it is not http://… or https://…")}
	}
	if u.User != nil {
		return nil, &Error{Kind: Misconfigured, URL: u, Doing: doing, Err: errors.New("it holds credentials, which would be written into plans"), Hint: "write them as auth, with the password in env or file"}
	}
	return u, nil
}

// call is one request; the caller closes the body. Connection failures and answers of 5xx and 429 are retried.
type call struct {
	method string
	target *url.URL
	creds  credentials
	doing  string
	header http.Header // that it has besides
}

func (r *Resolver) do(ctx context.Context, c call) (*http.Response, error) {
	client := r.client()
	attempt := func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, c.method, c.target.String(), nil)
		if err != nil {
			return nil, backoff.Permanent(err)
		}
		maps.Copy(req.Header, c.header)
		req.Header.Set("User-Agent", "trikk")
		if c.creds.header != "" {
			req.Header.Set("Authorization", c.creds.header)
		}
		resp, err := client.Do(req)
		if err != nil && (ctx.Err() != nil || lasting(err)) {
			return nil, backoff.Permanent(err)
		}
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented || resp.StatusCode == http.StatusTooManyRequests {
			_ = resp.Body.Close()
			return nil, fmt.Errorf("it answers %s", resp.Status)
		}
		return resp, nil
	}
	resp, err := backoff.Retry(ctx, attempt, backoff.WithBackOff(r.backoff()), backoff.WithMaxTries(maxTries))
	if err != nil {
		return nil, unreachable(c, err)
	}
	return resp, nil
}

func (r *Resolver) backoff() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = r.Wait
	if r.Wait == 0 {
		b.InitialInterval = 250 * time.Millisecond
	}
	b.Multiplier = 2
	return b
}

// client is r.Client, or one of our own, with redirects that keep credentials at home.
func (r *Resolver) client() *http.Client {
	r.once.Do(func() {
		c := http.Client{Transport: newTransport()}
		if r.Client != nil {
			c = *r.Client
		}
		c.CheckRedirect = checkRedirect
		r.http = &c
	})
	return r.http
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		IdleConnTimeout:       10 * time.Second,
		ForceAttemptHTTP2:     true,
	}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("it redirects more than %d times, last to %s", maxRedirects, redactURL(req.URL))
	}
	if !sameOrigin(via[0].URL, req.URL) {
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	return nil
}

// sameOrigin: scheme, host and port agree, or the only difference is that the default ports moved from http to https.
func sameOrigin(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	if from.Scheme == to.Scheme {
		return from.Port() == to.Port()
	}
	return from.Scheme == "http" && to.Scheme == "https" && from.Port() == "" && to.Port() == ""
}

// lasting errors don't go away by trying again.
func lasting(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsNotFound
	}
	s := err.Error()
	return strings.Contains(s, "x509:") || strings.Contains(s, "tls:") || strings.Contains(s, "it redirects") || strings.Contains(s, "HTTP response to HTTPS client")
}

func unreachable(c call, err error) error {
	var ue *url.Error // holds the whole URL: drop it
	if errors.As(err, &ue) {
		err = ue.Err
	}
	e := &Error{Kind: Unreachable, URL: c.target, Doing: c.doing, Err: err}
	var ne net.Error
	switch {
	case errors.Is(err, context.Canceled):
		e.Err = context.Canceled
	case errors.As(err, &ne) && ne.Timeout(), errors.Is(err, context.DeadlineExceeded):
		e.Err = fmt.Errorf("no answer from %s in time: %w", c.target.Host, err)
		e.Hint = "is the repository up, and reachable from here"
	case strings.Contains(err.Error(), "connection refused"):
		e.Err = fmt.Errorf("%s refuses connections", c.target.Host)
		e.Hint = "is the repository up, and its port right"
	case strings.Contains(err.Error(), "no such host"):
		e.Err = fmt.Errorf("the name %s is unknown", c.target.Hostname())
		e.Hint = "check the repository's URL"
	}
	return e
}

// text reads a small file. found is false for 404 and 410.
func (r *Resolver) text(ctx context.Context, target *url.URL, creds credentials) (body string, resp *http.Response, err error) {
	ctx, cancel := context.WithTimeout(ctx, textTimeout)
	defer cancel()
	c := call{method: http.MethodGet, target: target, creds: creds, doing: "reading " + redactURL(target)}
	resp, err = r.do(ctx, c)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxText))
	if err != nil {
		return "", nil, unreachable(c, err)
	}
	return string(b), resp, nil
}

// head is what a server says of an artifact before it is downloaded.
type head struct {
	size           int64 // -1: unknown
	etag, modified string
}

// head asks for the artifact's head, by GET where HEAD is not allowed.
func (r *Resolver) head(ctx context.Context, target *url.URL, creds credentials) (head, error) {
	ctx, cancel := context.WithTimeout(ctx, textTimeout)
	defer cancel()
	c := call{method: http.MethodHead, target: target, creds: creds, doing: "resolving " + redactURL(target)}
	resp, err := r.do(ctx, c)
	if err != nil {
		return head{}, err
	}
	_ = resp.Body.Close()
	if s := resp.StatusCode; s == http.StatusForbidden || s == http.StatusMethodNotAllowed || s == http.StatusNotImplemented {
		c.method = http.MethodGet
		if resp, err = r.do(ctx, c); err != nil {
			return head{}, err
		}
		_ = resp.Body.Close()
	}
	if err := refuse(c, resp); err != nil {
		return head{}, err
	}
	return head{resp.ContentLength, resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")}, nil
}

// refuse turns an answer that is no artifact into an error.
func refuse(c call, resp *http.Response) error {
	e := &Error{URL: c.target, Doing: c.doing}
	moved := ""
	if final := resp.Request.URL; final.String() != c.target.String() {
		moved = ", redirected to " + redactURL(final)
	}
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.Kind, e.Err = Denied, fmt.Errorf("%s%s", resp.Status, moved)
		e.Hint = "no credentials were used: add auth to the artifact"
		if c.creds.named != "" {
			e.Hint = "used " + c.creds.named
		}
		return e
	case s == http.StatusNotFound || s == http.StatusGone:
		e.Kind, e.Err = NotFound, fmt.Errorf("%s%s", resp.Status, moved)
		e.Hint = "is the version right, and the URL?"
		return e
	case s < 200 || s > 299:
		e.Kind, e.Err = Unreachable, fmt.Errorf("%s%s", resp.Status, moved)
		return e
	}
	if isPage(resp) && !strings.HasSuffix(c.target.Path, ".html") {
		e.Kind, e.Err = Page, fmt.Errorf("it answers with an HTML page instead of the artifact%s", moved)
		e.Hint = "a login page? no credentials were used: add auth to the artifact"
		if c.creds.named != "" {
			e.Hint = "a login page? used " + c.creds.named
		}
		return e
	}
	return nil
}

func isPage(resp *http.Response) bool {
	t := resp.Header.Get("Content-Type")
	return strings.HasPrefix(t, "text/html") || strings.HasPrefix(t, "application/xhtml")
}

// sidecar reads the checksum file of one algorithm; "" when there is none.
func (r *Resolver) sidecar(ctx context.Context, a remote, alg string) (digest, error) {
	u := *a.target
	u.Path += "." + alg
	if u.RawPath != "" {
		u.RawPath += "." + alg
	}
	body, resp, err := r.text(ctx, &u, a.creds)
	if err != nil {
		return "", err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return "", nil // the artifact itself is there: its checksum is not published
	}
	d, err := parseChecksum(body, alg, fileName(a.target))
	if err != nil {
		return "", &Error{Kind: BadChecksum, URL: &u, Doing: "reading checksum " + redactURL(&u), Err: err, Hint: "mend it in the repository, or write digest in the config"}
	}
	return d, nil
}
