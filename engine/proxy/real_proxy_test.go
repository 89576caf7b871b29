package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// startProgram starts a program that ends with the test. What it wrote is shown if the test fails.
func startProgram(t *testing.T, program *exec.Cmd) *os.Process {
	t.Helper()
	var out bytes.Buffer
	program.Stdout, program.Stderr = &out, &out
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Signal(syscall.SIGTERM)
		_ = program.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	return program.Process
}

// slowApp answers with its name, and takes its time for /slow.
type slowApp struct {
	name  string
	takes time.Duration
	slow  atomic.Int64 // requests for /slow that arrived
}

func (a *slowApp) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path == "/slow" {
		a.slow.Add(1)
		time.Sleep(a.takes)
	}
	_, _ = io.WriteString(w, a.name)
}

// serve is an app server on a free port of loopback.
func serve(t *testing.T, app http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(app)
	t.Cleanup(s.Close)
	return s
}

// answer is what a client got.
type answer struct {
	body string
	err  error
}

// fetch gets a URL by a connection of its own, with the cookie S for sticky clients unless it is "".
func fetch(url, cookie string) (string, error) {
	q, err := http.NewRequestWithContext(context.Background(), "GET", url, nil)
	if err != nil {
		return "", err
	}
	if cookie != "" {
		q.AddCookie(&http.Cookie{Name: "S", Value: cookie})
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(q)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(b), err
}

// fetching is a fetch that goes on while the test does.
func fetching(url, cookie string) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		body, err := fetch(url, cookie)
		out <- answer{body, err}
	}()
	return out
}

// within says whether a condition comes to hold before the limit.
func within(limit time.Duration, holds func() bool) bool {
	for end := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// drainBusy drains a server with a request in flight that takes at least so long from now on.
func drainBusy(t *testing.T, hosts everywhere, p plan.Point, least time.Duration) {
	t.Helper()
	begin := time.Now()
	if changed, err := draining(t.Context(), hosts, drainOp(p), func(s string) { t.Log(s) }); !changed || err != nil {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if took := time.Since(begin); took < least {
		t.Errorf("drained after %s, with a request in flight", took)
	}
}

// drainForgotten drains again what the proxy has forgotten.
func drainForgotten(t *testing.T, hosts everywhere, again plan.DrainOp) {
	t.Helper()
	said := &log{}
	if changed, err := draining(t.Context(), hosts, again, said.add); !changed || err != nil {
		t.Fatalf("after the proxy forgot: changed %v, %v", changed, err)
	}
	said.has(t, "the proxy has forgotten the drain")
}

// isIn fails unless the servers are in rotation, so that to admit them changes nothing.
func isIn(t *testing.T, hosts everywhere, op plan.AdmitOp) {
	t.Helper()
	if changed, err := Admit(t.Context(), hosts, op, nil); changed || err != nil {
		t.Fatalf("at the start: changed %v, %v", changed, err)
	}
}

// isOut fails unless the proxy says that it sends nothing to the server.
func isOut(t *testing.T, hosts everywhere, p plan.Point) {
	t.Helper()
	if s, err := Read(t.Context(), hosts, p); err != nil || s.State != plan.RotationOut {
		t.Errorf("%+v, %v", s, err)
	}
}

// only fails unless every request goes to one server.
func only(t *testing.T, url, cookie, want string) {
	t.Helper()
	for range 6 {
		if got, err := fetch(url, cookie); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// sticking sends requests with a cookie one after the other until stop is called, which gives what failed.
func sticking(url, cookie string) (stop func() []error) {
	end, ended := make(chan struct{}), make(chan []error, 1)
	go func() {
		var failed []error
		for {
			select {
			case <-end:
				ended <- failed
				return
			case <-time.After(10 * time.Millisecond):
			}
			if _, err := fetch(url, cookie); err != nil {
				failed = append(failed, err)
			}
		}
	}()
	return func() []error { close(end); return <-ended }
}

// both fails unless requests go to b1 and to b2.
func both(t *testing.T, url string) {
	t.Helper()
	seen := ""
	for range 6 {
		got, err := fetch(url, "")
		if err != nil {
			t.Error(err)
		}
		seen += got
	}
	if !strings.Contains(seen, "b1") || !strings.Contains(seen, "b2") {
		t.Errorf("answers come from %s", seen)
	}
}
