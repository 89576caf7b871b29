package act

import (
	"context"
	"net"

	"trikk.dev/engine/host"
	"trikk.dev/engine/proxy"
)

// guardedHosts prove before each call that can change a host that the lock still names the run: a conversation with proxies
// takes minutes, in which the controller may have slept and another run may have begun. Reading is not held up.
type guardedHosts struct {
	proxy.Hosts
	check func(context.Context) error
}

// Host gives a host whose changing calls are guarded.
func (g guardedHosts) Host(ctx context.Context, name string) (host.Host, error) {
	h, err := g.Hosts.Host(ctx, name)
	if err != nil {
		return nil, err
	}
	return guardedHost{h, g.check}, nil
}

// guardedHost refuses what can change it when the check fails.
type guardedHost struct {
	host.Host
	check func(context.Context) error
}

var _ host.Host = guardedHost{}

// Run implements host.Host.
func (g guardedHost) Run(ctx context.Context, s host.Script, sink func(host.Record)) ([]host.Record, error) {
	if err := g.check(ctx); err != nil {
		return nil, err
	}
	return g.Host.Run(ctx, s, sink)
}

// Hold implements host.Host.
func (g guardedHost) Hold(ctx context.Context, s host.Script) (host.Lease, error) {
	if err := g.check(ctx); err != nil {
		return nil, err
	}
	return g.Host.Hold(ctx, s)
}

// Upload implements host.Host.
func (g guardedHost) Upload(ctx context.Context, f host.File, progress func(sent, total int64)) error {
	if err := g.check(ctx); err != nil {
		return err
	}
	return g.Host.Upload(ctx, f, progress)
}

// Dial implements host.Host: what is dialled may be a proxy's socket that takes commands.
func (g guardedHost) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := g.check(ctx); err != nil {
		return nil, err
	}
	return g.Host.Dial(ctx, network, addr)
}
