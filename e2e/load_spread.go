//go:build linux

package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// Spread is a load of so many requests a second, spread over all URLs: one client each, on kept and on closed connections in turn.
func (f *Fleet) Spread(t testing.TB, perSecond int, urls ...string) *Load {
	t.Helper()
	l := startLoad(t)
	light := []kind{
		{name: "GET keep-alive", method: "GET", path: "/", keepAlive: true},
		{name: "POST close", method: "POST", path: "/echo", body: strings.Repeat("posted ", 100)},
		{name: "GET close", method: "GET", path: "/"},
	}
	every := time.Second * time.Duration(len(urls)) / time.Duration(perSecond)
	for i, u := range urls {
		to, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		k := light[i%len(light)]
		k.every, k.pause = every, every*time.Duration(i)/time.Duration(len(urls))
		l.all.Go(func() { l.client(to, k) })
	}
	return l
}

// clock gives how long a client waits until its next request. One with a beat of its own asks at once where it is late, and begins
// a pause after the load did.
func (k kind) clock() func() time.Duration {
	if k.every == 0 {
		return func() time.Duration { return k.pause }
	}
	next := time.Now().Add(k.pause)
	return func() time.Duration {
		wait := time.Until(next)
		next = next.Add(k.every)
		return wait
	}
}
