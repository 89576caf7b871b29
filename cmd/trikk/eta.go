package main

import (
	"fmt"
	"time"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

const (
	// etaEvery is how often what is left of a run is worked out anew at most; between, time goes by.
	etaEvery = 2 * time.Second
	// etaLine is how often it is told where lines are printed.
	etaLine = 30 * time.Second
	// etaShare is the part of the time that working it out may take.
	etaShare = 50
	// shortestUsual is the least that is told of a plan: it is over before anybody wonders.
	shortestUsual = time.Minute
)

// eta tells about how long a run still takes. nil tells nothing. It is not for concurrent use.
type eta struct {
	forecast *run.Forecast
	left     time.Duration // at the time of
	known    bool
	at       time.Time
	every    time.Duration
	told     time.Time // by a line
}

// newETA is for a run that begins, with the past of its environment and what its journal has already.
func (c *cli) newETA(id string, p plan.Plan, j plan.Journal) *eta {
	e := &eta{forecast: run.NewForecast(p, run.PastPace(c.runs(), p.Env, id), c.flags.parallel), every: etaEvery}
	for _, one := range j {
		e.event(one)
	}
	return e
}

// shownETA is newETA where somebody sees it.
func (c *cli) shownETA(id string, p plan.Plan, j plan.Journal) *eta {
	if c.flags.json || c.flags.quiet {
		return nil
	}
	return c.newETA(id, p, j)
}

func (e *eta) event(one plan.Event) {
	if e != nil {
		e.forecast.Event(one)
	}
}

// about says how long the run still takes, "" where nothing is known.
func (e *eta) about(now time.Time) string {
	if e == nil {
		return ""
	}
	if e.at.IsZero() || now.Sub(e.at) >= e.every {
		began := time.Now()
		e.left, e.known = e.forecast.Left(now)
		e.at, e.every = now, max(etaEvery, etaShare*time.Since(began))
	}
	if !e.known {
		return ""
	}
	return "about " + roughly(e.left-now.Sub(e.at)) + " left"
}

// line is what is told of a run of several apps where lines are printed, seldom; "" is nothing.
func (e *eta) line(now time.Time) string {
	switch {
	case e == nil || e.forecast.Standing().Apps < 2:
		return ""
	case e.told.IsZero():
		e.told = now // that it has begun is seen
		return ""
	case now.Sub(e.told) < etaLine:
		return ""
	}
	e.told = now
	about := e.about(now)
	if about == "" {
		return ""
	}
	s := e.forecast.Standing()
	return fmt.Sprintf("%s, %d of %d apps done", about, s.Done, s.Apps)
}

// roughly is a duration as far as it can be known beforehand, rounded up.
func roughly(d time.Duration) string {
	unit := 10 * time.Second
	switch {
	case d > 2*time.Hour:
		unit = 10 * time.Minute
	case d > 2*time.Minute:
		unit = time.Minute
	}
	return plan.Duration(max(unit, (d+unit-1)/unit*unit)).Short()
}

// usually says how long a run of a plan usually takes; "" where the past does not tell.
func (c *cli) usually(p plan.Plan) string {
	if p.Offline || p.Empty() {
		return ""
	}
	took, known := run.Usually(p, run.PastPace(c.runs(), p.Env, p.ID), c.flags.parallel)
	if !known || took < shortestUsual {
		return ""
	}
	return "It usually takes about " + roughly(took) + "."
}
