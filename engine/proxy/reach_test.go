package proxy

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// slowToReach is hosts that take their time to be connected to, once each.
type slowToReach struct {
	fleet
	takes time.Duration
	open  map[string]bool
}

func (s slowToReach) Reader(ctx context.Context, name string) (host.Reader, error) {
	if !s.open[name] {
		select {
		case <-time.After(s.takes):
			s.open[name] = true
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return s.fleet.Reader(ctx, name)
}

// TestSlowConnection: the time to connect is the user's --timeout, and no part of the look.
func TestSlowConnection(t *testing.T) {
	for what, read := range map[string]func(context.Context, Readers, plan.Point) error{
		"preflight": Preflight,
		"read": func(ctx context.Context, rs Readers, p plan.Point) error {
			_, err := Read(ctx, rs, p)
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLB(t, "lb1", "b1")
				rs := slowToReach{fleet: fleet{"lb1": l}, takes: lookTimeout + 2*time.Second, open: map[string]bool{}}
				if err := read(t.Context(), rs, at("lb1")); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestLookedAt(t *testing.T) {
	file := plan.Marking{File: "/m"}
	watched := plan.Marking{File: "/m", Watch: &plan.Watch{HAProxy: &plan.WatchHAProxy{Socket: "/s"}}}
	elsewhere := plan.Marking{File: "/m", Watch: &plan.Watch{HAProxy: &plan.WatchHAProxy{Socket: "/s", On: "edge"}}}
	for _, tc := range []struct {
		driver plan.Driver
		want   string
	}{
		{plan.Driver{HAProxy: &plan.HAProxy{Socket: "/s"}}, "lb1"},
		{plan.Driver{Marker: &file}, "app01"},
		{plan.Driver{Marker: &watched}, "app01 lb1"},
		{plan.Driver{Marker: &elsewhere}, "app01 edge"},
	} {
		got := lookedAt(plan.Point{Proxy: "lb1", Target: "app01", Driver: tc.driver})
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%+v: %s, want %s", tc.driver, s, tc.want)
		}
	}
}
