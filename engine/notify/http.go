package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxRedirects = 3
	maxAnswer    = 8 << 20 // bytes of an answer: a page of a wiki can be large
	callTimeout  = 15 * time.Second
)

// newClient is an HTTP client that verifies TLS, takes proxies from the environment, and never sends what was meant for one site to
// another. Transport nil is one of our own.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: callTimeout,
			IdleConnTimeout:       10 * time.Second,
			ForceAttemptHTTP2:     true,
		}
	}
	return &http.Client{Transport: bounding{transport}, CheckRedirect: checkRedirect, Timeout: callTimeout}
}

// bounding cuts answers that are too large.
type bounding struct{ http.RoundTripper }

func (b bounding) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// redirected is a redirect that is not followed.
type redirected struct{ to, hint string }

func (e *redirected) Error() string { return "it redirects to " + e.to }

// checkRedirect follows a redirect only where the same request goes to the same site. One that changes the method would send nothing, and
// one to another site would send the credentials there.
func checkRedirect(req *http.Request, via []*http.Request) error {
	const there = "write that address, if it is the right one"
	to := req.URL.Scheme + "://" + req.URL.Host
	switch {
	case len(via) > maxRedirects:
		return &redirected{fmt.Sprintf("%s, more than %d times", to, maxRedirects), "check its address"}
	case !sameSite(via[0].URL, req.URL):
		return &redirected{to, there}
	case req.Method != via[0].Method:
		return &redirected{"another page of " + to + " that is not sent the message", "check the path of its address, and whether it asks to log in"}
	}
	return nil
}

// sameSite: the host is the same, and the scheme too, or it became https.
func sameSite(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	if from.Scheme == to.Scheme {
		return from.Port() == to.Port()
	}
	return from.Scheme == "http" && to.Scheme == "https" && from.Port() == "" && to.Port() == ""
}

// site is a REST API of somebody.
type site struct {
	client *http.Client
	name   string // of the notifier's kind, for errors
	base   string // URL without a slash at its end
	auth   string // Authorization, or ""
	// explain finds what an answer with an error says; nil: nothing is known of its form.
	explain func(body []byte) string
	// denied is what to do where the answer is 401 or 403, missing where it is 404.
	denied, missing string
}

// request is one request of JSON to a site.
type request struct {
	doing  string // "commenting on GIS-1"
	method string
	path   string // with a query; begins with a slash
	header http.Header
	body   []byte // JSON; nil: none
}

// call makes a request and decodes the answer's JSON into out; nil: the answer is not looked at. Errors are *Error.
func (s site) call(ctx context.Context, r request, out any) error {
	fail := &Error{Doing: s.name + ": " + r.doing}
	req, err := http.NewRequestWithContext(ctx, r.method, s.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		fail.Err, fail.Final = errors.New("its address is no URL"), true
		return fail
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", "trikk")
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.auth != "" {
		req.Header.Set("Authorization", s.auth)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return unreachable(fail, req.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return unreachable(fail, req.URL, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return s.refused(fail, resp, body)
	}
	if out == nil || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		fail.Err, fail.Final = errors.New("the answer is no JSON"), true
		fail.Hint = "a login page, or another site? check its url"
		return fail
	}
	return nil
}

// refused makes an error of an answer. What may be otherwise soon is not final: 408, 425, 429 and 5xx.
func (s site) refused(fail *Error, resp *http.Response, body []byte) *Error {
	said := resp.Status
	if s.explain != nil {
		if text := line(s.explain(body)); text != "" {
			said += ": " + text
		}
	}
	fail.Err, fail.Status, fail.After = errors.New(said), resp.StatusCode, retryAfter(resp.Header)
	switch c := resp.StatusCode; {
	case c == http.StatusRequestTimeout, c == http.StatusTooEarly, c == http.StatusTooManyRequests, c >= 500 && c != http.StatusNotImplemented:
	case c == http.StatusUnauthorized, c == http.StatusForbidden:
		fail.Final, fail.Hint = true, s.denied
	case c == http.StatusNotFound, c == http.StatusGone:
		fail.Final, fail.Hint = true, s.missing
	default:
		fail.Final = true
	}
	return fail
}

// retryAfter reads Retry-After, in seconds or as a date (RFC 9110, 10.2.3), or Mattermost's X-Ratelimit-Reset, in seconds.
func retryAfter(h http.Header) time.Duration {
	for _, name := range []string{"Retry-After", "X-Ratelimit-Reset"} {
		v := h.Get(name)
		if n, err := strconv.Atoi(v); err == nil && n >= 0 && n < 1<<20 {
			return time.Duration(n) * time.Second
		}
		if at, err := http.ParseTime(v); err == nil {
			return max(0, time.Until(at))
		}
	}
	return 0
}

// unreachable words a request that got no answer. The URL is left out: it may be a secret.
func unreachable(fail *Error, at *url.URL, err error) *Error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	fail.Err = err
	var away *redirected
	var ne net.Error
	var dns *net.DNSError
	switch {
	case errors.As(err, &away):
		fail.Err, fail.Final, fail.Hint = away, true, away.hint
	case strings.Contains(err.Error(), "x509:"), strings.Contains(err.Error(), "tls:"), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		fail.Final, fail.Hint = true, "a certificate of your own goes into the file that SSL_CERT_FILE names"
	case errors.As(err, &dns) && dns.IsNotFound:
		fail.Err, fail.Hint = fmt.Errorf("the name %s is unknown", at.Hostname()), "check its address"
	case strings.Contains(err.Error(), "connection refused"):
		fail.Err = fmt.Errorf("%s refuses connections", at.Host)
	case errors.As(err, &ne) && ne.Timeout(), errors.Is(err, context.DeadlineExceeded):
		fail.Err = fmt.Errorf("no answer from %s in time", at.Host)
	}
	return fail
}

// body is a value as JSON. What is encoded here can always be.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
