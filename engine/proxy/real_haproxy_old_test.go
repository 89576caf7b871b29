package proxy

import (
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// TestRealReloadWhileRequestsEnd: HAProxy is reloaded while a drain waits for requests. The new process counts none of those that the old
// one still serves, and the drain ends after them all the same.
func TestRealReloadWhileRequestsEnd(t *testing.T) {
	t.Parallel()
	r := startReal(t, "")
	slow := []<-chan answer{r.send(t, "/?for=5s", ""), r.send(t, "/?for=5s", "")}
	said, ended := &log{}, make(chan error, 1)
	go func() {
		_, err := draining(t.Context(), r.hosts, r.drain(20*time.Second, "abort"), said.add)
		ended <- err
	}()
	r.until(t, "the drain begins", func() bool { return r.state(t).Rotation == plan.RotationOut })
	time.Sleep(3 * interval) // so that the drain has seen it too
	r.reload(t)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, c := range slow {
		select {
		case a := <-c:
			if a.err != nil {
				t.Error(a.err)
			}
		case <-time.After(250 * time.Millisecond):
			// The other server's request may still be on its way; b1's may not.
			if a := <-c; a.body != "b2" {
				t.Errorf("drained before %q ended", a.body)
			}
		}
	}
	said.has(t, "the proxy has forgotten the drain")
}
