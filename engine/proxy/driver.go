package proxy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// Hosts finds connected hosts by inventory name.
type Hosts interface {
	Host(ctx context.Context, name string) (host.Host, error)
}

// Readers finds hosts by inventory name, for reading only.
type Readers interface {
	Reader(ctx context.Context, name string) (host.Reader, error)
}

// State is what a proxy says of one server.
type State struct {
	// Rotation is plan.RotationIn, RotationOut, RotationDown, RotationHeld or RotationUnknown.
	Rotation string
	// Untaken says of RotationUnknown that the proxy was told and has not taken it, now or ever: to tell it again settles that.
	Untaken bool
	// Settled: the proxy acts on it. In: it is sure that the server is up and sends traffic. Out or down: it sends no new
	// request.
	Settled bool
	// InFlight counts requests that the server is answering or that wait for it; -1: the proxy can't count.
	InFlight int
	// Answered counts the answers that the server has begun since the proxy started; 0 where the proxy does not count them.
	Answered int
	// Hidden is for how long there may have been requests that InFlight does not count: some that the proxy has not sent to a server yet,
	// and may still send to this one. 0: there are none.
	Hidden time.Duration
	// Detail is what the proxy said last, for messages.
	Detail string
}

// Driver takes one server out of rotation at one proxy, and back. Drivers hold no state and may be used concurrently.
type Driver interface {
	// State reads; it changes nothing.
	State(ctx context.Context, rs Readers, p plan.Point) (State, error)
	// Preflight reads whether Out and In would work, and says what to mend where they would not.
	Preflight(ctx context.Context, rs Readers, p plan.Point) error
	// Out asks the proxy to send no new request. It does not wait, and may be repeated.
	Out(ctx context.Context, hs Hosts, p plan.Point) error
	// In asks the proxy to send traffic again. It does not wait, and may be repeated.
	In(ctx context.Context, hs Hosts, p plan.Point) error
}

// forcer is a driver that can do more when a drain misses its deadline.
type forcer interface {
	// Force turns even sticky clients away; requests in flight may end.
	Force(ctx context.Context, hs Hosts, p plan.Point) error
	// Cut ends the requests in flight.
	Cut(ctx context.Context, hs Hosts, p plan.Point) error
}

// row is one driver of the table.
type row struct {
	name string
	of   func(plan.Driver) Driver // nil: the configured driver is another one
}

// risky is a driver whose proxy may lose requests though all that trikk asks of it works.
type risky interface {
	// Risk is why, and what to do about it; "": no reason is known.
	Risk(ctx context.Context, rs Readers, p plan.Point) string
}

// Risk tells why requests may be lost at the point's proxy whenever a server leaves or comes back, and what to do about it. "": no reason is
// known, or it could not be read.
func Risk(ctx context.Context, rs Readers, p plan.Point) string {
	d, err := driverOf(p)
	if err != nil {
		return ""
	}
	r, ok := d.(risky)
	if !ok {
		return ""
	}
	ctx, cancel := lookContext(ctx)
	defer cancel()
	return r.Risk(ctx, rs, p)
}

// table lists the drivers. A plan.Driver is a one-key union, so the first row that knows it is the only one.
func table() []row {
	return []row{
		{"haproxy", func(d plan.Driver) Driver {
			if d.HAProxy == nil {
				return nil
			}
			return haproxy{socket: d.HAProxy.Socket, stateFile: d.HAProxy.StateFile}
		}},
		{"httpd", func(d plan.Driver) Driver {
			if d.HTTPD == nil {
				return nil
			}
			if d.HTTPD.Include != nil {
				return httpdInclude(*d.HTTPD.Include)
			}
			return httpd{url: d.HTTPD.URL}
		}},
		{"nginx", func(d plan.Driver) Driver {
			if d.Nginx == nil {
				return nil
			}
			return nginx(*d.Nginx)
		}},
		{"caddy", func(d plan.Driver) Driver {
			if d.Caddy == nil {
				return nil
			}
			return caddy{*d.Caddy}
		}},
		{"marker", func(d plan.Driver) Driver {
			if d.Marker == nil {
				return nil
			}
			return marker{*d.Marker}
		}},
		{"command", func(d plan.Driver) Driver {
			if d.Command == nil {
				return nil
			}
			return command{*d.Command}
		}},
	}
}

// driverOf picks the point's driver.
func driverOf(p plan.Point) (Driver, error) {
	for _, r := range table() {
		if d := r.of(p.Driver); d != nil {
			return d, nil
		}
	}
	return nil, stop(fmt.Errorf("proxy %s has no driver: write haproxy, httpd, nginx, caddy, marker or command", p.Proxy))
}

// Read tells whether the point's server is in rotation, without changing anything. With an error the state is
// plan.RotationUnknown.
func Read(ctx context.Context, rs Readers, p plan.Point) (plan.Rotation, error) {
	unknown := plan.Rotation{Proxy: p.Proxy, State: plan.RotationUnknown}
	d, err := driverOf(p)
	if err != nil {
		return unknown, err
	}
	var s State
	if err = Reach(ctx, rs, p); err == nil {
		s, err = look(ctx, d, rs, p)
	}
	if err != nil {
		return unknown, fmt.Errorf("reading whether %s is in rotation: %w", name(p), err)
	}
	r := plan.Rotation{Proxy: p.Proxy, State: s.Rotation}
	switch {
	case r.State == plan.RotationOut:
		r.Said = said(s)
	case s.Untaken:
		r.State = plan.RotationUnsettled
	}
	return r, nil
}

// said is the proxy's own word for what holds a server out, without what changes from look to look: "drain", "maint", "the marker
// is there".
func said(s State) string {
	word, _, _ := strings.Cut(s.Detail, ",")
	if status, ok := strings.CutPrefix(word, "status "); ok {
		return strings.ToLower(status)
	}
	return word
}

// Preflight reads whether the point's server could be drained and admitted. Its error names the possible causes and what
// to do about each.
func Preflight(ctx context.Context, rs Readers, p plan.Point) error {
	d, err := driverOf(p)
	if err != nil {
		return err
	}
	if err = Reach(ctx, rs, p); err == nil {
		ctx, cancel := lookContext(ctx)
		defer cancel()
		err = d.Preflight(ctx, rs, p)
	}
	if err != nil {
		return fmt.Errorf("checking that %s can be drained: %w", name(p), err)
	}
	return nil
}

// name says which server at which proxy.
func name(p plan.Point) string {
	if p.Backend == "" || p.Member == "" {
		return fmt.Sprintf("%s at %s", p.Server, p.Proxy)
	}
	return fmt.Sprintf("%s (%s/%s) at %s", p.Server, p.Backend, p.Member, p.Proxy)
}

// readers is the read-only view of hosts.
type readers struct{ hosts Hosts }

// ReadersOf is the read-only view of hosts.
func ReadersOf(hs Hosts) Readers { return readers{hs} }

// Reader finds a host by its inventory name.
func (r readers) Reader(ctx context.Context, name string) (host.Reader, error) {
	return r.hosts.Host(ctx, name)
}
