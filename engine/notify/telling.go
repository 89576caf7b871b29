package notify

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

// editPause is the least time between two edits of a message while a run goes on.
const editPause = 3 * time.Second

// Telling tells of one run, from its start to its end. Its methods are called by one goroutine.
type Telling struct {
	sender *Sender
	box    *Box
	fits   func(plan.Notifier) func(app string) bool
	live   []*live
}

// Begin writes down who is to be told of a run that begins, before it does. Messages that are edited are posted meanwhile. fits says which
// apps a notifier is told of. The outbox is the Telling's from now on.
func (s *Sender) Begin(b *Box, to map[string]plan.Notifier, r Report, fits func(plan.Notifier) func(app string) bool) (*Telling, error) {
	t := &Telling{sender: s, box: b, fits: fits}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(to)) {
		mine, ok := r.Only(fits(to[name]))
		if !ok {
			continue
		}
		i := Item{Name: name, Notifier: to[name], State: Open, Report: mine}
		if err := b.Put(i); err != nil {
			errs = append(errs, err)
			continue
		}
		t.follow(i)
	}
	return t, errors.Join(errs...)
}

// Resume goes on telling of a run that was cut off, or that ended and is tried again.
func (s *Sender) Resume(b *Box, fits func(plan.Notifier) func(app string) bool) (*Telling, error) {
	t := &Telling{sender: s, box: b, fits: fits}
	items, err := b.Items()
	for _, i := range items {
		t.follow(i)
	}
	return t, err
}

// follow shows a run in a message while it goes on, where that can be edited and is told of every run.
func (t *Telling) follow(i Item) {
	n := i.Notifier
	if n.On == plan.OnAlways && (n.Slack != nil || n.Mattermost != nil) {
		t.live = append(t.live, newLive(t.sender, t.box, i))
	}
}

// Wave says how far the run is. It never waits.
func (t *Telling) Wave(name string) {
	for _, l := range t.live {
		l.tell(name)
	}
}

// End writes down what is to be told of the run's end, and sends it. It takes a little more than patience at most. Errors are of the outbox.
func (t *Telling) End(ctx context.Context, r Report, patience time.Duration) ([]Delivery, error) {
	began := time.Now()
	for _, l := range t.live {
		l.end()
	}
	errs := []error{t.write(r)}
	out := t.sender.Deliver(ctx, t.box, max(time.Second, patience-time.Since(began)), func(Item) bool { return true })
	slices.SortFunc(out, func(a, b Delivery) int { return cmp.Compare(a.Name, b.Name) })
	return out, errors.Join(append(errs, t.box.Close())...)
}

// Leave ends without telling anything: the run did not end.
func (t *Telling) Leave() error {
	for _, l := range t.live {
		l.end()
	}
	return t.box.Close()
}

// write makes the items ready.
func (t *Telling) write(r Report) error {
	items, err := t.box.Items()
	errs := []error{err}
	for _, i := range items {
		errs = append(errs, t.box.finish(i, r, t.fits(i.Notifier), t.sender.Now()))
	}
	return errors.Join(errs...)
}

// finish makes an item ready to tell the end of its run, or drops it where its condition does not hold.
func (b *Box) finish(i Item, r Report, fits func(app string) bool, now time.Time) error {
	mine, ok := r.Only(fits)
	if !ok || !mine.Told(i.Notifier.On) {
		return b.Drop(i.Name)
	}
	if len(mine.Issues) == 0 { // the command that resumes a run names none
		mine.Issues = i.Report.Issues
	}
	return b.Put(i.ready(mine, now))
}

// Finish makes open items of a run ready that ended without telling: its controller died in between.
func (s *Sender) Finish(b *Box, open []Item, r Report, fits func(plan.Notifier) func(app string) bool) error {
	var errs []error
	for _, i := range open {
		errs = append(errs, b.finish(i, r, fits(i.Notifier), s.Now()))
	}
	return errors.Join(errs...)
}

// live edits one message while a run goes on. What it can't send is left out: the end is told anyway.
type live struct {
	sender *Sender
	box    *Box
	item   Item
	news   chan string
	stop   context.CancelFunc
	done   sync.WaitGroup
}

func newLive(s *Sender, b *Box, i Item) *live {
	ctx, stop := context.WithCancel(context.Background())
	l := &live{sender: s, box: b, item: i, news: make(chan string, 1), stop: stop}
	l.item.State, l.item.Report.Status, l.item.Report.Ended = Open, Running, ""
	l.done.Go(func() { l.run(ctx) })
	return l
}

// tell replaces what was not sent yet.
func (l *live) tell(progress string) {
	select {
	case <-l.news:
	default:
	}
	l.news <- progress
}

func (l *live) run(ctx context.Context) {
	for {
		_, _ = l.sender.attempt(context.WithoutCancel(ctx), &l.item, l.box.Put) // a request is not cut: it may be done
		select {
		case <-ctx.Done():
			return
		case <-time.After(editPause):
		}
		select {
		case <-ctx.Done():
			return
		case l.item.Report.Progress = <-l.news:
		}
	}
}

// end waits for a request in flight.
func (l *live) end() {
	l.stop()
	l.done.Wait()
}
