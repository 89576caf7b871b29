package proxy

import (
	"context"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// watch asks a balancer what it made of a marker. It only reads.
type watch interface {
	// on is the inventory name of the host that is asked; "": the point's proxy.
	on() string
	// look asks over r, which is the host of that name.
	look(ctx context.Context, r host.Reader, on string, p plan.Point) (State, error)
}

// watchOf picks the configured watch: one line a kind. nil: none is configured.
func watchOf(w *plan.Watch) watch {
	switch {
	case w == nil:
		return nil
	case w.HAProxy != nil:
		return watchHAProxy{*w.HAProxy}
	case w.HTTPD != nil:
		return watchHTTPD{*w.HTTPD}
	case w.HTTP != nil:
		return watchHTTP{*w.HTTP}
	}
	return nil
}

// watchHAProxy reads the member's row over a runtime socket; level user is enough.
type watchHAProxy struct{ conf plan.WatchHAProxy }

func (w watchHAProxy) on() string { return w.conf.On }

func (w watchHAProxy) look(ctx context.Context, r host.Reader, on string, p plan.Point) (State, error) {
	row, err := readHAProxy(ctx, runtimeAPI{on, w.conf.Socket}, r, p)
	if err != nil {
		return State{}, err
	}
	return row.state(), nil
}
