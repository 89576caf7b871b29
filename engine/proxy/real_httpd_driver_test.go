package proxy

import (
	"fmt"
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
			first, second := &slowApp{name: "b1", takes: 2 * time.Second}, &slowApp{name: "b2", takes: 2 * time.Second}
			url, process := startHTTPD(t, serve(t, first).URL, serve(t, second).URL)
			hosts := everywhere{&local{home: t.TempDir(), forbid: forbid}}
			p := at("lb1")
			p.Driver = plan.Driver{HTTPD: &plan.HTTPD{URL: url + "/balancer-manager"}}
			op := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
			isIn(t, hosts, op)
			if err := Preflight(t.Context(), hosts, p); err != nil {
				t.Fatal(err)
			}

			slow := fetching(url+"/slow", "x.b1")
			if !within(5*time.Second, func() bool { return first.slow.Load()+second.slow.Load() > 0 }) {
				t.Fatal("the request did not arrive")
			}
			if changed, err := draining(t.Context(), hosts, drainOp(p), nil); !changed || err != nil {
				t.Fatalf("changed %v, %v", changed, err)
			}
			select {
			case a := <-slow:
				if a.err != nil || a.body != "b1" {
					t.Errorf("%+v", a)
				}
			default:
				t.Error("drained with a request in flight")
			}
			only(t, url, "x.b1", "b2")
			isOut(t, hosts, p)

			again := drainOp(p)
			again.Again = true
			if changed, err := draining(t.Context(), hosts, again, nil); changed || err != nil {
				t.Errorf("a second look: changed %v, %v", changed, err)
			}
			if err := process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			forgot := func() bool { s, err := Read(t.Context(), hosts, p); return err == nil && s.State == plan.RotationIn }
			if !within(10*time.Second, forgot) {
				t.Fatal("the graceful restart forgot nothing")
			}
			drainForgotten(t, hosts, again)
			if changed, err := Admit(t.Context(), hosts, op, nil); !changed || err != nil {
				t.Errorf("admit: changed %v, %v", changed, err)
			}
			both(t, url)
		})
	}
}
