package act_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// pipes serves HTTP over pipes, so that time can stand still.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func serve(t *testing.T, handler http.HandlerFunc) *pipes {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(p) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial may come late: an HTTP client's dial goes on after the request that wanted it was given up.
func (p *pipes) dial(host.Socket) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func timing(success, failure int) plan.Timing {
	return plan.Timing{Interval: plan.Duration(time.Second), Timeout: plan.Duration(2 * time.Second), Deadline: plan.Duration(10 * time.Second), Success: success, Failure: failure}
}

func httpProbe(success, failure int) plan.ProbeOp {
	return plan.ProbeOp{Name: "http", App: "web", Root: "~/web", Current: "current", Version: "2.0", Log: "log/web.log",
		Check: plan.Check{HTTP: &plan.HTTPCheck{Timing: timing(success, failure), Host: "127.0.0.1", Port: 8080, Path: "/health", Contains: "v{version}"}}}
}

// answers gives one answer an attempt, the last one for ever.
func answers(list ...string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		a := list[0]
		if len(list) > 1 {
			list = list[1:]
		}
		status, body, _ := strings.Cut(a, " ")
		code := 0
		_, _ = fmt.Sscan(status, &code)
		if code == 302 {
			w.Header().Set("Location", "/login")
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func TestHTTPProbe(t *testing.T) {
	tests := []struct {
		name    string
		answers []string
		success int
		status  string
		want    []string
		took    time.Duration
	}{
		{"at once", []string{"200 v2.0"}, 1, plan.Unchanged, nil, 0},
		{"after a while", []string{"503 wait", "200 v1.0", "200 v2.0"}, 1, plan.Unchanged, nil, 2 * time.Second},
		{"passes must be consecutive", []string{"200 v2.0", "503 x", "200 v2.0", "200 v2.0"}, 2, plan.Unchanged, nil, 3 * time.Second},
		{"the old version", []string{"200 v1.0"}, 1, plan.Failed, []string{"not passed within 10s (every 1s, 10 attempts)", `200 OK without "v2.0": v1.0`}, 10 * time.Second},
		{"a redirect", []string{"302 elsewhere"}, 1, plan.Failed, []string{"302 Found"}, 10 * time.Second},
		{"never", []string{"500 stack\ntrace"}, 1, plan.Failed, []string{"500 Internal Server Error: stack trace"}, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hosttest.New(t, "app01")
				h.OnDial("tcp", "127.0.0.1:8080").Always().Do(serve(t, answers(tt.answers...)).dial)
				if tt.status == plan.Failed {
					h.OnQuery("tail -n 20").Reply(host.Output{Stdout: []byte("last lines of log:\nOutOfMemoryError\n")})
				} else {
					h.OnQuery("shared/$3.pid")
				}
				began := time.Now()
				got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, steps(httpProbe(tt.success, 1))...)
				if err != nil || got[0].Status != tt.status {
					t.Fatalf("got %+v, %v", got, err)
				}
				for _, w := range tt.want {
					if !strings.Contains(got[0].Error, w) {
						t.Errorf("error %q does not say %q", got[0].Error, w)
					}
				}
				if tt.status == plan.Failed && !strings.Contains(got[0].Output, "OutOfMemoryError") {
					t.Errorf("output %q", got[0].Output)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestProbeOfAServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosttest.New(t, "app01")
		h.OnDial("tcp", "127.0.0.1:8080").Always().Do(serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).dial)
		h.OnQuery("tail -n 20")
		began := time.Now()
		got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, steps(httpProbe(1, 1))...)
		if err != nil || got[0].Status != plan.Failed || !strings.Contains(got[0].Error, "no answer within 2s") {
			t.Errorf("got %+v, %v", got, err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestProbeIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosttest.New(t, "app01")
		h.OnDial("tcp", "127.0.0.1:8080").Always().Do(serve(t, answers("503 x")).dial)
		h.OnQuery("tail -n 20")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2500*time.Millisecond, func() { cancel(errors.New("the run was stopped")) })
		got, err := do(t, ctx, act.Options{Hosts: fakes{"app01": h}}, steps(httpProbe(1, 1))...)
		if err != nil || got[0].Status != plan.Failed || !strings.HasPrefix(got[0].Error, "the run was stopped") {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestProbeFindsTheOldProcess(t *testing.T) {
	h := hosttest.New(t, "app01")
	h.OnDial("tcp", "127.0.0.1:8080").Do(serve(t, answers("200 v2.0")).dial)
	h.OnQuery("shared/$3.pid").Reply(host.Output{Exit: 1, Stdout: []byte("process 7 runs in /x/releases/1, not in /x/releases/2\n")})
	h.OnQuery("tail -n 20")
	got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, steps(httpProbe(1, 1))...)
	if err != nil || got[0].Status != plan.Failed || !strings.Contains(got[0].Error, "process 7 runs in") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestProbeWithoutForwarding falls back to a tool of the server, and doesn't try to forward again.
func TestProbeWithoutForwarding(t *testing.T) {
	prohibited := &host.Error{Host: "app01", Kind: host.Forwarding, Doing: "connecting", Err: errors.New("administratively prohibited: open failed")}
	tests := []struct{ name, out, status, want string }{
		{"curl", "curl\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nv2.0", plan.Unchanged, ""},
		{"wget", "wget\nHTTP/1.1 503 No\n\nwait", plan.Failed, "503 Service Unavailable: wait"},
		{"neither", "none\n", plan.Failed, "neither curl nor wget is installed"},
		{"refused", "curl\ncurl: (7) Failed to connect\n", plan.Failed, "no answer by curl: curl: (7)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hosttest.New(t, "app01")
				h.OnDial("tcp", "127.0.0.1:8080").Fail(prohibited)
				h.OnQuery("http://127.0.0.1:8080/health").Always().Reply(host.Output{Stdout: []byte(tt.out)})
				h.OnQuery("").Reply(host.Output{}) // the log, or the process
				got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, steps(httpProbe(1, 1))...)
				if err != nil || got[0].Status != tt.status || !strings.Contains(got[0].Error, tt.want) {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		})
	}
}

func TestTCPAndExecProbes(t *testing.T) {
	tcp := plan.ProbeOp{Name: "tcp", Check: plan.Check{TCP: &plan.TCPCheck{Timing: timing(1, 1), Host: "127.0.0.1", Port: 9}}}
	exec := plan.ProbeOp{Name: "exec", Root: "~/web", Current: "current", Check: plan.Check{Exec: &plan.ExecCheck{Timing: timing(1, 1), Command: "bin/check"}}}
	synctest.Test(t, func(t *testing.T) {
		h := hosttest.New(t, "app01")
		closed := &host.Error{Host: "app01", Kind: host.Forwarding, Doing: "connecting", Err: errors.New("connect failed: Connection refused")}
		h.OnDial("tcp", "127.0.0.1:9").Times(2).Fail(closed)
		h.OnDial("tcp", "127.0.0.1:9").Do(func(host.Socket) (net.Conn, error) { c, _ := net.Pipe(); return c, nil })
		var said lines
		got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}, Progress: said.add}, steps(tcp)...)
		if err != nil || got[0].Status != plan.Unchanged || len(said.all) != 2 || !strings.Contains(said.all[0], "Connection refused") {
			t.Errorf("tcp: %+v, %v; progress %q", got, err, said.all)
		}
		h.OnQuery("TRIKK_COMMAND=bin/check").Reply(host.Output{Exit: 124})
		h.OnQuery("TRIKK_COMMAND=bin/check").Reply(host.Output{Exit: 4, Stdout: []byte("not yet\n")})
		h.OnQuery("TRIKK_COMMAND=bin/check")
		said.all = nil
		got, err = do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}, Progress: said.add}, steps(exec)...)
		if err != nil || got[0].Status != plan.Unchanged || !slices.Equal(said.all, []string{"no end within 2s", "exit status 4: not yet"}) {
			t.Errorf("exec: %+v, %v; progress %q", got, err, said.all)
		}
	})
}

func TestPause(t *testing.T) {
	tests := []struct {
		name    string
		answers []string
		status  string
		took    time.Duration
	}{
		{"all is well", []string{"200 v2.0"}, plan.Unchanged, 5 * time.Second},
		{"one failure is tolerated", []string{"200 v2.0", "503 x", "200 v2.0"}, plan.Unchanged, 5 * time.Second},
		{"two in a row are not", []string{"200 v2.0", "200 v2.0", "503 x"}, plan.Failed, 3 * time.Second},
		{"failing when time is over", []string{"200 v2.0", "200 v2.0", "200 v2.0", "200 v2.0", "200 v2.0", "503 x"}, plan.Failed, 6 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hosttest.New(t, "app01")
				h.OnDial("tcp", "127.0.0.1:8080").Always().Do(serve(t, answers(tt.answers...)).dial)
				if tt.status == plan.Failed {
					h.OnQuery("tail -n 20")
				}
				began := time.Now()
				got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h}}, steps(plan.Pause{Seconds: 5, Probes: []plan.ProbeOp{httpProbe(1, 2)}})...)
				if err != nil || got[0].Status != tt.status {
					t.Fatalf("got %+v, %v", got, err)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

// TestPauseWatchesTheProxy: a server that falls out of rotation while it is watched fails the pause.
func TestPauseWatchesTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, lb := hosttest.New(t, "app01"), hosttest.New(t, "lb01")
		point := plan.Point{Proxy: "lb01", Server: "app01", Target: "app01", Backend: "web", Member: "app01",
			Driver: plan.Driver{Command: &plan.Command{Drain: "d", IsDrained: "isd", Admit: "a", IsAdmitted: "isa"}}}
		var mu sync.Mutex
		looks := 0
		lb.OnQuery("isa").Always().Do(func(host.Query) (host.Output, error) {
			mu.Lock()
			defer mu.Unlock()
			if looks++; looks > 2 {
				return host.Output{Exit: 1}, nil
			}
			return host.Output{}, nil
		})
		lb.OnQuery("isd").Always().Do(func(host.Query) (host.Output, error) {
			mu.Lock()
			defer mu.Unlock()
			if looks > 2 {
				return host.Output{}, nil
			}
			return host.Output{Exit: 1}, nil
		})
		got, err := do(t, t.Context(), act.Options{Hosts: fakes{"app01": h, "lb01": lb}}, steps(plan.Pause{Seconds: 60, Points: []plan.Point{point}})...)
		if err != nil || got[0].Status != plan.Failed || !strings.Contains(got[0].Error, "app01 at lb01 failed 3 times in a row") {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
