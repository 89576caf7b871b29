package proxy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// TestRealHTTPDDriver: httpd sends nothing to a disabled member, also not what sticks to it; a request in flight ends first; a
// graceful restart, which forgets the drain, is seen; and all of it also where the SSH server forwards nothing.
func TestRealHTTPDDriver(t *testing.T) {
	for _, forbid := range []bool{false, true} {
		t.Run(fmt.Sprintf("forbid forwarding %v", forbid), func(t *testing.T) {
			t.Parallel()
			var slow atomic.Int64
			apps := make([]string, 2)
			for i := range apps {
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					if q.URL.Path == "/slow" {
						slow.Add(1)
						time.Sleep(2 * time.Second)
					}
					_, _ = fmt.Fprintf(w, "b%d", i+1)
				}))
				t.Cleanup(s.Close)
				apps[i] = s.URL
			}
			url, process := startHTTPD(t, apps...)
			hosts := everywhere{&local{home: t.TempDir(), forbid: forbid}}
			p := at("lb1")
			p.Driver = plan.Driver{HTTPD: &plan.HTTPD{URL: url + "/balancer-manager"}}
			op := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
			if changed, err := Admit(t.Context(), hosts, op, nil); changed || err != nil {
				t.Fatalf("at the start: changed %v, %v", changed, err)
			}
			if err := Preflight(t.Context(), hosts, p); err != nil {
				t.Fatal(err)
			}

			answers := make(chan answer, 1)
			go func() {
				body, err := fetch(url+"/slow", "x.b1")
				answers <- answer{body, err}
			}()
			for end := time.Now().Add(5 * time.Second); slow.Load() < 1; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the request did not arrive")
				}
			}
			if changed, err := Drain(t.Context(), hosts, drainOp(p), nil); !changed || err != nil {
				t.Fatalf("changed %v, %v", changed, err)
			}
			select {
			case a := <-answers:
				if a.err != nil || a.body != "b1" {
					t.Errorf("%+v", a)
				}
			default:
				t.Error("drained with a request in flight")
			}
			for range 6 {
				if got, err := fetch(url, "x.b1"); err != nil || got != "b2" {
					t.Errorf("%q, %v", got, err)
				}
			}
			if s, err := Read(t.Context(), hosts, p); err != nil || s.State != plan.RotationOut {
				t.Errorf("%+v, %v", s, err)
			}

			again := drainOp(p)
			again.Again = true
			if changed, err := Drain(t.Context(), hosts, again, nil); changed || err != nil {
				t.Errorf("a second look: changed %v, %v", changed, err)
			}
			if err := process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				if s, err := Read(t.Context(), hosts, p); err == nil && s.State == plan.RotationIn {
					break
				}
				if time.Now().After(end) {
					t.Fatal("the graceful restart forgot nothing")
				}
			}
			said := &log{}
			if changed, err := Drain(t.Context(), hosts, again, said.add); !changed || err != nil {
				t.Errorf("after the restart: changed %v, %v", changed, err)
			}
			said.has(t, "the proxy has forgotten the drain")
			if changed, err := Admit(t.Context(), hosts, op, nil); !changed || err != nil {
				t.Errorf("admit: changed %v, %v", changed, err)
			}
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
		})
	}
}
