package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"trikk.dev/engine/survey"
)

const (
	// execTold is the least time between two lines of progress.
	execTold = 5 * time.Second
	// execStill is how long nothing is said while nothing changes.
	execStill = 30 * time.Second
	// execNamed is how many of the hosts that are waited for are named.
	execNamed = 6
)

// execProgress tells which hosts a command has ended on, while it goes on elsewhere: on a terminal as one line that is drawn over in place,
// elsewhere now and then as a line on standard error.
type execProgress struct {
	mu     sync.Mutex
	hosts  []string          // in the order in which they are told
	doing  map[string]string // by host; "": not begun
	done   map[string]bool
	failed int
	began  time.Time
	stop   chan struct{}
	ended  chan struct{}
}

// execProgress begins to tell of a command on hosts. The caller calls the function when it has ended everywhere.
func (c *cli) execProgress(hosts []string) (tell func(survey.ExecEvent), end func()) {
	if c.flags.json || c.flags.quiet {
		return nil, func() {}
	}
	p := &execProgress{hosts: hosts, doing: map[string]string{}, done: map[string]bool{}, began: time.Now(), stop: make(chan struct{}), ended: make(chan struct{})}
	if c.boards() {
		go p.draw(c.screen, c.world.size)
	} else {
		go p.say(c)
	}
	return p.event, func() {
		close(p.stop)
		<-p.ended
	}
}

func (p *execProgress) event(e survey.ExecEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing[e.Host] = e.Doing
	if e.Ended == nil {
		return
	}
	p.done[e.Host] = true
	if e.Ended.Err != nil || e.Ended.Exit != 0 {
		p.failed++
	}
}

// draw shows the line until the command has ended. What ends at once is not shown.
func (p *execProgress) draw(s *screen, size func() (size, bool)) {
	defer close(p.ended)
	defer s.show(nil)
	tick := time.NewTicker(redrawn)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-p.stop:
			return
		}
		if at, ok := size(); ok {
			s.show([]string{fit(p.text(time.Since(p.began)), max(20, at.width-1))})
		}
	}
}

// say tells it as lines until the command has ended.
func (p *execProgress) say(c *cli) {
	defer close(p.ended)
	tick := time.NewTicker(execTold)
	defer tick.Stop()
	last, said := "", p.began
	for {
		select {
		case <-tick.C:
		case <-p.stop:
			return
		}
		if state := p.text(0); state != last || time.Since(said) >= execStill {
			last, said = state, time.Now()
			c.say("%s", p.text(said.Sub(p.began)))
		}
	}
}

// text says how many hosts are done after a time, and which are not and why.
func (p *execProgress) text(after time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := fmt.Sprintf("%d/%d done after %s", len(p.done), len(p.hosts), tookText(after))
	if p.failed > 0 {
		out += fmt.Sprintf(", %d failed", p.failed)
	}
	var waits []string
	for _, h := range p.hosts {
		switch doing := p.doing[h]; {
		case p.done[h]:
		case doing == "":
			waits = append(waits, h+" (not begun)")
		case doing == survey.ExecConnecting:
			waits = append(waits, h+" (connecting)")
		default:
			waits = append(waits, h)
		}
	}
	if len(waits) == 0 {
		return out
	}
	if n := len(waits) - execNamed; n > 0 {
		waits = append(waits[:execNamed], fmt.Sprintf("and %d more", n))
	}
	return out + ", waiting for " + strings.Join(waits, ", ")
}
