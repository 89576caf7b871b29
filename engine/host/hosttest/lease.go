package hosttest

import (
	"sync"

	"trikk.dev/engine/host"
)

// Lease is a lease that a test can lose.
type Lease struct {
	first    string
	once     sync.Once
	lost     chan struct{}
	mu       sync.Mutex
	released bool
	word     string
}

var _ host.Lease = (*Lease)(nil)

// NewLease makes a lease whose holder printed first.
func NewLease(first string) *Lease { return &Lease{first: first, lost: make(chan struct{})} }

// First is the holder's first line.
func (l *Lease) First() string { return l.first }

// Lost is closed by Lose and by Release.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Lose makes the holder end, as a cut connection would.
func (l *Lease) Lose() { l.once.Do(func() { close(l.lost) }) }

// Release ends the holder and keeps the word.
func (l *Lease) Release(word string) error {
	l.mu.Lock()
	l.released, l.word = true, word
	l.mu.Unlock()
	l.Lose()
	return nil
}

// Word is what Release was called with.
func (l *Lease) Word() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.word
}

// Released tells whether Release was called.
func (l *Lease) Released() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.released
}
