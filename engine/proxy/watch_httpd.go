package proxy

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// watchHTTPD reads Apache httpd's balancer-manager: GET ?xml=1, which changes nothing. The page is given as XML only to
// a request whose Referer is of the same host.
type watchHTTPD struct{ conf plan.WatchHTTPD }

func (w watchHTTPD) on() string { return w.conf.On }

func (w watchHTTPD) look(ctx context.Context, r host.Reader, on string, p plan.Point) (State, error) {
	balancers, err := w.read(ctx, r, on)
	if err != nil {
		return State{}, err
	}
	worker, err := findWorker(balancers, p, on)
	if err != nil {
		return State{}, err
	}
	return worker.seen(ctx, r, worker.state()), nil
}

// empty tells whether the host has no connection to the member at all, so that nothing is in flight whatever httpd counts.
func (w watchHTTPD) empty(ctx context.Context, r host.Reader, on string, p plan.Point) (bool, error) {
	balancers, err := w.read(ctx, r, on)
	if err != nil {
		return false, err
	}
	worker, err := findWorker(balancers, p, on)
	if err != nil {
		return false, err
	}
	wire, err := readWire(ctx, r, worker.address())
	return err == nil && wire.open == 0, err
}

// read reads all balancers.
func (w watchHTTPD) read(ctx context.Context, r host.Reader, on string) ([]httpdBalancer, error) {
	separator := "?"
	if strings.Contains(w.conf.URL, "?") {
		separator = "&"
	}
	page, err := get(ctx, r, on, w.conf.URL+separator+"xml=1")
	switch {
	case err != nil && hopeless(err):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: is httpd running on %s, and does it listen there with `<Location %s>`, `SetHandler balancer-manager` and `Require local`?", err, on, pathOf(w.conf.URL))
	}
	if page.status != 200 {
		return nil, fmt.Errorf("%s on %s answers %d: is it a <Location> with `SetHandler balancer-manager` that requests from this host may read (`Require local`)?", page.url, on, page.status)
	}
	balancers, err := parseHTTPD(page.body)
	if err != nil {
		return nil, fmt.Errorf("reading %s on %s: %w", page.url, on, err)
	}
	return balancers, nil
}

// httpdBalancer is one balancer of the balancer-manager's XML.
type httpdBalancer struct {
	Name    string        `xml:"name"`
	Nonce   string        `xml:"nonce"`
	Workers []httpdWorker `xml:"workers>worker"`
}

// httpdWorker is one member of it.
type httpdWorker struct {
	Name   string `xml:"name"`
	Host   string `xml:"hostname"`
	Port   string `xml:"port"`
	Route  string `xml:"route"`
	Status string `xml:"status"` // "Init Ok ", "Init HcFl ", "Init Dis Ok ", "Init Err ", …
	Busy   *int   `xml:"busy"`
}

// parseHTTPD reads the XML. httpd answers 200 with a page of HTML when it does not like the request.
func parseHTTPD(body []byte) ([]httpdBalancer, error) {
	if !bytes.Contains(body, []byte("<httpd:manager")) {
		return nil, fmt.Errorf("the answer is no balancer-manager XML (httpd 2.4.30 or later, and a Referer of the same host, are needed): %q", firstLine(strings.TrimSpace(string(body))))
	}
	var doc struct {
		Balancers []httpdBalancer `xml:"balancers>balancer"`
	}
	if err := xml.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("parsing the balancer-manager's XML: %w", err)
	}
	return doc.Balancers, nil
}

// findWorker finds the point's member: the backend with or without balancer:// and in any case, of which httpd keeps the lower, the
// member by its URL, its HOST:PORT or its route.
func findWorker(balancers []httpdBalancer, p plan.Point, on string) (httpdWorker, error) {
	backend := strings.TrimPrefix(p.Backend, "balancer://")
	i := slices.IndexFunc(balancers, func(b httpdBalancer) bool {
		return strings.EqualFold(strings.TrimPrefix(b.Name, "balancer://"), backend)
	})
	if i < 0 {
		var names []string
		for _, b := range balancers {
			names = append(names, strings.TrimPrefix(b.Name, "balancer://"))
		}
		return httpdWorker{}, stop(fmt.Errorf("httpd on %s has no balancer %q%s", on, backend, suggest(backend, names)))
	}
	var names []string
	for _, w := range balancers[i].Workers {
		if p.Member != "" && (p.Member == w.Name || strings.EqualFold(p.Member, w.address()) || p.Member == w.Route) {
			return w, nil
		}
		names = append(names, w.Name)
	}
	return httpdWorker{}, stop(fmt.Errorf("httpd on %s has no member %q in balancer %q%s", on, p.Member, backend, suggest(p.Member, names)))
}

// state puts the status flags into the words of facts. Ok alone means that requests are sent. Err expires by itself after
// the worker's retry, so it is down but not settled; a drain (Drn) still lets sticky clients in.
func (w httpdWorker) state() State {
	s := State{Rotation: plan.RotationUnknown, InFlight: -1, Detail: "status " + strings.TrimSpace(w.Status)}
	if w.Busy != nil && *w.Busy >= 0 {
		s.InFlight = *w.Busy
		s.Detail += fmt.Sprintf(", %d busy", *w.Busy)
	}
	flags := strings.Fields(w.Status)
	has := func(f string) bool { return slices.Contains(flags, f) }
	switch {
	case has("Dis"), has("Stop"):
		s.Rotation, s.Settled = plan.RotationOut, true
	case has("HcFl"):
		s.Rotation, s.Settled = plan.RotationDown, true
	case has("Drn"):
		s.Rotation = plan.RotationOut
	case has("Err"):
		s.Rotation = plan.RotationDown
	case has("Ok"):
		s.Rotation, s.Settled = plan.RotationIn, sureOf(flags)
	}
	return s
}

// seen adds to a state what httpd's count may have missed. Before 2.5 httpd counts without a lock, so that its threads lose each
// other's counts (STATUS of its branch 2.4.x: "prevent bad busy values"): a request may be in flight that is not counted. Where
// the host can't tell, httpd's word stands. HTTP/2 says more than requests and answers, so it tells nothing there.
func (w httpdWorker) seen(ctx context.Context, r host.Reader, s State) State {
	if s.Rotation != plan.RotationOut && s.Rotation != plan.RotationDown || !s.Settled || s.InFlight != 0 || strings.HasPrefix(w.Name, "h2") {
		return s
	}
	wire, err := readWire(ctx, r, w.address())
	if err != nil {
		return s
	}
	s.InFlight = wire.unanswered + wire.talking
	if s.InFlight > 0 {
		s.Detail += fmt.Sprintf(", but %d without an answer and %d not quiet yet", wire.unanswered, wire.talking)
	}
	return s
}

// address is where the host connects to.
func (w httpdWorker) address() string {
	if strings.Contains(w.Host, ":") {
		return "[" + w.Host + "]:" + w.Port
	}
	return w.Host + ":" + w.Port
}

// sureOf accepts exactly Init and Ok, beside the roles of standby and spare members.
func sureOf(flags []string) bool {
	for _, f := range flags {
		if !slices.Contains([]string{"Init", "Ok", "Stby", "Spar"}, f) {
			return false
		}
	}
	return slices.Contains(flags, "Init")
}
