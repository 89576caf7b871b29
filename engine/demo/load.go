package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Load sends requests without retries and counts those that fail: every answer but 200 and every broken connection. It is
// fair to proxies: each worker uses one of them, half of the workers with a new connection each time.
type Load struct {
	mu       sync.Mutex
	requests int
	failed   int
	first    string // the first failure
	versions []string
	seen     map[string]bool
	cancel   context.CancelFunc
	done     sync.WaitGroup
}

// StartLoad starts workers that each send a request every pause.
func StartLoad(urls []string, workers int, pause time.Duration) *Load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Load{cancel: cancel, seen: map[string]bool{}}
	for i := range workers {
		t := &http.Transport{DisableKeepAlives: i%4 >= 2}
		client := &http.Client{Timeout: 10 * time.Second, Transport: t}
		l.done.Go(func() {
			defer t.CloseIdleConnections()
			for ctx.Err() == nil {
				l.one(client, urls[i%len(urls)])
				select {
				case <-ctx.Done():
				case <-time.After(pause):
				}
			}
		})
	}
	return l
}

func (l *Load) one(client *http.Client, url string) {
	body, err := get(client, url)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	if err != nil {
		l.failed++
		if l.first == "" {
			l.first = err.Error()
		}
		return
	}
	var version string
	if _, err := fmt.Sscanf(body, "hello from %s", &version); err == nil && !l.seen[version] {
		l.seen[version] = true
		l.versions = append(l.versions, version)
	}
}

func get(client *http.Client, url string) (string, error) {
	r, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		return "", err
	}
	if r.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", url, r.Status)
	}
	return string(body), nil
}

// Count is what a load generator has seen so far.
type Count struct {
	Requests int
	Failed   int
	First    string   // the first failure, "" if there was none
	Versions []string // of the app, in the order in which they first answered
}

// Count gives the figures so far.
func (l *Load) Count() Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Count{l.requests, l.failed, l.first, append([]string{}, l.versions...)}
}

// Stop ends the load and gives the final figures.
func (l *Load) Stop() Count {
	l.cancel()
	l.done.Wait()
	return l.Count()
}
