package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// busyApp counts the requests that it is answering. Some take their time.
type busyApp struct{ now atomic.Int64 }

func (a *busyApp) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path == "/health" {
		return
	}
	a.now.Add(1)
	defer a.now.Add(-1)
	switch q.URL.Path {
	case "/slow":
		time.Sleep(700 * time.Millisecond)
	case "/tunnel":
		echo(w)
		return
	}
	_, _ = io.WriteString(w, "ok")
}

// echo upgrades, and gives back what it reads until the client goes.
func echo(w http.ResponseWriter) {
	conn, both, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.Copy(conn, both)
}

// talk has a websocket for a second, and ends it.
func talk(address string) error {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, "GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	r := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		if line, err = r.ReadString('\n'); err != nil {
			return err
		}
	}
	for range 5 {
		_, _ = io.WriteString(conn, "x\n")
		if _, err := r.ReadString('\n'); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
	return nil
}

// serveIdle is an app server that closes idle connections, as app servers do.
func serveIdle(t *testing.T, app http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(app)
	s.Config.IdleTimeout = 5 * time.Second
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// TestRealHTTPDCounts: httpd's count of busy requests goes wrong under load, and whichever way it does, a drain ends, nothing is in flight
// at the app when it has, and no request fails.
func TestRealHTTPDCounts(t *testing.T) {
	if os.Getenv("TRIKK_FULL") != "1" {
		t.Skip("a count that is stuck costs 20 s each time: TRIKK_FULL=1 runs it")
	}
	first, second := &busyApp{}, &busyApp{}
	url, _ := startHTTPD(t, serveIdle(t, first), serveIdle(t, second))
	hosts, p := everywhere{&local{home: t.TempDir()}}, at("lb1")
	p.Driver = plan.Driver{HTTPD: &plan.HTTPD{URL: url + "/balancer-manager"}}
	in := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
	isIn(t, hosts, in)
	var asked, failed atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range 24 {
		path := "/"
		if i%6 == 0 {
			path = "/slow"
		}
		all.Go(func() { load(url+path, stop, &asked, &failed) })
	}
	for range 4 {
		all.Go(func() { again(stop, &asked, &failed, func() error { return talk(strings.TrimPrefix(url, "http://")) }) })
	}
	said := &log{}
	for round := range 12 {
		op := drainOp(p)
		begin := time.Now()
		if _, err := draining(t.Context(), hosts, op, said.add); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if n := first.now.Load(); n != 0 {
			t.Errorf("round %d: %d requests are in flight at the app after %s", round, n, time.Since(begin))
		}
		if _, err := Admit(t.Context(), hosts, in, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	close(stop)
	all.Wait()
	t.Logf("%d requests, %d failed; said: %q", asked.Load(), failed.Load(), said.lines)
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}
}

// load asks for a URL on a connection of its own until stop is closed.
func load(url string, stop <-chan struct{}, asked, failed *atomic.Int64) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	again(stop, asked, failed, func() error { return ask(client, url) })
}

// again does something until stop is closed, and counts how often it failed.
func again(stop <-chan struct{}, asked, failed *atomic.Int64, do func() error) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(10 * time.Millisecond):
		}
		asked.Add(1)
		if err := do(); err != nil {
			failed.Add(1)
		}
	}
}

func ask(client *http.Client, url string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
