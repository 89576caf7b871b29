package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// catcher makes signals arrive on a channel while somebody wants them there.
type catcher struct {
	to    chan os.Signal
	pipes chan os.Signal // SIGPIPE, which nobody reads
	mu    sync.Mutex
	users int
}

func newCatcher() *catcher {
	return &catcher{to: make(chan os.Signal, 4), pipes: make(chan os.Signal, 1)}
}

// capture is world.capture. A signal that was ignored when trikk was started stays ignored, as nohup and a shell's background jobs
// want it. A reader of our output that goes away ends nothing: a write fails, and the run goes on.
func (k *catcher) capture() func() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.users++; k.users == 1 {
		for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
			if !signal.Ignored(s) {
				signal.Notify(k.to, s)
			}
		}
		signal.Notify(k.pipes, syscall.SIGPIPE)
	}
	return sync.OnceFunc(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.users--; k.users == 0 {
			signal.Stop(k.to)
			signal.Stop(k.pipes)
		}
	})
}

// interrupted is the error of a signal that came before anything was changed.
func interrupted(s os.Signal) error {
	return &exitError{exitInterrupted, fmt.Errorf("stopped by %s; nothing was changed", s)}
}

// interruptible is ctx until the first signal; reading can be stopped at any moment. A signal that comes too late to stop what
// ctx was for stops what follows. One goroutine uses it at a time.
func (c *cli) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if c.caught != nil {
		cancel(interrupted(c.caught))
		return ctx, func() {}
	}
	release := c.capture()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case s := <-c.signals:
			c.caught = s
			cancel(interrupted(s))
		case <-done:
		}
	}()
	return ctx, func() {
		release()
		close(done)
		<-ended
		cancel(nil)
	}
}

// stopped is err, or that a signal ended ctx: what failed because of it needs no telling.
func stopped(ctx context.Context, err error) error {
	var signal *exitError
	if err != nil && errors.As(context.Cause(ctx), &signal) {
		return signal
	}
	return err
}

// sameSignal is how soon after the first signal another one is the same: timeout(1) and others send one twice.
const sameSignal = 500 * time.Millisecond

// twoSignals turns the first signal into a cancelled context and the second into a closed channel.
func (c *cli) twoSignals(ctx context.Context) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop, done := make(chan struct{}), make(chan struct{})
	release := c.capture()
	var first time.Time
	if c.caught != nil {
		first = time.Now()
		cancel()
	}
	go func() {
		for {
			select {
			case <-done:
				return
			case <-c.signals:
			}
			switch {
			case first.IsZero():
				first = time.Now()
				cancel()
			case time.Since(first) > sameSignal:
				close(stop)
				return
			}
		}
	}()
	return ctx, stop, func() {
		release()
		close(done)
		cancel()
	}
}
