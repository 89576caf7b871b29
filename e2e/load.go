//go:build linux

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Count is what a load saw.
type Count struct {
	Requests int
	Failed   int
	Closed   int            // kept connections that were closed before a byte of an answer came: many clients repeat these requests
	Errors   []string       // the first few failures, each with the time since the load started
	Versions map[string]int // answers by the app's version
	Sticky   int            // answers to clients that stick to a server
	Moved    int            // of these, the ones that came from another server than the answer before
}

// Load sends requests until it is stopped. It retries nothing, and it opens its connections itself, because Go's HTTP client
// does retry.
type Load struct {
	t     testing.TB
	began time.Time
	stop  chan struct{}
	all   sync.WaitGroup

	mu    sync.Mutex
	count Count
}

// kind is one sort of client.
type kind struct {
	name      string
	method    string
	path      string
	body      string
	keepAlive bool
	websocket bool // it upgrades, and talks for a while
	trickles  bool // it sends its body in pieces, for a second
	sticky    bool // it keeps the proxy's cookie
	jar       *jar // of a client that does
	pause     time.Duration
	every     time.Duration // from the begin of one request to that of the next, instead of a pause
}

// kinds are the clients that each URL gets.
func kinds() []kind {
	return []kind{
		{name: "GET keep-alive", method: "GET", path: "/", keepAlive: true, pause: 15 * time.Millisecond},
		{name: "GET keep-alive", method: "GET", path: "/", keepAlive: true, pause: 20 * time.Millisecond},
		{name: "POST keep-alive", method: "POST", path: "/echo", body: strings.Repeat("posted ", 500), keepAlive: true, pause: 20 * time.Millisecond},
		{name: "GET close", method: "GET", path: "/", pause: 20 * time.Millisecond},
		{name: "POST close", method: "POST", path: "/echo", body: "posted", pause: 25 * time.Millisecond},
		{name: "GET slow", method: "GET", path: "/slow", keepAlive: true, pause: 5 * time.Millisecond},
		{name: "POST slow", method: "POST", path: "/slow", body: "slowly", pause: 5 * time.Millisecond},
		{name: "GET stream", method: "GET", path: "/stream", pause: 5 * time.Millisecond},
	}
}

// heavy are the clients of a heavy load: more of those that are quick, slow uploads, and websockets.
func heavy() []kind {
	out := kinds()
	for _, k := range kinds() {
		if strings.HasSuffix(k.name, "keep-alive") {
			out = append(out, k)
		}
	}
	for range 2 {
		out = append(out, kind{name: "POST slow upload", method: "POST", path: "/echo", body: strings.Repeat("sent in pieces ", 2000), trickles: true, pause: 5 * time.Millisecond})
	}
	return append(out, kind{name: "websocket", method: "GET", path: "/tunnel", websocket: true, pause: 5 * time.Millisecond})
}

// Load starts clients of every kind for each URL.
func (f *Fleet) Load(t testing.TB, urls ...string) *Load {
	t.Helper()
	return newLoad(t, kinds(), urls)
}

// HeavyLoad is a load of at least 300 requests/s where two or more URLs are asked, with websockets.
func (f *Fleet) HeavyLoad(t testing.TB, urls ...string) *Load {
	t.Helper()
	return newLoad(t, heavy(), urls)
}

// StickyLoad is a HeavyLoad with clients that keep the cookie of their server.
func (f *Fleet) StickyLoad(t testing.TB, urls ...string) *Load {
	t.Helper()
	return newLoad(t, append(heavy(), sticky()...), urls)
}

// StickyClients is a light load of nothing but clients that keep the cookie of their server.
func (f *Fleet) StickyClients(t testing.TB, urls ...string) *Load {
	t.Helper()
	return newLoad(t, sticky(), urls)
}

// startLoad is a load without clients yet. It ends with the test.
func startLoad(t testing.TB) *Load {
	t.Helper()
	l := &Load{t: t, began: time.Now(), stop: make(chan struct{}), count: Count{Versions: map[string]int{}}}
	t.Cleanup(func() { l.end() })
	return l
}

func newLoad(t testing.TB, kinds []kind, urls []string) *Load {
	t.Helper()
	l := startLoad(t)
	for _, u := range urls {
		to, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range kinds {
			if k.sticky {
				k.jar = newJar(i)
			}
			l.all.Go(func() { l.client(to, k) })
		}
	}
	return l
}

func (l *Load) end() {
	l.mu.Lock()
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.mu.Unlock()
	l.all.Wait()
}

// Stop ends the load and gives what it saw.
func (l *Load) Stop() Count {
	l.end()
	return l.count
}

// Clean ends the load and asserts that there were requests and none failed, and that exactly these versions answered.
func (l *Load) Clean(versions ...string) {
	l.t.Helper()
	c := l.Stop()
	l.t.Logf("%d requests, %d failed, versions %v", c.Requests, c.Failed, c.Versions)
	if c.Failed+c.Closed > 0 || c.Requests < 100 {
		l.t.Errorf("%d of %d requests failed, and %d on connections that were closed:\n%s", c.Failed, c.Requests, c.Closed, strings.Join(c.Errors, "\n"))
	}
	if seen := slices.Sorted(maps.Keys(c.Versions)); !slices.Equal(seen, versions) {
		l.t.Errorf("versions %v answered, not %v", seen, versions)
	}
}

// CleanButClosed is Clean for a proxy that closes kept connections when it is reloaded.
func (l *Load) CleanButClosed(versions ...string) {
	l.t.Helper()
	c := l.Stop()
	l.t.Logf("%d kept connections were closed before an answer", c.Closed)
	l.count.Closed = 0
	l.Clean(versions...)
}

// errNoByte is a connection that ended before a byte of the answer came.
var errNoByte = errors.New("no answer")

// connection is one client's connection, kept open or not.
type connection struct {
	net.Conn
	r *bufio.Reader
}

func (l *Load) client(to *url.URL, k kind) {
	var conn *connection
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	wait := k.clock()
	for {
		select {
		case <-l.stop:
			return
		case <-time.After(wait()):
		}
		if k.websocket {
			text, err := talk(to, k)
			l.note(to, k, text, err)
			continue
		}
		reused := conn != nil
		text, next, err := once(to, k, conn)
		conn = next
		if reused && errors.Is(err, errNoByte) {
			l.closed()
			continue
		}
		if err != nil && reused {
			err = fmt.Errorf("on a kept connection: %w", err)
		}
		l.note(to, k, text, err)
	}
}

// once sends one request and reads the whole answer. It gives the connection back when it can be used again.
func once(to *url.URL, k kind, conn *connection) (string, *connection, error) {
	if conn == nil {
		c, err := net.DialTimeout("tcp", to.Host, 5*time.Second)
		if err != nil {
			return "", nil, err
		}
		conn = &connection{c, bufio.NewReader(c)}
	}
	text, keep, err := conn.exchange(to, k)
	if err != nil || !keep {
		_ = conn.Close()
		return text, nil, err
	}
	return text, conn, nil
}

func (c *connection) exchange(to *url.URL, k kind) (string, bool, error) {
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", k.method, k.path, to.Host)
	if !k.keepAlive {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString(k.jar.header())
	if k.method == "POST" {
		fmt.Fprintf(&b, "Content-Type: text/plain\r\nContent-Length: %d\r\n", len(k.body))
	}
	b.WriteString("\r\n")
	if err := k.send(c, b.String()); err != nil {
		return "", false, fmt.Errorf("sending: %w: %w", errNoByte, err)
	}
	if _, err := c.r.Peek(1); err != nil {
		return "", false, fmt.Errorf("%w: %w", errNoByte, err)
	}
	resp, err := http.ReadResponse(c.r, &http.Request{Method: k.method})
	if err != nil {
		return "", false, fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", false, fmt.Errorf("cut after %d bytes: %w", len(body), err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", false, fmt.Errorf("status %d: %.60q", resp.StatusCode, body)
	}
	k.jar.keep(resp)
	if !strings.HasSuffix(string(body), k.body+"\nend\n") {
		return "", false, fmt.Errorf("the answer is not whole: %.60q", body)
	}
	return string(body), k.keepAlive && !resp.Close, nil
}

// uploads are the pieces of a body that trickles, and pieceEvery is between two of them.
const (
	uploads    = 10
	pieceEvery = 100 * time.Millisecond
)

// send writes a request.
func (k kind) send(w io.Writer, head string) error {
	if !k.trickles {
		_, err := io.WriteString(w, head+k.body)
		return err
	}
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	for i := range uploads {
		time.Sleep(pieceEvery)
		if _, err := io.WriteString(w, k.body[len(k.body)*i/uploads:len(k.body)*(i+1)/uploads]); err != nil {
			return err
		}
	}
	return nil
}

// closed counts one request on a kept connection that was closed.
func (l *Load) closed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count.Requests++
	l.count.Closed++
}

// note counts one request.
func (l *Load) note(to *url.URL, k kind, text string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count.Requests++
	if err == nil {
		version, _, _ := strings.Cut(text, " ")
		l.count.Versions[version]++
		l.stuck(k, text)
		return
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w (the connection was closed)", err)
	}
	l.count.Failed++
	if len(l.count.Errors) < 12 {
		l.count.Errors = append(l.count.Errors, fmt.Sprintf("%6.2f s  %s %s %s: %v", time.Since(l.began).Seconds(), to.Host, k.name, k.path, err))
	}
}

// stuck counts an answer to a client that sticks to a server. The caller has locked.
func (l *Load) stuck(k kind, text string) {
	if k.jar == nil {
		return
	}
	l.count.Sticky++
	if k.jar.moved(text) {
		l.count.Moved++
	}
}

// Saw waits until an answer came from a version.
func (l *Load) Saw(version string) {
	l.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		l.mu.Lock()
		n := l.count.Versions[version]
		l.mu.Unlock()
		if n > 0 {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("no answer from version %s in 20 s", version)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
