package proxy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

// one is the work at one point.
type one struct {
	hosts  Hosts
	driver Driver
	point  plan.Point
	report func(string)

	outAt   time.Time // since when the server is seen to be out, in this drain
	lost    bool      // the proxy has forgotten that it was out: what an old process of it does is not counted
	extra   int       // by how much the proxy is proven to count too many requests
	cut     int       // requests that the proxy ended after the deadline
	left    int       // requests that go on after it
	changed bool      // something was asked of the proxy
	asked   time.Time // when the last request was made
	forced  time.Time // when sticky clients were last turned away
	obeyed  bool      // since then the proxy was seen to have followed it
	looked  time.Time // when the last look that had an answer was begun
	told    time.Time // of the last report of progress
	last    string    // that was reported
	failure error     // of the last request
}

// each works at every point in parallel and gives the errors in the order of the points.
func each(hs Hosts, points []plan.Point, report func(string), work func(*one) error) ([]*one, []error) {
	var mu sync.Mutex
	say := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		if report != nil {
			report(s)
		}
	}
	ones, errs := make([]*one, len(points)), make([]error, len(points))
	var wg sync.WaitGroup
	for i, p := range points {
		d, err := driverOf(p)
		ones[i] = &one{hosts: hs, driver: d, point: p, report: say, looked: time.Now(), told: time.Now()}
		if err != nil {
			errs[i] = err
			continue
		}
		wg.Go(func() { errs[i] = work(ones[i]) })
	}
	wg.Wait()
	return ones, errs
}

func anyChanged(ones []*one) bool {
	for _, o := range ones {
		if o.changed {
			return true
		}
	}
	return false
}

// ask makes a request of the proxy, and notes that it did.
func (o *one) ask(ctx context.Context, request func(context.Context, Hosts, plan.Point) error) error {
	o.changed, o.asked, o.obeyed = true, time.Now(), false
	o.failure = request(ctx, o.hosts, o.point)
	return o.failure
}

// askWithin is ask of a proxy that may never answer.
func (o *one) askWithin(ctx context.Context, most time.Duration, request func(context.Context, Hosts, plan.Point) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("no answer within %s", most))
	defer cancel()
	return o.ask(ctx, request)
}

// seen is what a look saw, with why the last request failed.
func (o *one) seen(s State) string {
	if o.failure == nil {
		return s.Detail
	}
	return fmt.Sprintf("%s, because the last change failed: %v", s.Detail, o.failure)
}

// due tells whether a request should be made of a proxy that does not follow it: it was never made, the proxy has
// forgotten it (a reload), or has ignored it for long.
func (o *one) due() bool {
	return o.asked.IsZero() || o.obeyed || time.Since(o.asked) >= repeatAfter
}

// progress reports what a wait sees, when it is new and the last report is some time ago.
func (o *one) progress(detail string) {
	if detail == o.last || time.Since(o.told) < reportEvery {
		return
	}
	o.last, o.told = detail, time.Now()
	o.report(name(o.point) + ": " + detail)
}

// unseen is a driver that can't see all of what a proxy does and waits instead.
type unseen interface {
	// Unseen is how long to wait after a server went out of rotation, and after it came back; 0: all is seen.
	Unseen() (out, in time.Duration)
}

// blind gives the driver's Unseen, and 0 for drivers that see all.
func (o *one) blind() (out, in time.Duration) {
	if u, ok := o.driver.(unseen); ok {
		return u.Unseen()
	}
	return 0, 0
}
