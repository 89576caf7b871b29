package model

import (
	"fmt"
	"sync"
	"time"
)

// happen lets the round's events happen in time, until the returned function is called: it waits for those that have begun, which would
// reach into what comes next.
func (w *world) happen(r round, l *life, cancel, stop func()) func() {
	for _, g := range r.Gone {
		w.say("%s is gone for %s", g.Host, g.For)
		w.f.Isolate(g.Host, g.For)
	}
	w.mu.Lock()
	w.strikes, w.base, w.forgets = r.Strikes, map[string]int{}, r.Forgets
	w.mu.Unlock()
	w.f.mu.Lock()
	for name, m := range w.f.hosts {
		w.base[name] = m.calls
	}
	w.f.mu.Unlock()
	var timers []*time.Timer
	var begun sync.WaitGroup // timers that were not stopped
	after := func(at time.Duration, event func()) {
		begun.Add(1)
		timers = append(timers, time.AfterFunc(at, func() { defer begun.Done(); event() }))
	}
	for _, e := range r.Events {
		after(e.At, func() { w.event(e, l, cancel, stop) })
	}
	for _, e := range r.Edits {
		if e.At == 0 {
			w.edit(e)
			continue
		}
		after(e.At, func() { w.edit(e) })
	}
	return func() {
		for _, t := range timers {
			if t.Stop() {
				begun.Done()
			}
		}
		begun.Wait()
	}
}

// edit lets somebody write what nobody wrote before, so that it can be told where it is.
func (w *world) edit(e edit) {
	w.mu.Lock()
	w.edits++
	text := fmt.Sprintf("edit %d", w.edits)
	w.mu.Unlock()
	if e.Removes {
		text = ""
	}
	w.say("edit: %s %q", e.Host, text)
	for _, h := range w.s.App.Hosts() {
		if e.Host == "" || e.Host == h {
			w.f.Edit(w.s.App.Name, h, text)
		}
	}
}

func (w *world) event(e event, l *life, cancel, stop func()) {
	w.say("event: %s %s", e.What, e.Host)
	w.mu.Lock()
	w.faults++
	w.mu.Unlock()
	app := w.s.App.Name
	switch e.What {
	case "forget":
		w.f.Forget(e.Host)
	case "crash":
		w.f.Crash(app, e.Host)
	case "crash next":
		w.f.CrashNext(app, e.Host, 2*time.Second)
	case "sicken":
		w.f.Sicken(app, e.Host, true)
	case "lose lock":
		l.ctl.Lose(e.Host)
	case "isolate":
		w.f.Isolate(e.Host, time.Minute)
	case "cancel":
		cancel()
	case "stop":
		cancel()
		stop()
	case "kill":
		l.killed = true
		l.store.die()
		l.ctl.Kill()
	}
}
