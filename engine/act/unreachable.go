package act

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// failed notes an error of a host that was read.
func (w *looker) failed(name string, err error) {
	if !w.isGone(name, err) {
		w.problems.add(name, err)
	}
}

// isGone tells whether err says that no connection to the host could be had, and notes it: whether the host may be left out is
// decided when all were visited. A refused key or an unknown host key is no such error.
func (w *looker) isGone(name string, err error) bool {
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != host.Unreachable || e.Host != name {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone[name] = append(w.gone[name], e)
	return true
}

// leaveOut makes facts of the servers that can't be reached where the plan may leave them out; the others are problems. For
// people (Look) all are both. A look that was interrupted reached nobody, and leaves nobody out.
func (w *looker) leaveOut(ctx context.Context) {
	names := slices.Sorted(maps.Keys(w.gone))
	if w.keepGoing && ctx.Err() == nil {
		w.goWithout(names)
		return
	}
	may := w.left
	if w.strict && ctx.Err() == nil {
		may = plan.Skippable(w.apps, names)
	}
	for _, name := range names {
		left := slices.Contains(may, name)
		if left || !w.strict {
			w.forget(name)
		}
		for _, err := range w.gone[name] {
			if !left {
				w.problems.add(name, err)
			}
		}
	}
}

// goWithout makes facts of all servers that can't be reached, and problems of the apps that may not leave them out.
func (w *looker) goWithout(names []string) {
	for _, app := range w.apps {
		own := slices.DeleteFunc(slices.Clone(names), func(h string) bool { return !slices.Contains(app.Hosts(), h) })
		may := plan.Skippable([]plan.App{app}, own)
		for _, h := range own {
			if !slices.Contains(may, h) {
				w.problems.addFor(h, app.Name, w.gone[h][0])
			}
		}
	}
	for _, name := range names {
		w.forget(name)
	}
}

// forget keeps of a host only that it can't be reached: what was read of it before is not known to hold.
func (w *looker) forget(name string) {
	f := &w.view.Facts
	if f.Unreachable == nil {
		f.Unreachable = map[string]string{}
	}
	f.Unreachable[name] = shortLine(strings.TrimPrefix(w.gone[name][0].Error(), name+": "))
	for _, app := range w.apps {
		delete(f.Apps[app.Name], name)
		if w.strict { // people want to see what the proxies say
			delete(f.Rotation[app.Name], name)
		}
		delete(w.view.Locks[app.Name], name)
	}
}
