package model

import "time"

// Forget lets a proxy forget all drains that it keeps itself, as a reload does.
func (f *Fleet) Forget(proxy string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.members {
		if m.point.Proxy == proxy && !m.marked && f.isOut(m) {
			f.setOut(m, false)
			m.forgot = f.now()
		}
	}
}

// Crash ends an app's process on a host.
func (f *Fleet) Crash(app, host string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.place(host, app); p != nil {
		f.suffer(f.touched(host), func() { p.dies = f.now() })
	}
}

// CrashNext lets the next process of an app on a host die so long after it began to answer.
func (f *Fleet) CrashNext(app, host string, after time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.place(host, app); p != nil {
		p.crash = after
	}
}

// Sicken makes all processes of an app that are started on a host from now on never answer, or heals it.
func (f *Fleet) Sicken(app, host string, sick bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.place(host, app); p != nil {
		p.sick = sick
		if !sick {
			p.never, p.crash = false, 0
		}
	}
}

// Isolate makes a host unreachable for a while.
func (f *Fleet) Isolate(host string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[host].absent = f.now().Add(d)
}

// Calls counts the calls of all hosts so far.
func (f *Fleet) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}
