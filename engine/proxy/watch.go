package proxy

import (
	"context"
	"fmt"
	"strings"

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

// watchHTTP reads a status page: up while it contains a text. It can't count what is in flight.
type watchHTTP struct{ conf plan.WatchHTTP }

func (w watchHTTP) on() string { return w.conf.On }

func (w watchHTTP) look(ctx context.Context, r host.Reader, on string, p plan.Point) (State, error) {
	fill := strings.NewReplacer("{backend}", p.Backend, "{member}", p.Member)
	page, err := get(ctx, r, on, fill.Replace(w.conf.URL))
	if err != nil {
		return State{}, err
	}
	if page.status/100 != 2 {
		return State{}, fmt.Errorf("%s on %s answers %d: %s", page.url, on, page.status, firstLine(strings.TrimSpace(string(page.body))))
	}
	up := fill.Replace(w.conf.Up)
	s := State{Rotation: plan.RotationDown, Settled: true, InFlight: -1, Detail: fmt.Sprintf("%s does not contain %q", page.url, up)}
	if strings.Contains(string(page.body), up) {
		s.Rotation, s.Detail = plan.RotationIn, fmt.Sprintf("%s contains %q", page.url, up)
	}
	return s, nil
}
