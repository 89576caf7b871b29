package act

import (
	"context"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// readers shows hosts as what can only be read.
type readers struct{ hosts proxy.Hosts }

// ReadersOf is the read-only view of hosts.
func ReadersOf(hs proxy.Hosts) proxy.Readers { return readers{hs} }

// Reader finds a host by its inventory name.
func (r readers) Reader(ctx context.Context, name string) (host.Reader, error) {
	return r.hosts.Host(ctx, name)
}

// userOn is the user that owns an app on a host: "" where that is the login user.
func userOn(env plan.Environment, app plan.App, name string) string {
	h, ok := env.Servers[name]
	if !ok {
		h = env.Proxies[name].Host
	}
	if app.User == h.User {
		return ""
	}
	return app.User
}
