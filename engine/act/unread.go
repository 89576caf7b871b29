package act

import (
	"errors"
	"slices"
	"strings"
)

// UnreadError is all that kept Gather from reading what must be known, sorted by host.
type UnreadError struct {
	errs []error
	// Fine are the apps of which everything could be read, in the order in which they were asked for.
	Fine []string
}

// Error gives one error a line.
func (e *UnreadError) Error() string { return errors.Join(e.errs...).Error() }

// Unwrap gives the errors.
func (e *UnreadError) Unwrap() []error { return e.errs }

// unread is the error of what could not be read; nil: there is none.
func (w *looker) unread() error {
	list := w.problems.list()
	if len(list) == 0 {
		return nil
	}
	e := &UnreadError{}
	for _, p := range list {
		e.errs = append(e.errs, p.err)
	}
	concerned := w.concerned()
	for _, app := range w.apps {
		if len(concerned[app.Name]) == 0 {
			e.Fine = append(e.Fine, app.Name)
		}
	}
	return e
}

// concerned are the errors by app: its own, and those of its hosts and proxies. What is of no host and no app concerns all.
func (w *looker) concerned() map[string][]error {
	out := map[string][]error{}
	for _, p := range w.problems.raw() {
		for _, app := range w.apps {
			if p.app == app.Name || p.app == "" && (p.host == "" || slices.Contains(app.Hosts(), p.host)) {
				out[app.Name] = append(out[app.Name], p.err)
			}
		}
	}
	return out
}

// raw are all errors as they came: the same one is there for each app that met it.
func (p *problems) raw() []hostError {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// setAside makes facts of what could not be read: the apps that it concerns can't be planned.
func (w *looker) setAside() {
	w.problems.list() // a host that can't be reached is met many times, and told in the same words
	concerned := w.concerned()
	for _, app := range w.apps {
		if errs := concerned[app.Name]; len(errs) > 0 {
			w.setAsideOne(app.Name, errs)
		}
	}
}

// setAsideOne forgets what else was read of an app: nothing is decided on it.
func (w *looker) setAsideOne(app string, errs []error) {
	f := &w.view.Facts
	if f.Unread == nil {
		f.Unread = map[string]string{}
	}
	f.Unread[app] = inOneLine(errs)
	delete(f.Apps, app)
	delete(f.Rotation, app)
	delete(f.Artifacts, app)
}

// inOneLine are errors without those that were met twice, sorted.
func inOneLine(errs []error) string {
	var texts []string
	for _, err := range errs {
		texts = append(texts, shortLine(err.Error()))
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "; ")
}
