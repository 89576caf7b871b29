package survey

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

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

// Machines are the inventory names of an environment's machines: its servers, then the hosts of its proxies, both sorted. A machine with
// several names is there once, by the first of them.
func Machines(env plan.Environment) []string {
	type place struct {
		address, jump string
		port          int
	}
	var out []string
	seen := map[place]bool{}
	add := func(name string, h plan.Host) {
		at := place{h.Address, h.Jump, cmp.Or(h.Port, 22)}
		if seen[at] && h.Address != "" {
			return
		}
		seen[at] = true
		out = append(out, name)
	}
	for _, name := range slices.Sorted(maps.Keys(env.Servers)) {
		add(name, env.Servers[name])
	}
	for _, name := range slices.Sorted(maps.Keys(env.Proxies)) {
		if !slices.Contains(out, name) {
			add(name, env.Proxies[name].Host)
		}
	}
	return out
}

// each calls do for all names, at most that many at once, and waits for all calls.
func each(names []string, most int, do func(i int, name string)) {
	places := make(chan struct{}, max(most, 1))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			do(i, name)
		})
	}
	all.Wait()
}
