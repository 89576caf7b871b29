package model

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// lease is a lock that a controller holds on a host.
type lease struct {
	fleet *Fleet
	owner *Controller
	host  string
	info  string
	roots []*place
	once  sync.Once
	lost  chan struct{}
}

var _ host.Lease = (*lease)(nil)

// First implements host.Lease.
func (l *lease) First() string { return "held" }

// Lost implements host.Lease.
func (l *lease) Lost() <-chan struct{} { return l.lost }

// Release implements host.Lease.
func (l *lease) Release(word string) error {
	l.fleet.mu.Lock()
	defer l.fleet.mu.Unlock()
	l.end(word)
	return nil
}

// end frees the lock as the holder does at a last word: without one its run was cut off, and the mark of that stays. The caller
// holds the fleet's lock.
func (l *lease) end(word string) {
	l.once.Do(func() {
		for _, p := range l.roots {
			if p.held != l {
				continue
			}
			switch {
			case word == "":
				p.cut = p.lock
			case word == "e" && p.cut == p.lock:
				p.cut = ""
			}
			p.held, p.lock, p.freed = nil, "", l.fleet.now()
		}
		close(l.lost)
	})
}

// Hold implements host.Host: the only thing that is ever held is the lock of some apps.
func (c *connection) Hold(ctx context.Context, s host.Script) (host.Lease, error) {
	if err := c.before(ctx, "hold", "lock"); err != nil {
		return nil, err
	}
	f := c.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	info, ok := assigned(s.Steps[0].Text, "info")
	if s.Steps[0].ID != "lock" || !ok {
		return nil, c.strange("hold", s.Steps[0].Text)
	}
	l := &lease{fleet: f, owner: c.owner, host: c.name, info: info, lost: make(chan struct{})}
	words := "\n" + lineAfter(s.Steps[0].Text, "set -- ") + " "
	for _, app := range sortedKeys(f.hosts[c.name].places) {
		p := f.hosts[c.name].places[app]
		if !strings.Contains(" "+words, " "+plan.QuotePath(p.root)+" ") && !strings.HasPrefix(words, "\n"+plan.QuotePath(p.root)+" ") {
			continue
		}
		if p.held != nil {
			return nil, &host.Error{Host: c.name, Kind: host.Refused, Step: "lock", Doing: "holding lock", Output: "locked " + p.lock, Err: errors.New("locked " + p.lock)}
		}
		l.roots = append(l.roots, p)
	}
	if len(l.roots) == 0 {
		return nil, c.strange("hold", s.Steps[0].Text)
	}
	for _, p := range l.roots {
		p.lock, p.held = info, l
	}
	c.owner.leases = append(c.owner.leases, l)
	return l, nil
}

// assigned is the value that a line of a script assigns to a variable, if there is such a line.
func assigned(text, name string) (string, bool) {
	for line := range strings.Lines(text) {
		if word, ok := strings.CutPrefix(line, name+"="); ok {
			return unquote(strings.TrimSuffix(word, "\n")), true
		}
	}
	return "", false
}

// unquote takes apart what shellescape.Quote and plan.QuotePath make of one word.
func unquote(word string) string {
	word = strings.ReplaceAll(strings.ReplaceAll(word, `'"'"'`, "\x00"), `'\''`, "\x00")
	word = strings.ReplaceAll(word, "'", "")
	return strings.ReplaceAll(word, "\x00", "'")
}

// lineAfter is the rest of the first line that begins so.
func lineAfter(text, prefix string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// strange is what the model answers to what it does not know. It is noted as broken: a fake that guesses proves nothing.
func (c *connection) strange(doing, text string) error {
	c.fleet.breaks("%s: the model does not know this %s: %.300q", c.name, doing, text)
	return &host.Error{Host: c.name, Kind: host.Protocol, Doing: doing, Err: fmt.Errorf("the model does not know %.100q", text)}
}
