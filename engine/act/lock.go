package act

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// LockTarget is one app's root on one host.
type LockTarget struct {
	Host string // inventory name
	As   string // user that owns the root; "" the login user
	Root string // absolute, or ~/path
	App  string
}

// LockTargets lists the roots that a plan works on: not those of hosts that it leaves out.
func LockTargets(p plan.Plan) []LockTarget {
	var out []LockTarget
	for _, a := range p.Apps {
		for _, t := range AppLocks(p.Inventory, a.Source) {
			if !p.Skips(a.App, t.Host) {
				out = append(out, t)
			}
		}
	}
	return out
}

// AppLocks lists the roots of one app.
func AppLocks(env plan.Environment, app plan.App) []LockTarget {
	var out []LockTarget
	for _, h := range app.Hosts() {
		out = append(out, LockTarget{Host: h, As: app.As(env, h), Root: app.Layout.Root, App: app.Name})
	}
	return out
}

// Holder says who holds a lock.
type Holder struct {
	Run   string `json:"run"`
	Who   string `json:"who"`   // user@host of the controller
	Since string `json:"since"` // RFC 3339, of the controller's clock
	// Alive: the lock is held now; else its run was cut off. Only Look tells.
	Alive bool `json:"-"`
}

// String says whose lock it is.
func (h Holder) String() string {
	if h.Run == unnamed { // one that was refused itself before it wrote its name
		return "a run that did not say its name"
	}
	return fmt.Sprintf("run %s of %s since %s", h.Run, h.Who, cmp.Or(h.Since, "an unknown time"))
}

// unnamed is the run of a holder whose lock.info is missing, or can't be read.
const unnamed = plan.UnnamedRun

// parseHolder reads a lock.info; one that can't be read names nobody.
func parseHolder(text string) *Holder {
	h := &Holder{}
	if json.Unmarshal([]byte(text), h) != nil || h.Run == "" {
		return &Holder{Run: unnamed, Who: unnamed}
	}
	return h
}

// LockedError refuses a lock that another run holds.
type LockedError struct {
	Host string
	Holder
	Waited time.Duration // for the lock, in vain
}

// Error says who holds the lock, since when and by which run.
func (e *LockedError) Error() string {
	if e.Waited > 0 {
		return fmt.Sprintf("%s: still locked by %s, after waiting %v and looking every %v (see trikk status)", e.Host, e.Holder, e.Waited, lockInterval)
	}
	return fmt.Sprintf("%s: locked by %s (wait for it with --wait, or see trikk status)", e.Host, e.Holder)
}

// Lock is held by a process on each host, through an open channel. It is freed when the channel ends.
type Lock struct {
	actor   *Actor
	info    string
	targets []LockTarget
	leases  []heldLease
	lost    chan string
	quiet   chan struct{} // closed by release: what ends then is not lost
	once    sync.Once
	err     error
}

type heldLease struct {
	host  string
	lease host.Lease
}

// holding is what one holder locks: all roots of one user on one host.
type holding struct {
	host, as string
	roots    []string
}

// Lock takes the locks of all targets in host order, without waiting, or none: a lock that another run holds is a
// *LockedError. It makes <root>/.trikk where it is missing. While the lock is held, every script of the actor's segments
// first checks that the lock names this run. ctx ends the taking, not the lock.
func (a *Actor) Lock(ctx context.Context, targets []LockTarget) (*Lock, error) {
	info, err := json.Marshal(Holder{Run: a.o.Run, Who: a.o.Who, Since: cmp.Or(a.o.Since, a.o.Now().UTC().Format(time.RFC3339))})
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	l := &Lock{actor: a, info: string(info), targets: slices.Clone(targets), quiet: make(chan struct{})}
	for _, h := range holdings(targets) {
		lease, err := a.hold(ctx, l.info, h)
		if err != nil {
			return nil, errors.Join(err, l.Release())
		}
		l.leases = append(l.leases, heldLease{h.host, lease})
	}
	l.lost = make(chan string, len(l.leases))
	for _, h := range l.leases {
		go l.watch(h)
	}
	a.setLock(l)
	return l, nil
}

func (a *Actor) hold(ctx context.Context, info string, h holding) (host.Lease, error) {
	server, err := a.o.Hosts.Host(ctx, h.host)
	if err != nil {
		return nil, err
	}
	patient, done := patiently(ctx)
	defer done()
	lease, err := server.Hold(patient, host.Script{As: h.as, Steps: []host.ScriptStep{{ID: "lock", Text: holdScript(info, h.roots)}}})
	if err != nil {
		return nil, refusal(h.host, err)
	}
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), lease.Release(wordReleased))
	}
	if first := strings.TrimSpace(lease.First()); first != "held" {
		return nil, errors.Join(&host.Error{Host: h.host, Kind: host.Protocol, Doing: "locking", Err: fmt.Errorf("the holder said %q", first)}, lease.Release(wordReleased))
	}
	return lease, nil
}

// patience is how long a lock that is just being taken is waited for when the run is stopped.
const patience = 5 * time.Second

// patiently is ctx, but ends some time after it: a lock that is being taken is taken first and then given back. Cut off in
// between, it would look like that of a controller that died.
func patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	patient, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(ctx))
		case <-patient.Done():
		}
	})
	return patient, func() {
		stop()
		cancel(nil)
	}
}

// refusal tells a lock that is held from other failures.
func refusal(name string, err error) error {
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != host.Refused {
		return err
	}
	for line := range strings.Lines(e.Output + "\n" + fmt.Sprint(e.Err)) {
		text := strings.TrimSpace(line)
		if _, info, ok := strings.Cut(text, "locked "); ok || text == "locked" {
			return &LockedError{Host: name, Holder: *parseHolder(info)}
		}
	}
	return err
}

// holdings groups targets by host and user, in order.
func holdings(targets []LockTarget) []holding {
	sorted := slices.Clone(targets)
	slices.SortFunc(sorted, func(a, b LockTarget) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.As, b.As), cmp.Compare(a.Root, b.Root))
	})
	var out []holding
	for _, t := range sorted {
		if len(out) == 0 || out[len(out)-1].host != t.Host || out[len(out)-1].as != t.As {
			out = append(out, holding{host: t.Host, as: t.As})
		}
		h := &out[len(out)-1]
		if !slices.Contains(h.roots, t.Root) {
			h.roots = append(h.roots, t.Root)
		}
	}
	return out
}

func (l *Lock) watch(h heldLease) {
	select {
	case <-h.lease.Lost():
	case <-l.quiet:
		return
	}
	select {
	case <-l.quiet:
	default:
		l.lost <- h.host
	}
}

// Lost gives the name of each host whose lock was lost: another run may work there now.
func (l *Lock) Lost() <-chan string { return l.lost }

// Release frees all locks, all at once, and waits for it, where the run has changed nothing or was not finished: marks of runs that
// were cut off stay. A host that can't be reached any more is an error, though its lock is freed there within a minute. Releasing
// twice is fine.
func (l *Lock) Release() error { return l.release(wordReleased) }

// Ended is Release at the end of a run that left nothing half done: the mark of an earlier part of it that was cut off is removed.
func (l *Lock) Ended() error { return l.release(wordEnded) }

// Abandon is Release of a run that leaves something half done: its hosts keep the mark of a run that was cut off.
func (l *Lock) Abandon() error { return l.release("") }

func (l *Lock) release(word string) error {
	l.once.Do(func() {
		close(l.quiet)
		l.actor.dropLock(l)
		errs := make([]error, len(l.leases))
		var wg sync.WaitGroup
		for i, h := range l.leases {
			wg.Go(func() {
				if err := h.lease.Release(word); err != nil {
					errs[i] = fmt.Errorf("%s: %w", h.host, err)
				}
			})
		}
		wg.Wait()
		l.err = errors.Join(errs...)
	})
	return l.err
}
