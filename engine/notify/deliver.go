package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// tooOld is how long an item is tried.
const tooOld = 7 * 24 * time.Hour

// Delivery is what became of one item.
type Delivery struct {
	Run, Name, Kind string
	State           string // sent, pending or failed
	Nothing         bool   // it was sent in so far as there was nothing to tell
	Attempts        int
	Error           string   // one line, with what to do; "" where it was sent
	Warnings        []string // what was left out, and will not be tried again
}

// Deliver sends the pending items of a run that fit, all at once, each as often as it takes until ctx ends. What is not sent then stays
// pending. Every attempt is on the disk when its outcome is told.
func (s *Sender) Deliver(ctx context.Context, b *Box, patience time.Duration, fits func(Item) bool) []Delivery {
	items, err := b.Items()
	var out []Delivery
	if err != nil {
		out = append(out, Delivery{Run: b.run, State: Failed, Error: line(err.Error())})
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, i := range items {
		if i.State != Pending || !fits(i) {
			continue
		}
		all.Go(func() {
			d := s.deliver(ctx, b, i, patience)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, d)
		})
	}
	all.Wait()
	return out
}

// deliver sends one item.
func (s *Sender) deliver(ctx context.Context, b *Box, i Item, patience time.Duration) Delivery {
	d := Delivery{Run: b.run, Name: i.Name, Kind: i.Notifier.Kind()}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	attempt := func() (struct{}, error) {
		i.Attempts++
		before := i.Error
		warnings, err := s.attempt(ctx, &i, b.Put)
		d.Warnings = append(d.Warnings, warnings...)
		if d.Nothing = errors.Is(err, errNothing); d.Nothing {
			err = nil
		}
		err = s.settle(&i, err)
		if err != nil && ctx.Err() != nil && before != "" { // it was cut: the attempt before says more
			i.Error = before
		}
		return struct{}{}, err
	}
	_, err := backoff.Retry(ctx, attempt, backoff.WithBackOff(s.pauses()), backoff.WithMaxElapsedTime(patience))
	if i.State == Pending && i.Error == "" && err != nil { // ctx ended before the first attempt did
		i.Error = line(err.Error())
	}
	if err := b.Put(i); err != nil {
		i.Error = line(err.Error())
	}
	d.State, d.Attempts, d.Error = i.State, i.Attempts, i.Error
	return d
}

// settle says what an attempt made of an item, and gives the error as backoff understands it.
func (s *Sender) settle(i *Item, err error) error {
	i.Error, i.NotBefore = "", ""
	if err == nil {
		i.State = Sent
		return nil
	}
	i.Error = line(err.Error())
	if final(err) {
		i.State = Failed
		return backoff.Permanent(err)
	}
	if since, bad := time.Parse(time.RFC3339, i.Since); bad == nil && s.Now().Sub(since) > tooOld {
		i.State, i.Error = Failed, fmt.Sprintf("given up after %s: %s", tooOld, i.Error)
		return backoff.Permanent(err)
	}
	if pause := after(err); pause > 0 {
		i.NotBefore = s.Now().Add(pause).UTC().Format(time.RFC3339)
		return errors.Join(err, &backoff.RetryAfterError{Duration: pause})
	}
	return err
}

// pauses grow from Wait, doubling.
func (s *Sender) pauses() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval = time.Second, 2, 10*time.Second
	if s.Wait > 0 {
		b.InitialInterval = s.Wait
	}
	return b
}

// Due says whether an item may be tried now.
func (i Item) Due(now time.Time) bool {
	at, err := time.Parse(time.RFC3339, i.NotBefore)
	return err != nil || !now.Before(at)
}
