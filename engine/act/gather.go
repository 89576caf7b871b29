package act

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"trikk.dev/engine/artifact"
	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// Gatherer reads facts. It holds only what can read, so it can't change anything. It may be used concurrently.
type Gatherer struct {
	Readers  proxy.Readers
	Resolver *artifact.Resolver // nil: one without credentials
}

// View is what Look or GatherView saw.
type View struct {
	Facts plan.Facts
	// Locks: by app name, then by host, who holds the app's lock there, or left it behind.
	Locks map[string]map[string]Holder
	// Asks: likewise, the run that waits for approval there. It has the lock.
	Asks map[string]map[string]string
}

// Gather reads all that Compile decides on: what the apps' hosts have, what the proxies say, and the artifact of the version
// that is wanted. All servers are read at once. What would make a run fail, a missing tool or a root that can't be written,
// is an error here already. All errors of all hosts come together, sorted by host; the facts then hold what could be read.
// A server that can't be reached is no error but a fact where all of its apps may leave it out (rollout.unreachable).
//
// The error is an *UnreadError. Where the intent is to keep going, it is a fact instead (Facts.Unread), unless ctx ended.
func (g *Gatherer) Gather(ctx context.Context, env plan.Environment, apps []plan.App, in plan.Intent) (plan.Facts, error) {
	v, err := g.GatherView(ctx, env, apps, in)
	return v.Facts, err
}

// GatherView is Gather that also tells who works there now, which Compile does not decide on.
func (g *Gatherer) GatherView(ctx context.Context, env plan.Environment, apps []plan.App, in plan.Intent) (View, error) {
	w := g.newLooker(env, apps)
	w.strict, w.keepGoing = true, in.KeepGoing
	w.look(ctx)
	if w.problems.none() || w.keepGoing { // what is live is needed to tell what is wanted
		w.resolve(ctx, in)
		w.checkUnpackers()
	}
	if w.keepGoing && ctx.Err() == nil {
		w.setAside()
		return w.view, nil
	}
	return w.view, w.unread()
}

// Look reads what the apps' hosts have and what the proxies say, for people: nothing has to be in order, and what can't be
// read is left out of the view and named by the error.
func (g *Gatherer) Look(ctx context.Context, env plan.Environment, apps []plan.App) (View, error) {
	w := g.newLooker(env, apps)
	w.look(ctx)
	return w.view, w.problems.join()
}

// LookAgain reads what a plan is about, as Look does. Hosts that the plan left out need not answer.
func (g *Gatherer) LookAgain(ctx context.Context, p plan.Plan) (View, error) {
	var apps []plan.App
	for _, a := range p.Apps {
		apps = append(apps, a.Source)
	}
	w := g.newLooker(p.Inventory, apps)
	for _, s := range p.Skipped {
		w.left = append(w.left, s.Host)
	}
	w.look(ctx)
	return w.view, w.problems.join()
}

// looker is one look at all hosts.
type looker struct {
	g       *Gatherer
	env     plan.Environment
	apps    []plan.App
	proxies *onceReaders // to ask about servers
	strict  bool         // problems that would make a run fail are errors
	// keepGoing: what can't be read makes facts of the apps that it concerns, instead of errors.
	keepGoing bool
	mu        sync.Mutex
	view      View
	tools     map[string][]string // by host and user
	gone      map[string][]error  // servers that can't be reached, by inventory name
	left      []string            // servers that need not be reached
	problems  problems
	turns     map[string]chan struct{} // by proxy: places of those that look at it
}

// looksAtOnce is how many servers are looked up at one proxy at once: how long a look may take begins with its turn, and hundreds of them wait.
const looksAtOnce = 8

func (g *Gatherer) newLooker(env plan.Environment, apps []plan.App) *looker {
	w := &looker{g: g, env: env, apps: apps, proxies: newOnceReaders(g.Readers), tools: map[string][]string{}, gone: map[string][]error{}, turns: map[string]chan struct{}{}}
	for name := range env.Proxies {
		w.turns[name] = make(chan struct{}, looksAtOnce)
	}
	w.view.Facts = plan.Facts{Apps: map[string]map[string]plan.Installed{}, Rotation: map[string]map[string][]plan.Rotation{}, Artifacts: map[string]plan.Resolved{}}
	w.view.Locks, w.view.Asks = map[string]map[string]Holder{}, map[string]map[string]string{}
	for _, app := range apps {
		w.view.Facts.Apps[app.Name] = map[string]plan.Installed{}
		w.view.Locks[app.Name], w.view.Asks[app.Name] = map[string]Holder{}, map[string]string{}
	}
	return w
}

// look reads hosts and proxies, all at once.
func (w *looker) look(ctx context.Context) {
	var wg sync.WaitGroup
	for _, v := range w.visits() {
		wg.Go(func() { w.visit(ctx, v) })
	}
	for _, app := range w.apps {
		for _, server := range app.Servers {
			wg.Go(func() { w.rotation(ctx, app, server) })
		}
		for _, server := range app.Standby {
			wg.Go(func() { w.standbyRotation(ctx, app, server) })
		}
	}
	wg.Wait()
	w.leaveOut(ctx)
}

// rotation asks all proxies in front of one server.
func (w *looker) rotation(ctx context.Context, app plan.App, server string) {
	points := plan.Points(app, w.env, server)
	if len(points) == 0 {
		return
	}
	states := make([]plan.Rotation, len(points))
	var wg sync.WaitGroup
	for i, p := range points {
		wg.Go(func() {
			if err := proxy.Reach(ctx, w.proxies, p); err != nil {
				states[i] = plan.Rotation{Proxy: p.Proxy, State: plan.RotationUnknown}
				if !w.isGone(server, err) {
					w.problems.addOnce(p.Proxy, app.Name, err)
				}
				return
			}
			defer w.turn(p.Proxy)()
			if w.strict {
				if err := proxy.Preflight(ctx, w.proxies, p); err != nil {
					states[i] = plan.Rotation{Proxy: p.Proxy, State: plan.RotationUnknown}
					if !w.isGone(server, err) {
						w.problems.addOnce(p.Proxy, app.Name, err)
					}
					return
				}
			}
			state, err := proxy.Read(ctx, w.proxies, p)
			if err != nil && !w.isGone(server, err) {
				w.problems.addFor(p.Proxy, app.Name, err)
			}
			if w.strict {
				state.Risk = proxy.Risk(ctx, w.proxies, p)
			}
			states[i] = state
		})
	}
	wg.Wait()
	w.keepRotation(app, server, states)
}

// turn waits until few others look at a proxy that is reached, and gives what ends the turn. Looks are bounded in time, and so is the wait.
func (w *looker) turn(proxy string) (end func()) {
	places, known := w.turns[proxy]
	if !known {
		return func() {}
	}
	places <- struct{}{}
	return func() { <-places }
}

// standbyRotation asks whether a standby server, which was active before perhaps, is still in rotation somewhere. Most proxies do
// not know it, so no answer is no problem; a proxy that can't be asked at all is one for the active servers.
func (w *looker) standbyRotation(ctx context.Context, app plan.App, server string) {
	points := plan.Points(app, w.env, server)
	states := make([]plan.Rotation, len(points))
	var wg sync.WaitGroup
	for i, p := range points {
		wg.Go(func() {
			states[i] = plan.Rotation{Proxy: p.Proxy, State: plan.RotationUnknown}
			if proxy.Reach(ctx, w.proxies, p) != nil {
				return
			}
			defer w.turn(p.Proxy)()
			states[i], _ = proxy.Read(ctx, w.proxies, p)
		})
	}
	wg.Wait()
	for _, s := range states {
		if s.State != plan.RotationUnknown {
			w.keepRotation(app, server, states)
			return
		}
	}
}

func (w *looker) keepRotation(app plan.App, server string, states []plan.Rotation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.view.Facts.Rotation[app.Name] == nil {
		w.view.Facts.Rotation[app.Name] = map[string][]plan.Rotation{}
	}
	w.view.Facts.Rotation[app.Name][server] = states
}

// resolve finds the artifacts of the versions that are wanted, all at once.
func (w *looker) resolve(ctx context.Context, in plan.Intent) {
	resolver := w.g.Resolver
	if resolver == nil {
		resolver = &artifact.Resolver{}
	}
	var wg sync.WaitGroup
	for _, app := range w.apps {
		if w.keepGoing && len(w.concerned()[app.Name]) > 0 {
			continue
		}
		version, needed, err := w.wanted(app, in)
		if err != nil {
			w.problems.addFor("", app.Name, err)
		}
		if !needed {
			continue
		}
		wg.Go(func() {
			res, err := resolver.Resolve(ctx, app, version)
			if err != nil {
				w.problems.addFor("", app.Name, fmt.Errorf("%s: %w", app.Name, err))
				return
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.view.Facts.Artifacts[app.Name] = res
		})
	}
	wg.Wait()
}

// wanted tells which version's artifact must be found. A rollback needs none where all hosts have what it goes back to.
func (w *looker) wanted(app plan.App, in plan.Intent) (version string, needed bool, err error) {
	if in.Kind == plan.Rollback {
		version = plan.RollbackNeeds(app, w.view.Facts, in)
		return version, version != "", nil
	}
	version, err = plan.Wanted(app, w.view.Facts.Apps[app.Name], in)
	return version, err == nil, err
}

// problems collects errors of all hosts.
type problems struct {
	mu  sync.Mutex
	all []hostError
}

type hostError struct {
	host  string
	app   string // that alone has it; "": all apps of the host
	err   error
	cause string // what must be told once; "": the whole error
}

func (p *problems) add(host string, err error) { p.addFor(host, "", err) }

// addFor adds an error of one app.
func (p *problems) addFor(host, app string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, hostError{host: host, app: app, err: err})
}

// addOnce adds an error whose cause is told once a host, whichever servers it was met for.
func (p *problems) addOnce(host, app string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cause := ""
	if inner := errors.Unwrap(err); inner != nil {
		cause = inner.Error()
	}
	p.all = append(p.all, hostError{host, app, err, cause})
}

func (p *problems) none() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all) == 0
}

// join gives all errors, sorted by host and each once. A host that can't be reached is met many times, and told once.
func (p *problems) join() error {
	var errs []error
	for _, e := range p.list() {
		errs = append(errs, e.err)
	}
	return errors.Join(errs...)
}

// list is what join joins.
func (p *problems) list() []hostError {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, e := range p.all {
		if err, is := whole(e.err); is {
			p.all[i] = hostError{host: e.host, app: e.app, err: err}
		}
	}
	slices.SortStableFunc(p.all, func(a, b hostError) int {
		return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.err.Error(), b.err.Error()))
	})
	var out []hostError
	seen := map[string]bool{}
	for _, e := range p.all {
		text := e.err.Error()
		if e.cause != "" {
			text = e.host + ": " + e.cause
		}
		if !seen[text] {
			seen[text] = true
			out = append(out, e)
		}
	}
	return out
}

// whole finds the error of a host that can't be reached: it is the same whatever was wanted of the host.
func whole(err error) (*host.Error, bool) {
	var e *host.Error
	if errors.As(err, &e) && (e.Kind == host.Unreachable || e.Kind == host.Auth || e.Kind == host.HostKey) {
		return e, true
	}
	return nil, false
}
