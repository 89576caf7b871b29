package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

const hush = "hush-4711-token"

// token is a secret whose value is hush.
func token() plan.Secret { return plan.Secret{Env: "TOKEN", Digest: "sha256:of-an-older-ciphertext"} }

// sender is one that reads no real secret and pauses hardly at all.
func sender() *Sender {
	return &Sender{Wait: time.Millisecond, Now: func() time.Time { return time.Unix(1700000000, 0) }, Secrets: func(_ context.Context, s plan.Secret) (string, error) {
		if s.Digest != "" {
			return "", errors.New("the ciphertext is another one")
		}
		if s.Env != "TOKEN" {
			return "", fmt.Errorf("reading secret %s: it is not set", s)
		}
		return hush, nil
	}}
}

// done is the report of a run that deployed hello on two servers.
func done() Report {
	return Report{Format: 1, Run: "20261126T131929-ffa6", Env: "prod", Who: "anna@ci", Status: plan.Done, Started: "2026-11-26T13:19:29Z", Ended: "2026-11-26T13:19:48Z",
		Seconds: 18.5, Changed: true, Problems: []string{},
		Apps: []App{{App: "hello", Intent: plan.Deploy, From: []string{"1.0-bdc7a1fa"}, To: "2.0-11bde121", Version: "2.0", Status: plan.Done, Servers: []Server{
			{Server: "app01", State: OnNew, Before: "1.0-bdc7a1fa", Now: "2.0-11bde121"}, {Server: "app02", State: OnNew, Before: "1.0-bdc7a1fa", Now: "2.0-11bde121"}}}}}
}

// failed is the report of a run that was rolled back, with words that no receiver may take for markup.
func failed() Report {
	r := done()
	r.Status = plan.Reverted
	a := &r.Apps[0]
	a.Status, a.Reason = plan.Reverted, "app01: probe *failed* <!channel> @here {code} [x|y] & \"more\""
	a.Servers[0] = Server{Server: "app01", State: Back, Before: "1.0-bdc7a1fa", Now: "1.0-bdc7a1fa"}
	a.Servers[1] = Server{Server: "app02", State: Kept, Before: "1.0-bdc7a1fa", Now: "1.0-bdc7a1fa"}
	return r
}

// call is one request that a server got.
type call struct {
	method, path string // with the query
	header       http.Header
	body         string
}

func (c call) String() string { return c.method + " " + c.path }

// server answers as it is scripted and keeps what it was asked. What is not scripted is a failure of the test.
type server struct {
	*httptest.Server
	t       *testing.T
	mu      sync.Mutex
	calls   []call
	answers map[string][]answer // by "METHOD /path", in order; the last one stays
}

// answer is what a server says.
type answer struct {
	status int
	body   string
	header map[string]string
}

func ok(body string) answer { return answer{status: 200, body: body} }

func serve(t *testing.T, answers map[string][]answer) *server {
	t.Helper()
	s := &server{t: t, answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call{req.Method, req.URL.RequestURI(), req.Header, string(body)})
	key := req.Method + " " + req.URL.Path
	left := s.answers[key]
	if len(left) == 0 {
		s.t.Errorf("nobody expected %s %s", key, body)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if len(left) > 1 {
		s.answers[key] = left[1:]
	}
	for k, v := range left[0].header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(left[0].status)
	fmt.Fprint(w, left[0].body)
}

// asked are the requests so far, one a line.
func (s *server) asked() string {
	var b strings.Builder
	for _, c := range s.all() {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// all are the requests so far.
func (s *server) all() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// last is the last request of a kind.
func (s *server) last(method string) call {
	s.t.Helper()
	calls := s.all()
	for i := len(calls) - 1; i >= 0; i-- {
		if calls[i].method == method {
			return calls[i]
		}
	}
	s.t.Fatalf("there was no %s", method)
	return call{}
}

// box is the outbox of a run in a folder of the test.
func box(t *testing.T) (*Outbox, *Box) {
	t.Helper()
	dir := t.TempDir()
	o := &Outbox{Runs: filepath.Join(dir, "runs"), Index: filepath.Join(dir, "outbox"), Save: func(path string, text []byte) error { return os.WriteFile(path, text, 0o600) }, Now: sender().Now}
	if err := os.MkdirAll(filepath.Join(o.Runs, done().Run), 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := o.Open(done().Run)
	if err != nil {
		t.Fatal(err)
	}
	return o, b
}

// deliver sends one report by one notifier through an outbox, and gives what became of it and the item.
func deliver(t *testing.T, n plan.Notifier, r Report) (Delivery, Item) {
	t.Helper()
	_, b := box(t)
	return deliverBy(t, sender(), b, Item{Name: "it", Notifier: n}.ready(r, time.Unix(1700000000, 0)))
}

func deliverBy(t *testing.T, s *Sender, b *Box, i Item) (Delivery, Item) {
	t.Helper()
	return deliverFor(t, s, b, i, 20*time.Second)
}

// deliverFor is deliverBy with a patience, for what is still pending at its end.
func deliverFor(t *testing.T, s *Sender, b *Box, i Item, patience time.Duration) (Delivery, Item) {
	t.Helper()
	if err := b.Put(i); err != nil {
		t.Fatal(err)
	}
	told := s.Deliver(t.Context(), b, patience, func(Item) bool { return true })
	items, err := b.Items()
	if err != nil || len(told) != 1 || len(items) != 1 {
		t.Fatalf("%+v, %+v: %v", told, items, err)
	}
	text, err := os.ReadFile(b.path("it"))
	if err != nil || strings.Contains(string(text), hush) || strings.Contains(told[0].Error, hush) {
		t.Errorf("a secret is in the outbox or in an error: %v\n%s\n%s", err, told[0].Error, text)
	}
	return told[0], items[0]
}

func wants(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%q is missing in:\n%s", p, got)
		}
	}
}
