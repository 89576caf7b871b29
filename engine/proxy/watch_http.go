package proxy

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// watchHTTP reads a status page: up while it contains a text, and out where it contains another one instead. It can't count what is in
// flight.
type watchHTTP struct{ conf plan.WatchHTTP }

func (w watchHTTP) on() string { return w.conf.On }

// anyMember is the text by which a page is known to be about a member, where none is configured.
const anyMember = "{member}"

func (w watchHTTP) look(ctx context.Context, r host.Reader, on string, p plan.Point) (State, error) {
	page, err := w.page(ctx, r, on, p)
	if err != nil {
		return State{}, err
	}
	if up := fill(w.conf.Up, p); page.has(up) {
		return State{Rotation: plan.RotationIn, Settled: true, InFlight: -1, Detail: fmt.Sprintf("%s contains %q", page.url, up)}, nil
	}
	if page.has(w.out(p)) {
		return State{Rotation: plan.RotationDown, Settled: true, InFlight: -1, Detail: fmt.Sprintf("%s does not contain %q", page.url, fill(w.conf.Up, p))}, nil
	}
	return State{}, fmt.Errorf("%s on %s contains neither %q nor %q, so it does not tell whether %s is out: %q; write up and out of the watch as the page has them",
		page.url, on, fill(w.conf.Up, p), w.out(p), p.Member, firstLine(strings.TrimSpace(string(page.body))))
}

// tells checks that a page that says that the member is up would be believed when it says that it is out: one that never names the member
// would not, and a drain would wait for its deadline.
func (w watchHTTP) tells(ctx context.Context, r host.Reader, on string, p plan.Point) error {
	if cmp.Or(w.conf.Out, anyMember) != anyMember {
		return nil
	}
	page, err := w.page(ctx, r, on, p)
	if err != nil || page.has(w.out(p)) {
		return err
	}
	return fmt.Errorf("%s on %s does not name %s, so without %q it would say nothing: write out of the watch, the text that the page has when %s is out",
		page.url, on, p.Member, fill(w.conf.Up, p), p.Member)
}

// page reads the page; anything but a 2xx is an error.
func (w watchHTTP) page(ctx context.Context, r host.Reader, on string, p plan.Point) (page, error) {
	got, err := get(ctx, r, on, fill(w.conf.URL, p))
	if err == nil && got.status/100 != 2 {
		err = fmt.Errorf("%s on %s answers %d: %s", got.url, on, got.status, firstLine(strings.TrimSpace(string(got.body))))
	}
	return got, err
}

// out is the text of a page that says that the member is out.
func (w watchHTTP) out(p plan.Point) string { return fill(cmp.Or(w.conf.Out, anyMember), p) }

// fill puts the point's names into a text.
func fill(text string, p plan.Point) string {
	return strings.NewReplacer("{backend}", p.Backend, "{member}", p.Member).Replace(text)
}

// has tells whether the page contains a text.
func (g page) has(text string) bool { return strings.Contains(string(g.body), text) }
