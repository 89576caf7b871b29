package act

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"trikk.dev/engine/artifact"
	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// Options say what an Actor works with. Hosts and Run are needed.
type Options struct {
	Hosts    proxy.Hosts
	Resolver *artifact.Resolver // for what the controller downloads; nil refuses it
	// Secrets reads a secret; it may be asked for the same one often. nil refuses steps that need one.
	Secrets func(context.Context, plan.Secret) (string, error)
	Run     string // ID of the run
	Who     string // user@host of the controller
	Since   string // when the run began, RFC 3339; "": when it locks
	// Progress gets short lines about a step that is going on; it may be nil. It is called concurrently for different steps.
	Progress func(step plan.Step, line string)
	// Uploaded gets how many bytes of an upload were sent, with every block; it may be nil. It is called as Progress is.
	Uploaded func(step plan.Step, sent, total int64)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Actor does segments of one run. It may be used concurrently.
type Actor struct {
	o    Options
	mu   sync.Mutex
	lock *Lock
	sums sums
	// hidden are the secrets that were read: results, progress and errors come without them.
	hidden hidden
	drains drains
}

// New makes an actor.
func New(o Options) *Actor {
	progress := o.Progress
	if progress == nil {
		progress = func(plan.Step, string) {}
	}
	if o.Uploaded == nil {
		o.Uploaded = func(plan.Step, int64, int64) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Secrets == nil {
		o.Secrets = func(context.Context, plan.Secret) (string, error) {
			return "", errors.New("secrets are not available here")
		}
	}
	a := &Actor{}
	o.Progress = func(s plan.Step, line string) { progress(s, shortLine(a.hidden.text(line))) }
	a.o = o
	return a
}

func (a *Actor) setLock(l *Lock) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lock = l
}

func (a *Actor) dropLock(l *Lock) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lock == l {
		a.lock = nil
	}
}

func (a *Actor) held() *Lock {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lock
}

// Do does the steps of one segment in order, up to the first that does not succeed. results gets one result a step that was
// reached, as it ends. An error means that the way to the host failed and that the step after the last result was perhaps
// started. A host that could not be reached at all, and a lock that was lost, give a result NotRun instead.
//
// When ctx ends, waiting ends early: the step at hand fails, or is unknown where a host may have been changed.
func (a *Actor) Do(ctx context.Context, seg plan.Segment, results func(plan.Result)) error {
	d := doing{Actor: a, seg: seg, results: results, began: a.o.Now()}
	switch seg.Transport {
	case plan.Script:
		return a.hidden.error(d.scripts(ctx))
	case plan.SFTP, plan.Dial, plan.Local:
		return a.hidden.error(d.oneByOne(ctx))
	}
	return fmt.Errorf("segment of %s: the transport %q is not known", seg.Host, seg.Transport)
}

// doing is one segment that is done.
type doing struct {
	*Actor
	seg     plan.Segment
	results func(plan.Result)
	began   time.Time // of the step at hand
}

// give reports a result.
func (d *doing) give(r plan.Result) {
	if r.Millis == 0 {
		r.Millis = d.o.Now().Sub(d.began).Milliseconds()
	}
	r.Error, r.Output = shortLine(joined(d.hidden.text(r.Error))), tail(d.hidden.text(r.Output))
	d.began = d.o.Now()
	d.results(r)
}

// oneByOne does steps that are no scripts.
func (d *doing) oneByOne(ctx context.Context) error {
	for _, s := range d.seg.Steps {
		r, err := d.step(ctx, s)
		if notRun(err) {
			r, err = plan.Result{Status: plan.NotRun, Error: err.Error()}, nil
		}
		if err != nil {
			return err
		}
		r.Step = s.ID
		d.give(r)
		if r.Status != plan.Changed && r.Status != plan.Unchanged {
			return nil
		}
	}
	return nil
}

// step does one step within its time.
func (d *doing) step(ctx context.Context, s plan.Step) (plan.Result, error) {
	if t := s.Timeout.D(); t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t, fmt.Errorf("it did not end within %v", t))
		defer cancel()
	}
	switch op := s.Op.(type) {
	case plan.Upload:
		return d.upload(ctx, s, op)
	case plan.DrainOp:
		return d.drain(ctx, s, op)
	case plan.AdmitOp:
		return d.admit(ctx, s, op)
	case plan.ProbeOp:
		return d.probe(ctx, s, op)
	case plan.Pause:
		return d.pause(ctx, s, op)
	case plan.ApproveOp:
		return d.approval(ctx, s, op)
	case plan.Run:
		return d.build(ctx, op)
	case plan.Fetch:
		return d.fetch(ctx, op)
	}
	return failed(fmt.Errorf("%s can't be done by %s", s.Op.Kind(), d.seg.Transport)), nil
}

func failed(err error) plan.Result { return plan.Result{Status: plan.Failed, Error: err.Error()} }

// notRun reports whether an error proves that nothing was started on the host.
func notRun(err error) bool {
	var e *host.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case host.Unreachable, host.Auth, host.HostKey, host.Sudo, host.Refused:
		return true
	}
	return false
}

// ended is why ctx ended: its cause, which says more than "deadline exceeded".
func ended(ctx context.Context) error {
	return cmp.Or(context.Cause(ctx), ctx.Err())
}
