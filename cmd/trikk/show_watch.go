package main

import (
	"context"
	"fmt"
	"time"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// shortestFollow is the least time between two looks at a journal.
const shortestFollow = 50 * time.Millisecond

// watched is a run that is followed from its journal.
type watched struct {
	cli  *cli
	run  run.Saved
	tail *run.Tail
	view view
}

// watchRun shows a run as the one who started it sees it, until it ends. It takes no part in it: it only reads.
func (c *cli) watchRun(ctx context.Context, id string, every time.Duration) error {
	saved, tail, err := run.Follow(c.runs(), id)
	if err != nil {
		return c.noSuchRun(id, err)
	}
	ctx, stop := c.interruptible(ctx)
	defer stop()
	w := &watched{cli: c, run: saved, tail: tail, view: c.viewOf(saved)}
	w.view.start(id, saved.Plan)
	return w.follow(ctx, every)
}

// viewOf is how a run is shown that began before.
func (c *cli) viewOf(s run.Saved) view {
	began, _ := time.Parse(time.RFC3339, s.Meta.Started) // trikk wrote it
	if c.flags.json {
		return newPastJSON(c, began)
	}
	v := c.newView(c.shownETA(s.Meta.Run, s.Plan, nil))
	switch v := v.(type) {
	case *plainView:
		v.past = began
	case *boardView:
		v.plain.past = began
	}
	return v
}

// follow shows what is written until nobody writes any more.
func (w *watched) follow(ctx context.Context, every time.Duration) error {
	for {
		alive := w.tail.Alive() // asked first: what a process that has gone wrote is all there is
		events, err := w.tail.Next()
		for _, e := range events {
			w.view.event(e)
		}
		if err != nil {
			w.leave()
			return err
		}
		if !alive {
			return w.ended()
		}
		select {
		case <-ctx.Done():
			w.leave()
			return &exitError{code: exitInterrupted}
		case <-time.After(every):
		}
	}
}

// leave takes away what is drawn in place.
func (w *watched) leave() {
	if v, drawn := w.view.(*boardView); drawn {
		v.leave()
	}
}

// ended says how the run ended, with its exit code, or that its process is gone and what helps.
func (w *watched) ended() error {
	o, err := w.tail.Outcome()
	switch {
	case err != nil:
		w.leave()
		return err
	case o == nil:
		w.leave()
		return w.cutOff()
	}
	w.view.finish(*o)
	if w.cli.flags.json {
		return nil
	}
	code := exitOfOutcome(o.Status)
	_, err = fmt.Fprintf(w.cli.out, "run %s ended with exit code %d: %s\n", w.run.Meta.Run, code, codeMeans(code))
	return err
}

// cutOff tells of a run without an end whose process is gone.
func (w *watched) cutOff() error {
	id := w.run.Meta.Run
	if w.cli.flags.json {
		return writeEvent(w.cli.out, eventLine{stamp(w.cli.now()), id, "run.cutoff"}, map[string]string{"next": "trikk resume " + id})
	}
	_, err := fmt.Fprintf(w.cli.out, "run %s was cut off: its process is gone, and it did not end; to go on with it: trikk resume %s\n", id, id)
	return err
}

// codeMeans is what an exit code means.
func codeMeans(code int) string {
	for _, m := range exitMeanings() {
		if m.code == code {
			return m.meaning
		}
	}
	return ""
}

// pastJSON writes events of a journal with the times that they have there.
type pastJSON struct {
	*jsonView
	at time.Time
}

func newPastJSON(c *cli, began time.Time) *pastJSON {
	v := &pastJSON{at: began}
	v.jsonView = &jsonView{w: c.out, now: func() time.Time { return v.at }}
	return v
}

func (v *pastJSON) event(e plan.Event) {
	if at, err := time.Parse(time.RFC3339Nano, e.Time); err == nil {
		v.at = at
	}
	v.jsonView.event(e)
}
