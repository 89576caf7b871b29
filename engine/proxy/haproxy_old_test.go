package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// TestHAProxyOldProcess: connections that a replaced process may have are waited for until half of the deadline; nobody looks for one in
// a server that is in, that is known to be busy, or long after the reload.
func TestHAProxyOldProcess(t *testing.T) {
	for _, c := range []struct {
		what, info, open string
		asks             bool
		took             time.Duration
	}{
		{"a request ends", "Pid: 7\nUptime_sec: 1\n", "1\n", true, 3 * time.Second},
		{"something stays", "Pid: 7\nUptime_sec: 1\n", "2\n", true, 15 * time.Second},
		{"no old process", "Pid: 7\nUptime_sec: 1\n", "0\n", true, 0},
		{"no ss", "Pid: 7\nUptime_sec: 1\n", "ss is not installed\n", true, 0},
		{"long ago", "Pid: 7\nUptime_sec: 3601\n", "1\n", false, 0},
		{"no such command", "Unknown command.\n", "1\n", false, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLB(t, "lb1", "b1")
				l.info = c.info
				began, asked := time.Now(), 0
				l.OnQuery("10.0.0.1:8080").Always().Do(func(host.Query) (host.Output, error) {
					asked++
					if c.what == "a request ends" && time.Since(began) >= c.took {
						return host.Output{Stdout: []byte("0\n")}, nil
					}
					return host.Output{Stdout: []byte(c.open)}, nil
				})
				if s, err := look(t.Context(), haproxy{socket: "/s"}, fleet{"lb1": l}, at("lb1")); err != nil || s.Rotation != plan.RotationIn || asked > 0 {
					t.Fatalf("%+v, %v, asked %d times", s, err, asked)
				}
				if _, err := draining(t.Context(), fleet{"lb1": l}, drainOp(at("lb1")), nil); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < c.took || took > c.took+2*time.Second || asked > 0 != c.asks {
					t.Errorf("took %s, asked %d times", took, asked)
				}
			})
		})
	}
}
